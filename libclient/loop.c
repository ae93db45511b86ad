/* SPDX-License-Identifier: Apache-2.0 */
/* Loops: one step of work, and the three ways to be told when one is due: the
 * library's own loop, a libevent base, a descriptor for a foreign loop.
 * weir_loop(3). */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "libclient/internal.h"

double loop_next_deadline(weir_t *h)
{
	double next = h->retry_at > 0 ? h->retry_at : -1;
	weir_future_t *f;

	for (f = h->timed; f; f = f->timed_next)
		if (next < 0 || f->deadline < next)
			next = f->deadline;
	return next;
}

static void retry(weir_t *h)
{
	struct weir_error error;

	h->retry_at = 0;
	if (io_connect(h, &error) == 0)
		return;
	h->retry_at = now_monotonic() + h->backoff;
	h->backoff = h->backoff * 2 < 1.0 ? h->backoff * 2 : 1.0;
}

/* What is due without the socket having become readable. */
void loop_step(weir_t *h)
{
	double now;

	future_run_ready(h);
	if (h->timed || h->retry_at > 0) {
		now = now_monotonic();
		future_run_timeouts(h, now);
		if (h->retry_at > 0 && now >= h->retry_at && !h->closing)
			retry(h);
	}
	if (!h->closing)
		io_write(h);
}

int weir_dispatch(weir_t *h)
{
	int active;

	if (h->dead && !h->ready) {
		errno = ECONNRESET;
		return -1;
	}
	handle_enter(h);
	h->active = 0;
	loop_step(h);
	if (h->fd >= 0 && !h->closing)
		io_read(h);
	if (!h->closing) {
		loop_step(h);
		loop_changed(h);
	}
	active = h->active;
	handle_leave(h);
	return active;
}

int weir_pollevents(weir_t *h)
{
	double next = loop_next_deadline(h);

	return h->ready || io_pending(h) || h->dead ||
	       (next >= 0 && next <= now_monotonic());
}

int weir_flush(weir_t *h, double timeout)
{
	double deadline = timeout < 0 ? -1 : now_monotonic() + timeout;

	io_write(h);
	while (io_pending(h)) {
		struct pollfd p = { .fd = h->fd, .events = POLLOUT };
		int ms = -1;

		if (deadline >= 0) {
			double left = deadline - now_monotonic();

			if (left <= 0) {
				errno = ETIMEDOUT;
				return -1;
			}
			ms = (int)(left * 1000) + 1;
		}
		poll(&p, 1, ms);
		io_write(h);
	}
	if (h->fd < 0) {
		errno = ECONNRESET;
		return -1;
	}
	return 0;
}

/* ---- own loop ---- */

static bool anything_left(weir_t *h)
{
	uint32_t i;

	if (h->ready || h->timed || h->message_cb)
		return true;
	for (i = 0; i < h->slots; i++)
		if (slot_live(h->slot[i]) &&
		    (h->slot[i]->cb || h->slot[i]->kind == KIND_SERVE))
			return true;
	return false;
}

int weir_run(weir_t *h)
{
	int r = 0;

	h->stop = false;
	handle_enter(h);
	while (!h->stop && !h->closing && anything_left(h)) {
		double next;
		int ms = -1;

		if (weir_dispatch(h) < 0) {
			r = -1;
			break;
		}
		if (h->stop || h->closing || h->ready || !anything_left(h))
			continue;
		next = loop_next_deadline(h);
		if (next >= 0) {
			double left = next - now_monotonic();

			ms = left > 0 ? (int)(left * 1000) + 1 : 0;
		}
		if (h->fd >= 0) {
			struct pollfd p = {
				.fd = h->fd,
				.events = POLLIN | (io_pending(h) ? POLLOUT : 0)
			};
			poll(&p, 1, ms);
		} else {
			poll(NULL, 0, ms);
		}
	}
	handle_leave(h);
	return r;
}

void weir_stop(weir_t *h)
{
	h->stop = true;
}

/* ---- libevent ---- */

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	weir_dispatch(arg);
}

/* Once a turn of the loop at most: all that was queued in it, in one write. */
static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	weir_t *h = arg;

	handle_enter(h);
	loop_step(h);
	if (!h->closing)
		loop_changed(h);
	handle_leave(h);
}

