/* SPDX-License-Identifier: Apache-2.0 */
/* A process that ends by itself, by a signal, or by SIGKILL after it: see
 * hook_run.h. It is the leader of a session and a process group, which get the
 * signals. It goes with the daemon. */
#include "config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "proto/hook_run.h"

#define RUN_MAGIC	0x48524e52u
#define LINE_MAX_BYTES	480
#define LINES_MAX	1000	/* in the log, of one hook */

struct hook_run {
	uint32_t magic;
	struct event_base *base;
	struct hook_run *next, **prev;
	char *label;
	hook_log_f *log;
	hook_end_f *end;
	void *arg;
	double timeout, kill_timeout;	/* seconds; 0: none */
	pid_t pid;			/* 0: it is no more */
	bool reaped;			/* and this is its status */
	int status;
	int exited, out;		/* descriptors */
	struct event *on_exit, *on_out, *timer;
	int signum;			/* last sent; 0: none */
	char why[64];			/* it was told to end */
	char line[LINE_MAX_BYTES];
	size_t len;
	int lines;
};

static struct hook_run *all;

/* ---- environment ---- */

int hook_env_add(struct hook_env *env, const char *name, const char *fmt, ...)
{
	char **more = realloc(env->name, (env->count + 2) * sizeof(*more));
	char *value = NULL, *text = NULL;
	va_list ap;
	int r;

	if (!more)
		return -1;
	env->name = more;
	more[env->count] = NULL;
	va_start(ap, fmt);
	r = vasprintf(&value, fmt, ap);
	va_end(ap);
	if (r >= 0) {
		r = asprintf(&text, "%s=%s", name, value);
		free(value);
	}
	if (r < 0) {
		errno = ENOMEM;
		return -1;
	}
	more[env->count++] = text;
	more[env->count] = NULL;
	return 0;
}

void hook_env_free(struct hook_env *env)
{
	while (env->count > 0)
		free(env->name[--env->count]);
	free(env->name);
	env->name = NULL;
}

/* ---- output ---- */

__attribute__((format(printf, 3, 4)))
static void say(struct hook_run *run, int level, const char *fmt, ...)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "%.300s: ", run->label);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	run->log(level, text, run->arg);
}

static void end_line(struct hook_run *run)
{
	if (run->lines < LINES_MAX)
		say(run, LOG_INFO, "%.*s", (int)run->len, run->line);
	else if (run->lines == LINES_MAX)
		say(run, LOG_WARNING, "puts out more than %d lines: no more "
		    "of them here", LINES_MAX);
	run->lines += run->lines <= LINES_MAX;
	run->len = 0;
}

static void take(struct hook_run *run, const char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (data[i] == '\n') {
			end_line(run);
			continue;
		}
		/* it must not look like a line of somebody else */
		run->line[run->len++] = iscntrl((unsigned char)data[i]) ? ' ' :
					data[i];
		if (run->len == sizeof(run->line))
			end_line(run);
	}
}

/* At most so much at a time that others get their turn. */
static void on_out(evutil_socket_t fd, short what, void *arg)
{
	struct hook_run *run = arg;
	char data[4096];
	ssize_t n;
	int i;

	assert(run->magic == RUN_MAGIC);
	for (i = 0; i < 16; i++) {
		n = read(fd, data, sizeof(data));
		if (n <= 0)
			break;
		take(run, data, (size_t)n);
	}
	if (i < 16 && (n == 0 || (errno != EAGAIN && errno != EINTR)))
		event_del(run->on_out);
}

/* ---- the end ---- */

static void set_timer(struct hook_run *run, double seconds)
{
	struct timeval tv = { .tv_sec = (time_t)seconds };

	tv.tv_usec = (suseconds_t)((seconds - (double)tv.tv_sec) * 1e6);
	if (event_add(run->timer, &tv) < 0)
		say(run, LOG_ERR, "out of memory: there is no timeout");
}

static void send_signal(struct hook_run *run, int signum)
{
	run->signum = signum;
	if (run->pid > 0)
		kill(-run->pid, signum);
	if (signum == SIGTERM)
		set_timer(run, run->kill_timeout);
}

void hook_run_stop(struct hook_run *run)
{
	if (!run->signum)
		send_signal(run, SIGTERM);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct hook_run *run = arg;

	assert(run->magic == RUN_MAGIC);
	if (run->signum) {
		send_signal(run, SIGKILL);
		return;
	}
	snprintf(run->why, sizeof(run->why), "it took longer than %g seconds",
		 run->timeout);
	send_signal(run, SIGTERM);
}

