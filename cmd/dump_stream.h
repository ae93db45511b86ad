/* SPDX-License-Identifier: Apache-2.0 */
/* The stream that weir kvs dump writes: taking it apart and checking it.
 * Bytes in, in any pieces; items out. weir-kvsdump(5). */
#ifndef WEIR_CMD_DUMP_STREAM_H
#define WEIR_CMD_DUMP_STREAM_H

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DUMP_FORMAT	"1"
#define DUMP_PIECE_MAX	(1u << 20)	/* bytes of a value in one item */
#define DUMP_KEY_MAX	1024
#define DUMP_DEPTH_MAX	64
#define DUMP_NAME_MAX	255

enum dump_kind {
	DUMP_BEGIN,	/* the first line */
	DUMP_DIR,
	DUMP_VALUE,	/* the first piece of it */
	DUMP_MORE,	/* a further piece of the value before */
	DUMP_LINK,
	DUMP_END,	/* all counts and sums were right */
};

/* Lasts until the next call. */
struct dump_item {
	enum dump_kind kind;
	const char *key;		/* below the directory; BEGIN: its */
	const void *data;		/* VALUE, MORE */
	size_t len;
	const char *target, *target_ns;	/* LINK; the second may be NULL */
	const char *ns, *hash;		/* BEGIN */
	uint64_t version, owner, time;	/* BEGIN */
	uint64_t entries, bytes;	/* END */
};

/* The running sum of a stream, for who writes and who reads it. */
struct dump_sum {
	crypto_generichash_state state;
	uint64_t bytes;
};
#define DUMP_SUM_TEXT	(2 * crypto_generichash_BYTES + 1)
void dump_sum_init(struct dump_sum *sum);
void dump_sum_add(struct dump_sum *sum, const void *data, size_t len);
/* Of what was added; SUM stays. */
void dump_sum_text(const struct dump_sum *sum, char text[DUMP_SUM_TEXT]);

struct dump_reader;

struct dump_reader *dump_reader_create(void);
void dump_reader_destroy(struct dump_reader *r);
/* What comes is without a first line: pages of the protocol's dump. */
void dump_reader_start(struct dump_reader *r);
/* Of what was read so far. */
void dump_reader_counts(const struct dump_reader *r, uint64_t *entries,
			uint64_t *bytes);
/* Takes some of DATA, *USED bytes: 1 and an item; 0, it has taken all and
 * wants more; or -1 with dump_reader_why, for good. */
int dump_read(struct dump_reader *r, const char *data, size_t len,
	      size_t *used, struct dump_item *item);
/* At the end of the bytes: 0, or -1 if there should be more. */
int dump_read_end(struct dump_reader *r);
/* "line 7 (byte 210): what is wrong there". */
const char *dump_reader_why(const struct dump_reader *r);

#endif
