/* SPDX-License-Identifier: Apache-2.0 */
/* The job shell's life: start the tasks, wait for whatever happens next, until
 * the agent has said that the result is durable; and perhaps another job. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "execd/link.h"
#include "execd/shell.h"
#include "proto/jobid.h"
#include "proto/output.h"

/* After the last task, for pipes that a process left behind still holds. */
#define PIPES_LINGER_MS	2000

int64_t shell_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The agent's descriptors are not ours. */
static void leave_agent(int link)
{
	int fd;

	setsid();
	prctl(PR_SET_PDEATHSIG, 0);
	prctl(PR_SET_NAME, "weir-shell");
	/* the agent handles signals by a descriptor; this one it ignores */
	signal(SIGCHLD, SIG_DFL);
	if (link > 3)
		close_range(3, link - 1, 0);
	close_range(link + 1, ~0u, 0);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(fd, 0);
	dup2(fd, 1);
	if (fd > 2)
		close(fd);
}

static int watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_SETMASK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void shell_fail(struct shell *s, char *note, int status)
{
	if (s->failed) {
		free(note);
		return;
	}
	s->failed = true;
	s->failure = note;
	s->failure_status = status;
	stdio_log(s, LOG_CRIT, note ? note : "out of memory");
}

static bool make_tmpdir(struct shell *s)
{
	char id[JOBID_SIZE], *note;

	jobid_encode(s->spec->id, JOBID_F58PLAIN, id);
	if (asprintf(&s->tmpdir, "%s/jobtmp-%d-%s", s->spec->rundir,
		     s->spec->node, id) < 0)
		return false;
	if (mkdir(s->tmpdir, 0700) == 0 || errno == EEXIST)
		return true;
	if (asprintf(&note, "cannot make the job's folder %s: %s", s->tmpdir,
		     strerror(errno)) < 0)
		note = NULL;
	shell_fail(s, note, 1 << 8);
	return false;
}

static bool option_is(const struct jobspec *spec, const char *a,
		      const char *b, const char *c, const char *value)
{
	json_t *o = json_object_get(spec->shell_options, a);
	const char *text;

	o = json_object_get(json_object_get(o, b), c);
	text = json_string_value(json_object_get(o, "type"));
	return text && !strcmp(text, value);
}

static void start_tasks(struct shell *s)
{
	unsigned rank = idset_first(s->spec->tasks);
	int i;

	s->ntasks = (int)idset_count(s->spec->tasks);
	s->task = calloc(s->ntasks, sizeof(*s->task));
	if (!s->task) {
		s->ntasks = 0;
		shell_fail(s, NULL, 1 << 8);
		return;
	}
	for (i = 0; i < s->ntasks; i++) {
		s->task[i].rank = (int)rank;
		s->task[i].local = i;
		s->task[i].fd[IN] = s->task[i].fd[OUT] = s->task[i].fd[ERR]
			= -1;
		rank = idset_next(s->spec->tasks, rank);
	}
	for (i = 0; i < s->ntasks; i++) {
		if (task_start(s, &s->task[i]) < 0) {
			shell_fail(s, s->failure, s->failure_status);
			task_signal(s, SIGKILL);
			return;
		}
	}
	s->started = true;
}

/* ---- the loop ---- */

static int pipes_open(const struct shell *s)
{
	int i, n = 0;

	for (i = 0; i < s->ntasks; i++)
		n += (s->task[i].fd[OUT] >= 0) + (s->task[i].fd[ERR] >= 0);
	return n;
}

static void close_pipes(struct shell *s)
{
	int i;

	for (i = 0; i < s->ntasks; i++) {
		stdio_drain(s, &s->task[i], OUT);
		stdio_drain(s, &s->task[i], ERR);
	}
}

static void take_signals(struct shell *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD) {
			task_signal(s, (int)info.ssi_signo);
			s->ended = true;
		}
	task_reap(s);
}

/* Nobody will ask for the result any more: the instance is gone. */
static bool instance_gone(const struct shell *s)
{
	struct stat st;

	if (s->fd >= 0)
		return false;
	return shell_now() - s->away_since > s->spec->away_ms ||
	       (stat(s->spec->rundir, &st) < 0 && errno == ENOENT);
}

static void check_end(struct shell *s)
{
	if (!s->spec || s->running || s->finished)
		return;
	if (pipes_open(s)) {
		if (!s->pipes_until)
			s->pipes_until = shell_now() + PIPES_LINGER_MS;
		if (shell_now() < s->pipes_until)
			return;
		stdio_log(s, LOG_WARNING, "a process that a task left behind "
		       "still holds its output; it is no longer read");
		close_pipes(s);
	}
	redirect_close(s);
	s->finished = true;
}

