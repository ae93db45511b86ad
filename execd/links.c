/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's end of the links to shells, see link.h: who connected is known
 * from the kernel, what it says is taken frame by frame. Shells whose job is
 * over wait here for another. */
#include "config.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "execd/agent.h"
#include "execd/link.h"

#define LINK_MAGIC 0x4c494e4bu
#define IDLE_SECONDS	2	/* at least, and twice that at most */

struct link {
	uint32_t magic;
	struct agent *agent;
	struct agent_job *job;	/* NULL before its hello */
	struct bufferevent *be;
	struct wire_decoder *decoder;
	bool said_hello;
	bool own;		/* of a shell that this process has started */
	bool finished;		/* its job is over, it says */
	pid_t pid;		/* as its hello said */
	bool input_full;
	struct link *next, **prev;
	struct link *idle_next;	/* of those without a job */
	bool idle, idle_long;
};

static struct link *all_links;

static void no_longer_idle(struct link *l)
{
	struct link **p = &l->agent->idle;

	while (*p != l)
		p = &(*p)->idle_next;
	*p = l->idle_next;
	l->agent->idles--;
	l->idle = l->idle_long = false;
}

static void link_free(struct link *l)
{
	if (l->idle)
		no_longer_idle(l);
	*l->prev = l->next;
	if (l->next)
		l->next->prev = l->prev;
	if (l->job)
		job_lost_link(l->job);
	bufferevent_free(l->be);
	wire_decoder_destroy(l->decoder);
	l->magic = 0;
	free(l);
}

static struct wire_buf *begin(const char *word)
{
	static struct wire_buf b;

	wire_buf_reset(&b);
	wire_verbatim(&b, word);
	return &b;
}

static void send_buf(struct link *l, struct wire_buf *b)
{
	bufferevent_write(l->be, b->data, b->mark);
}

static void send_word(struct link *l, const char *word)
{
	struct wire_buf *b = begin(word);

	wire_end(b);
	send_buf(l, b);
}

static void send_number(struct link *l, const char *word, uint64_t n)
{
	struct wire_buf *b = begin(word);

	wire_u64(b, n);
	wire_end(b);
	send_buf(l, b);
}

void link_send_resume(struct link *l, uint64_t offset)
{
	send_number(l, "resume", offset);
}

void link_send_ack(struct link *l, uint64_t offset)
{
	send_number(l, "ack", offset);
}

void link_send_signal(struct link *l, int signum, uint64_t ordinal)
{
	struct wire_buf *b = begin("signal");

	wire_u64(b, (uint64_t)signum);
	wire_u64(b, ordinal);
	wire_end(b);
	send_buf(l, b);
}

size_t link_send_input(struct link *l, uint64_t offset, const char *data,
		       size_t len)
{
	struct wire_buf *b = begin("input");
	size_t queued;

	wire_u64(b, offset);
	wire_end_payload(b, data, len);
	send_buf(l, b);
	queued = evbuffer_get_length(bufferevent_get_output(l->be));
	l->input_full = queued > LINK_INPUT_MAX;
	return queued;
}

static void send_set(struct link *l, const char *word,
		     const struct idset *set)
{
	char *text = set ? idset_encode(set, 0) : strdup("");
	struct wire_buf *b;

	if (!text)
		agent_again(l->agent, "out of memory");
	b = begin(word);
	wire_end_payload(b, text, strlen(text));
	send_buf(l, b);
	free(text);
}

void link_run(struct link *l, struct agent_job *j, const char *jobspec,
	      size_t len)
{
	const struct resource_node *node = resource_set_find(j->R,
							     l->agent->rank);
	struct wire_buf *b;

	l->job = j;
	l->finished = false;
	send_set(l, "tasks", j->tasks);
	send_set(l, "cores", node ? node->cores : NULL);
	send_set(l, "gpus", node ? node->gpus : NULL);
	b = begin("run");
	wire_u64(b, j->id);
	wire_u64(b, (uint64_t)j->node);
	wire_u64(b, (uint64_t)j->nnodes);
	wire_u64(b, (uint64_t)j->ntasks);
	wire_end_payload(b, jobspec, len);
	send_buf(l, b);
}

