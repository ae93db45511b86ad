/* SPDX-License-Identifier: Apache-2.0 */
/* Leases; the handle takes its own over to a new connection, and tells their
 * futures when one has ended, or may have, because there was none for too
 * long. weir_lease(3). */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/internal.h"

#define LEASE_MAX	86400	/* seconds */

struct lease {
	struct lease *next;
	weir_t *h;
	uint64_t id;
	double seconds;		/* negative: not known */
	weir_future_t *f;	/* to be told, or NULL */
	weir_future_t *timer;	/* while there is no connection, or NULL */
	weir_future_t *renewal;	/* on the way, or NULL */
};

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
	f->lease_seconds = seconds;
	snprintf(text, sizeof(text), "%llu.%03u",
		 (unsigned long long)seconds,
		 (unsigned)((seconds - (double)(uint64_t)seconds) * 1000));
	wire_word(&h->out, text);
	return request_end_none(f);
}

/* ---- those that the handle has ---- */

static void lease_free(struct lease *l)
{
	struct lease **p = &l->h->leases;

	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
	weir_future_destroy(l->timer);
	weir_future_destroy(l->renewal);
	if (l->f)
		l->f->held = NULL;
	free(l);
}

void lease_forget(weir_t *h, uint64_t id)
{
	struct lease *l, *next;

	for (l = h->leases; l; l = next) {
		next = l->next;
		if (l->id == id)
			lease_free(l);
	}
}

void leases_free(weir_t *h)
{
	while (h->leases)
		lease_free(h->leases);
}

void lease_abandon(weir_future_t *f)
{
	if (f->held)
		f->held->f = NULL;
	f->held = NULL;
}

void lease_made(weir_future_t *f, const struct item *ok)
{
	const char *id = item_option(ok, "id");
	const char *seconds = item_option(ok, "seconds");
	uint64_t n = f->lease;
	struct lease *l;

	if (!n && (!id || wire_parse_u64(id, &n) < 0))
		return;
	lease_forget(f->h, n);
	l = calloc(1, sizeof(*l));
	if (!l)
		return;		/* lost with the connection, no worse */
	l->h = f->h;
	l->id = n;
	l->seconds = f->lease_seconds;
	if (seconds && wire_parse_seconds(seconds, &l->seconds) < 0)
		l->seconds = -1;
	l->f = f;
	l->next = f->h->leases;
	f->h->leases = l;
	f->held = l;
	f->ended = false;
	future_derive(f);
}

/* It has ended, or may have. WHY, which may be NULL, has details. */
static void lease_tell(struct lease *l, int errnum, const char *text,
		       const struct item *why)
{
	weir_future_t *f = l->f;
	struct item *item;

	item = item_create(why ? (const char *const *)why->word : NULL,
			   why ? why->words : 0, text, NULL, 0);
	if (item)
		item->errnum = errnum;
	lease_free(l);
	if (f) {
		f->ended = true;
		future_fulfill(f, item);
	} else {
		free(item);
	}
}

/* ---- connections ---- */

static void on_timer(weir_future_t *f, void *arg)
{
	struct lease *l = arg;
	char text[128];

	snprintf(text, sizeof(text), "there was no connection for %g s: "
		 "lease %llu may have ended", l->seconds,
		 (unsigned long long)l->id);
	lease_tell(l, ETIMEDOUT, text, NULL);
}

static void run_timer(struct lease *l)
{
	if (l->timer || l->seconds < 0)
		return;
	l->timer = future_create(l->h, KIND_ONCE);
	if (l->timer)
		weir_future_then(l->timer, l->seconds, on_timer, l);
}

void leases_disconnected(weir_t *h)
{
	struct lease *l;

	for (l = h->leases; l && !h->dead; l = l->next)
		run_timer(l);
	/* a continuation may end others or close the handle */
	while ((l = h->leases) && h->dead && !h->closing)
		lease_tell(l, ECONNRESET, "there is no connection to kvsd: "
			   "the lease will end", NULL);
}

static void on_renewed(weir_future_t *f, void *arg)
{
	struct lease *l = arg;
	int errnum = weir_future_error(f);

	if (errnum && errnum != ECONNRESET) {	/* frees F, too */
		lease_tell(l, errnum, weir_future_strerror(f), f->item);
		return;
	}
	l->renewal = NULL;
	weir_future_destroy(f);
	if (!errnum) {
		weir_future_destroy(l->timer);
		l->timer = NULL;
	}
	/* else: the next connection tries again, unless the timer ends */
}

void leases_renew(weir_t *h)
{
	struct lease *l;

	for (l = h->leases; l; l = l->next) {
		weir_future_destroy(l->renewal);
		l->renewal = request_begin(h, KIND_ONCE, "lease-renew");
		if (!l->renewal)
			continue;
		wire_u64(&h->out, l->id);
		wire_end(&h->out);
		weir_future_then(l->renewal, -1, on_renewed, l);
	}
}

/* ---- the rest of the interface ---- */

weir_future_t *weir_lease_renew(weir_t *h, uint64_t id)
{
	weir_future_t *f = request_begin(h, KIND_LEASE, "lease-renew");

	if (!f)
		return NULL;
	f->lease = id;
	f->lease_seconds = -1;
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
