/* SPDX-License-Identifier: Apache-2.0 */
/* schedd's resources: who gets which cores, what is refused, what comes back,
 * what becomes of it when nodes change. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "schedd/job.h"
#include "schedd/placement.h"
#include "schedd/resources.h"
#include "t/unit/tap.h"

/* N nodes of CORES cores and GPUS gpus, all up. */
static struct resources *make(unsigned n, unsigned cores, unsigned gpus)
{
	struct resources *r = resources_create();
	struct idset *c = idset_create(), *g = idset_create();
	char host[32];
	unsigned i;

	idset_range_set(c, 0, cores - 1);
	if (gpus)
		idset_range_set(g, 0, gpus - 1);
	for (i = 0; i < n; i++) {
		snprintf(host, sizeof(host), "n%u", i);
		resources_define(r, i, host, c, g);
		resources_set_up(r, i, true);
	}
	idset_destroy(c);
	idset_destroy(g);
	return r;
}

static struct job_request slots(int n, int cores)
{
	return (struct job_request) {
		.nslots = n, .ntasks = n,
		.slot = { .cores = cores, .tasks = 1 },
	};
}

static struct job_request nodes(int n, int slots, int cores, bool exclusive)
{
	return (struct job_request) {
		.nnodes = n, .nslots = slots,
		.slot = { .cores = cores, .per_node = slots / n, .tasks = 1 },
		.ntasks = slots, .exclusive = exclusive,
	};
}

/* WANT as a jobspec asks for it. */
static struct demand *demand(struct resources *r, struct job_request want)
{
	json_t *with = json_pack("[{s:s s:i}]", "type", "core", "count",
				 want.slot.cores);
	json_t *top, *spec;
	struct demand *d;

	if (want.slot.gpus)
		json_array_append_new(with, json_pack("{s:s s:i}", "type",
			"gpu", "count", want.slot.gpus));
	top = json_pack("{s:s s:i s:s s:o}", "type", "slot", "count",
			want.nslots / (want.nnodes ? want.nnodes : 1),
			"label", "t", "with", with);
	if (want.nnodes)
		top = json_pack("{s:s s:i s:b s:[o]}", "type", "node",
				"count", want.nnodes, "exclusive",
				want.exclusive, "with", top);
	spec = json_pack("{s:[o]}", "resources", top);
	d = resources_demand(r, spec);
	json_decref(spec);
	return d;
}

static struct node_filter anywhere;

/* A new job with WANT; R->starttime is its id, to be given back by it. */
static struct resource_set *alloc(struct resources *r, struct job_request want)
{
	static uint64_t id;
	struct demand *d = demand(r, want);
	struct resource_set *R = resources_alloc(r, ++id, d, &anywhere, 1,
						 0);

	demand_release(d);
	if (R)
		R->starttime = (double)id;
	return R;
}

static int check(struct resources *r, struct job_request want,
		 struct proto_error *err)
{
	struct demand *d = demand(r, want);
	int rc = resources_check(r, d, &anywhere, err);

	demand_release(d);
	return rc;
}

