/* SPDX-License-Identifier: Apache-2.0 */
/* Locks and elections. Each contender enqueues a key of its own below that of
 * the lock, under a lease; the first one holds it. A contender that is not
 * first watches the one before it alone, so that a release wakes one waiter,
 * and looks again when that has gone, so that those who left are skipped. The
 * key's number, the version that enqueued it, is the fencing number: it rises
 * in the order of the queue. weir_lock(3).
 *
 * STEP is the request or watch that the lock goes on with: the commit, then
 * listing and watching the predecessor in turns, then watching its own key. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/internal.h"

#define DIGITS		20
#define SHARED		"-shared"
#define NAME_MAX_	(DIGITS + sizeof(SHARED))
#define PAGE		1000

struct lock {
	weir_future_t *f;	/* of the caller */
	char *ns, *key, *data;
	size_t len;
	bool shared, held;
	uint64_t lease_id, number;	/* or 0 */
	weir_future_t *lease, *step;
	char name[NAME_MAX_ + 1];	/* of its key, below KEY */
	char before[NAME_MAX_ + 1];	/* whom to wait for, while listing */
};

static void look(struct lock *l, const char *after);

/* ---- the end ---- */

static void lock_free(void *aux)
{
	struct lock *l = aux;
	weir_t *h = l->f->h;
	char id[24];

	weir_future_destroy(l->step);
	weir_future_destroy(l->lease);
	if (h && l->lease_id) {
		snprintf(id, sizeof(id), "%llu",
			 (unsigned long long)l->lease_id);
		lease_forget(h, l->lease_id);
		request_silent(h, "lease-end", id);
	}
	free(l->ns);
	free(l->key);
	free(l->data);
	free(l);
}

/* The lock is no more: the caller's future ends. L may be gone after it. */
static void fail(struct lock *l, int errnum, const char *why)
{
	bool held = l->held;
	char text[512];

	if (l->f->ended)
		return;
	snprintf(text, sizeof(text), "%s", why);
	weir_future_destroy(l->step);
	l->step = NULL;
	l->held = false;
	if (held)
		future_fail(l->f, ENOLCK, "the lock is lost: %s", text);
	else
		future_fail(l->f, errnum, "%s", text);
}

static void fail_by(struct lock *l, weir_future_t *f)
{
	fail(l, weir_future_error(f), weir_future_strerror(f));
}

/* ---- the steps ---- */

/* Goes on with F, which may be NULL with errno, in the place of the step. -1:
 * L may be gone. */
static int step(struct lock *l, weir_future_t *f, weir_future_f *cb)
{
	weir_future_t *old = l->step;

	l->step = f;
	weir_future_destroy(old);
	if (f && weir_future_then(f, -1, cb, l) == 0)
		return 0;
	fail(l, errno, strerror(errno));
	return -1;
}

static char *path(const struct lock *l, const char *name)
{
	char *p;

	if (asprintf(&p, "%s%s%s", strcmp(l->key, ".") ? l->key : "",
		     strcmp(l->key, ".") ? "." : "", name) < 0)
		return NULL;
	return p;
}

static weir_future_t *watch(struct lock *l, const char *name)
{
	char *key = path(l, name);
	weir_future_t *f;

	if (!key)
		return NULL;
	f = weir_kvs_watch(l->f->h, l->ns, key, WEIR_WATCH_LATEST,
			   WEIR_FROM_NOW, 0, 0);
	free(key);
	return f;
}

static bool is_gone(weir_future_t *f)
{
	const char *kind = weir_future_word(f, 0);

	return weir_future_error(f) == ENOENT ||
	       (kind && !strcmp(kind, "gone"));
}

/* The own key, while the lock is held. */
static void on_own(weir_future_t *f, void *arg)
{
	struct lock *l = arg;

	if (is_gone(f))
		fail(l, ENOLCK, "its key was removed");
	else if (weir_future_error(f))
		fail_by(l, f);
}

static void hold(struct lock *l)
{
	char number[32], *key, *own = path(l, l->name);
	const char *words[] = { "held", number, NULL };

	snprintf(number, sizeof(number), "number=%llu",
		 (unsigned long long)l->number);
	if (!own || asprintf(&key, "key=%s", own) < 0) {
		free(own);
		fail(l, ENOMEM, "out of memory");
		return;
	}
	free(own);
	words[2] = key;
	l->held = true;
	if (step(l, watch(l, l->name), on_own) == 0)
		future_fulfill(l->f, item_create(words, 3, NULL, NULL, 0));
	free(key);
}

static void on_before(weir_future_t *f, void *arg)
{
	struct lock *l = arg;

	if (is_gone(f))
		look(l, NULL);
	else if (weir_future_error(f))
		fail_by(l, f);
}

