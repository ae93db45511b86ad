/* SPDX-License-Identifier: Apache-2.0 */
/* gc: beginning a collection of unused blobs and waiting for its end.
 * weir-protocol(7), kvsd(8). */
#include "config.h"

#include <errno.h>

#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"

static const struct timeval look_again = { 0, 50000 };
#define TELL_EVERY	10	/* looks */

struct gc_waiter {
	struct stream stream;
	struct event *timer;
	uint64_t wanted;	/* see db_gc_start */
	unsigned looks;
};

static void waiter_free(struct stream *s)
{
	struct gc_waiter *w = (struct gc_waiter *)s;

	if (w->timer)
		event_free(w->timer);
	s->conn->calls--;
	conn_touch(s->conn);
	stream_end(s);
	free(w);
}

static void waiter_cancel(struct stream *s)
{
	answer_err(s->conn, s->tag, ECANCELED, "canceled");
	waiter_free(s);
}

static const struct stream_ops waiter_ops = {
	"gc", waiter_cancel, waiter_free, NULL
};

static const char *const phase_name[] = {
	[DB_GC_IDLE] = "idle", [DB_GC_MARK] = "mark", [DB_GC_SWEEP] = "sweep",
	[DB_GC_SETTLE] = "settle", [DB_GC_COPY] = "copy",
};

static void tell(struct gc_waiter *w, const struct db_gc_info *info, bool end)
{
	struct conn *c = w->stream.conn;
	struct wire_buf *b = answer_begin(c, w->stream.tag,
					  end ? "ok" : "more");

	if (!end)
		wire_opt(b, "phase", phase_name[info->phase]);
	wire_opt_u64(b, "blobs", info->blobs);
	wire_opt_u64(b, "bytes", info->stored);
	wire_opt_u64(b, "marked", info->marked);
	wire_opt_u64(b, "swept", info->swept);
	wire_opt_u64(b, "removed", info->removed);
	wire_opt_u64(b, "removed-bytes", info->removed_bytes);
	if (end) {
		wire_opt_time(b, "seconds", info->seconds);
		wire_opt_time(b, "longest", info->longest);
	}
	reply_end(c);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct gc_waiter *w = arg;
	struct conn *c = w->stream.conn;
	struct db_gc_info info;

	db_gc_info(c->kvsd->db, &info);
	if (info.ended < w->wanted) {
		if (++w->looks % TELL_EVERY == 0 &&
		    conn_queued(c) < CONN_ROOM)
			tell(w, &info, false);
		event_add(w->timer, &look_again);
		return;
	}
	if (*info.why)
		answer_err(c, w->stream.tag, EIO, info.why);
	else
		tell(w, &info, true);
	waiter_free(&w->stream);
}

void do_gc(struct conn *c, const struct wire_frame *f)
{
	struct gc_waiter *w = xcalloc(1, sizeof(*w));

	if (stream_begin(&w->stream, c, f->word[0], &waiter_ops) < 0) {
		free(w);
		return;
	}
	c->calls++;
	w->wanted = db_gc_start(c->kvsd->db);
	w->timer = evtimer_new(c->kvsd->base, on_timer, w);
	if (!w->timer || event_add(w->timer, &look_again) < 0)
		abort();
}