/* ---- shells without a job ---- */

static void look_later(struct agent *a)
{
	static const struct timeval tv = { .tv_sec = IDLE_SECONDS };

	event_add(a->idle_event, &tv);
}

/* Ends those that have had no job since the last look. */
static void end_idle(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	struct link *l, *next;

	for (l = a->idle; l; l = next) {
		next = l->idle_next;
		if (l->idle_long) {
			no_longer_idle(l);
			send_word(l, "end");
		}
		l->idle_long = true;
	}
	if (a->idle)
		look_later(a);
}

struct link *link_idle(struct agent *a)
{
	struct link *l = a->idle;

	if (l)
		no_longer_idle(l);
	return l;
}

/* More of them than jobs at a time would be of no use. */
static void wait_for_job(struct link *l)
{
	struct agent *a = l->agent;

	if (a->idles >= a->core_count) {
		send_word(l, "end");
		return;
	}
	l->idle = true;
	l->idle_next = a->idle;
	a->idle = l;
	if (a->idles++ == 0 && !evtimer_pending(a->idle_event, NULL))
		look_later(a);
}

void link_send_done(struct link *l)
{
	send_word(l, "done");
	if (!l->own || !l->finished)
		return;
	if (l->job)
		job_lost_link(l->job);
	l->job = NULL;
	wait_for_job(l);
}

void link_kill(struct link *l)
{
	l->job = NULL;
	if (l->own && l->finished) {
		link_send_done(l);
		return;
	}
	link_send_signal(l, SIGKILL, 0);
	send_word(l, "done");
	send_word(l, "end");
}

/* ---- what shells say ---- */

/* 0, or -1 if it makes no sense. */
static int take_hello(struct link *l, const struct wire_frame *f)
{
	struct agent *a = l->agent;
	uint64_t rank, id, pid;
	struct agent_job *j;

	if (f->words != 4 || wire_parse_u64(f->word[1], &rank) < 0 ||
	    wire_parse_u64(f->word[2], &id) < 0 ||
	    wire_parse_u64(f->word[3], &pid) < 0 || rank != a->rank ||
	    l->said_hello)
		return -1;
	l->said_hello = true;
	l->pid = (pid_t)pid;
	j = jobs_find(a, id);
	if (!j) {
		/* before all assignments are known it comes again */
		if (a->synced)
			link_kill(l);
		return a->synced ? 0 : -1;
	}
	if (j->link && j->link != l)
		link_free(j->link);
	l->job = j;
	job_connected(j, l);
	return 0;
}

static int take_frame(struct link *l, const struct wire_frame *f)
{
	struct agent_job *j = l->job;
	uint64_t n = 0, status = 0;

	if (!strcmp(f->word[0], "hello"))
		return take_hello(l, f);
	if (!j)
		return 0;	/* of a job that is forgotten */
	if (!strcmp(f->word[0], "start")) {
		job_started(j, l->pid);
		return 0;
	}
	if (!strcmp(f->word[0], "output") && f->words == 2 &&
	    f->has_payload && wire_parse_u64(f->word[1], &n) == 0) {
		job_output(j, n, f->payload, f->payload_len);
		return 0;
	}
	if (!strcmp(f->word[0], "exception") && f->words == 4 &&
	    f->has_payload && wire_parse_u64(f->word[2], &n) == 0 && n < 8 &&
	    wire_parse_u64(f->word[3], &status) == 0 && status < 65536) {
		job_exception(j, f->word[1], (int)n, (int)status, f->payload,
			      f->payload_len);
		return 0;
	}
	if (!strcmp(f->word[0], "finish") && f->words == 2 &&
	    wire_parse_u64(f->word[1], &status) == 0 && status < 65536) {
		l->finished = true;
		job_finished(j, (int)status);
		return 0;
	}
	return -1;
}

