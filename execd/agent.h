/* SPDX-License-Identifier: Apache-2.0 */
/* The agent: a node's daemon between kvsd and the shells of its jobs. It
 * owns no truth: orders and reports are keys, results are held by shells
 * until they are durable. When it loses kvsd it starts itself anew, which is
 * the one way of recovery there is. execd(8), weir-jobs(7). */
#ifndef WEIR_EXECD_AGENT_H
#define WEIR_EXECD_AGENT_H

#include <event2/event.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "execd/shell.h"
#include "libclient/weir.h"
#include "proto/resource_set.h"
#include "proto/wire.h"

#define AGENT_NAME_MAX	64
#define LEASE_SECONDS	15	/* a restart within it disturbs nobody */

#define NEWLY_MAX	1024

struct link;
struct output;
struct telling;

struct agent_job {
	uint64_t id;
	struct agent *agent;
	struct agent_job *next;		/* of its hash chain */
	bool assigned;			/* the order has been understood */
	bool reported_start, reported_finish;	/* as durable reports say */
	bool launching;			/* J has been asked for */
	unsigned launches;
	bool finishing;			/* its end is being reported */
	bool reported_exception;	/* or it is being reported */
	uid_t userid;
	int node, nnodes, ntasks;
	struct idset *tasks;
	struct resource_set *R;
	size_t orders_taken;		/* bytes of the orders key */
	struct wire_buf orders;		/* a part of a line */
	weir_future_t *fetch, *input, *progress;
	uint64_t input_offset;
	struct link *link;		/* NULL: its shell is not connected */
	bool own;	/* launched by this process: what it has put out is known */
	bool resumed;			/* the shell was told where to go on */
	uint64_t output_end;		/* bytes committed, or about to be */
	struct wire_buf gathered;	/* the last of these, for a commit */
	bool output_on_way;		/* a commit of it has no answer yet */
	bool finish_waits;		/* until the output is durable */
	int finish_status;
	uint64_t output_durable;	/* of these, durable */
	bool output_refused;		/* it goes nowhere any more */
	uint64_t reports;		/* made so far */
	/* signals ordered so far; those of them not sent to a shell yet */
	uint64_t signals, signals_sent;
	int *signal;
};

struct agent {
	struct event_base *base;
	weir_t *h;
	unsigned rank;
	const char *uri, *rundir;
	struct rlimit nofile;		/* as found, for tasks and when anew */
	uint64_t shell_timeout;		/* seconds, see shell.h */
	char *socket_path;
	int lock;			/* of the run folder */
	char host[256];
	uint64_t lease;
	/* cores of this node: the cpus of each, by logical index */
	struct idset *only_cores;	/* of these; NULL: all there are */
	struct idset *cores, *gpus;
	cpu_set_t *core_cpus;
	unsigned core_count;
	char *topology;			/* hwloc XML */
	size_t topology_len;
	/* jobs by id */
	struct agent_job **job;
	size_t buckets, jobs;
	weir_future_t *assignments;
	bool synced;			/* all of them are known */
	struct wire_buf told;		/* reports of this turn, as frames */
	struct telling *tellings;	/* calls of them without an answer */
	uint64_t newly[NEWLY_MAX];	/* jobs with `start` among them */
	size_t newlies;
	uint64_t *finishing;		/* jobs with `finish` among them */
	size_t finishings;
	struct output *outputs;		/* commits without an answer */
	struct event *report_event;
	struct event *lost_event;	/* looks for shells that died */
	int listener;
	bool ending;			/* told to: it does not start anew */
	struct event *accept_event, *stop_event;
	struct link *idle;		/* to shells without a job, newest first */
	unsigned idles;
	struct event *idle_event;
	weir_future_t *service;
	struct node_hook *hooks;	/* programs that run for schedd */
	int children;			/* descriptor: some have ended */
	struct event *children_event;
	char **argv;			/* to start anew with */
};

