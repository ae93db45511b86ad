/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs that could have resources, but a plug-in says: not yet. weir-plugin(7).
 *
 * A plug-in is asked when a job comes into its queue's line, and again when
 * it would be given what it needs: only then is it sure what else runs. What
 * may not start waits apart, a heap for each user and queue, and so takes
 * nobody's place. When something of the user has changed, the first few of
 * each are put in line again: all of them would be many, for each job's end.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/plugin_impl.h"

#define LOOK_MAX	32	/* of each user and queue, once a turn */

struct parked {
	struct parked *next;
	uid_t userid;
	struct queue *q;
	struct job_heap heap;
	bool look;
};

static struct parked *parked_of(struct schedd *s, const struct job *job)
{
	struct parked *k = s->plugins.parked;

	while (k && (k->userid != job->userid || k->q != job->q))
		k = k->next;
	if (k)
		return k;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	k->userid = job->userid;
	k->q = job->q;
	k->next = s->plugins.parked;
	s->plugins.parked = k;
	return k;
}

static void park(struct schedd *s, struct job *job, const char *why)
{
	struct parked *k = parked_of(s, job);

	backlog_drop(job);
	free(job->pending);
	job->pending = strdup(why);
	if (!k || !job->pending || heap_put(&k->heap, job) < 0)
		schedd_restart(s, "out of memory");
}

bool plugins_hold(struct schedd *s, struct job *job)
{
	struct plugin *p;
	int r;

	if (!s->plugins.first && !job->pending)
		return false;
	for (p = s->plugins.first; p; p = p->next) {
		if (!p->ops.start)
			continue;
		plugin_enter(p, "start", job->id);
		r = p->ops.start(p->self, plugin_job(job));
		plugin_leave(p);
		if (r == 0) {
			park(s, job, plugin_why(p, p->ops.name));
			return true;
		}
	}
	free(job->pending);
	job->pending = NULL;
	return false;
}

void parked_look(struct schedd *s, uint32_t userid)
{
	struct parked *k;

	for (k = s->plugins.parked; k; k = k->next)
		if (k->heap.count &&
		    (userid == WEIR_PLUGIN_ALL || userid == k->userid)) {
			k->look = s->plugins.look = true;
			commit_wake(s->commit);
		}
}

/* Each takes its place in line, if it has one. How many did, or are back. */
static size_t look(struct schedd *s, struct parked *k, size_t *taken)
{
	struct job *some[LOOK_MAX];
	size_t n = 0, i, placed = 0;

	while (n < LOOK_MAX && k->heap.count) {
		some[n] = heap_head(&k->heap);
		heap_drop(some[n++]);
	}
	for (i = 0; i < n; i++) {
		queue_place(s, some[i]);
		placed += some[i]->heap != NULL;
	}
	*taken = n;
	return placed;
}

void parked_turn(struct schedd *s)
{
	struct parked *k;
	size_t taken;

	s->plugins.look = false;
	for (k = s->plugins.parked; k && !s->restart; k = k->next) {
		if (!k->look)
			continue;
		k->look = false;
		/* a stopped queue has no line: then it is others' turn */
		while (look(s, k, &taken) == 0 && taken > 0)
			;
	}
}

void parked_free(struct schedd *s)
{
	struct parked *k;

	while ((k = s->plugins.parked)) {
		s->plugins.parked = k->next;
		heap_fini(&k->heap);
		free(k);
	}
}
