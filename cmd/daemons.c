/* SPDX-License-Identifier: Apache-2.0 */
/* The daemons of an instance, as children of weir start. */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/daemons.h"

#define BACKOFF_FIRST	0.05	/* seconds */
#define BACKOFF_MAX	5.0

char *program_path(const char *program)
{
	const char *dir = getenv("WEIR_LIBEXECDIR");
	char self[4096], *path, *slash;
	ssize_t n;

	if (dir && *dir)
		return xasprintf("%s/%s", dir, program);
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash) {
			*slash = '\0';
			path = xasprintf("%s/../%s/%s", self, program,
					 program);
			if (access(path, X_OK) == 0)
				return path;
			free(path);
		}
	}
	return xasprintf("%s/%s", WEIR_LIBEXECDIR, program);
}

static void forget_pipe(struct daemon *d)
{
	if (d->pipe_event)
		event_free(d->pipe_event);
	d->pipe_event = NULL;
	if (d->pipe >= 0)
		close(d->pipe);
	d->pipe = -1;
}

/* To standard error and the log; TEXT is freed. */
static void tell(struct daemon *d, char *text)
{
	warn("%s", text);
	d->all->log(text, d->all->arg);
	free(text);
}

static void take_line(struct daemon *d)
{
	struct daemons *all = d->all;

	forget_pipe(d);
	d->line[d->line_len] = '\0';
	if (!strcmp(d->line, "ready")) {
		d->ready = true;
		d->backoff = 0;
		all->on_ready(d, all->arg);
	} else if (d->line_len && d->backoff > 0) {
		tell(d, xasprintf("%s is not ready again: %s", d->name,
				  d->line));	/* it ends, see ended() */
	} else if (d->line_len && !d->ready) {
		d->stopping = true;
		all->on_failed(d, d->line, all->arg);
	}
}

static void on_pipe(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	char *lf;
	ssize_t n = read(fd, d->line + d->line_len,
			 sizeof(d->line) - 1 - d->line_len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		d->line_len += n;
	lf = memchr(d->line, '\n', d->line_len);
	if (lf)
		d->line_len = lf - d->line;
	if (lf || n <= 0 || d->line_len == sizeof(d->line) - 1)
		take_line(d);
}

static void child(struct daemon *d, int fd)
{
	sigset_t none;

	/* a terminal's Ctrl-C is for the program, not for the daemons */
	setpgid(0, 0);
	/* if weir start is killed the instance ends, its jobs' shells see it */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	fcntl(fd, F_SETFD, 0);
	execv(d->argv[0], d->argv);
	dprintf(fd, "%s: %s\n", d->argv[0], strerror(errno));
	_exit(127);
}

static void spawn(struct daemon *d)
{
	int fd[2];

	d->ready = false;
	d->line_len = 0;
	if (pipe2(fd, O_CLOEXEC) < 0)
		die("pipe: %s", strerror(errno));
	d->pipe = fd[0];
	free(d->argv[1]);
	d->argv[1] = xasprintf("--ready-fd=%d", fd[1]);
	fflush(stdout);
	d->pid = fork();
	if (d->pid < 0)
		die("cannot start %s: %s", d->name, strerror(errno));
	if (d->pid == 0)
		child(d, fd[1]);
	close(fd[1]);
	if (d->all->verbose)
		warn("started %s (pid %d)", d->name, (int)d->pid);
	d->pipe_event = event_new(d->all->base, d->pipe, EV_READ | EV_PERSIST,
				  on_pipe, d);
	if (!d->pipe_event)
		die("out of memory");
	event_add(d->pipe_event, NULL);
}

static void on_restart(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	if (!d->stopping)
		spawn(d);
}

struct daemon *daemon_start(struct daemons *all, const char *program,
			    const char *name, char *const args[])
{
	struct daemon *d = calloc(1, sizeof(*d)), **p;
	int i;

	if (!d)
		die("out of memory");
	d->all = all;
	d->program = program;
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->pipe = -1;
	d->argv[0] = program_path(program);
	/* what is usual is in the instance's log, not on the terminal */
	d->argv[2] = xasprintf("--log-level=%d", all->verbose ? 6 : 4);
	for (i = 0; args[i] && i + 4 < DAEMON_ARGS; i++)
		d->argv[i + 3] = xstrdup(args[i]);
	d->restart_event = evtimer_new(all->base, on_restart, d);
	if (!d->restart_event)
		die("out of memory");
	for (p = &all->first; *p; p = &(*p)->next)
		;
	*p = d;
	spawn(d);
	return d;
}

static char *how_it_ended(int status)
{
	if (WIFSIGNALED(status))
		return xasprintf("was killed by signal %d (%s)",
				 WTERMSIG(status),
				 strsignal(WTERMSIG(status)));
	return xasprintf("ended with exit code %d", WEXITSTATUS(status));
}

static void ended(struct daemon *d, int status)
{
	struct daemons *all = d->all;
	bool was_ready = d->ready || d->backoff > 0;
	char *how;
	struct timeval tv;

	/* what it said last may still be in the pipe */
	while (d->pipe >= 0 && !d->stopping)
		on_pipe(d->pipe, EV_READ, d);
	forget_pipe(d);
	d->pid = 0;
	d->ready = false;
	if (d->stopping) {
		all->on_stopped(d, all->arg);
		return;
	}
	how = how_it_ended(status);
	if (!was_ready) {
		d->stopping = true;
		all->on_failed(d, how, all->arg);
		free(how);
		return;
	}
	tell(d, xasprintf("%s %s; it is started again", d->name, how));
	free(how);
	tv.tv_sec = (time_t)d->backoff;
	tv.tv_usec = (suseconds_t)((d->backoff - (double)tv.tv_sec) * 1e6);
	d->backoff = d->backoff > 0 ? d->backoff * 2 : BACKOFF_FIRST;
	if (d->backoff > BACKOFF_MAX)
		d->backoff = BACKOFF_MAX;
	event_add(d->restart_event, &tv);
}

bool daemon_reaped(struct daemons *all, pid_t pid, int status)
{
	struct daemon *d;

	for (d = all->first; d; d = d->next)
		if (d->pid == pid) {
			ended(d, status);
			return true;
		}
	return false;
}

void daemon_signal(struct daemon *d, int signum)
{
	d->stopping = true;
	event_del(d->restart_event);
	if (d->pid > 0)
		kill(d->pid, signum);
}

bool daemons_running(const struct daemons *all, const char *program)
{
	const struct daemon *d;

	for (d = all->first; d; d = d->next)
		if (d->pid > 0 && (!program || !strcmp(d->program, program)))
			return true;
	return false;
}

void daemons_free(struct daemons *all)
{
	struct daemon *d;
	int i;

	while ((d = all->first)) {
		all->first = d->next;
		forget_pipe(d);
		event_free(d->restart_event);
		for (i = 0; i < DAEMON_ARGS; i++)
			free(d->argv[i]);
		free(d);
	}
}