/* A page of the queue, from the first on. */
static void on_list(weir_future_t *f, void *arg)
{
	struct lock *l = arg;
	char last[NAME_MAX_ + 1] = "";
	const char *type, *name, *more;
	uint64_t size;
	int order = -1;

	if (weir_future_error(f) && weir_future_error(f) != ENOENT) {
		fail_by(l, f);
		return;
	}
	while (order < 0 && !weir_future_error(f) &&
	       weir_kvs_list_next(f, &type, &size, &name) > 0) {
		order = strcmp(name, l->name);
		snprintf(last, sizeof(last), "%s", name);
		if (order < 0 && (!l->shared || !strstr(name, SHARED)))
			strcpy(l->before, last);
	}
	more = weir_future_error(f) ? NULL : weir_future_option(f, "more");
	if (order == 0 && *l->before)
		step(l, watch(l, l->before), on_before);
	else if (order == 0)
		hold(l);
	else if (order < 0 && *last && more && !strcmp(more, "1"))
		look(l, last);
	else
		fail(l, ENOLCK, "the place in the queue was removed");
}

/* At the first of the queue alone, then, with AFTER, further on. */
static void look(struct lock *l, const char *after)
{
	if (!after)
		l->before[0] = '\0';
	step(l, weir_kvs_list(l->f->h, l->ns, l->key, NULL, after,
			      after ? PAGE : 1), on_list);
}

static void on_enqueued(weir_future_t *f, void *arg)
{
	struct lock *l = arg;

	if (weir_future_error(f)) {
		fail_by(l, f);
		return;
	}
	if (weir_future_u64(f, "version", &l->number) < 0) {
		fail(l, EPROTO, "the commit has no version");
		return;
	}
	snprintf(l->name, sizeof(l->name), "%0*llu%s", DIGITS,
		 (unsigned long long)l->number, l->shared ? SHARED : "");
	look(l, NULL);
}

/* It is there; later, that it has ended. */
static void on_lease(weir_future_t *f, void *arg)
{
	struct lock *l = arg;
	weir_txn_t *txn;

	if (weir_future_error(f)) {
		l->lease_id = 0;
		fail_by(l, f);
		return;
	}
	if (weir_future_u64(f, "id", &l->lease_id) < 0) {
		fail(l, EPROTO, "the lease has no number");
		return;
	}
	txn = weir_txn_create();
	if (txn)
		weir_txn_enqueue(txn, l->key, l->data, l->len, l->lease_id,
				 l->shared ? SHARED : NULL);
	step(l, txn ? weir_kvs_commit(l->f->h, l->ns, txn, 0) : NULL,
	     on_enqueued);
	weir_txn_destroy(txn);
}

/* ---- the interface ---- */

static struct lock *lock_create(const char *ns, const char *key,
				const void *data, size_t len)
{
	struct lock *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->ns = strdup(namespace_word(ns));
	l->key = strdup(key);
	l->data = malloc(len + 1);
	if (!l->ns || !l->key || !l->data) {
		free(l->ns);
		free(l->key);
		free(l->data);
		free(l);
		return NULL;
	}
	if (len)
		memcpy(l->data, data, len);
	l->len = len;
	return l;
}

static weir_future_t *contend(weir_t *h, struct lock *l, double ttl)
{
	weir_future_t *f = l ? future_create(h, KIND_LOCK) : NULL;

	if (!f) {
		free(l);
		return NULL;
	}
	l->f = f;
	f->aux = l;
	f->aux_free = lock_free;
	future_derive(f);
	l->lease = weir_lease(h, ttl);
	if (l->lease && weir_future_then(l->lease, -1, on_lease, l) == 0)
		return f;
	weir_future_destroy(f);
	return NULL;
}

weir_future_t *weir_lock(weir_t *h, const char *ns, const char *key,
			 double ttl, int flags)
{
	struct lock *l = lock_create(ns, key, NULL, 0);

	if (l)
		l->shared = flags & WEIR_LOCK_SHARED;
	return contend(h, l, ttl);
}

weir_future_t *weir_elect(weir_t *h, const char *ns, const char *key,
			  const void *data, size_t len, double ttl)
{
	return contend(h, lock_create(ns, key, data, len), ttl);
}

uint64_t weir_lock_number(const weir_future_t *lock)
{
	const struct lock *l = lock->aux;

	return l->held ? l->number : 0;
}

