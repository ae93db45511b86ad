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

/* How long a kvsd may be away before it is given up. */
#define GONE_SECONDS	3	/* its socket is gone */
#define AWAY_SECONDS	30	/* nobody listens on it */

double loop_next_deadline(const weir_t *h)
{
	double next = h->timed ? h->next_timeout : 0;

	if (h->retry_at > 0 && (next <= 0 || h->retry_at < next))
		next = h->retry_at;
	return next;
}

static void retry(weir_t *h)
{
	struct weir_error error;
	double away = now_monotonic() - h->lost_at;

	h->retry_at = 0;
	if (io_connect(h, &error) == 0)
		return;
	/* a kvsd that stops removes its socket, one that dies leaves it */
	if (away > (error.errnum == ENOENT ? GONE_SECONDS : AWAY_SECONDS)) {
		io_give_up(h, "connection to kvsd lost, and it did not come "
			   "back");
		return;
	}
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
	       (next > 0 && next <= now_monotonic());
}

int weir_flush(weir_t *h, double timeout)
{
	double deadline = deadline_after(timeout);
	int r = 0;

	handle_enter(h);
	io_write(h);
	while (r == 0 && io_pending(h) && !h->closing) {
		struct pollfd p = { .fd = h->fd, .events = POLLOUT };

		r = poll(&p, 1, poll_timeout(deadline));
		if (r == 0 && deadline > 0)
			errno = ETIMEDOUT;
		r = r > 0 || (r < 0 && errno == EINTR) ? 0 : -1;
		io_write(h);
	}
	if (r == 0 && h->fd < 0) {
		errno = ECONNRESET;
		r = -1;
	}
	if (!h->closing)
		loop_changed(h);
	handle_leave(h);
	return r;
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

		if (weir_dispatch(h) < 0) {
			r = -1;
			break;
		}
		if (h->stop || h->closing || h->ready || !anything_left(h))
			continue;
		next = loop_next_deadline(h);
		if (h->fd >= 0) {
			struct pollfd p = {
				.fd = h->fd,
				.events = POLLIN | (io_pending(h) ? POLLOUT : 0)
			};
			poll(&p, 1, poll_timeout(next));
		} else {
			poll(NULL, 0, poll_timeout(next));
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

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	((weir_t *)arg)->event_set = 0;
	on_turn(fd, what, arg);
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
	h->event_set = 0;
	h->timer_event = evtimer_new(base, on_timer, h);
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

static void poll_add(weir_t *h)
{
	struct epoll_event e = { .events = EPOLLIN };

	h->ep_out = false;
	epoll_ctl(h->epfd, EPOLL_CTL_ADD, h->fd, &e);
}

int weir_pollfd(weir_t *h)
{
	struct epoll_event e = { .events = EPOLLIN };
	int epfd, timerfd;

	if (h->epfd >= 0)
		return h->epfd;
	epfd = epoll_create1(EPOLL_CLOEXEC);
	timerfd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (epfd < 0 || timerfd < 0 ||
	    epoll_ctl(epfd, EPOLL_CTL_ADD, timerfd, &e) < 0) {
		int errnum = errno;

		if (epfd >= 0)
			close(epfd);
		if (timerfd >= 0)
			close(timerfd);
		errno = errnum;
		return -1;
	}
	h->epfd = epfd;
	h->timerfd = timerfd;
	if (h->fd >= 0)
		poll_add(h);
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

/* No system call unless the time is another. */
static void set_timerfd(weir_t *h)
{
	double next = h->ready || h->dead ? 1e-9 : loop_next_deadline(h);
	struct itimerspec t = { .it_value = { 0, 0 } };

	if (next == h->timer_set)
		return;
	h->timer_set = next;
	t.it_value.tv_sec = (time_t)next;
	t.it_value.tv_nsec = (long)((next - (double)t.it_value.tv_sec) * 1e9);
	if (next > 0 && t.it_value.tv_sec == 0 && t.it_value.tv_nsec == 0)
		t.it_value.tv_nsec = 1;
	timerfd_settime(h->timerfd, TFD_TIMER_ABSTIME, &t, NULL);
}

/* ---- for the other files ---- */

static void set_timer_event(weir_t *h)
{
	double next = loop_next_deadline(h), left;
	struct timeval tv;

	if (next == h->event_set)
		return;
	h->event_set = next;
	if (next <= 0) {
		event_del(h->timer_event);
		return;
	}
	left = next - now_monotonic();
	left = left > 0 ? left : 0;
	tv.tv_sec = (time_t)left;
	tv.tv_usec = (suseconds_t)((left - (double)tv.tv_sec) * 1e6);
	event_add(h->timer_event, &tv);
}

void loop_changed(weir_t *h)
{
	if (h->base && h->turn_event) {
		/* on_readable, on_turn and others that raise depth do it all
		 * before they leave */
		if (h->depth == 0 && (h->ready || io_pending(h)))
			event_active(h->turn_event, EV_TIMEOUT, 0);
		else if (io_pending(h) && h->write_event)
			event_add(h->write_event, NULL);
		set_timer_event(h);
	}
	if (h->epfd >= 0) {
		poll_out(h);
		set_timerfd(h);
	}
}

void loop_connected(weir_t *h)
{
	if (h->base && h->turn_event)
		watch_socket(h);
	if (h->epfd >= 0)
		poll_add(h);
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
