/* SPDX-License-Identifier: Apache-2.0 */
/* First-fit: who gets which cores, what is refused, what comes back. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "schedd/pool.h"
#include "t/unit/tap.h"

/* N nodes of CORES cores and GPUS gpus, all up. */
static struct pool *make_pool(unsigned n, unsigned cores, unsigned gpus)
{
	struct pool *pool = pool_create();
	struct idset *c = idset_create(), *g = idset_create();
	char host[32];
	unsigned i;

	idset_range_set(c, 0, cores - 1);
	if (gpus)
		idset_range_set(g, 0, gpus - 1);
	for (i = 0; i < n; i++) {
		snprintf(host, sizeof(host), "n%u", i);
		pool_define(pool, i, host, c, g);
		pool_set_up(pool, i, true);
	}
	idset_destroy(c);
	idset_destroy(g);
	return pool;
}

static struct job_request slots(int n, int cores)
{
	return (struct job_request) {
		.nslots = n, .cores_per_slot = cores, .ntasks = n,
	};
}

static struct job_request nodes(int n, int slots, int cores, bool exclusive)
{
	return (struct job_request) {
		.nnodes = n, .nslots = slots, .cores_per_slot = cores,
		.ntasks = slots, .exclusive = exclusive,
	};
}

/* "rank:cores/gpus rank:cores/gpus" */
static const char *picture(const struct resource_set *R)
{
	static char text[1024];
	size_t i, n = 0;

	text[0] = '\0';
	for (i = 0; R && i < R->count; i++) {
		char *c = idset_encode(R->nodes[i].cores, 0);
		char *g = idset_encode(R->nodes[i].gpus, 0);

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u:%s%s%s",
				      i ? " " : "", R->nodes[i].rank, c,
				      *g ? "/" : "", g);
		free(c);
		free(g);
	}
	return R ? text : "none";
}

static struct resource_set *gets(struct pool *pool, struct job_request want,
				 const char *picture_wanted, const char *what)
{
	struct resource_set *R = pool_alloc(pool, &want);

	is_str(picture(R), picture_wanted, what);
	return R;
}

static void give_back(struct pool *pool, struct resource_set *R)
{
	if (R)
		pool_free(pool, R);
	resource_set_destroy(R);
}

static void test_slots(void)
{
	struct pool *pool = make_pool(2, 4, 0);
	struct resource_set *a, *b, *c;

	a = gets(pool, slots(1, 1), "0:0", "one slot gets the first core");
	is_int(a->nslots, 1, "R says how many slots");
	b = gets(pool, slots(5, 1), "0:1-3 1:0-1", "five slots, on two nodes");
	c = gets(pool, slots(3, 1), "none", "three are too many");
	is_int(errno, EAGAIN, "now");
	give_back(pool, a);
	a = gets(pool, slots(3, 1), "0:0 1:2-3", "a freed core is used again");
	give_back(pool, b);
	c = gets(pool, slots(1, 4), "none",
		 "a slot does not straddle nodes");
	c = gets(pool, slots(1, 3), "0:1-3", "one of three does fit");
	give_back(pool, a);
	give_back(pool, c);
	a = pool_part(pool, POOL_ALLOCATED);
	is_int((long long)a->count, 0, "in the end all is free");
	resource_set_destroy(a);
	pool_destroy(pool);
}

static void test_nodes(void)
{
	struct pool *pool = make_pool(3, 4, 0);
	struct resource_set *a, *b, *c;

	a = gets(pool, nodes(2, 4, 1, false), "0:0-1 1:0-1",
		 "two nodes of two slots");
	b = gets(pool, nodes(1, 1, 1, true), "2:0-3",
		 "an exclusive node is whole, and an empty one");
	c = gets(pool, nodes(1, 1, 1, true), "none", "there is no other");
	c = gets(pool, nodes(3, 3, 1, false), "none",
		 "three nodes are not to be had");
	give_back(pool, b);
	c = gets(pool, nodes(3, 6, 1, false), "0:2-3 1:2-3 2:0-1",
		 "when it is back they are");
	give_back(pool, c);
	give_back(pool, a);
	pool_destroy(pool);
}

static void test_gpus(void)
{
	struct pool *pool = make_pool(2, 4, 1);
	struct job_request want = slots(2, 1);
	struct resource_set *a, *b;

	want.gpus_per_slot = 1;
	a = gets(pool, want, "0:0/0 1:0/0", "a gpu for each slot");
	b = gets(pool, want, "none", "no more gpus");
	b = gets(pool, slots(6, 1), "0:1-3 1:1-3", "cores remain");
	give_back(pool, a);
	give_back(pool, b);
	pool_destroy(pool);
}

