/* SPDX-License-Identifier: Apache-2.0 */
/* Reservations: made, moved up, and begun. See match.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/match_impl.h"

int matcher_reserve(struct matcher *m, uint64_t id,
		    const struct request *req, int64_t from,
		    const struct match_job **job)
{
	struct match_walk w;

	if (from < 0 || from >= MATCH_TIME_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (match_find(m, id)) {
		errno = EEXIST;
		return -1;
	}
	if (match_first(&w, m, req, from, MATCH_TIME_MAX) < 0)
		return -1;
	return match_commit(&w, id, true, job);
}

static struct match_job *find_reserved(struct matcher *m, uint64_t id)
{
	struct match_job *job = match_find(m, id);

	if (job && job->reserved)
		return job;
	errno = job ? EINVAL : ENOENT;
	return NULL;
}

/* What a job had is entered again: there is the room that it had. */
static void enter_again(struct matcher *m, const struct match_job *job)
{
	int rc = match_enter(m->g, job->picks, job->count, job->start,
			     job->end, false);

	assert(rc == 0);
}

/* The job, that has left the calendars, gets what the walk picked. It is as
 * it was before if that fails. */
static int take_picks(struct match_walk *w, struct match_job *job, bool held)
{
	struct matcher *m = w->m;
	uint32_t count = m->pick_count;
	struct match_pick *picks = malloc(count * sizeof(*picks) + 1);

	match_unpick(w, 0);
	if (picks) {
		if (count)
			memcpy(picks, m->picks, count * sizeof(*picks));
		count = match_sort_picks(m->g, picks, count);
	}
	if (!picks || match_enter(m->g, picks, count, w->start, w->end,
				  held) < 0) {
		free(picks);
		enter_again(m, job);
		errno = ENOMEM;
		return -1;
	}
	free(job->picks);
	job->picks = picks;
	job->count = count;
	job->start = w->start;
	job->end = w->end;
	job->slots = w->slots;
	return 0;
}

int matcher_advance(struct matcher *m, uint64_t id,
		    const struct request *req, int64_t from)
{
	struct match_job *job = find_reserved(m, id);
	struct match_walk w;
	int saved;

	if (!job)
		return -1;
	if (from >= job->start)
		return 0;
	match_leave(m->g, job->picks, job->count, job->start, job->end,
		    false);
	if (match_first(&w, m, req, from, job->start) == 0)
		return take_picks(&w, job, false);
	saved = errno;
	enter_again(m, job);
	errno = saved;
	return errno == EBUSY ? 0 : -1;
}

/* What is reserved can be had now: nobody has it still, and it is up. */
static bool is_free(struct matcher *m, const struct match_job *job)
{
	for (uint32_t i = 0; i < job->count; i++) {
		const struct match_pick *p = &job->picks[i];
		const struct vertex *v = &m->g->vertices[p->vertex];

		if (v->down || !match_pick_fits(m, p, job->start, job->end,
						true) ||
		    (p->alone && v->group &&
		     graph_group(m->g, v->group)->down_below))
			return false;
	}
	return true;
}

/* The picks of this moment, for a job that has left the calendars. */
static int walk_now(struct match_walk *w, struct matcher *m,
		    const struct request *req, int64_t now)
{
	*w = (struct match_walk) { .m = m, .g = m->g, .req = req,
		.start = now, .end = now + match_duration(req, now),
		.now = true, .ahead = true };
	if (w->end <= MATCH_TIME_MAX && match_walk(w))
		return 0;
	errno = w->failed ? ENOMEM : EBUSY;
	return -1;
}

int matcher_begin(struct matcher *m, uint64_t id, const struct request *req,
		  int64_t now, const struct match_job **began)
{
	struct match_job *job = find_reserved(m, id);
	struct match_walk w;

	if (!job)
		return -1;
	if (now < 0 || now >= MATCH_TIME_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (!match_enough(m, req, false)) {
		errno = EBUSY;
		return -1;
	}
	match_leave(m->g, job->picks, job->count, job->start, job->end,
		    false);
	if (now == job->start && is_free(m, job)) {
		int rc = match_enter(m->g, job->picks, job->count, now,
				     job->end, true);
		assert(rc == 0);
	} else if (walk_now(&w, m, req, now) < 0) {
		int saved = errno;

		enter_again(m, job);
		errno = saved;
		return -1;
	} else if (take_picks(&w, job, true) < 0) {
		return -1;
	}
	job->reserved = false;
	m->reserved--;
	*began = job;
	return 0;
}
