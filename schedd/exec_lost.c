/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of jobs that will never report: their node is gone, or somebody removed
 * the assignment, upon which execd kills the shell. Such a part counts as
 * killed, and the job ends by an exception that says why. weir-jobs(7). */
#include "config.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "schedd/schedd.h"

/* What is lost: the part of N of JOB? */
typedef bool lost_f(const struct job *job, const struct job_node *n,
		    const void *what);

static void parts_lost(struct schedd *s, lost_f *lost, const void *what,
		       const char *note)
{
	struct job *job, *next;
	int i, count;

	for (job = jobs_first(s->jobs); job; job = next) {
		next = job->next;
		if (!job->allocated || job->want.mock || job->finished)
			continue;
		for (count = 0, i = 0; job->nodes && i < job->nnodes; i++) {
			struct job_node *n = &job->nodes[i];

			if (n->finished || !lost(job, n, what))
				continue;
			n->finished = true;
			n->status = SIGKILL;
			job->nodes_finished++;
			count++;
		}
		if (!count)
			continue;
		if (job->state == STATE_RUN)
			job_raise(s, job, "exec", 0, note, NO_WAIT_STATUS);
		exec_progress(s, job);
	}
}

static bool on_rank(const struct job *job, const struct job_node *n,
		    const void *what)
{
	return n->rank == *(const unsigned *)what;
}

void exec_node_lost(struct schedd *s, unsigned rank, const char *host)
{
	char note[256];

	snprintf(note, sizeof(note), "lost contact with rank %u (%.150s)",
		 rank, host);
	parts_lost(s, on_rank, &rank, note);
}

struct removed {
	int numbers;		/* of these, how many the key has */
	unsigned rank;
	uint64_t id;
};

static bool below(const struct job *job, const struct job_node *n,
		  const void *what)
{
	const struct removed *r = what;

	return n->ordered && (r->numbers < 1 || n->rank == r->rank) &&
	       (r->numbers < 2 || job->id == r->id);
}

void exec_removed(struct schedd *s, const char *key)
{
	struct removed r = { .numbers = 0 };
	char note[256];

	if (strcmp(key, "exec"))
		r.numbers = sscanf(key, "exec.%u.%" SCNu64, &r.rank, &r.id);
	if (r.numbers < 0 || (r.numbers == 0 && strcmp(key, "exec")))
		return;
	snprintf(note, sizeof(note), "the assignment to its node was removed: "
		 "somebody unlinked %.150s", key);
	parts_lost(s, below, &r, note);
}

static bool unordered(const struct job *job, const struct job_node *n,
		      const void *what)
{
	return !n->ordered && job->prolog != HOOK_OPEN &&
	       job->prolog != HOOK_STOPPED;
}

void exec_synced(struct schedd *s)
{
	parts_lost(s, unordered, NULL, "the assignment to its node was removed "
		   "while schedd was away");
}