weir_future_t *weir_unlock(weir_future_t *lock)
{
	struct lock *l = lock->aux;
	weir_future_t *f = NULL;

	if (l->held && lock->h && l->lease_id) {
		f = weir_lease_end(lock->h, l->lease_id);
		if (f)
			l->lease_id = 0;
	} else {
		errno = EINVAL;
	}
	weir_future_destroy(lock);
	return f;
}

/* ---- who leads ---- */

struct candidate {
	char *data;
	size_t len;
	char name[NAME_MAX_ + 1];
};

struct leader {
	struct candidate *candidate;	/* in the order of names */
	size_t count, room;
	char told[NAME_MAX_ + 1];	/* the leader, "" if there was none */
	bool synced, said;
	size_t prefix;			/* bytes of the key and its dot */
};

static void candidates_clear(struct leader *l)
{
	while (l->count)
		free(l->candidate[--l->count].data);
}

static void leader_free(void *aux)
{
	struct leader *l = aux;

	candidates_clear(l);
	free(l->candidate);
	free(l);
}

static size_t position(const struct leader *l, const char *name, bool *found)
{
	size_t i = l->count;

	/* new ones come last */
	while (i && strcmp(l->candidate[i - 1].name, name) >= 0)
		i--;
	*found = i < l->count && !strcmp(l->candidate[i].name, name);
	return i;
}

static void candidate_remove(struct leader *l, const char *name)
{
	bool found;
	size_t i = position(l, name, &found);

	if (!found)
		return;
	free(l->candidate[i].data);
	memmove(&l->candidate[i], &l->candidate[i + 1],
		(--l->count - i) * sizeof(*l->candidate));
}

static int candidate_add(struct leader *l, const char *name, const char *data,
			 size_t len)
{
	struct candidate *c;
	char *copy;
	bool found;
	size_t i;

	candidate_remove(l, name);
	if (l->count == l->room) {
		size_t room = l->room ? 2 * l->room : 16;

		c = realloc(l->candidate, room * sizeof(*c));
		if (!c)
			return -1;
		l->candidate = c;
		l->room = room;
	}
	copy = malloc(len + 1);
	if (!copy)
		return -1;
	if (len)
		memcpy(copy, data, len);
	i = position(l, name, &found);
	c = &l->candidate[i];
	memmove(c + 1, c, (l->count++ - i) * sizeof(*c));
	c->data = copy;
	c->len = len;
	strcpy(c->name, name);
	return 0;
}

static void announce(weir_future_t *f, struct leader *l)
{
	const struct candidate *c = l->count ? l->candidate : NULL;
	char number[32];
	const char *words[] = { c ? "leader" : "none", number };

	if (!l->synced || (l->said && !strcmp(l->told, c ? c->name : "")))
		return;
	if (c)
		snprintf(number, sizeof(number), "number=%llu",
			 strtoull(c->name, NULL, 10));
	l->said = true;
	strcpy(l->told, c ? c->name : "");
	future_queue(f, item_create(words, c ? 2 : 1, NULL,
				    c ? c->data : NULL, c ? c->len : 0));
}

static bool is_candidate(const struct leader *l, const char *key)
{
	return strlen(key) > l->prefix && key[l->prefix] >= '0' &&
	       key[l->prefix] <= '9' && strlen(key) - l->prefix <= NAME_MAX_ &&
	       !strchr(key + l->prefix, '.');
}

static bool follow(weir_future_t *f, struct item *item)
{
	struct leader *l = f->aux;
	const char *kind = item->words ? item->word[0] : "";
	const char *key = item->words > 1 ? item->word[1] : "";

	if (item->errnum)
		return true;
	if (!strcmp(kind, "synced") || !strcmp(kind, "lagged")) {
		l->synced = *kind == 's';
	} else if (is_candidate(l, key)) {
		if (strcmp(kind, "put"))
			candidate_remove(l, key + l->prefix);
		else if (candidate_add(l, key + l->prefix, item->payload,
				       item->payload_len) < 0)
			future_end(f, ENOMEM, "out of memory");
	} else if (!strcmp(kind, "unlink") && strlen(key) < l->prefix) {
		candidates_clear(l);
	}
	if (!f->ended)
		announce(f, l);
	return false;
}

weir_future_t *weir_leader(weir_t *h, const char *ns, const char *key)
{
	struct leader *l = calloc(1, sizeof(*l));
	weir_future_t *f = l ? weir_kvs_watch(h, ns, key, WEIR_WATCH_PREFIX, 0,
					      0, WEIR_WATCH_WAIT) : NULL;

	if (!f) {
		free(l);
		return NULL;
	}
	l->prefix = strcmp(key, ".") ? strlen(key) + 1 : 0;
	f->aux = l;
	f->aux_free = leader_free;
	f->filter = follow;
	return f;
}