/* main.c */
void agent_log(struct agent *a, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Says why and starts the program anew; nothing is lost by it. */
void agent_again(struct agent *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/* node.c */
int node_discover(struct agent *a, char *error, size_t size);
/* Puts node.RANK.* under a lease and waits until that is durable. */
int node_register(struct agent *a, char *error, size_t size);
void node_free(struct agent *a);

/* jobs.c */
/* First of all: in a run folder that no agent has used, what is assigned was
 * assigned to an agent of another one, and is lost. Waits; -1 with a reason. */
int jobs_disown(struct agent *a, char *error, size_t size);
int jobs_watch(struct agent *a);
struct agent_job *jobs_find(struct agent *a, uint64_t id);
void jobs_free(struct agent *a);
/* Soon, for shells that are away and may have died. */
void jobs_look_later(struct agent *a);
/* Those that its shell has not been sent. */
void job_send_signals(struct agent_job *j);

/* guest.c: from the shell by its link */
void job_connected(struct agent_job *j, struct link *link);
void job_output(struct agent_job *j, uint64_t offset, const char *data,
		size_t len);
void job_lost_link(struct agent_job *j);
void job_input_room(struct agent_job *j);
/* All that there is of it is durable; if not, job_output_is_durable will be
 * called. */
bool job_output_done(const struct agent_job *j);
void outputs_free(struct agent *a);

/* reports.c */
int reports_init(struct agent *a);
void reports_free(struct agent *a);
void job_started(struct agent_job *j, pid_t pid);
void job_exception(struct agent_job *j, const char *type, int severity,
		   int status, const char *note, size_t len);
void job_finished(struct agent_job *j, int status);
void job_output_is_durable(struct agent_job *j);

/* hooks.c */
/* Children are waited for from now on; -1 without memory. */
int hooks_init(struct agent *a);
void hooks_free(struct agent *a);	/* kills those that run */
/* The methods hook and hook-stop: CALL is taken. */
void do_hook(struct agent *a, weir_call_t *call);
void do_hook_stop(struct agent *a, weir_call_t *call);

/* launch.c */
/* Has it been started by an earlier agent, and does the shell live? */
enum launch_state { LAUNCH_NEVER, LAUNCH_ALIVE, LAUNCH_DEAD };
enum launch_state launch_state(struct agent *a, uint64_t id);
/* Verifies J and has a shell run it; -1 with a reason. */
int launch(struct agent_job *j, const char *envelope, size_t len,
	   char *error, size_t size);
void launch_forget(struct agent *a, uint64_t id);
/* As if it had been started and its shell had died. */
int launch_disown(struct agent *a, uint64_t id);
/* The run folder is this agent's alone; -1 with a reason. */
int launch_folder(struct agent *a, char *error, size_t size);
/* Has an agent used it before? */
bool launch_folder_known(struct agent *a);
int launch_folder_mark(struct agent *a);

/* links.c */
int links_listen(struct agent *a, char *error, size_t size);
void links_free(struct agent *a);
void link_send_resume(struct link *l, uint64_t offset);
void link_send_ack(struct link *l, uint64_t offset);
void link_send_signal(struct link *l, int signum, uint64_t ordinal);
/* The result is durable; the shell may be given another job. */
void link_send_done(struct link *l);
/* A shell without a job; NULL if there is none. */
struct link *link_idle(struct agent *a);
/* Of a SHELL just started, at the other end of FD; NULL without memory. */
struct link *link_adopt(struct agent *a, int fd, pid_t shell);
void link_run(struct link *l, struct agent_job *j, const char *jobspec,
	      size_t len);
/* Bytes queued after it: above LINK_INPUT_MAX stop, job_input_room tells. */
size_t link_send_input(struct link *l, uint64_t offset, const char *data,
		       size_t len);
/* The job is forgotten; the shell is told to end and its tasks killed. */
void link_kill(struct link *l);

#endif
