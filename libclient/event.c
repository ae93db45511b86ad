/* SPDX-License-Identifier: Apache-2.0 */
/* Events. weir_event(3). */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libclient/internal.h"

weir_future_t *weir_event_publish(weir_t *h, const char *topic, int flags,
				  const void *data, size_t len)
{
	weir_future_t *f = request_begin(h, KIND_ONCE, "publish");

	if (!f)
		return NULL;
	wire_word(&h->out, topic);
	if (flags & WEIR_EVENT_PRIVATE)
		wire_opt(&h->out, "private", "1");
	return data ? request_end(f, data, len) : request_end_none(f);
}

weir_future_t *weir_event_subscribe(weir_t *h, const char *prefix)
{
	weir_future_t *f = request_begin(h, KIND_SUBSCRIBE, "subscribe");

	if (!f)
		return NULL;
	wire_word(&h->out, prefix);
	return request_end_none(f);
}

/* The option sequence of ITEM; false if it has none. */
static bool sequence(const struct item *item, uint64_t *n)
{
	int i;

	for (i = 0; i < item->words; i++)
		if (!strncmp(item->word[i], "sequence=", 9))
			return wire_parse_u64(item->word[i] + 9, n) == 0;
	return false;
}

void event_saw(weir_future_t *f, const struct item *item)
{
	if (sequence(item, &f->sequence))
		f->numbered = true;
}

/* A subscription that begins again later than it ended reports what passed in
 * between. F may be gone afterwards. */
void event_subscribed(weir_future_t *f, const struct item *ok)
{
	bool again = f->numbered;
	uint64_t before = f->sequence, now;
	char count[32], first[32], last[32];
	const char *words[] = { "lost", count, first, last };

	event_saw(f, ok);
	now = f->sequence;
	if (!again || now == before || now == 0)
		return;
	/* lower: the server has begun to count again */
	snprintf(count, sizeof(count), "count=%" PRIu64,
		 now > before ? now - before : now);
	snprintf(first, sizeof(first), "first=%" PRIu64,
		 now > before ? before + 1 : 1);
	snprintf(last, sizeof(last), "last=%" PRIu64, now);
	future_fulfill(f, item_create(words, 4, NULL, NULL, 0));
}
