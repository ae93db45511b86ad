/* SPDX-License-Identifier: Apache-2.0 */
/* Publish and subscribe. An event gets its number when it leaves; one that
 * was published behind a transaction is parked until that is durable (see
 * dispatch.c), so that it can't overtake what it tells of.
 *
 * Numbers begin with the microseconds since the epoch at start: a run would
 * have to publish more than a million events a second for all of its life
 * before the next run could begin with a number that was used.
 * weir-protocol(7), Events. */
#include "config.h"

#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"
#include "kvsd/event.h"

struct subscription {
	struct stream stream;
	TAILQ_ENTRY(subscription) next;
	size_t len;
	uint64_t lost;		/* since it was told last: how many */
	uint64_t first_lost, last_lost;
	char prefix[];
};

struct events {
	uint64_t sequence;	/* of the last event */
	TAILQ_HEAD(, subscription) all;
	struct event_stats stats;
};

void events_create(struct kvsd *k)
{
	k->events = xcalloc(1, sizeof(*k->events));
	TAILQ_INIT(&k->events->all);
	k->events->sequence = kvsd_now() * 1e6;
}

void events_destroy(struct kvsd *k)
{
	free(k->events);
	k->events = NULL;
}

void event_stats(const struct kvsd *k, struct event_stats *stats)
{
	*stats = k->events->stats;
	stats->sequence = k->events->sequence;
}

/* ---- subscriptions ---- */

static void subscription_free(struct stream *s)
{
	struct subscription *sub = (struct subscription *)s;
	struct events *events = s->conn->kvsd->events;

	TAILQ_REMOVE(&events->all, sub, next);
	events->stats.subscriptions--;
	stream_end(s);
	free(sub);
}

/* DRAINING: the lane is about to be emptied, so that being full is no
 * obstacle. */
static void tell_lost(struct subscription *sub, bool draining)
{
	struct conn *c = sub->stream.conn;
	struct wire_buf *b;

	if (!sub->lost)
		return;
	b = draining ? lane_add(c, LANE_EVENTS, sub->stream.tag, "lost") :
		lane_begin(c, LANE_EVENTS, sub->stream.tag, "lost");
	if (!b)
		return;
	wire_opt_u64(b, "count", sub->lost);
	wire_opt_u64(b, "first", sub->first_lost);
	wire_opt_u64(b, "last", sub->last_lost);
	reply_end(c);
	sub->lost = 0;
}

static void subscription_cancel(struct stream *s)
{
	conn_drain_lane(s->conn, LANE_EVENTS);
	tell_lost((struct subscription *)s, true);
	push_end(s->conn, s->tag, ECANCELED, "canceled");
	subscription_free(s);
}

/* Asked only after events were lost, when the client has room. */
static bool subscription_pump(struct stream *s)
{
	tell_lost((struct subscription *)s, true);
	return false;
}

static const struct stream_ops subscription_ops = {
	"subscription", subscription_cancel, subscription_free,
	subscription_pump
};

void do_subscribe(struct conn *c, const struct wire_frame *f)
{
	struct events *events = c->kvsd->events;
	size_t len = f->word_len[ARG];
	struct subscription *sub;

	if (len > DB_NAME_MAX) {
		reply_err(c, f->word[0], EINVAL, "a topic has at most %d "
			  "bytes", DB_NAME_MAX);
		return;
	}
	sub = xcalloc(1, sizeof(*sub) + len + 1);
	memcpy(sub->prefix, f->word[ARG], len);
	sub->len = len;
	if (stream_begin(&sub->stream, c, f->word[0], &subscription_ops) < 0) {
		free(sub);
		return;
	}
	TAILQ_INSERT_TAIL(&events->all, sub, next);
	events->stats.subscriptions++;
	wire_opt_u64(reply_begin(c, f->word[0], "ok"), "sequence",
		     events->sequence);
	reply_end(c);
}

/* ---- publishing ---- */

static void deliver(struct subscription *sub, const struct wire_frame *f,
		    uint64_t sequence, uid_t uid)
{
	struct conn *c = sub->stream.conn;
	struct event_stats *stats = &c->kvsd->events->stats;
	struct wire_buf *b;

	tell_lost(sub, false);
	b = sub->lost ? NULL : lane_begin(c, LANE_EVENTS, sub->stream.tag,
					  "event");
	if (!b) {
		stats->lost++;
		if (!sub->lost++)
			sub->first_lost = sequence;
		sub->last_lost = sequence;
		stream_ready(&sub->stream);
		return;
	}
	stats->delivered++;
	wire_word_n(b, f->word[ARG], f->word_len[ARG]);
	wire_opt_u64(b, "sequence", sequence);
	wire_opt_u64(b, "uid", uid);
	if (f->has_payload)
		reply_payload(c, f->payload, f->payload_len);
	else
		reply_end(c);
}

static bool reserved(const char *topic)
{
	return !strncmp(topic, "job.", 4) || !strncmp(topic, "node.", 5) ||
		!strncmp(topic, "instance.", 9);
}

void do_publish(struct conn *c, const struct wire_frame *f)
{
	struct events *events = c->kvsd->events;
	const char *topic = f->word[ARG];
	struct subscription *sub;
	bool private;

	if (arg_flag(c, f, "private", &private) < 0)
		return;
	if (!f->word_len[ARG] || f->word_len[ARG] > DB_NAME_MAX) {
		reply_err(c, f->word[0], EINVAL, "a topic has 1 to %d bytes",
			  DB_NAME_MAX);
		return;
	}
	if (c->role != WIRE_OWNER && reserved(topic)) {
		reply_err(c, f->word[0], EPERM, "topics that begin with job., "
			  "node. or instance. are for the instance's owner");
		return;
	}
	events->sequence++;
	events->stats.published++;
	TAILQ_FOREACH(sub, &events->all, next) {
		const struct conn *to = sub->stream.conn;

		if (sub->len > f->word_len[ARG] ||
		    memcmp(sub->prefix, topic, sub->len) || to->dead ||
		    (private && to->uid != c->uid && to->role != WIRE_OWNER))
			continue;
		deliver(sub, f, events->sequence, c->uid);
	}
	wire_opt_u64(reply_begin(c, f->word[0], "ok"), "sequence",
		     events->sequence);
	reply_end(c);
}
