/* SPDX-License-Identifier: Apache-2.0 */
/* A program that runs while a lock is held. States: waiting for the lock,
 * running the program (or just holding it, if there is none), over. Signals
 * that would end us are the program's while it runs: SIGINT and SIGQUIT reach
 * it from the terminal anyway, others are passed on. weir-lock(1). */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/lock.h"

#define RELEASE_SECONDS	5.0	/* to wait for the release to be durable */

static const int signals[] = { SIGCHLD, SIGINT, SIGQUIT, SIGTERM, SIGHUP,
			       SIGUSR1, SIGUSR2 };
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

struct state {
	const struct lock_run *run;
	struct event_base *base;
	struct event *timer, *signal[SIGNALS];
	bool lost;
	pid_t pid;		/* of the program, or 0 */
	int status;		/* the exit code */
};

static void over(struct state *s, int status)
{
	s->status = status;
	event_base_loopbreak(s->base);
}

/* ---- the program ---- */

__attribute__((noreturn))
static void run_child(char **command)
{
	sigset_t none;
	int errnum;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(command[0], command);
	errnum = errno;
	warn("%s: %s", command[0], strerror(errnum));
	_exit(errnum == ENOENT ? LOCK_NOT_FOUND : LOCK_NO_EXEC);
}

static void start(struct state *s)
{
	char number[32];

	snprintf(number, sizeof(number), "%llu",
		 (unsigned long long)weir_lock_number(s->run->lock));
	if (!s->run->command) {
		puts(number);
		if (fflush(stdout) == EOF) {
			warn("standard output: %s", strerror(errno));
			over(s, LOCK_FAILED);
		}
		return;
	}
	setenv("WEIR_LOCK_NUMBER", number, 1);
	setenv("WEIR_LOCK_KEY", weir_future_option(s->run->lock, "key"), 1);
	s->pid = fork();
	if (s->pid == 0)
		run_child(s->run->command);
	if (s->pid < 0) {
		warn("cannot start a process: %s", strerror(errno));
		s->pid = 0;
		over(s, LOCK_FAILED);
	}
}

static void reap(struct state *s)
{
	int status;

	if (!s->pid || waitpid(s->pid, &status, WNOHANG) != s->pid)
		return;
	s->pid = 0;
	if (s->lost)
		over(s, LOCK_FAILED);
	else
		over(s, WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
					      WEXITSTATUS(status));
}

/* ---- what happens ---- */

static void on_lock(weir_future_t *f, void *arg)
{
	struct state *s = arg;

	if (!weir_future_error(f)) {
		event_del(s->timer);
		start(s);
		return;
	}
	warn("%s: %s", s->run->key, weir_future_strerror(f));
	s->lost = true;
	if (s->pid)
		kill(s->pid, s->run->signum);
	else
		over(s, LOCK_FAILED);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct state *s = arg;

	(void)fd;
	(void)what;
	warn("%s: timed out after %g s: another holds it", s->run->key,
	     s->run->timeout);
	over(s, LOCK_TIMEOUT);
}

static void on_signal(evutil_socket_t signum, short what, void *arg)
{
	struct state *s = arg;

	(void)what;
	if (signum == SIGCHLD)
		reap(s);
	else if (!s->pid)
		over(s, 128 + (int)signum);
	else if (signum != SIGINT && signum != SIGQUIT)
		kill(s->pid, (int)signum);
}

/* What was ignored when we were started stays so. */
static void catch_signals(struct state *s)
{
	struct sigaction old;
	size_t i;

	for (i = 0; i < SIGNALS; i++) {
		if (signals[i] != SIGCHLD &&
		    sigaction(signals[i], NULL, &old) == 0 &&
		    old.sa_handler == SIG_IGN)
			continue;
		s->signal[i] = evsignal_new(s->base, signals[i], on_signal, s);
		if (!s->signal[i] || event_add(s->signal[i], NULL) < 0)
			die("cannot catch signals: %s", strerror(errno));
	}
}

static void wait_for_lock(struct state *s)
{
	double t = s->run->timeout;
	struct timeval tv = { (time_t)t,
			      (suseconds_t)((t - (double)(time_t)t) * 1e6) };

	s->timer = evtimer_new(s->base, on_timeout, s);
	if (!s->timer || (t >= 0 && event_add(s->timer, &tv) < 0))
		die("out of memory");
	if (weir_future_then(s->run->lock, -1, on_lock, s) < 0 ||
	    weir_attach(s->run->h, s->base) < 0)
		die("%s: %s", s->run->key, strerror(errno));
	event_base_dispatch(s->base);
	weir_attach(s->run->h, NULL);
}

/* The next one can have it when this is done. */
static void release(struct state *s)
{
	weir_future_t *f;

	if (!weir_lock_number(s->run->lock)) {
		weir_future_destroy(s->run->lock);
		weir_flush(s->run->h, RELEASE_SECONDS);
		return;
	}
	f = weir_unlock(s->run->lock);
	if (f)
		weir_future_wait(f, RELEASE_SECONDS);
	weir_future_destroy(f);
}

int lock_run(const struct lock_run *run)
{
	struct state s = { .run = run };
	size_t i;

	s.base = event_base_new();
	if (!s.base)
		die("out of memory");
	catch_signals(&s);
	wait_for_lock(&s);
	release(&s);
	for (i = 0; i < SIGNALS; i++)
		if (s.signal[i])
			event_free(s.signal[i]);
	event_free(s.timer);
	event_base_free(s.base);
	return s.status;
}
