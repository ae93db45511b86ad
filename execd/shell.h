/* SPDX-License-Identifier: Apache-2.0 */
/* The job shell: one process a job and node. It starts the tasks, carries
 * their standard I/O and signals, and reports how they ended. It knows the
 * agent's socket and nothing of kvsd, and outlives the agent. When its job is
 * over it may get another one, for most of what a short job costs is the
 * making and unmaking of its shell. execd(8). */
#ifndef WEIR_EXECD_SHELL_H
#define WEIR_EXECD_SHELL_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "proto/idset.h"
#include "proto/jobspec.h"
#include "proto/wire.h"

struct shell_spec {
	/* the node: what the agent knows when it starts a shell; borrowed */
	unsigned rank;		/* of the execd */
	const char *host, *uri, *rundir, *socket_path;
	const cpu_set_t *core_cpus;	/* of each core of the node */
	unsigned core_count;
	rlim_t nofile;		/* soft limit of descriptors, for tasks */
	/* Without an agent for so long, its lease has ended and the node counts
	 * as lost, and so does the job. One that waits for kvsd does listen. */
	int64_t away_ms;
	/* the job: its order, see link.h */
	uint64_t id;
	struct jobspec *jobspec;
	int node, nnodes;	/* this node among the job's, from 0 */
	int ntasks;		/* of the whole job */
	struct idset *tasks;	/* ranks of those on this node */
	struct idset *cores, *gpus;	/* on this node */
	bool bound;		/* to these cpus */
	cpu_set_t cpus;
};

/* Runs in a child of the agent, which is at the other end of LINK and sends
 * its first job; never returns. */
void shell_main(const struct shell_spec *node, int link)
	__attribute__((noreturn));

/* ---- inside the shell ---- */

enum { IN, OUT, ERR };

struct task {
	int rank, local;
	pid_t pid;		/* 0: ended */
	int status;
	int fd[3];		/* our ends of its pipes, -1: closed */
	char *line[3];		/* OUT, ERR: a part of a line */
	size_t line_len[3];
	struct sink *sink[3];	/* OUT, ERR: a file in their place, or NULL */
	bool label[3], midline[3];	/* and how lines stand in it */
};

struct shell {
	const struct shell_spec *home;	/* without a job */
	bool again;		/* there may be another job after this one */
	bool ended;		/* there will be none */
	struct shell_spec next;	/* of an order that is on its way */
	/* its job from here on */
	struct shell_spec *spec;	/* NULL: it has none */
	int lock;		/* file held while the job is there, or -1 */
	struct task *task;
	int ntasks, running;
	bool unbuffered;
	struct sink *sinks;	/* all of them */
	char **env;		/* of the next task, NULL after the last */
	size_t env_len, env_size;
	bool env_tags;		/* values of it have {{tags}} */
	char *tmpdir;
	int signal_fd;
	/* link to the agent */
	int fd;			/* -1: none now */
	struct wire_decoder *decoder;
	struct wire_buf send;	/* frames that are not written yet */
	int64_t retry_at, backoff;	/* milliseconds, monotonic */
	int64_t away_since;	/* no agent listens; 0: one does */
	bool resumed;		/* the agent has said where to go on */
	/* output records from offset ACKED on; SENT of them are in frames */
	struct wire_buf output;
	uint64_t acked, sent;
	bool spoken;		/* there is more to tell than ends of streams */
	/* input for task 0 */
	struct output_decoder *input_decoder;
	struct wire_buf input;
	uint64_t input_offset;	/* bytes of guest.input taken */
	bool input_eof;
	uint64_t signals;	/* ordinal of the last one delivered */
	/* result */
	bool started, failed, finished, done;
	char *failure;		/* note of an exception of type exec */
	int failure_status;
	bool start_told, failure_told, finish_told;
	int64_t pipes_until;	/* 0, or when lingering pipes are closed */
};

int64_t shell_now(void);	/* milliseconds, monotonic */
/* The job ends by an exception of type exec; takes NOTE (NULL: out of memory).
 * The first counts. STATUS is a wait status. */
void shell_fail(struct shell *s, char *note, int status);

/* shell.c */
/* Begins with the job in SPEC, the tasks first. */
void shell_begin(struct shell *s);
/* Nothing of the job is left. */
void shell_forget(struct shell *s);

/* shell_order.c */
/* One of the frames tasks, cores, gpus and run. */
void order_take(struct shell *s, const struct wire_frame *f);
void shell_spec_free(struct shell_spec *spec);

/* shell_env.c: the environment of the next task, made before each start */
/* In the place of what NAME was, if it was there. */
void env_set(struct shell *s, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void env_make(struct shell *s, const struct task *t);
void env_clear(struct shell *s);

/* shell_task.c */
/* 0, or -1 with a note for people and the exit status to pretend. */
int task_start(struct shell *s, struct task *t);
void task_signal(struct shell *s, int signum);
void task_reap(struct shell *s);
int task_greatest_status(const struct shell *s);

/* shell_template.c */
bool template_has_tags(const char *text);
/* Whether the job is an element of an array, and of which. */
bool shell_element(const struct shell *s, uint64_t *array, uint32_t *index);
/* TEXT with its {{tags}} filled in for T (NULL: for no task); to be freed. */
char *template_fill(const struct shell *s, const struct task *t,
		    const char *text);
/* The same of words, NULL after the last; each and the array to be freed. */
char **template_fill_all(const struct shell *s, const struct task *t,
			 const char *const *words);

/* shell_files.c: 0, or -1 as task_start */
int files_write(struct shell *s);

/* shell_redirect.c */
/* The files of T's output, if it has such; 0, or -1 as task_start. */
int redirect_open(struct shell *s, struct task *t);
/* Is standard input a file? Then T's own descriptor of it, or -1 likewise. */
bool redirected_input(const struct shell *s);
int redirect_input(struct shell *s, const struct task *t);
void redirect_write(struct shell *s, struct task *t, int which,
		    const char *data, size_t len);
void redirect_end(struct shell *s, struct task *t, int which);
void redirect_close(struct shell *s);

/* shell_stdio.c */
bool stdio_room(const struct shell *s);	/* for more output */
void stdio_read(struct shell *s, struct task *t, int which);
void stdio_drain(struct shell *s, struct task *t, int which);
void stdio_close(struct shell *s, struct task *t, int which);
void stdio_log(struct shell *s, int level, const char *text);
void stdio_input(struct shell *s, const char *data, size_t len);
void stdio_write_stdin(struct shell *s);

/* shell_link.c */
void link_begin(struct shell *s);	/* with a descriptor that is connected */
void link_open(struct shell *s);
void link_read(struct shell *s);
void link_write(struct shell *s);
void link_tell(struct shell *s);	/* queues what is to be said */
bool link_has_output(const struct shell *s);

#endif