static void on_exit_ready(evutil_socket_t fd, short what, void *arg)
{
	struct hook_run *run = arg;
	int status;

	assert(run->magic == RUN_MAGIC);
	if (!run->reaped &&
	    waitpid(run->pid, &run->status, WNOHANG) != run->pid)
		return;
	status = run->status;
	/* what it left running goes, too, if it was told to end */
	if (run->signum)
		kill(-run->pid, SIGKILL);
	run->pid = 0;
	event_del(run->on_exit);
	event_del(run->timer);
	on_out(run->out, EV_READ, run);
	if (run->len)
		end_line(run);
	/* a hook that heeds the signal has not done its work */
	if (run->why[0] && status == 0)
		status = SIGTERM;
	run->end(status, run->why[0] ? run->why : NULL, run->arg);
}

void hook_run_reaped(pid_t pid, int status)
{
	struct hook_run *run;

	for (run = all; run && run->pid != pid; run = run->next)
		;
	if (!run)
		return;
	run->reaped = true;
	run->status = status;
}

void hook_run_destroy(struct hook_run *run)
{
	if (!run)
		return;
	*run->prev = run->next;
	if (run->next)
		run->next->prev = run->prev;
	if (run->pid > 0) {
		kill(-run->pid, SIGKILL);
		if (!run->reaped)
			waitpid(run->pid, NULL, 0);
	}
	if (run->on_exit)
		event_free(run->on_exit);
	if (run->on_out)
		event_free(run->on_out);
	if (run->timer)
		event_free(run->timer);
	if (run->exited >= 0)
		close(run->exited);
	if (run->out >= 0)
		close(run->out);
	free(run->label);
	run->magic = 0;
	free(run);
}

/* ---- the beginning ---- */

/* In the child, which shares our memory: a vfork. */
static void become(const struct hook_command *command, char **env, int out,
		   pid_t parent, volatile int *failed)
{
	static const int usual[] = { SIGPIPE, SIGCHLD, SIGHUP, SIGINT, SIGTERM };
	sigset_t none;
	size_t i;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	sigemptyset(&none);
	for (i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		signal(usual[i], SIG_DFL);
	if (null >= 0 && setsid() >= 0 &&
	    prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
	    dup2(null, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2 &&
	    chdir("/") == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0)
		execve(command->argv[0], command->argv, env);
	*failed = errno ? errno : ECHILD;
	_exit(127);
}

static int spawn(struct hook_run *run, const struct hook_command *command,
		 char **env)
{
	volatile int failed = 0;
	pid_t self = getpid();
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		return -1;
	run->out = p[0];
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	run->pid = vfork();
	if (run->pid == 0)
		become(command, env, p[1], self, &failed);
	close(p[1]);
	if (run->pid < 0) {
		run->pid = 0;
		return -1;
	}
	if (failed) {
		waitpid(run->pid, NULL, 0);
		run->pid = 0;
		errno = failed;
		return -1;
	}
	run->exited = (int)syscall(SYS_pidfd_open, run->pid, 0);
	return run->exited < 0 ? -1 : 0;
}

struct hook_run *hook_run(struct event_base *base,
			  const struct hook_command *command, char **env,
			  const char *label, hook_log_f *log, hook_end_f *end,
			  void *arg)
{
	struct hook_run *run = calloc(1, sizeof(*run));
	int e;

	if (!run)
		return NULL;
	run->magic = RUN_MAGIC;
	run->base = base;
	run->prev = &all;
	run->next = all;
	if (all)
		all->prev = &run->next;
	all = run;
	run->log = log;
	run->end = end;
	run->arg = arg;
	run->timeout = command->timeout;
	run->kill_timeout = command->kill_timeout;
	run->exited = run->out = -1;
	run->label = strdup(label);
	errno = ENOMEM;
	if (run->label && spawn(run, command, env) == 0) {
		run->on_exit = event_new(base, run->exited,
					 EV_READ | EV_PERSIST, on_exit_ready,
					 run);
		run->on_out = event_new(base, run->out, EV_READ | EV_PERSIST,
					on_out, run);
		run->timer = evtimer_new(base, on_timer, run);
		errno = ENOMEM;
		if (run->on_exit && run->on_out && run->timer &&
		    event_add(run->on_exit, NULL) == 0 &&
		    event_add(run->on_out, NULL) == 0) {
			if (run->timeout > 0)
				set_timer(run, run->timeout);
			return run;
		}
	}
	e = errno;
	hook_run_destroy(run);
	errno = e;
	return NULL;
}
