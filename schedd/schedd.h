/* SPDX-License-Identifier: Apache-2.0 */
/* schedd as a whole: the parts, and the steps in a job's life that touch
 * several of them. schedd(8).
 *
 * Nothing here is truth: every field can be made again from the store, and
 * whenever memory and store may differ schedd starts itself anew.
 */
#ifndef WEIR_SCHEDD_SCHEDD_H
#define WEIR_SCHEDD_SCHEDD_H

#include <event2/event.h>
#include <jansson.h>

#include "libclient/weir.h"
#include "proto/daemon.h"
#include "proto/envelope.h"
#include "proto/jobid.h"
#include "schedd/array.h"
#include "schedd/backlog.h"
#include "schedd/commit.h"
#include "schedd/dependency.h"
#include "schedd/ended.h"
#include "schedd/history.h"
#include "schedd/housekeeping.h"
#include "schedd/job.h"
#include "schedd/jobs.h"
#include "schedd/plugin.h"
#include "schedd/priority.h"
#include "schedd/queue.h"
#include "schedd/resources.h"

#define SCHEDD_MAGIC	0x53434844u
#define URGENCY_MAX	31
#define KILL_TIMEOUT	5	/* seconds from the first signal to SIGKILL */

#define CLEARED_MAX	1024

struct schedd {
	uint32_t magic;
	struct event_base *base;
	weir_t *h;
	uid_t uid;			/* ours: the instance's owner */
	struct jobs *jobs;
	struct job *arrays;		/* of them, by array->next_array */
	struct job *array_todo;		/* some, by array->next_todo */
	struct history *history;
	struct ended *ended;		/* what the store has of it */
	struct journal *journal;
	int64_t last_event;		/* its time, microseconds since 1970 */
	struct resources *resources;
	json_t *drained;		/* see drain.c */
	bool drain_unsaved;
	char graph_hash[65];		/* of resource.graph; "": there is none */
	bool grown, grown_unsaved;	/* see grow.c */
	struct queues *queues;
	struct queue_wait *queue_waits;
	struct plugins plugins;
	struct commit *commit;
	struct jobid_gen ids;
	uint64_t epoch_ms;		/* ids count from then; 0: not known */
	struct envelope_nonces *nonces;
	const char *keydir;		/* public keys of users, or NULL */
	char *own_public;		/* file of our own, or NULL */
	bool ready;			/* everything has been read back */
	bool sched_wanted;		/* this turn */
	bool sched_again;		/* and the next */
	struct event *sched_timer;	/* for reservations */
	struct waits *waits;
	struct purge *purges;		/* in the order of their calls */
	struct event *purge_timer;
	bool purge_wanted;		/* by the configuration */
	size_t purged;			/* since the start */
	size_t fresh;			/* jobs that ended this turn */
	uint64_t *parents;		/* ids of jobs purged this turn */
	size_t parent_count;
	struct bulk *bulk;		/* in the order of their calls */
	struct event *again;		/* brings another turn */
	struct condition *to_settle;	/* of jobs that waited for others */
	bool settling;			/* they take several turns */
	struct hook *hooks, **hooks_tail;
	size_t hooks_running;
	struct keeping *keepings;	/* see housekeeping.h */
	struct early *early;		/* calls that came before */
	size_t early_count;
	weir_future_t *services[8];
	weir_future_t *exec_watch, *node_watch, *config_watch, *graph_watch;
	uint64_t cleared[CLEARED_MAX];	/* ids of assignments removed lately */
	bool nodes_known;		/* node.* has been read once */
	bool inventory_changed;		/* this turn */
	char *inventory;		/* resource.R as last written, or NULL */
	int result;			/* of the process */
	bool restart;			/* start anew after the loop */
	bool lost;			/* because kvsd is gone */
	bool told_to_end;		/* by a signal */
};

double now_wall(void);

/* ---- life.c: events as they happen ----
 * Each may end in job_forget: JOB may be gone when it returns. */