static struct resource_set *part(struct resources *r, enum resources_part p)
{
	return resources_part(r, p);
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

static struct resource_set *gets(struct resources *r, struct job_request want,
				 const char *picture_wanted, const char *what)
{
	struct resource_set *R = alloc(r, want);

	is_str(picture(R), picture_wanted, what);
	return R;
}

static void give_back(struct resources *r, struct resource_set *R)
{
	if (R)
		resources_free(r, (uint64_t)R->starttime);
	resource_set_destroy(R);
}

static void test_slots(void)
{
	struct resources *r = make(2, 4, 0);
	struct resource_set *a, *b, *c;

	a = gets(r, slots(1, 1), "0:0", "one slot gets the first core");
	is_int(a->nslots, 1, "R says how many slots");
	b = gets(r, slots(5, 1), "0:1-3 1:0-1", "five slots, on two nodes");
	c = gets(r, slots(3, 1), "none", "three are too many");
	is_int(errno, EAGAIN, "now");
	give_back(r, a);
	a = gets(r, slots(3, 1), "0:0 1:2-3", "a freed core is used again");
	give_back(r, b);
	c = gets(r, slots(1, 4), "none",
		 "a slot does not straddle nodes");
	c = gets(r, slots(1, 3), "0:1-3", "one of three does fit");
	give_back(r, a);
	give_back(r, c);
	a = part(r, RESOURCES_ALLOCATED);
	is_int((long long)a->count, 0, "in the end all is free");
	resource_set_destroy(a);
	resources_destroy(r);
}

static void test_nodes(void)
{
	struct resources *r = make(3, 4, 0);
	struct resource_set *a, *b, *c;

	a = gets(r, nodes(2, 4, 1, false), "0:0-1 1:0-1",
		 "two nodes of two slots");
	b = gets(r, nodes(1, 1, 1, true), "2:0-3",
		 "an exclusive node is whole, and an empty one");
	c = gets(r, nodes(1, 1, 1, true), "none", "there is no other");
	c = gets(r, nodes(3, 3, 1, false), "none",
		 "three nodes are not to be had");
	give_back(r, b);
	c = gets(r, nodes(3, 6, 1, false), "0:2-3 1:2-3 2:0-1",
		 "when it is back they are");
	give_back(r, c);
	give_back(r, a);
	resources_destroy(r);
}

static void test_gpus(void)
{
	struct resources *r = make(2, 4, 1);
	struct job_request want = slots(2, 1);
	struct resource_set *a, *b;

	want.slot.gpus = 1;
	a = gets(r, want, "0:0/0 1:0/0", "a gpu for each slot");
	b = gets(r, want, "none", "no more gpus");
	b = gets(r, slots(6, 1), "0:1-3 1:1-3", "cores remain");
	give_back(r, a);
	give_back(r, b);
	resources_destroy(r);
}

static void test_down(void)
{
	struct resources *r = make(2, 2, 0);
	struct resource_set *a, *b;

	resources_set_up(r, 0, false);
	a = gets(r, slots(1, 1), "1:0", "a node that is down gets no job");
	b = part(r, RESOURCES_DOWN);
	is_str(picture(b), "0:0-1", "and is told as down");
	resource_set_destroy(b);
	resources_set_up(r, 0, true);
	b = gets(r, slots(3, 1), "0:0-1 1:1", "up again, it does");
	is_int(resources_set_up(r, 9, true), -1, "rank 9 is unknown");
	is_int(errno, ENOENT, "ENOENT");
	give_back(r, a);
	give_back(r, b);
	resources_destroy(r);
}

static void refuses(struct resources *r, struct job_request want,
		    const char *reason)
{
	struct proto_error err = { "" };

	ok(check(r, want, &err) < 0 && errno == EINVAL, "refused");
	is_str(err.text, reason, reason);
}

static void test_check(void)
{
	struct resources *r = make(2, 4, 1);
	struct job_request want = slots(8, 1);
	struct proto_error err;
	struct resource_set *R = alloc(r, want);

	is_int(check(r, want, &err), 0,
	       "what is in use now still satisfies");
	want = nodes(2, 2, 4, true);
	is_int(check(r, want, &err), 0, "so do whole nodes");
	refuses(r, slots(9, 1), "unsatisfiable request: 9 cores are "
		"needed, the instance has 8");
	refuses(r, nodes(3, 3, 1, false), "unsatisfiable request: 3 nodes "
		"are needed, the instance has 2");
	want = slots(3, 1);
	want.slot.gpus = 1;
	refuses(r, want, "unsatisfiable request: 3 gpus are needed, the "
		"instance has 2");
	refuses(r, slots(1, 5), "unsatisfiable request: 1 slots of 5 cores "
		"on one node each are needed, there are too few");
	give_back(r, R);
	resources_destroy(r);
}

static void test_adopt(void)
{
	struct resources *r = make(1, 4, 0), *new = make(1, 4, 0);
	struct job_request want = slots(2, 1);
	struct resource_set *R = alloc(r, want), *rest;
	struct idset *cores = idset_create();
	struct proto_error err;

	is_int(resources_adopt(new, 1000, R, &err), 0, "an allocation is taken over");
	is_int(resources_adopt(new, 1000, R, &err), -1, "once");
	is_int(errno, EEXIST, "EEXIST");
	rest = gets(new, want, "0:2-3", "others get the rest");
	/* the node comes back with fewer cores than it had */
	idset_range_set(cores, 0, 2);
	resources_define(new, 0, "n0", cores, NULL);
	give_back(new, rest);
	rest = gets(new, slots(1, 1), "0:2", "a core that is gone stays gone");
	give_back(new, rest);
	resources_free(new, 1000);
	rest = gets(new, slots(3, 1), "0:0-2", "everything else is back");
	give_back(new, rest);
	resources_destroy(new);

	new = resources_create();
	is_int(resources_adopt(new, 1000, R, &err), 0, "on a node that nobody knows yet, too");
	ok(!resources_is_up(new, 0), "which is not up by this");
	resources_free(new, 1000);
	resource_set_destroy(R);
	idset_destroy(cores);
	resources_destroy(new);
	resources_destroy(r);
}

static const char *counts(struct job_request want, const struct resource_set *R)
{
	static char text[256];
	int total, *n = placement_counts(&want, R, &total);
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
	struct resources *r = make(3, 4, 0);
	struct job_request want = nodes(3, 6, 1, false);
	struct resource_set *R = alloc(r, want);

	is_str(counts(want, R), "2 2 2 = 6", "a task a slot");
	want.ntasks = 4;
	is_str(counts(want, R), "2 1 1 = 4", "fewer are spread");
	want.per = 'n';
	want.per_count = 3;
	is_str(counts(want, R), "3 3 3 = 9", "so many a node");
	want.per = 'c';
	want.per_count = 2;
	is_str(counts(want, R), "4 4 4 = 12", "so many a core");
	give_back(r, R);
	want = slots(5, 2);
	R = alloc(r, want);
	is_str(counts(want, R), "2 2 1 = 5", "slots of two cores");
	want.slot.moldable = true;
	want.nslots = want.ntasks = 1;
	is_str(counts(want, R), "2 2 1 = 5", "as many as there are slots");
	want.slot.tasks = 3;
	is_str(counts(want, R), "6 6 3 = 15", "three tasks in each");
	want.slot = (struct jobspec_slot) { .nodes = 2, .tasks = 3,
					  .moldable = true };
	R->nslots = 2;
	is_str(counts(want, R), "3 0 3 = 6", "slots of two nodes");
	give_back(r, R);
	resources_destroy(r);
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