static void watch_socket(weir_t *h)
{
	h->read_event = event_new(h->base, h->fd, EV_READ | EV_PERSIST,
				  on_readable, h);
	h->write_event = event_new(h->base, h->fd, EV_WRITE, on_turn, h);
	if (h->read_event)
		event_add(h->read_event, NULL);
}

static void free_event(struct event **event)
{
	if (*event)
		event_free(*event);
	*event = NULL;
}

int weir_attach(weir_t *h, struct event_base *base)
{
	free_event(&h->read_event);
	free_event(&h->write_event);
	free_event(&h->timer_event);
	free_event(&h->turn_event);
	h->base = base;
	if (!base)
		return 0;
	h->timer_event = evtimer_new(base, on_turn, h);
	h->turn_event = event_new(base, -1, 0, on_turn, h);
	if (h->fd >= 0)
		watch_socket(h);
	if (!h->timer_event || !h->turn_event ||
	    (h->fd >= 0 && (!h->read_event || !h->write_event))) {
		weir_attach(h, NULL);
		errno = ENOMEM;
		return -1;
	}
	loop_changed(h);
	return 0;
}

/* ---- foreign loop ---- */

int weir_pollfd(weir_t *h)
{
	struct epoll_event e = { .events = EPOLLIN };

	if (h->epfd >= 0)
		return h->epfd;
	h->epfd = epoll_create1(EPOLL_CLOEXEC);
	h->timerfd = timerfd_create(CLOCK_MONOTONIC,
				    TFD_CLOEXEC | TFD_NONBLOCK);
	if (h->epfd < 0 || h->timerfd < 0 ||
	    epoll_ctl(h->epfd, EPOLL_CTL_ADD, h->timerfd, &e) < 0)
		return -1;
	if (h->fd >= 0)
		loop_connected(h);
	loop_changed(h);
	return h->epfd;
}

static void poll_out(weir_t *h)
{
	bool out = io_pending(h);
	struct epoll_event e = { .events = EPOLLIN | (out ? EPOLLOUT : 0) };

	if (h->fd >= 0 && out != h->ep_out) {
		h->ep_out = out;
		epoll_ctl(h->epfd, EPOLL_CTL_MOD, h->fd, &e);
	}
}

static void set_timerfd(weir_t *h)
{
	double next = h->ready || h->dead ? 1e-9 : loop_next_deadline(h);
	struct itimerspec t = { .it_value = { 0, 0 } };

	if (next > 0) {
		t.it_value.tv_sec = (time_t)next;
		t.it_value.tv_nsec = (long)((next - (double)(time_t)next) * 1e9);
		if (t.it_value.tv_sec == 0 && t.it_value.tv_nsec == 0)
			t.it_value.tv_nsec = 1;
	}
	timerfd_settime(h->timerfd, TFD_TIMER_ABSTIME, &t, NULL);
}

/* ---- for the other files ---- */

void loop_changed(weir_t *h)
{
	double next;

	if (h->base && h->turn_event) {
		struct timeval tv;

		if (h->depth == 0 && (h->ready || io_pending(h)))
			event_active(h->turn_event, EV_TIMEOUT, 0);
		else if (io_pending(h) && h->write_event)
			event_add(h->write_event, NULL);
		next = loop_next_deadline(h);
		if (next >= 0) {
			double left = next - now_monotonic();

			left = left > 0 ? left : 0;
			tv.tv_sec = (time_t)left;
			tv.tv_usec = (suseconds_t)((left - (double)tv.tv_sec)
						   * 1e6);
			event_add(h->timer_event, &tv);
		} else {
			event_del(h->timer_event);
		}
	}
	if (h->epfd >= 0) {
		poll_out(h);
		set_timerfd(h);
	}
}

void loop_connected(weir_t *h)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT };

	if (h->base && h->turn_event)
		watch_socket(h);
	if (h->epfd >= 0) {
		h->ep_out = true;
		epoll_ctl(h->epfd, EPOLL_CTL_ADD, h->fd, &e);
	}
	loop_changed(h);
}

void loop_disconnected(weir_t *h)
{
	free_event(&h->read_event);
	free_event(&h->write_event);
	if (h->epfd >= 0)
		epoll_ctl(h->epfd, EPOLL_CTL_DEL, h->fd, NULL);
}

void loop_free(weir_t *h)
{
	weir_attach(h, NULL);
	if (h->timerfd >= 0)
		close(h->timerfd);
	if (h->epfd >= 0)
		close(h->epfd);
}
