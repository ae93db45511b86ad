/* SPDX-License-Identifier: Apache-2.0 */
/* The instance's log. weir_log(3). */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libclient/internal.h"

void weir_log(weir_t *h, int level, const char *name, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (!h)
		fprintf(stderr, "%s: %s\n", name, text);
	if (!h || h->fd < 0)
		return;
	wire_verbatim(&h->out, "-");
	wire_verbatim(&h->out, "log");
	wire_u64(&h->out, level < 0 ? 0 : level > 7 ? 7 : level);
	wire_word(&h->out, name);
	wire_end_payload(&h->out, text, strlen(text));
	loop_changed(h);
}

weir_future_t *weir_log_read(weir_t *h, bool follow)
{
	weir_future_t *f = request_begin(h, KIND_LOG, "log-read");

	if (!f)
		return NULL;
	if (follow)
		wire_opt(&h->out, "follow", "1");
	return request_end_none(f);
}

weir_future_t *weir_log_clear(weir_t *h)
{
	weir_future_t *f = request_begin(h, KIND_ONCE, "log-clear");

	return f ? request_end_none(f) : NULL;
}
