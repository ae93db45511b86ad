/* SPDX-License-Identifier: Apache-2.0 */
/* The shell's end of the link to the agent, see link.h: opened again when it
 * breaks; output kept until it is durable; the result told until it is. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "execd/link.h"
#include "execd/shell.h"

#define BACKOFF_FIRST_MS	10
#define BACKOFF_MAX_MS		500

static void link_lost(struct shell *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->again = false;	/* an agent gives jobs to its own shells only */
	s->resumed = false;
	wire_decoder_destroy(s->decoder);
	s->decoder = NULL;
	wire_buf_reset(&s->send);
	if (s->backoff == 0)
		s->backoff = BACKOFF_FIRST_MS;
	s->retry_at = shell_now() + s->backoff;
	if (!s->away_since)
		s->away_since = shell_now();
	s->backoff = s->backoff * 2 < BACKOFF_MAX_MS ? s->backoff * 2 :
						       BACKOFF_MAX_MS;
}

void link_begin(struct shell *s)
{
	s->away_since = 0;
	s->decoder = wire_decoder_create(false, LINK_RUN_MAX);
	if (!s->decoder)
		abort();
}

void link_open(struct shell *s)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	strncpy(addr.sun_path, s->spec->socket_path,
		sizeof(addr.sun_path) - 1);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&addr,
				 sizeof(addr)) < 0) {
		link_lost(s);
		return;
	}
	link_begin(s);
	/* a new agent knows nothing of what the former was told */
	s->start_told = s->failure_told = s->finish_told = false;
	wire_verbatim(&s->send, "hello");
	wire_u64(&s->send, s->spec->rank);
	wire_u64(&s->send, s->spec->id);
	wire_u64(&s->send, (uint64_t)getpid());
	wire_end(&s->send);
}

/* Durable up to OFFSET. */
static void acknowledged(struct shell *s, uint64_t offset)
{
	if (offset < s->acked || offset > s->acked + s->output.len)
		return;		/* not ours: an agent of another time */
	wire_buf_consume(&s->output, offset - s->acked);
	s->acked = offset;
	if (s->sent < offset)
		s->sent = offset;
}

static bool is_order(const char *word)
{
	static const char *const orders[] = { "tasks", "cores", "gpus", "run" };
	size_t i;

	for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		if (!strcmp(word, orders[i]))
			return true;
	return false;
}

static void take_frame(struct shell *s, const struct wire_frame *f)
{
	uint64_t n = 0, ordinal;

	if (f->words > 1 && wire_parse_u64(f->word[1], &n) < 0)
		return;
	if (is_order(f->word[0])) {
		order_take(s, f);
		return;
	}
	if (!strcmp(f->word[0], "ack")) {
		acknowledged(s, n);
	} else if (!strcmp(f->word[0], "resume")) {
		acknowledged(s, n);
		s->sent = s->acked;
		s->resumed = true;
		s->backoff = 0;
	} else if (!strcmp(f->word[0], "input") && f->has_payload) {
		/* a new agent begins at 0: skip what we have */
		uint64_t skip = s->input_offset > n ? s->input_offset - n : 0;

		if (skip < f->payload_len)
			stdio_input(s, f->payload + skip, f->payload_len - skip);
		stdio_write_stdin(s);
	} else if (!strcmp(f->word[0], "signal") && n > 0 && n < NSIG &&
		   f->words == 3 &&
		   wire_parse_u64(f->word[2], &ordinal) == 0) {
		if (ordinal == 0 || ordinal > s->signals) {
			s->signals = ordinal ? ordinal : s->signals;
			task_signal(s, (int)n);
		}
	} else if (!strcmp(f->word[0], "done")) {
		s->done = true;
	} else if (!strcmp(f->word[0], "end")) {
		s->ended = true;
	}
}

void link_read(struct shell *s)
{
	static char data[64 * 1024];
	struct wire_frame *frame;
	enum wire_status status;
	size_t at = 0, used;
	ssize_t n;

	n = recv(s->fd, data, sizeof(data), 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		link_lost(s);
		return;
	}
	while (at < (size_t)n && s->fd >= 0) {
		status = wire_decode(s->decoder, data + at, n - at, &used,
				     &frame);
		at += used;
		if (status == WIRE_FRAME)
			take_frame(s, frame);
		else if (status != WIRE_MORE)
			link_lost(s);
	}
}

/* That nothing was written follows from the end of the job: the streams' ends
 * are not worth a commit. */
bool link_has_output(const struct shell *s)
{
	return (s->spoken || !stdio_room(s)) &&
	       s->sent < s->acked + s->output.len;
}

static void tell_output(struct shell *s)
{
	while (link_has_output(s) && s->send.len < LINK_PIECE_MAX) {
		size_t from = s->sent - s->acked;
		size_t n = s->output.len - from;

		if (n > LINK_PIECE_MAX)
			n = LINK_PIECE_MAX;
		wire_verbatim(&s->send, "output");
		wire_u64(&s->send, s->sent);
		wire_end_payload(&s->send, s->output.data + from, n);
		s->sent += n;
	}
}

void link_tell(struct shell *s)
{
	if (s->fd < 0 || !s->resumed)
		return;
	if (s->started && !s->start_told) {
		s->start_told = true;
		wire_verbatim(&s->send, "start");
		wire_end(&s->send);
	}
	tell_output(s);
	if (s->failed && !s->failure_told) {
		const char *note = s->failure ? s->failure : "out of memory";

		s->failure_told = true;
		wire_verbatim(&s->send, "exception");
		wire_verbatim(&s->send, "exec");
		wire_u64(&s->send, 0);
		wire_u64(&s->send, (uint64_t)s->failure_status);
		wire_end_payload(&s->send, note, strlen(note));
	}
	if (s->finished && !s->finish_told && !link_has_output(s)) {
		s->finish_told = true;
		wire_verbatim(&s->send, "finish");
		wire_u64(&s->send, (uint64_t)task_greatest_status(s));
		wire_end(&s->send);
	}
}

void link_write(struct shell *s)
{
	while (s->fd >= 0 && s->send.len) {
		ssize_t n = send(s->fd, s->send.data, s->send.len,
				 MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			link_lost(s);
			return;
		}
		wire_buf_consume(&s->send, (size_t)n);
		if (!s->send.len)
			link_tell(s);
	}
}