/* Takes all that has come; -1 when the link has to go. */
static int take(struct link *l, struct evbuffer *in)
{
	while (evbuffer_get_length(in)) {
		struct evbuffer_iovec v;
		struct wire_frame *frame;
		enum wire_status status;
		const char *tag, *text;
		size_t used;

		/* a whole output frame in one piece is not copied again */
		evbuffer_peek(in, -1, NULL, &v, 1);
		status = wire_decode(l->decoder, v.iov_base, v.iov_len, &used,
				     &frame);
		if (status == WIRE_BAD || status == WIRE_BROKEN) {
			wire_decoder_error(l->decoder, &tag, &text);
			agent_log(l->agent, LOG_ERR, "a shell's line was "
				  "refused: %s", text);
			return -1;
		}
		if (status == WIRE_FRAME && take_frame(l, frame) < 0)
			return -1;
		evbuffer_drain(in, used);
	}
	return 0;
}

static void on_read(struct bufferevent *be, void *arg)
{
	struct link *l = arg;

	if (l->magic != LINK_MAGIC)
		abort();
	if (take(l, bufferevent_get_input(be)) < 0)
		link_free(l);
}

static void on_written(struct bufferevent *be, void *arg)
{
	struct link *l = arg;

	if (l->job && l->input_full) {
		l->input_full = false;
		job_input_room(l->job);
	}
}

static void on_event(struct bufferevent *be, short what, void *arg)
{
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		link_free(arg);
}

/* Takes S; NULL without memory. */
static struct link *link_new(struct agent *a, int s)
{
	struct link *l = calloc(1, sizeof(*l));

	if (!l) {
		close(s);
		return NULL;
	}
	l->magic = LINK_MAGIC;
	l->agent = a;
	l->decoder = wire_decoder_create(false, LINK_PIECE_MAX);
	l->be = bufferevent_socket_new(a->base, s, BEV_OPT_CLOSE_ON_FREE);
	if (!l->decoder || !l->be) {
		wire_decoder_destroy(l->decoder);
		if (l->be)
			bufferevent_free(l->be);
		else
			close(s);
		free(l);
		return NULL;
	}
	l->next = all_links;
	if (l->next)
		l->next->prev = &l->next;
	l->prev = &all_links;
	all_links = l;
	bufferevent_setcb(l->be, on_read, on_written, on_event, l);
	bufferevent_set_max_single_read(l->be, LINK_PIECE_MAX + 4096);
	bufferevent_enable(l->be, EV_READ | EV_WRITE);
	return l;
}

struct link *link_adopt(struct agent *a, int fd, pid_t shell)
{
	struct link *l = link_new(a, fd);

	if (l) {
		l->own = l->said_hello = true;
		l->pid = shell;
	}
	return l;
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int s;

	while ((s = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC))
	       >= 0) {
		if (getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 ||
		    cred.uid != getuid()) {
			close(s);
			continue;
		}
		if (!link_new(a, s))
			return;
	}
}

int links_listen(struct agent *a, char *error, size_t size)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(a->socket_path) >= sizeof(addr.sun_path)) {
		snprintf(error, size, "%s: the path of the socket is longer "
			 "than %zu bytes", a->socket_path,
			 sizeof(addr.sun_path) - 1);
		return -1;
	}
	strcpy(addr.sun_path, a->socket_path);
	unlink(a->socket_path);
	a->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
			     SOCK_CLOEXEC, 0);
	if (a->listener < 0 ||
	    bind(a->listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(a->listener, 4096) < 0) {
		snprintf(error, size, "%s: %s", a->socket_path,
			 strerror(errno));
		return -1;
	}
	a->accept_event = event_new(a->base, a->listener, EV_READ | EV_PERSIST,
				    on_accept, a);
	a->idle_event = evtimer_new(a->base, end_idle, a);
	if (!a->accept_event || !a->idle_event ||
	    event_add(a->accept_event, NULL) < 0) {
		snprintf(error, size, "out of memory");
		return -1;
	}
	return 0;
}

void links_free(struct agent *a)
{
	while (all_links)
		link_free(all_links);
	if (a->accept_event)
		event_free(a->accept_event);
	if (a->idle_event)
		event_free(a->idle_event);
	if (a->listener >= 0)
		close(a->listener);
	unlink(a->socket_path);
}