void job_post(struct schedd *s, struct job *job, struct jobevent *ev);
void job_post_plain(struct schedd *s, struct job *job, enum job_event event);
void job_act(struct schedd *s, struct job *job, enum job_action action);
/* Raises an exception; see struct jobevent for the rest. */
void job_raise(struct schedd *s, struct job *job, const char *type,
	       int severity, const char *note, int wait_status);
void job_raise_by(struct schedd *s, struct job *job, const char *type,
		  int severity, const char *note, uid_t userid);

/* ---- turn.c ---- */
void turn_end(struct schedd *s);	/* all that a turn's end has to do */
/* There is more to do than one turn should: another, after others had
 * theirs. */
void turn_again(struct schedd *s);
/* Whether more may be begun of what takes many turns; if not, there will be
 * a turn when it may. */
bool turn_room(struct schedd *s);
bool turn_waits(struct schedd *s);	/* something wants that */

/* ---- sched.c ---- */
void sched_wake(struct schedd *s);	/* something may fit now */
void sched_run(struct schedd *s);
void sched_stop(struct schedd *s);
/* JOB has what the matcher says; it can never have anything. */
void sched_give(struct schedd *s, struct job *job);
void sched_give_up(struct schedd *s, struct job *job);

/* ---- queue_call.c ---- */
int queues_read(struct schedd *s, struct weir_error *error);	/* blocking */
int queues_watch(struct schedd *s);
void queues_turn(struct schedd *s);
void queues_stop(struct schedd *s);
/* JOB, in SCHED, waits at its place, or does not if it or its queue is
 * held. */
void queue_place(struct schedd *s, struct job *job);
json_t *queues_stats(struct schedd *s);

/* ---- bulk.c ---- */
void bulk_turn(struct schedd *s);
void bulk_stop(struct schedd *s);

/* ---- wait.c ---- */
struct waits *waits_create(struct schedd *s);	/* NULL with ENOMEM */
void waits_destroy(struct waits *waits);	/* NULL is fine */
int waits_read(struct schedd *s, struct weir_error *error);	/* blocking */
/* A waitable job of UID has ended, and is in the history. */
void waits_ended(struct schedd *s, uint64_t id, uid_t uid);
void waits_forget(struct schedd *s, uint64_t id, uid_t uid);	/* purged */

/* ---- journal.c ---- */
struct journal *journal_create(void);		/* NULL with ENOMEM */
void journal_destroy(struct journal *j);	/* NULL is fine */
/* The time of an event that happens now: no other has it, or a later one. */
double journal_time(struct schedd *s);
void journal_seen(struct schedd *s, double time);	/* of an event's time */
/* EV of JOB goes along with this turn's transaction. */
void journal_event(struct schedd *s, const struct job *job,
		   const struct jobevent *ev);
void journal_durable(struct schedd *s);		/* a transaction is */

/* ---- purge.c ---- */
void purge_wake(struct schedd *s);	/* limits may be exceeded */
void purge_turn(struct schedd *s);
void purge_stop(struct schedd *s);

/* ---- exec.c ---- */
void exec_start(struct schedd *s, struct job *job);
void exec_signal(struct schedd *s, struct job *job, int signum);
/* What its nodes have reported so far may make it start or finish. */
void exec_progress(struct schedd *s, struct job *job);
/* exec_lost.c: parts of jobs that will never report */
void exec_node_lost(struct schedd *s, unsigned rank, const char *host);
/* KEY, at or below `exec', is there no more. */
void exec_removed(struct schedd *s, const char *key);
/* All assignments that are there have been seen. */
void exec_synced(struct schedd *s);
/* Into this turn's transaction: assignments go, the namespace is adopted. */
void exec_clear(struct schedd *s, struct job *job);
int exec_watch(struct schedd *s);

/* ---- kill.c ---- */
void kill_job(struct schedd *s, struct job *job);
void limit_set(struct schedd *s, struct job *job);	/* or moved */

