/* SPDX-License-Identifier: Apache-2.0 */
/* The wire codec: frames of weir-protocol(7), both directions, one encoder
 * and one decoder for everybody. No I/O here: bytes in, frames out.
 *
 * A frame is a line of words and perhaps a counted payload. The decoder is
 * fed bytes in any pieces and keeps its place; over-long lines and over-size
 * payloads are swallowed by count and reported, so the stream stays in step.
 */
#ifndef WEIR_PROTO_WIRE_H
#define WEIR_PROTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define WIRE_PROTOCOL	1
#define WIRE_LINE_MAX	16384		/* bytes, with the line feed */
#define WIRE_WORDS_MAX	64
#define WIRE_TAG_MAX	16
#define WIRE_PAYLOAD_OWNER	(128ULL << 20)
#define WIRE_PAYLOAD_USER	(16ULL << 20)
#define WIRE_COUNT_MAX	(1ULL << 40)	/* a larger {N} is out of step */

/* ---- a growing byte buffer (malloc), used for encoding ---- */

struct wire_buf {
	char *data;
	size_t len;
	size_t size;
	size_t mark;	/* end of the last whole frame */
	int failed;	/* errno of the frame being written, or 0 */
};

void wire_buf_init(struct wire_buf *b);
void wire_buf_free(struct wire_buf *b);
void wire_buf_reset(struct wire_buf *b);	/* keeps the memory */
/* Whole frames or payload bytes that are already encoded; 0, or -1 ENOMEM. */
int wire_buf_add(struct wire_buf *b, const void *data, size_t len);
/* Drops the first LEN bytes. */
void wire_buf_consume(struct wire_buf *b, size_t len);

/* Of SIZE bytes at P, just made: if they are many, they are for large pages,
 * which take a fraction of the time to come by. */
void wire_large(void *p, size_t size);

/* ---- encoding ----
 * Words, then one of wire_end*. A NUL, CR or LF in a word makes wire_end*
 * fail with EINVAL, and nothing of the frame is kept. */

void wire_word(struct wire_buf *b, const char *word);	/* escaped as needed */
void wire_word_n(struct wire_buf *b, const void *word, size_t len);
void wire_verbatim(struct wire_buf *b, const char *word); /* tag, command */
void wire_u64(struct wire_buf *b, uint64_t n);
void wire_opt(struct wire_buf *b, const char *name, const char *value);
void wire_opt_u64(struct wire_buf *b, const char *name, uint64_t n);
void wire_opt_time(struct wire_buf *b, const char *name, double seconds);
void wire_text(struct wire_buf *b, const char *text); /* rest of an err line;
				CR, LF and NUL in it become spaces */
int wire_end(struct wire_buf *b);
int wire_end_payload(struct wire_buf *b, const void *data, size_t len);
/* Line with {len}; the caller sends len bytes and a line feed itself. */
int wire_end_count(struct wire_buf *b, uint64_t len);

/* ---- a decoded frame ---- */

struct wire_frame {
	char *word[WIRE_WORDS_MAX];	/* unescaped in place; NUL-terminated */
	size_t word_len[WIRE_WORDS_MAX];
	int words;			/* the {N} word is not among them */
	bool has_payload;
	const char *payload;		/* no NUL follows */
	size_t payload_len;
	char *rest;	/* of "TAG err CODE text" and "* TAG end CODE text":
			   the text as it came; else NULL */
};

/* Value of the option NAME among the words from FIRST on, or NULL. */
const char *wire_option(const struct wire_frame *f, int first,
			const char *name);
/* Unescapes an argument in place; its new length, or -1 with EINVAL. */
ssize_t wire_unescape(char *word);
/* Strict decimal; -1 with EINVAL. */
int wire_parse_u64(const char *s, uint64_t *n);
int wire_parse_seconds(const char *s, double *seconds);

enum wire_status {
	WIRE_MORE,	/* feed more bytes */
	WIRE_FRAME,	/* a frame is ready */
	WIRE_BAD,	/* one frame was refused (reason); in step, go on */
	WIRE_BROKEN,	/* out of step: report and close */
};

struct wire_decoder;

/* REQUESTS: true on a server (CR dropped; over-long lines swallowed with
 * their payload). */
struct wire_decoder *wire_decoder_create(bool requests, uint64_t payload_max);
void wire_decoder_destroy(struct wire_decoder *d);
void wire_decoder_set_payload_max(struct wire_decoder *d, uint64_t max);

/* Takes bytes from DATA: advances *USED by what it consumed, at most up to
 * the end of one frame. On WIRE_FRAME *FRAME is valid until the next call.
 * Never reads beyond LEN; never holds more than a line and one payload. A
 * payload lying whole in DATA is not copied. */
enum wire_status wire_decode(struct wire_decoder *d, const char *data,
			     size_t len, size_t *used,
			     struct wire_frame **frame);
/* The payload of the frame just given, with a NUL behind it, as memory of the
 * caller's (malloc), which holds more than a small one needs. NULL: it is not
 * in memory of its own, or does not end before that does. */
char *wire_decoder_take_payload(struct wire_decoder *d);
/* After WIRE_BAD or WIRE_BROKEN: the errno, a text for people, and the tag
 * of the refused line ("-" if it had none that is well formed). */
int wire_decoder_error(const struct wire_decoder *d, const char **tag,
		       const char **text);

/* ---- error names ---- */

/* "ENOENT" for ENOENT; unknown numbers give "EIO". */
const char *wire_code(int errnum);
/* ENOENT for "ENOENT"; unknown names give EIO. */
int wire_errnum(const char *code);

/* ---- command table (commands.h) ---- */

enum wire_payload { WIRE_NONE, WIRE_MAY, WIRE_MUST };
enum wire_role { WIRE_USER = 0, WIRE_ADMIN = 1, WIRE_OWNER = 2 };

struct wire_command {
	const char *word;
	int id;			/* CMD_..., or OP_... */
	int positional, positional_max;
	const char *options;
	enum wire_payload payload;
	enum wire_role role;
	const char *synopsis;
	const char *help;
};

enum wire_command_id {
#define COMMAND(id, ...) CMD_##id,
#include "proto/commands.h"
	WEIR_COMMANDS(COMMAND)
#undef COMMAND
	CMD_COUNT
};

enum wire_operation_id {
#define OPERATION(id, ...) OP_##id,
	WEIR_OPERATIONS(OPERATION)
#undef OPERATION
	OP_COUNT
};

extern const struct wire_command wire_commands[CMD_COUNT];
extern const struct wire_command wire_operations[OP_COUNT];

const struct wire_command *wire_command_find(const char *word);
const struct wire_command *wire_operation_find(const char *word);
/* Checks number of arguments, option names and payload of words[FIRST..]
 * against ROW. 0, or -1 with a text that names what is wrong in BUF. */
int wire_command_check(const struct wire_command *row,
		       const struct wire_frame *f, int first,
		       char *buf, size_t size);
const char *wire_role_name(enum wire_role role);

#endif
