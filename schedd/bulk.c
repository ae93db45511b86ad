/* SPDX-License-Identifier: Apache-2.0 */
/* job-manager.raiseall and killall: the same for many jobs. Some in each turn,
 * so that others are served meanwhile. weir-jobs(7). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/schedd.h"

#define BULK_TURN	1000	/* jobs in a turn */

struct bulk {
	struct bulk *next;
	weir_call_t *call;	/* NULL: the caller has left */
	uid_t uid;		/* who asks */
	bool owner;
	uint64_t *id;
	size_t count, done, errors;
	int signum;		/* or 0: */
	int severity;
	char *type, *note;
};

/* What O asks for. */
struct selection {
	json_int_t userid;	/* -1: any */
	json_int_t states;
	const char *queue;
	json_t *ids;		/* instead of the others */
	int dry_run;
	const char *type, *note;
	int severity, signum;
};

static void bulk_free(struct bulk *b)
{
	if (!b)
		return;
	free(b->id);
	free(b->type);
	free(b->note);
	free(b);
}

/* ---- choosing ---- */

static bool matches(const struct bulk *b, const struct selection *sel,
		    const struct job *job)
{
	return (STATE_BIT(job->state) & (unsigned)sel->states) &&
	       (sel->userid < 0 || job->userid == (uid_t)sel->userid) &&
	       (!sel->queue || !strcmp(sel->queue, job->q->name)) &&
	       (b->owner || job->userid == b->uid) &&
	       (!b->signum || (job->state == STATE_RUN && !job->want.mock &&
			    !job->array));
}

/* Oldest last, as they are listed: those that wait go before those that would
 * get their resources. */
static int choose(struct schedd *s, struct bulk *b,
		  const struct selection *sel)
{
	struct job *job;
	json_t *id;
	size_t i;

	b->id = calloc(jobs_count(s->jobs) + json_array_size(sel->ids) + 1,
		       sizeof(*b->id));
	if (!b->id)
		return -1;
	json_array_foreach(sel->ids, i, id)
		b->id[b->count++] = (uint64_t)json_integer_value(id);
	if (sel->ids)
		return 0;
	/* arrays first, which would make more elements */
	for (job = s->arrays; job; job = job->array->next_array)
		if (matches(b, sel, job))
			b->id[b->count++] = job->id;
	for (job = jobs_first(s->jobs); job; job = job->next)
		if (!job->array && matches(b, sel, job))
			b->id[b->count++] = job->id;
	return 0;
}

/* ---- acting ---- */

static void act(struct schedd *s, struct bulk *b, uint64_t id)
{
	struct job *job = arrays_find(s, id, b->uid, b->owner);

	if (!job || (!b->owner && job->userid != b->uid))
		b->errors++;
	else if (!b->signum)
		job_raise_by(s, job, b->type, b->severity, b->note, b->uid);
	else if (job->array)
		b->errors += !array_signal(s, job, b->signum);
	else if (job->state == STATE_RUN && !job->want.mock)
		exec_signal(s, job, b->signum);
	else
		b->errors++;
}

static void answer(struct schedd *s, struct bulk *b)
{
	if (!b->call)
		return;
	weir_call_on_drop(b->call, NULL, NULL);
	commit_reply_json(s->commit, b->call, json_pack("{s:I s:I}", "count",
			  (json_int_t)b->count, "errors",
			  (json_int_t)b->errors));
}

void bulk_turn(struct schedd *s)
{
	struct bulk *b = s->bulk;
	size_t end;

	if (!b || !turn_room(s))
		return;
	end = b->count - b->done > BULK_TURN ? b->done + BULK_TURN : b->count;
	while (b->done < end)
		act(s, b, b->id[b->done++]);
	if (b->done == b->count) {
		s->bulk = b->next;
		answer(s, b);
		bulk_free(b);
	}
	if (s->bulk)
		turn_again(s);
}

void bulk_stop(struct schedd *s)
{
	struct bulk *b;

	while ((b = s->bulk)) {
		s->bulk = b->next;
		if (b->call)
			weir_call_fail(b->call, ECONNRESET, "schedd ends");
		bulk_free(b);
	}
}

