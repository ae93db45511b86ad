/* SPDX-License-Identifier: Apache-2.0 */
/* Leases; the handle takes its own over to a new connection. weir_lease(3). */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/internal.h"

#define LEASE_MAX	86400	/* seconds */

weir_future_t *weir_lease(weir_t *h, double seconds)
{
	weir_future_t *f;
	char text[64];

	if (!(seconds >= 0 && seconds <= LEASE_MAX)) {
		errno = EINVAL;
		return NULL;
	}
	f = request_begin(h, KIND_LEASE, "lease");
	if (!f)
		return NULL;
	snprintf(text, sizeof(text), "%llu.%03u",
		 (unsigned long long)seconds,
		 (unsigned)((seconds - (double)(uint64_t)seconds) * 1000));
	wire_word(&h->out, text);
	return request_end_none(f);
}

static void remember(weir_t *h, uint64_t id)
{
	uint64_t *lease;

	lease_forget(h, id);
	lease = realloc(h->lease, (h->leases + 1) * sizeof(*lease));
	if (!lease)
		return;		/* lost with the connection, no worse */
	h->lease = lease;
	lease[h->leases++] = id;
}

void lease_forget(weir_t *h, uint64_t id)
{
	size_t i;

	for (i = 0; i < h->leases; i++)
		if (h->lease[i] == id) {
			h->lease[i] = h->lease[--h->leases];
			return;
		}
}

void lease_made(weir_future_t *f, const struct item *ok)
{
	uint64_t id;
	int i;

	if (f->lease)
		remember(f->h, f->lease);
	for (i = 0; i < ok->words; i++)
		if (!strncmp(ok->word[i], "id=", 3) &&
		    wire_parse_u64(ok->word[i] + 3, &id) == 0)
			remember(f->h, id);
}

weir_future_t *weir_lease_renew(weir_t *h, uint64_t id)
{
	weir_future_t *f = request_begin(h, KIND_LEASE, "lease-renew");

	if (!f)
		return NULL;
	f->lease = id;
	wire_u64(&h->out, id);
	return request_end_none(f);
}

weir_future_t *weir_lease_end(weir_t *h, uint64_t id)
{
	weir_future_t *f = request_begin(h, KIND_ONCE, "lease-end");

	if (!f)
		return NULL;
	lease_forget(h, id);
	wire_u64(&h->out, id);
	return request_end_none(f);
}
