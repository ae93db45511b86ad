/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two places of the key-value store: a stream of pages,
 * and the changes that one holds. weir_kvs_diff(3). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/internal.h"

weir_future_t *weir_kvs_diff(weir_t *h, const struct weir_kvs_place *from,
			     const struct weir_kvs_place *to, int flags)
{
	weir_future_t *f;

	if (flags & ~WEIR_DIFF_RECURSIVE) {
		errno = EINVAL;
		return NULL;
	}
	f = request_begin(h, KIND_PAGES, "diff");
	if (!f)
		return NULL;
	wire_word(&h->out, namespace_word(from->ns));
	wire_word(&h->out, from->key ? from->key : ".");
	request_opt(h, "at", from->at);
	if (to) {
		request_opt(h, "to-ns", to->ns);
		request_opt(h, "to-key", to->key);
		request_opt(h, "to", to->at);
	}
	if (flags & WEIR_DIFF_RECURSIVE)
		wire_opt_u64(&h->out, "recursive", 1);
	return request_end_none(f);
}

/* The next word of a line, or NULL. */
static char *word(char **line)
{
	char *start = strsep(line, " ");

	return start && *start ? start : NULL;
}

static int take_line(char *line, struct weir_kvs_change *change)
{
	char *was_size, *is_size, *key;

	change->what = word(&line);
	change->was = word(&line);
	was_size = word(&line);
	change->is = word(&line);
	is_size = word(&line);
	key = word(&line);
	if (!key || line || wire_parse_u64(was_size, &change->was_size) < 0 ||
	    wire_parse_u64(is_size, &change->is_size) < 0 ||
	    wire_unescape(key) < 0) {
		errno = EPROTO;
		return -1;
	}
	change->key = key;
	return 1;
}

int weir_kvs_diff_next(weir_future_t *f, struct weir_kvs_change *change)
{
	int r;

	if (weir_future_get(f) < 0)
		return -1;
	r = future_line(f);
	return r > 0 ? take_line(f->list_line, change) : r;
}