/* What was asked for goes on. */
static void on_drop(weir_call_t *call, void *arg)
{
	struct schedd *s = arg;
	struct bulk *b = s->bulk;

	assert(s->magic == SCHEDD_MAGIC);
	while (b && b->call != call)
		b = b->next;
	if (b)
		b->call = NULL;
	weir_call_fail(call, ECANCELED, "canceled");
}

/* ---- methods ---- */

static int check(struct schedd *s, const struct selection *sel, bool kill,
		 struct proto_error *err)
{
	struct queue *q = sel->queue ? queue_find(s->queues, sel->queue) :
			  NULL;

	if (kill && (sel->signum < 1 || sel->signum >= NSIG))
		return proto_error_set(err, EINVAL, "signum: must be 1 to %d, "
				       "got %d", NSIG - 1, sel->signum);
	if (!kill && (sel->severity < 0 || sel->severity > 7))
		return proto_error_set(err, EINVAL, "severity range is [0:7]");
	if (!kill && !good_exception_type(sel->type))
		return proto_error_set(err, EINVAL, "type: must be a word of "
				       "at most %d characters", TYPE_MAX);
	if (!kill && strlen(sel->note) > NOTE_MAX)
		return proto_error_set(err, EINVAL, "note: must have at most "
				       "%d bytes", NOTE_MAX);
	if (sel->queue && !q)
		return proto_error_set(err, EINVAL, "'%.64s' is not a valid "
				       "queue", sel->queue);
	if (sel->ids && !json_is_array(sel->ids))
		return proto_error_set(err, EINVAL, "ids: must be an array");
	return 0;
}

static struct bulk *make(struct schedd *s, weir_call_t *call,
			 const struct selection *sel, bool kill)
{
	struct bulk *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->call = call;
	b->uid = weir_call_uid(call);
	b->owner = may_act(s, call, s->uid);
	b->signum = kill ? sel->signum : 0;
	b->severity = sel->severity;
	b->type = strdup(sel->type);
	b->note = strdup(sel->note);
	if (!b->type || !b->note || choose(s, b, sel) < 0) {
		bulk_free(b);
		return NULL;
	}
	return b;
}

static void begin(struct schedd *s, struct bulk *b)
{
	struct bulk **p = &s->bulk;

	while (*p)
		p = &(*p)->next;
	*p = b;
	weir_call_on_drop(b->call, on_drop, s);
	commit_wake(s->commit);
}

static void bulk(struct schedd *s, weir_call_t *call, bool kill)
{
	struct selection sel = {
		.userid = weir_call_uid(call),
		.states = STATE_ALL & ~STATE_BIT(STATE_INACTIVE),
		.type = "cancel", .note = "", .signum = SIGTERM,
	};
	json_t *o = call_json(call);
	struct proto_error error;
	json_error_t jerror;
	struct bulk *b;

	if (!o)
		return;
	if (json_unpack_ex(o, &jerror, 0, "{s?I s?I s?s s?o s?b s?s s?s s?i "
			   "s?i}", "userid", &sel.userid, "states",
			   &sel.states, "queue", &sel.queue, "ids", &sel.ids,
			   "dry_run", &sel.dry_run, "type", &sel.type, "note",
			   &sel.note, "severity", &sel.severity, "signum",
			   &sel.signum) < 0) {
		weir_call_fail(call, EPROTO, "%s", jerror.text);
	} else if (check(s, &sel, kill, &error) < 0) {
		weir_call_fail(call, errno, "%s", error.text);
	} else if (!(b = make(s, call, &sel, kill))) {
		weir_call_fail(call, ENOMEM, "out of memory");
	} else if (sel.dry_run) {
		answer(s, b);
		bulk_free(b);
	} else {
		begin(s, b);
	}
	json_decref(o);
}

void do_raiseall(struct schedd *s, weir_call_t *call)
{
	bulk(s, call, false);
}

void do_killall(struct schedd *s, weir_call_t *call)
{
	bulk(s, call, true);
}
