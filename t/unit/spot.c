/* SPDX-License-Identifier: Apache-2.0 */
/* The index from keys to watches: who is told of which change. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvsd/spot.h"
#include "t/unit/tap.h"

#define HOOKS	64

static struct table spots;
static struct hook hook[HOOKS];
static char told[1024];

static void note(struct hook *h, enum where where, const char *tail,
		 void *arg)
{
	static const char *const name[] = { "below", "at", "above" };
	size_t len = strlen(told);

	snprintf(told + len, sizeof(told) - len, "%s%d %s%s%s",
		 len ? ", " : "", (int)(h - hook), name[where],
		 *tail ? " " : "", tail);
}

static const char *tell(const char *ns, const char *key)
{
	told[0] = '\0';
	spots_tell(&spots, ns, key, note, NULL);
	return told;
}

static void test_told(void)
{
	hook_on(&spots, &hook[0], "n", "a.b");
	hook_on(&spots, &hook[1], "n", "a.b.c.d");
	hook_on(&spots, &hook[2], "n", ".");
	hook_on(&spots, &hook[3], "m", "a.b");
	hook_on(&spots, &hook[4], "n", "a.b");
	is_str(tell("n", "a.b"), "2 below a.b, 0 at, 4 at, 1 above",
	       "at the key, above and below it, in the order of coming");
	is_str(tell("n", "a.b.x"), "2 below a.b.x, 0 below x, 4 below x",
	       "a key below");
	is_str(tell("n", "a.bb"), "2 below a.bb", "a longer name is another");
	is_str(tell("n", "a"), "2 below a, 0 above, 4 above, 1 above",
	       "a key above");
	is_str(tell("n", "."), "2 at, 0 above, 4 above, 1 above", "the root");
	is_str(tell("m", "a.b"), "3 at", "another namespace");
	is_str(tell("x", "a.b"), "", "a namespace that nobody watches");
	hook_off(&spots, &hook[0]);
	is_str(tell("n", "a.b"), "2 below a.b, 4 at, 1 above", "one has gone");
	hook_off(&spots, &hook[0]);
	ok(true, "going twice is harmless");
	for (int i = 1; i < 5; i++)
		hook_off(&spots, &hook[i]);
	is_int(spots.count, 0, "nothing is left of them");
}

/* Whether A is B or stands above it. */
static bool leads_to(const char *a, const char *b)
{
	size_t n = strlen(a);

	return !strcmp(a, ".") ||
		(!strncmp(a, b, n) && (!b[n] || b[n] == '.'));
}

static void count_one(struct hook *h, enum where where, const char *tail,
		      void *arg)
{
	((unsigned char *)arg)[h - hook]++;
}

static void random_key(char key[16])
{
	int depth = 1 + random() % 4, n = 0;

	while (depth--)
		n += snprintf(key + n, 16 - n, "%s%c", n ? "." : "",
			      (int)('a' + random() % 3));
}

/* Against the definition, by comparing all keys. */
static void test_random(void)
{
	char key[HOOKS][16], change[16];
	int wrong = 0;

	srandom(1);
	for (int i = 0; i < HOOKS; i++) {
		random_key(key[i]);
		hook_on(&spots, &hook[i], "n", key[i]);
	}
	for (int round = 0; round < 2000; round++) {
		unsigned char count[HOOKS] = { 0 };
		int i = random() % HOOKS;

		hook_off(&spots, &hook[i]);
		random_key(key[i]);
		hook_on(&spots, &hook[i], "n", key[i]);
		random_key(change);
		spots_tell(&spots, "n", change, count_one, count);
		for (i = 0; i < HOOKS; i++)
			wrong += count[i] != (leads_to(key[i], change) ||
					      leads_to(change, key[i]));
	}
	is_int(wrong, 0, "each that is concerned is told once, no other");
	for (int i = 0; i < HOOKS; i++)
		hook_off(&spots, &hook[i]);
	is_int(spots.count, 0, "and nothing is left");
}

int main(void)
{
	test_told();
	test_random();
	table_free(&spots);
	return done();
}