/* ---- mock.c ---- */
void mock_start(struct schedd *s, struct job *job);
void mock_limit(struct schedd *s, struct job *job);	/* it has moved */
void mock_end(struct schedd *s, struct job *job);

/* ---- nodes.c ---- */
int nodes_watch(struct schedd *s);
/* The key resource.graph: if it is wrong, what was there remains. */
int graph_watch(struct schedd *s);
void graph_load(struct schedd *s, const char *text, size_t len);
/* drain.c: nodes that get no new jobs */
int drain_read(struct schedd *s, struct weir_error *error);	/* blocking */
/* RANK is drained, if it is not yet. Nodes that are drained for one reason at
 * the same time NOW are shown as one group. */
void drain_node(struct schedd *s, unsigned rank, double now,
		const char *reason);
void drain_save(struct schedd *s);	/* what a turn's end has to do */
/* The ranks of TEXT, ranks or hosts; NULL and the call has failed. */
struct idset *call_targets(struct schedd *s, weir_call_t *call,
			   const char *text);
/* grow.c: the graph as it was changed since it was given. The text of the key
 * resource.graph is TEXT. -1 with ERROR. */
int grown_read(struct schedd *s, const char *text, size_t len,
	       struct weir_error *error);	/* blocking */
/* TEXT is the graph that is given already. */
bool grown_is_of(struct schedd *s, const char *text, size_t len);
/* The graph is another: changes are of no use any more. */
void grown_forget(struct schedd *s, const char *text, size_t len);
void grown_turn(struct schedd *s);	/* what a turn's end has to do */
void nodes_turn(struct schedd *s);	/* what a turn's end has to do */

/* ---- replay.c ---- */
/* Reads everything back, blocking. -1 with ERROR. */
int replay(struct schedd *s, struct weir_error *error);
void replay_resume(struct schedd *s);	/* then: go on where it stopped */

/* ---- services.c ---- */
int services_start(struct schedd *s, struct weir_error *error);
void services_ready(struct schedd *s);
void services_stop(struct schedd *s);
/* The instance's owner, or UID's own job. */
bool may_act(struct schedd *s, weir_call_t *call, uid_t owner);
/* The call's JSON object, to be released; fails the call if it is none. */
json_t *call_json(weir_call_t *call);
void call_answer(weir_call_t *call, json_t *body);	/* BODY is taken */

/* The job ID, if the caller may act on it and it is active; else the call has
 * failed. (manager.c) */
struct job *call_job(struct schedd *s, weir_call_t *call, json_int_t id);
/* 0, or -1 and the call has failed. (manager.c) */
int check_urgency(struct schedd *s, weir_call_t *call, int urgency);

typedef void method_f(struct schedd *s, weir_call_t *call);
method_f do_submit;				/* ingest.c */
method_f do_raise, do_kill, do_urgency, do_memo, do_ping;	/* manager.c */
method_f do_update;				/* update_call.c */
method_f do_raiseall, do_killall;		/* bulk.c */
method_f do_wait;				/* wait.c */
method_f do_journal;				/* journal.c */
method_f do_purge;				/* purge.c */
method_f do_queue_enable, do_queue_start, do_queue_list, do_queue_status,
	 do_queue_drain, do_queue_idle;		/* queue_call.c */
method_f do_jobtap, do_jobtap_list, do_jobtap_query;	/* plugin_call.c */
method_f do_housekeeping_list, do_housekeeping_kill;	/* housekeeping.c */
method_f do_report;	/* exec.c */
method_f do_list, do_list_id, do_job_stats;	/* list.c */
method_f do_lookup, do_eventlog_watch;		/* info.c */
method_f do_sched_status;			/* resource_service.c */
method_f do_drain, do_undrain;			/* drain.c */
method_f do_grow, do_shrink;			/* grow.c */

/* ---- main.c ---- */
/* Memory and store may differ: end the loop and start anew. */
void schedd_restart(struct schedd *s, const char *why);

#endif
