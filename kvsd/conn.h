/* SPDX-License-Identifier: Apache-2.0 */
/* A client: what it sent and is not handled yet, and what it is to be sent.
 *
 * Requests take effect in the order in which they came. A reply to what
 * follows a transaction that is not durable is held until that is (HELD), and
 * a request whose effect others see is parked until then (PARKED).
 *
 * Output goes out once a turn. Replies are in OUT; operations for watches of
 * mode prefix and events come over lanes of bounded length, which are emptied
 * into OUT when the client has room; other streams are asked for more by
 * their pump when it has.
 */
#ifndef WEIR_KVSD_CONN_H
#define WEIR_KVSD_CONN_H

#include <sys/queue.h>

#include "kvsd/kvsd.h"
#include "kvsd/table.h"

#define CONN_MAGIC		0x77650002u
#define CONN_ROOM		(256u << 10)	/* of output that waits */
#define CONN_LANE_MAX		(2u << 20)
#define CONN_WIDE		(1u << 20)	/* of output; then the socket's
						   buffer is made as large */
#define CONN_PAUSE		(16u << 20)	/* of output; then no requests
						   are read */
#define CONN_OUT_MAX		(256u << 20)	/* then it is disconnected */
#define CONN_CALLS_MAX		(64u << 20)	/* no more calls or messages */

struct conn;

/* ---- streams: whatever keeps a tag taken ---- */

struct stream;

struct stream_ops {
	const char *what;	/* "watch" */
	/* Ends it at the client's wish, telling the client. */
	void (*cancel)(struct stream *s);
	/* The connection is gone: free it. */
	void (*drop)(struct stream *s);
	/* Says what there is to say while there is room; true if there is
	 * more. NULL for those that never have. */
	bool (*pump)(struct stream *s);
};

struct stream {
	struct table_node node;		/* of conn->streams */
	struct conn *conn;
	const struct stream_ops *ops;
	TAILQ_ENTRY(stream) all, ready;
	bool is_ready;
	char tag[WIRE_TAG_MAX + 1];
};
TAILQ_HEAD(stream_list, stream);

/* 0; or -1 after an error reply, if TAG is taken or "-". */
int stream_begin(struct stream *s, struct conn *c, const char *tag,
		 const struct stream_ops *ops);
void stream_end(struct stream *s);
struct stream *stream_find(struct conn *c, const char *tag);
/* It has something to say. */
void stream_ready(struct stream *s);

/* ---- connections ---- */

enum lane { LANE_OPERATIONS, LANE_EVENTS, LANES };

/* A reply in conn->held, up to END. */
struct held {
	uint64_t ticket;
	size_t end;
	uint64_t version;	/* with NS: ok version=... hash=..., made when
				   it goes out */
	char *ns;
	char tag[WIRE_TAG_MAX + 1];
};

struct parked {
	STAILQ_ENTRY(parked) next;
	uint64_t ticket;
	size_t size;
	bool stalls;		/* nothing after it is read before it is done */
	struct wire_frame frame;
	char bytes[];
};

struct conn {
	unsigned magic;
	struct kvsd *kvsd;
	LIST_ENTRY(conn) all;
	TAILQ_ENTRY(conn) touched;	/* has output, or is to be looked at */
	TAILQ_ENTRY(conn) waiting;	/* has held replies or parked requests */
	TAILQ_ENTRY(conn) runnable;	/* may go on with parked ones or input */
	bool is_touched, is_waiting, is_runnable;

	int fd;
	uid_t uid;
	pid_t pid;
	enum wire_role role;
	bool greeted;
	char *name;			/* as it said in hello, or NULL */
	char *endpoint;
	struct table_node endpoint_node;

	struct event *readable, *writable;
	struct event *hangup;		/* timer, or NULL */
	struct wire_decoder *decoder;
	struct wire_buf input;		/* came but is not decoded yet */
	bool eof;		/* no more input: close when all is done */
	bool finished;		/* what else came is not looked at */
	bool broken;		/* can't be written to */
	bool paused;		/* not reading */
	bool is_wide;		/* the socket's buffer is larger */
	bool stalled;		/* by a parked request */
	bool dead;		/* to be freed at the end of the turn */