static int wait_ms(const struct shell *s)
{
	int64_t now = shell_now(), until = INT64_MAX;

	if (!s->spec)
		return -1;
	if (s->fd < 0)
		until = s->retry_at;
	if (s->pipes_until && !s->finished && s->pipes_until < until)
		until = s->pipes_until;
	if (until == INT64_MAX)
		return -1;
	return until <= now ? 0 : (int)(until - now);
}

struct source {
	struct task *task;
	int which;
};

/* One turn: sleeps until something can be done, and does it. */
static void turn(struct shell *s, struct pollfd *p, struct source *source)
{
	bool room = stdio_room(s);
	int i, k, n = 0;

	p[n++] = (struct pollfd){ .fd = s->signal_fd, .events = POLLIN };
	p[n++] = (struct pollfd){ .fd = s->fd, .events = POLLIN |
		(s->send.len || (s->resumed && link_has_output(s)) ?
		 POLLOUT : 0) };
	for (i = 0; i < s->ntasks; i++) {
		struct task *t = &s->task[i];

		for (k = OUT; k <= ERR && room; k++) {
			if (t->fd[k] < 0)
				continue;
			source[n] = (struct source){ t, k };
			p[n++] = (struct pollfd){ .fd = t->fd[k],
						  .events = POLLIN };
		}
		if (t->fd[IN] >= 0 && (s->input.len || s->input_eof)) {
			source[n] = (struct source){ t, IN };
			p[n++] = (struct pollfd){ .fd = t->fd[IN],
						  .events = POLLOUT };
		}
	}
	if (poll(p, n, wait_ms(s)) < 0 && errno != EINTR)
		abort();
	for (i = 2; i < n; i++) {
		if (!p[i].revents)
			continue;
		if (source[i].which == IN)
			stdio_write_stdin(s);
		else
			stdio_read(s, source[i].task, source[i].which);
	}
	if (p[0].revents)
		take_signals(s);
	if (s->spec && s->fd < 0 && shell_now() >= s->retry_at)
		link_open(s);
	if (s->fd >= 0 && p[1].revents & (POLLIN | POLLHUP | POLLERR))
		link_read(s);
	check_end(s);
	link_tell(s);
	link_write(s);
}

static void remove_tree(const char *path)
{
	if (vfork() == 0) {
		execl("/bin/rm", "rm", "-rf", "--", path, (char *)NULL);
		_exit(127);
	}
}

static void remove_tmpdir(struct shell *s)
{
	/* most jobs leave it empty; do not pay for more */
	if (s->tmpdir && rmdir(s->tmpdir) < 0 && errno == ENOTEMPTY)
		remove_tree(s->tmpdir);
}

void shell_begin(struct shell *s)
{
	s->unbuffered = option_is(s->spec->jobspec, "output", "stdout",
				  "buffer", "none");
	if (!make_tmpdir(s))
		return;
	if (files_write(s) == 0)
		start_tasks(s);
	else
		shell_fail(s, s->failure, s->failure_status);
	task_reap(s);
}

void shell_forget(struct shell *s)
{
	struct shell next = {
		.home = s->home, .again = s->again, .ended = s->ended,
		.lock = -1, .fd = s->fd, .signal_fd = s->signal_fd,
		.decoder = s->decoder, .send = s->send,
	};
	int i;

	remove_tmpdir(s);
	for (i = 0; i < s->ntasks; i++) {
		stdio_close(s, &s->task[i], IN);
		free(s->task[i].line[OUT]);
		free(s->task[i].line[ERR]);
	}
	redirect_close(s);
	free(s->task);
	free(s->tmpdir);
	free(s->failure);
	env_clear(s);
	output_decoder_destroy(s->input_decoder);
	wire_buf_free(&s->output);
	wire_buf_free(&s->input);
	shell_spec_free(&s->next);
	if (s->lock >= 0)
		close(s->lock);
	*s = next;
}

/* Is there anything left to do? */
static bool goes_on(struct shell *s)
{
	if (!s->spec)
		return s->fd >= 0 && !s->ended;
	if (s->done) {
		if (!s->finished || !s->again || s->ended)
			return false;
		shell_forget(s);
		return true;
	}
	if (instance_gone(s)) {
		task_signal(s, SIGKILL);
		return false;
	}
	return true;
}

void shell_main(const struct shell_spec *node, int link)
{
	struct shell s = { .home = node, .again = true, .fd = link,
			   .lock = -1 };
	struct pollfd *p = NULL;
	struct source *source = NULL;
	size_t most = 0, n;

	leave_agent(link);
	s.signal_fd = watch_signals();
	link_begin(&s);
	do {
		n = 2 + 3 * (size_t)s.ntasks;
		if (n > most) {
			p = realloc(p, n * sizeof(*p));
			source = realloc(source, n * sizeof(*source));
			if (!p || !source)
				abort();
			most = n;
		}
		turn(&s, p, source);
	} while (goes_on(&s));
	remove_tmpdir(&s);
	_exit(0);
}
