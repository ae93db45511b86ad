/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's thread: see pipeline.h. All that the two threads share is in
 * struct pipeline, under its mutex. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "kvsd/alloc.h"
#include "kvsd/error.h"
#include "kvsd/pipeline.h"

struct pipeline {
	struct store *store;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t work, done;
	bool busy;			/* until the result was taken */
	const struct blob_set *blobs;	/* to write; NULL: make a copy */
	const struct store_changes *changes;
	bool stop, durable, finished;
	struct write_result result;	/* if finished */
	int wake;			/* eventfd */
	struct event *event;
	void (*ready)(void *arg);
	void *arg;
};

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void write_one(struct pipeline *p, struct write_result *result)
{
	double start = now();

	result->text[0] = '\0';
	if (!p->blobs) {
		result->rc = store_copy_step(p->store, result->text,
					     sizeof(result->text));
		return;
	}
	result->rc = store_write(p->store, p->blobs, p->changes, result->text,
				 sizeof(result->text));
	result->total = store_written(p->store);
	result->seconds = now() - start;
	result->sync_seconds = store_sync_seconds(p->store);
}

static void wake(struct pipeline *p)
{
	uint64_t one = 1;

	/* Its counter can't overflow: the loop takes each result. */
	if (write(p->wake, &one, sizeof(one)) != sizeof(one))
		abort();
}

static void on_durable(void *arg)
{
	struct pipeline *p = arg;

	pthread_mutex_lock(&p->mutex);
	p->durable = true;
	pthread_mutex_unlock(&p->mutex);
	wake(p);
}

static void *writer(void *arg)
{
	struct pipeline *p = arg;
	struct write_result result;

	pthread_mutex_lock(&p->mutex);
	for (;;) {
		while (!p->stop && (!p->busy || p->finished))
			pthread_cond_wait(&p->work, &p->mutex);
		if (p->stop)
			break;
		pthread_mutex_unlock(&p->mutex);
		write_one(p, &result);
		pthread_mutex_lock(&p->mutex);
		p->result = result;
		p->finished = true;
		pthread_cond_signal(&p->done);
		wake(p);
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

static void forget_wake(struct pipeline *p)
{
	uint64_t count;

	if (read(p->wake, &count, sizeof(count)) < 0)
		assert(errno == EAGAIN);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct pipeline *p = arg;

	forget_wake(p);
	p->ready(p->arg);
}

/* With all signals blocked: they are the loop's. */
static int start_thread(struct pipeline *p)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&p->thread, NULL, writer, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}

struct pipeline *pipeline_create(struct store *store, struct event_base *base,
				 void (*ready)(void *arg), void *arg,
				 struct db_error *error)
{
	struct pipeline *p = xcalloc(1, sizeof(*p));
	int rc = ENOMEM;

	p->store = store;
	store_on_durable(store, on_durable, p);
	p->ready = ready;
	p->arg = arg;
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->done, NULL);
	p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->wake < 0)
		rc = errno;
	else
		p->event = event_new(base, p->wake, EV_READ | EV_PERSIST,
				     on_wake, p);
	if (p->event && !event_add(p->event, NULL))
		rc = start_thread(p);
	if (!rc)
		return p;
	db_fail(error, rc, "cannot start the writer's thread: %s",
		strerror(rc));
	if (p->event)
		event_free(p->event);
	if (p->wake >= 0)
		close(p->wake);
	free(p);
	errno = rc;
	return NULL;
}

void pipeline_destroy(struct pipeline *p)
{
	if (!p)
		return;
	assert(!p->busy);
	pthread_mutex_lock(&p->mutex);
	p->stop = true;
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->mutex);
	pthread_join(p->thread, NULL);
	event_free(p->event);
	close(p->wake);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->done);
	pthread_mutex_destroy(&p->mutex);
	free(p);
}

void pipeline_submit(struct pipeline *p, const struct blob_set *blobs,
		     const struct store_changes *changes)
{
	pthread_mutex_lock(&p->mutex);
	assert(!p->busy);
	p->busy = true;
	p->blobs = blobs;
	p->changes = changes;
	pthread_cond_signal(&p->work);
	pthread_mutex_unlock(&p->mutex);
}

void pipeline_submit_copy(struct pipeline *p)
{
	pipeline_submit(p, NULL, NULL);
}

bool pipeline_durable(struct pipeline *p)
{
	bool durable;

	pthread_mutex_lock(&p->mutex);
	durable = p->durable && !p->finished;
	p->durable = false;
	pthread_mutex_unlock(&p->mutex);
	return durable;
}

bool pipeline_result(struct pipeline *p, bool wait,
		     struct write_result *result)
{
	bool finished;

	pthread_mutex_lock(&p->mutex);
	while (wait && p->busy && !p->finished)
		pthread_cond_wait(&p->done, &p->mutex);
	finished = p->finished;
	if (finished) {
		*result = p->result;
		p->finished = p->busy = p->durable = false;
		forget_wake(p);
	}
	pthread_mutex_unlock(&p->mutex);
	return finished;
}
