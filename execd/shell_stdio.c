/* SPDX-License-Identifier: Apache-2.0 */
/* Standard I/O of the shell's tasks: pipes to records of weir-output(5) and
 * back. A task that writes faster than its output becomes durable is not
 * read, and so waits; nothing else does. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <syslog.h>
#include <unistd.h>

#include "execd/link.h"
#include "execd/shell.h"
#include "proto/output.h"

#define READ_SIZE	(64 * 1024)
#define DRAIN_PIECES	16	/* as much as a pipe can hold */

static double wall_clock(void)
{
	struct timeval tv;

	gettimeofday(&tv, NULL);
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

bool stdio_room(const struct shell *s)
{
	return s->output.len < LINK_OUTPUT_MAX;
}

static enum output_stream stream_of(int which)
{
	return which == OUT ? OUTPUT_STDOUT : OUTPUT_STDERR;
}

static void emit(struct shell *s, struct task *t, int which, const char *data,
		 size_t len)
{
	if (!len)
		return;
	if (t->sink[which]) {
		redirect_write(s, t, which, data, len);
		return;
	}
	s->spoken = true;
	if (output_encode_data(&s->output, stream_of(which),
			       (unsigned)t->rank, wall_clock(), data, len) < 0)
		abort();	/* out of memory: the limit is 1 MiB */
}

void stdio_log(struct shell *s, int level, const char *text)
{
	s->spoken = true;
	if (output_encode_log(&s->output, level, wall_clock(), text) < 0)
		abort();
}

void stdio_close(struct shell *s, struct task *t, int which)
{
	if (t->fd[which] < 0)
		return;
	close(t->fd[which]);
	t->fd[which] = -1;
	if (which == IN)
		return;
	emit(s, t, which, t->line[which], t->line_len[which]);
	free(t->line[which]);
	t->line[which] = NULL;
	t->line_len[which] = 0;
	if (t->sink[which])	/* told at the start */
		redirect_end(s, t, which);
	else if (output_encode_eof(&s->output, stream_of(which),
				   (unsigned)t->rank, wall_clock()) < 0)
		abort();
}

/* Keeps the part of a line that has no end yet. */
static void keep(struct task *t, int which, const char *data, size_t len)
{
	if (!len)
		return;
	if (!t->line[which])
		t->line[which] = malloc(READ_SIZE);
	if (!t->line[which])
		abort();
	memcpy(t->line[which] + t->line_len[which], data, len);
	t->line_len[which] += len;
}

/* Whole lines of DATA go out; so does a line that is longer than the buffer. */
static void lines(struct shell *s, struct task *t, int which,
		  const char *data, size_t len)
{
	const char *last = memrchr(data, '\n', len);
	size_t whole = last ? (size_t)(last + 1 - data) : 0;

	if (!whole && t->line_len[which] + len >= READ_SIZE)
		whole = len;
	if (whole) {
		emit(s, t, which, t->line[which], t->line_len[which]);
		t->line_len[which] = 0;
		emit(s, t, which, data, whole);
	}
	keep(t, which, data + whole, len - whole);
}

/* Reads on; false if there is nothing, or no more. */
static bool read_piece(struct shell *s, struct task *t, int which)
{
	char data[READ_SIZE];
	ssize_t n;

	n = read(t->fd[which], data, sizeof(data));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		stdio_close(s, t, which);
		return false;
	}
	/* a label needs the line's begin, and its end before others write */
	if ((which == ERR || s->unbuffered) && !t->label[which])
		emit(s, t, which, data, (size_t)n);
	else
		lines(s, t, which, data, (size_t)n);
	return true;
}

void stdio_read(struct shell *s, struct task *t, int which)
{
	/* one piece a turn: tasks and streams share the room fairly */
	read_piece(s, t, which);
}

/* What the pipe held when the tasks ended, then no more of it. */
void stdio_drain(struct shell *s, struct task *t, int which)
{
	int pieces = DRAIN_PIECES;

	while (t->fd[which] >= 0 && pieces-- && read_piece(s, t, which))
		;
	stdio_close(s, t, which);
}

/* ---- input ---- */

static int take_record(const struct output_record *r, void *arg)
{
	struct shell *s = arg;

	if (r->type == OUTPUT_DATA && r->stream == OUTPUT_STDIN)
		wire_buf_add(&s->input, r->data, r->len);
	else if (r->type == OUTPUT_EOF && r->stream == OUTPUT_STDIN)
		s->input_eof = true;
	return 0;
}

void stdio_input(struct shell *s, const char *data, size_t len)
{
	struct proto_error error;

	if (!s->input_decoder)
		s->input_decoder = output_decoder_create();
	s->input_offset += len;
	if (output_decode(s->input_decoder, data, len, take_record, s,
			  &error) < 0 && !s->input_eof) {
		s->input_eof = true;
		stdio_log(s, LOG_ERR, error.text);
	}
}

static struct task *first_task(struct shell *s)
{
	return s->ntasks && s->task[0].rank == 0 ? &s->task[0] : NULL;
}

void stdio_write_stdin(struct shell *s)
{
	struct task *t = first_task(s);
	ssize_t n;

	if (!t || t->fd[IN] < 0) {
		wire_buf_reset(&s->input);
		return;
	}
	while (s->input.len) {
		n = write(t->fd[IN], s->input.data, s->input.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {	/* it reads no more */
			wire_buf_reset(&s->input);
			stdio_close(s, t, IN);
			return;
		}
		wire_buf_consume(&s->input, (size_t)n);
	}
	if (s->input_eof)
		stdio_close(s, t, IN);
}
