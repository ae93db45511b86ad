/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Envelopes seen before: see envelope.h. An open hash table, at most half
 * full; what is too old to be accepted leaves when the table fills up, so the
 * cost of forgetting is spread over the adding. The hash is keyed, since
 * users choose the nonces.
 */
#include "config.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "proto/envelope.h"

#define SLOTS_MIN	64

struct seen {
	unsigned char nonce[ENVELOPE_NONCE_BYTES];
	uint32_t userid;
	uint32_t used;
	int64_t until;		/* seconds since 1970; refused from then on */
	uint64_t id;		/* of the job */
};

struct envelope_nonces {
	struct seen *slot;
	size_t slots;		/* a power of two */
	size_t count, max;
	int64_t next;		/* nothing is over before this time */
	unsigned char key[crypto_shorthash_KEYBYTES];
};

struct envelope_nonces *envelope_nonces_create(size_t max)
{
	struct envelope_nonces *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->slots = SLOTS_MIN;
	n->max = max;
	n->next = INT64_MAX;
	n->slot = calloc(n->slots, sizeof(*n->slot));
	if (!n->slot || sodium_init() < 0) {
		envelope_nonces_destroy(n);
		errno = ENOMEM;
		return NULL;
	}
	crypto_shorthash_keygen(n->key);
	return n;
}

void envelope_nonces_destroy(struct envelope_nonces *n)
{
	int saved = errno;

	if (n) {
		free(n->slot);
		free(n);
	}
	errno = saved;
}

size_t envelope_nonces_count(const struct envelope_nonces *n)
{
	return n->count;
}

static bool same(const struct seen *a, const struct seen *b)
{
	return a->userid == b->userid &&
	       !memcmp(a->nonce, b->nonce, sizeof(a->nonce));
}

/* Where WANT is, or the free slot where it belongs. */
static struct seen *find(const struct envelope_nonces *n,
			 const struct seen *want)
{
	unsigned char hash[crypto_shorthash_BYTES];
	uint64_t i;

	crypto_shorthash(hash, want->nonce, sizeof(want->nonce), n->key);
	memcpy(&i, hash, sizeof(i));
	i &= n->slots - 1;
	while (n->slot[i].used && !same(&n->slot[i], want))
		i = (i + 1) & (n->slots - 1);
	return &n->slot[i];
}

/* Forget what is over; make room if that was little. */
static int rebuild(struct envelope_nonces *n, int64_t now)
{
	struct seen *old = n->slot;
	size_t old_slots = n->slots, keep = 0;

	if (now < n->next && n->count >= n->max)
		return 0;
	for (size_t i = 0; i < old_slots; i++)
		keep += old[i].used && old[i].until > now;
	while (n->slots > SLOTS_MIN && n->slots / 8 >= keep + 1)
		n->slots /= 2;
	while (n->slots / 4 < keep + 1)
		n->slots *= 2;
	n->slot = calloc(n->slots, sizeof(*n->slot));
	if (!n->slot) {
		n->slot = old;
		n->slots = old_slots;
		errno = ENOMEM;
		return -1;
	}
	n->next = INT64_MAX;
	for (size_t i = 0; i < old_slots; i++) {
		if (!old[i].used || old[i].until <= now)
			continue;
		*find(n, &old[i]) = old[i];
		n->next = old[i].until < n->next ? old[i].until : n->next;
	}
	n->count = keep;
	free(old);
	return 0;
}

bool envelope_nonces_find(const struct envelope_nonces *n,
			  const struct envelope *env,
			  const struct envelope_policy *policy, uint64_t *id)
{
	struct seen want = { .userid = env->userid };
	const struct seen *slot;

	memcpy(want.nonce, env->nonce, sizeof(want.nonce));
	slot = find(n, &want);
	if (!slot->used || slot->until <= policy->now)
		return false;
	*id = slot->id;
	return true;
}

int envelope_nonces_add(struct envelope_nonces *n, const struct envelope *env,
			const struct envelope_policy *policy, uint64_t id)
{
	struct seen want = { .userid = env->userid, .used = 1, .id = id };
	struct seen *slot;

	/* as verify_time() of envelope.c refuses it */
	want.until = env->expiry + policy->skew;
	if (policy->max_age && env->time + policy->max_age < env->expiry)
		want.until = env->time + policy->max_age + policy->skew + 1;
	memcpy(want.nonce, env->nonce, sizeof(want.nonce));
	slot = find(n, &want);
	if (slot->used && slot->until > policy->now) {
		errno = EEXIST;
		return -1;
	}
	if (want.until < n->next)
		n->next = want.until;
	if (slot->used) {
		*slot = want;
		return 0;
	}
	if (n->count >= n->max || n->count >= n->slots / 2) {
		if (rebuild(n, policy->now))
			return -1;
		if (n->count >= n->max) {
			errno = ENOSPC;
			return -1;
		}
		slot = find(n, &want);
	}
	*slot = want;
	n->count++;
	return 0;
}
