/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of nonces: replay is noticed, within a bound. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "proto/envelope.h"
#include "t/unit/tap.h"

#define NOW	1700000000
#define DAY	86400

static struct envelope *nth(unsigned n, uid_t uid)
{
	struct envelope *env = calloc(1, sizeof(*env));

	env->userid = uid;
	env->time = NOW + n;
	env->expiry = NOW + n + DAY;
	memcpy(env->nonce, &n, sizeof(n));
	return env;
}

static int add(struct envelope_nonces *seen, unsigned n, uid_t uid,
	       int64_t now)
{
	struct envelope *env = nth(n, uid);
	struct envelope_policy pol = { .now = now, .max_age = 300, .skew = 30 };
	int rc = envelope_nonces_add(seen, env, &pol, n + 7) ? errno : 0;

	envelope_destroy(env);
	return rc;
}

/* The id remembered, or 0. */
static uint64_t known(struct envelope_nonces *seen, unsigned n, int64_t now)
{
	struct envelope *env = nth(n, 1);
	struct envelope_policy pol = { .now = now };
	uint64_t id = 0;
	bool found = envelope_nonces_find(seen, env, &pol, &id);

	envelope_destroy(env);
	return found ? id : 0;
}

static void test_replay(void)
{
	struct envelope_nonces *seen = envelope_nonces_create(1000);
	int bad = 0;

	is_int(add(seen, 1, 1, NOW), 0, "first time");
	is_int(add(seen, 1, 1, NOW + 1), EEXIST, "replay is noticed");
	is_int(known(seen, 1, NOW + 1), 8, "with the job that it made");
	is_int(known(seen, 2, NOW + 1), 0, "others are not known");
	is_int(known(seen, 1, NOW + 1 + 331), 0, "nor what is too old");
	is_int(add(seen, 1, 2, NOW + 1), 0, "another user's nonce is another");
	is_int(add(seen, 1, 1, NOW + 1 + 330), EEXIST,
	       "remembered as long as it could pass");
	is_int(add(seen, 1, 1, NOW + 1 + 331), 0, "forgotten afterwards");
	envelope_nonces_destroy(seen);

	seen = envelope_nonces_create(1000);
	for (unsigned n = 0; n < 1000; n++)
		bad += add(seen, n, 1, NOW) != 0;
	is_int(bad, 0, "1000 fit");
	for (unsigned n = 0; n < 1000; n++)
		bad += add(seen, n, 1, NOW) != EEXIST;
	is_int(bad, 0, "all of them are remembered");
	is_int(add(seen, 1000, 1, NOW), ENOSPC, "one more does not fit");
	is_int(envelope_nonces_count(seen), 1000, "count");
	is_int(add(seen, 1000, 1, NOW + 331), 0, "it does when one is over");
	for (unsigned n = 1; n < 1001; n++)
		bad += add(seen, n, 1, NOW + 331) != EEXIST;
	is_int(bad, 0, "the others are still remembered");
	for (unsigned n = 2000; n < 200000; n++)
		bad += add(seen, n, 1, NOW + n) != 0;
	is_int(bad, 0, "as many as one likes over time");
	ok(envelope_nonces_count(seen) <= 1000, "within the bound");
	envelope_nonces_destroy(seen);
	envelope_nonces_destroy(NULL);
}

int main(void)
{
	test_replay();
	return done();
}
