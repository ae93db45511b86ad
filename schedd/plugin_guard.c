/* SPDX-License-Identifier: Apache-2.0 */
/* Names the plug-in that brings schedd down or holds it up. weir-plugin(7).
 *
 * A handler of the signals that end a process writes which callback ran, and
 * leaves the signal to who had it before. A thread looks at schedd's from time
 * to time while callbacks are made: it sleeps when none is, and costs a
 * callback two stores and the reading of a clock.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "schedd/plugin_impl.h"

#define SLOW_NS		1000000000ull	/* weir-plugin(7) says so */
#define LOOK_NS		250000000	/* between two looks */

/* The call that is made, or was last. */
static struct {
	_Atomic uint64_t number;	/* odd: it is made */
	_Atomic(const char *) name, path, callback;
	_Atomic uint64_t id, since;	/* CLOCK_MONOTONIC, ns */
	_Atomic uint64_t told;		/* the number of the last that was slow */
} call;

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool running, ending;
	atomic_bool awake;
} watch = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, false,
	    false, false };

static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
#define FATALS (sizeof(fatal) / sizeof(fatal[0]))
static struct sigaction before[FATALS];
static char stack[65536];	/* the plug-in may have used up its own */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

/* ---- the end of the process: nothing but what a handler may do ---- */

struct line {
	char text[600];
	size_t len;
};

static void add(struct line *l, const char *s)
{
	while (s && *s && l->len < sizeof(l->text) - 1)
		l->text[l->len++] = *s++;
}

static void add_number(struct line *l, uint64_t n)
{
	char digits[21] = "", *p = digits + 20;

	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	add(l, p);
}

static void add_call(struct line *l)
{
	add(l, "plug-in ");
	add(l, atomic_load(&call.name));
	add(l, " (");
	add(l, atomic_load(&call.path));
	add(l, ") ");
}

static void add_callback(struct line *l)
{
	add(l, " its callback ");
	add(l, atomic_load(&call.callback));
	if (atomic_load(&call.id)) {
		add(l, " for job ");
		add_number(l, atomic_load(&call.id));
	}
}

static void put(struct line *l)
{
	size_t done = 0;
	ssize_t n;

	add(l, "\n");
	l->text[l->len - 1] = '\n';
	while (done < l->len) {
		n = write(STDERR_FILENO, l->text + done, l->len - done);
		if (n < 0 && errno != EINTR)
			return;
		done += n > 0 ? (size_t)n : 0;
	}
}

static void blame(const char *what, uint64_t n)
{
	struct line l = { .len = 0 };

	add(&l, "schedd: critical: ");
	add_call(&l);
	add(&l, what);
	if (n)
		add_number(&l, n);
	add(&l, " in");
	add_callback(&l);
	put(&l);
}

static bool is_called(void)
{
	return atomic_load(&call.number) % 2;
}

static void on_fatal(int signum, siginfo_t *info, void *context)
{
	size_t i;

	if (is_called())
		blame("brought schedd down by signal ", (uint64_t)signum);
	for (i = 0; i < FATALS; i++)
		if (fatal[i] == signum)
			sigaction(signum, &before[i], NULL);
	/* a fault comes again by itself */
	if (info->si_code <= 0)
		raise(signum);
}

static void on_exit_call(void)
{
	if (is_called())
		blame("ended schedd's process", 0);
}

static void catch_fatal(void)
{
	struct sigaction action = { .sa_sigaction = on_fatal,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t own = { .ss_sp = stack, .ss_size = sizeof(stack) }, have;
	static bool at_exit;
	size_t i;

	if (sigaltstack(NULL, &have) == 0 && (have.ss_flags & SS_DISABLE))
		sigaltstack(&own, NULL);
	sigemptyset(&action.sa_mask);
	for (i = 0; i < FATALS; i++)
		sigaction(fatal[i], &action, &before[i]);
	if (!at_exit)
		at_exit = atexit(on_exit_call) == 0;
}

/* ---- calls that take long ---- */

/* The lock is held, so that the strings stay. */
static void tell_slow(uint64_t number)
{
	struct line l = { .len = 0 };

	add(&l, "schedd: error: ");
	add_call(&l);
	add(&l, "holds schedd up: more than a second in");
	add_callback(&l);
	if (atomic_load(&call.number) != number)
		return;
	put(&l);
	atomic_store(&call.told, number);
}

static void look(void)
{
	uint64_t number = atomic_load(&call.number);

	if (number % 2 && atomic_load(&call.told) != number &&
	    now_ns() - atomic_load(&call.since) >= SLOW_NS)
		tell_slow(number);
}

static void *watch_thread(void *arg)
{
	uint64_t seen = 0, number;
	struct timespec t;

	pthread_mutex_lock(&watch.lock);
	while (!watch.ending) {
		if (!atomic_load(&watch.awake)) {
			pthread_cond_wait(&watch.wake, &watch.lock);
			continue;
		}
		clock_gettime(CLOCK_REALTIME, &t);
		t.tv_nsec += LOOK_NS;
		t.tv_sec += t.tv_nsec / 1000000000;
		t.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&watch.wake, &watch.lock, &t);
		look();
		/* who enters after this wakes us again */
		number = atomic_load(&call.number);
		if (number == seen && number % 2 == 0) {
			atomic_store(&watch.awake, false);
			if (atomic_load(&call.number) != number)
				atomic_store(&watch.awake, true);
		}
		seen = number;
	}
	pthread_mutex_unlock(&watch.lock);
	return NULL;
}

int guard_start(void)
{
	sigset_t all, old;
	int e;

	if (watch.running)
		return 0;
	watch.ending = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	e = pthread_create(&watch.thread, NULL, watch_thread, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (e) {
		errno = e;
		return -1;
	}
	watch.running = true;
	catch_fatal();
	return 0;
}

void guard_stop(void)
{
	size_t i;

	if (!watch.running)
		return;
	pthread_mutex_lock(&watch.lock);
	watch.ending = true;
	pthread_cond_signal(&watch.wake);
	pthread_mutex_unlock(&watch.lock);
	pthread_join(watch.thread, NULL);
	watch.running = false;
	for (i = 0; i < FATALS; i++)
		sigaction(fatal[i], &before[i], NULL);
}

void guard_enter(const char *name, const char *path, const char *callback,
		 uint64_t id)
{
	assert(!is_called());
	atomic_store_explicit(&call.name, name, memory_order_relaxed);
	atomic_store_explicit(&call.path, path, memory_order_relaxed);
	atomic_store_explicit(&call.callback, callback, memory_order_relaxed);
	atomic_store_explicit(&call.id, id, memory_order_relaxed);
	atomic_store_explicit(&call.since, now_ns(), memory_order_relaxed);
	atomic_fetch_add(&call.number, 1);
	if (atomic_load(&watch.awake))
		return;
	pthread_mutex_lock(&watch.lock);
	atomic_store(&watch.awake, true);
	pthread_cond_signal(&watch.wake);
	pthread_mutex_unlock(&watch.lock);
}

void guard_leave(void)
{
	uint64_t number = atomic_fetch_add(&call.number, 1);

	assert(number % 2);
	if (atomic_load(&call.told) == number)
		daemon_log(LOG_WARNING, "plug-in %s (%s) held schedd up for "
			   "%.1f s in its callback %s", atomic_load(&call.name),
			   atomic_load(&call.path),
			   (double)(now_ns() - atomic_load(&call.since)) / 1e9,
			   atomic_load(&call.callback));
}

void guard_forget(void)
{
	pthread_mutex_lock(&watch.lock);
	pthread_mutex_unlock(&watch.lock);
}