	uint64_t ticket;		/* of its last transaction */
	struct wire_buf held;
	struct held *held_item;
	size_t held_count, held_room;
	STAILQ_HEAD(parked_list, parked) parked;
	size_t parked_size;

	struct wire_buf out;
	size_t out_sent;		/* bytes of OUT that are gone */
	bool blocked;			/* waits to be writable */
	struct wire_buf lane[LANES];
	uint64_t weighed_round;		/* of what becomes durable */
	size_t weighed;			/* what LANE_OPERATIONS would then
					   hold, at most */

	struct wire_buf *encoding;	/* of the frame being written */
	size_t encoding_start;
	const char *encoding_tag;	/* of a reply; NULL for a push */

	struct table streams;
	struct stream_list stream_all, stream_ready;
	size_t absent_bytes;		/* of its calls to services that are
					   away */
	unsigned calls;			/* its calls and syncs that wait */
};

struct conn *conn_create(struct kvsd *k, int fd, uid_t uid, pid_t pid,
			 enum wire_role role);
void conn_destroy(struct conn *c);
/* Close it at the end of the turn, whatever is left to say. */
void conn_kill(struct conn *c);
/* Take no more requests; close when all is said. */
void conn_finish(struct conn *c);
void conn_touch(struct conn *c);
/* Name for logs, valid until the next call. */
const char *conn_name(const struct conn *c);

/* Whether a transaction of its own is not settled yet. */
static inline bool conn_outstanding(const struct conn *c)
{
	return c->ticket > c->kvsd->settled;
}
/* What it is told next depends on all that was applied: it waits for that. */
void conn_depends(struct conn *c);
/* It has just applied something that belongs to the gathering batch. */
void conn_changed(struct conn *c);
/* The batches up to kvsd->settled are durable, or (ERROR) undone. */
void conn_settle(struct conn *c, const struct db_error *error);
/* Goes on with parked requests and with input that waits. */
void conn_resume(struct conn *c);
/* Sends what it has to send and the client takes. */
void conn_flush(struct conn *c);
/* Bytes that wait to be sent. */
static inline size_t conn_queued(const struct conn *c)
{
	return c->out.len - c->out_sent;
}

/* Takes apart what came (also called by the fuzzer). */
void conn_input(struct conn *c, const char *data, size_t len);

/* ---- replies and pushes ----
 * Begin one, add words with wire_opt and others, end it. */

struct wire_buf *reply_begin(struct conn *c, const char *tag,
			     const char *kind);	/* ok or more */
void reply_end(struct conn *c);
void reply_payload(struct conn *c, const void *data, size_t len);
/* Ends the line with a count and gives LEN bytes of room to fill. Then
 * reply_filled, or reply_undo: nothing was said. NULL: out of memory, the
 * connection is closed. */
char *reply_room(struct conn *c, size_t len);
void reply_filled(struct conn *c, size_t len);
void reply_undo(struct conn *c);
void reply_err(struct conn *c, const char *tag, int errnum,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void reply_error(struct conn *c, const char *tag, const struct db_error *e);
/* "ok version=..." of a transaction; with NS, its root's hash as well. */
void reply_version(struct conn *c, const char *tag, uint64_t version,
		   const char *ns);

/* Replies to TAG that others cause (calls): never held. */
struct wire_buf *answer_begin(struct conn *c, const char *tag,
			      const char *kind);
void answer_err(struct conn *c, const char *tag, int errnum,
		const char *text);

/* "- err CODE TEXT": the stream of requests can't be followed any more. */
void conn_protest(struct conn *c, int errnum, const char *text);

/* "* TAG KIND" into OUT; ends like a reply. */
struct wire_buf *push_begin(struct conn *c, const char *tag,
			    const char *kind);
/* The same into a lane, whatever is in it. */
struct wire_buf *lane_add(struct conn *c, enum lane lane, const char *tag,
			  const char *kind);
/* NULL if it is full. */
struct wire_buf *lane_begin(struct conn *c, enum lane lane, const char *tag,
			    const char *kind);
/* "* TAG end CODE TEXT" after all that is in the lanes. */
void push_end(struct conn *c, const char *tag, int errnum, const char *text);
/* Moves what is in the lane to OUT now. */
void conn_drain_lane(struct conn *c, enum lane lane);

#endif