static void test_down(void)
{
	struct pool *pool = make_pool(2, 2, 0);
	struct resource_set *a, *b;

	pool_set_up(pool, 0, false);
	a = gets(pool, slots(1, 1), "1:0", "a node that is down gets no job");
	b = pool_part(pool, POOL_DOWN);
	is_str(picture(b), "0:0-1", "and is told as down");
	resource_set_destroy(b);
	pool_set_up(pool, 0, true);
	b = gets(pool, slots(3, 1), "0:0-1 1:1", "up again, it does");
	is_int(pool_set_up(pool, 9, true), -1, "rank 9 is unknown");
	is_int(errno, ENOENT, "ENOENT");
	give_back(pool, a);
	give_back(pool, b);
	pool_destroy(pool);
}

static void refuses(struct pool *pool, struct job_request want,
		    const char *reason)
{
	struct proto_error err = { "" };

	ok(pool_check(pool, &want, &err) < 0 && errno == EINVAL, "refused");
	is_str(err.text, reason, reason);
}

static void test_check(void)
{
	struct pool *pool = make_pool(2, 4, 1);
	struct job_request want = slots(8, 1);
	struct proto_error err;
	struct resource_set *R = pool_alloc(pool, &want);

	is_int(pool_check(pool, &want, &err), 0,
	       "what is in use now still satisfies");
	want = nodes(2, 2, 4, true);
	is_int(pool_check(pool, &want, &err), 0, "so do whole nodes");
	refuses(pool, slots(9, 1), "unsatisfiable request: 9 cores are "
		"needed, the instance has 8");
	refuses(pool, nodes(3, 3, 1, false), "unsatisfiable request: 3 nodes "
		"are needed, the instance has 2");
	want = slots(3, 1);
	want.gpus_per_slot = 1;
	refuses(pool, want, "unsatisfiable request: 3 gpus are needed, the "
		"instance has 2");
	refuses(pool, slots(1, 5), "unsatisfiable request: 1 slots of 5 cores "
		"and 0 gpus on one node each are needed, there are too few");
	give_back(pool, R);
	pool_destroy(pool);
}

static void test_adopt(void)
{
	struct pool *pool = make_pool(1, 4, 0), *new = make_pool(1, 4, 0);
	struct job_request want = slots(2, 1);
	struct resource_set *R = pool_alloc(pool, &want), *rest;
	struct idset *cores = idset_create();

	is_int(pool_adopt(new, R), 0, "an allocation is taken over");
	is_int(pool_adopt(new, R), -1, "once");
	is_int(errno, EEXIST, "EEXIST");
	rest = gets(new, want, "0:2-3", "others get the rest");
	/* the node comes back with fewer cores than it had */
	idset_range_set(cores, 0, 2);
	pool_define(new, 0, "n0", cores, NULL);
	give_back(new, rest);
	rest = gets(new, slots(1, 1), "0:2", "a core that is gone stays gone");
	give_back(new, rest);
	pool_free(new, R);
	rest = gets(new, slots(3, 1), "0:0-2", "everything else is back");
	give_back(new, rest);
	pool_destroy(new);

	new = pool_create();
	is_int(pool_adopt(new, R), 0, "on a node that nobody knows yet, too");
	ok(!pool_is_up(new, 0), "which is not up by this");
	pool_free(new, R);
	resource_set_destroy(R);
	idset_destroy(cores);
	pool_destroy(new);
	pool_destroy(pool);
}

static const char *counts(struct job_request want, const struct resource_set *R)
{
	static char text[256];
	int total, *n = job_task_counts(&want, R, &total);
	size_t i, len = 0;

	for (i = 0; i < R->count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%d ",
					n[i]);
	snprintf(text + len, sizeof(text) - len, "= %d", total);
	free(n);
	return text;
}

static void test_tasks(void)
{
	struct pool *pool = make_pool(3, 4, 0);
	struct job_request want = nodes(3, 6, 1, false);
	struct resource_set *R = pool_alloc(pool, &want);

	is_str(counts(want, R), "2 2 2 = 6", "a task a slot");
	want.ntasks = 4;
	is_str(counts(want, R), "2 1 1 = 4", "fewer are spread");
	want.per = 'n';
	want.per_count = 3;
	is_str(counts(want, R), "3 3 3 = 9", "so many a node");
	want.per = 'c';
	want.per_count = 2;
	is_str(counts(want, R), "4 4 4 = 12", "so many a core");
	give_back(pool, R);
	want = slots(5, 2);
	R = pool_alloc(pool, &want);
	is_str(counts(want, R), "2 2 1 = 5", "slots of two cores");
	give_back(pool, R);
	pool_destroy(pool);
}

int main(void)
{
	test_slots();
	test_nodes();
	test_gpus();
	test_down();
	test_check();
	test_adopt();
	test_tasks();
	return done();
}
