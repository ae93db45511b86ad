/* SPDX-License-Identifier: Apache-2.0 */
/* Fences: what COUNT participants bring becomes one transaction when the last
 * of them comes. A fence belongs to the user of the first and is known by
 * namespace and name while anybody waits in it. It fails for all if one leaves
 * or has waited long enough. weir-protocol(7), Writing. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"
#include "kvsd/fence.h"
#include "kvsd/write_cmds.h"

#define FENCE_MAGIC	0x77650010u
#define COUNT_MAX	65536u

struct fence;

struct participant {
	struct stream stream;
	unsigned magic;
	TAILQ_ENTRY(participant) next;
	struct fence *fence;
	struct event *timer;	/* or NULL */
	size_t len;
	char data[];
};

struct fence {
	LIST_ENTRY(fence) all;
	char ns[DB_NAME_MAX + 1], name[DB_NAME_MAX + 1];
	uid_t uid;
	unsigned wanted, count;
	size_t bytes;
	TAILQ_HEAD(, participant) participants;
};

struct fences {
	LIST_HEAD(, fence) all;
};

void fences_create(struct kvsd *k)
{
	k->fences = xcalloc(1, sizeof(*k->fences));
	LIST_INIT(&k->fences->all);
}

void fences_destroy(struct kvsd *k)
{
	assert(!k->fences || LIST_EMPTY(&k->fences->all));
	free(k->fences);
	k->fences = NULL;
}

static struct fence *fence_find(struct kvsd *k, const char *ns,
				const char *name)
{
	struct fence *fence;

	LIST_FOREACH(fence, &k->fences->all, all)
		if (!strcmp(fence->ns, ns) && !strcmp(fence->name, name))
			break;
	return fence;
}

static struct fence *fence_create(struct kvsd *k, const char *ns,
				  const char *name, uid_t uid, unsigned wanted)
{
	struct fence *fence = xcalloc(1, sizeof(*fence));

	strcpy(fence->ns, ns);
	strcpy(fence->name, name);
	fence->uid = uid;
	fence->wanted = wanted;
	TAILQ_INIT(&fence->participants);
	LIST_INSERT_HEAD(&k->fences->all, fence, all);
	return fence;
}

/* ---- leaving ---- */

static void participant_free(struct participant *p)
{
	struct fence *fence = p->fence;
	struct conn *c = p->stream.conn;

	TAILQ_REMOVE(&fence->participants, p, next);
	fence->count--;
	fence->bytes -= p->len;
	if (p->timer)
		event_free(p->timer);
	stream_end(&p->stream);
	c->calls--;
	conn_touch(c);
	p->magic = 0;
	free(p);
}

static void fence_end(struct fence *fence)
{
	struct participant *p;

	while ((p = TAILQ_FIRST(&fence->participants)))
		participant_free(p);
	LIST_REMOVE(fence, all);
	free(fence);
}

static void fence_fail(struct fence *fence, int errnum, const char *why)
{
	unsigned missing = fence->wanted - fence->count;
	struct participant *p;
	char text[1024];

	snprintf(text, sizeof(text), "fence %s: %u of %u participants were "
		 "missing when %s [missing=%u count=%u]", fence->name, missing,
		 fence->wanted, why, missing, fence->wanted);
	TAILQ_FOREACH(p, &fence->participants, next)
		answer_err(p->stream.conn, p->stream.tag, errnum, text);
	fence_end(fence);
}

static void participant_cancel(struct stream *s)
{
	fence_fail(((struct participant *)s)->fence, ECANCELED,
		   "one of them canceled");
}

/* Its connection is gone. */
static void participant_drop(struct stream *s)
{
	struct fence *fence = ((struct participant *)s)->fence;
	char why[256];

	snprintf(why, sizeof(why), "%s left", conn_name(s->conn));
	participant_free((struct participant *)s);
	fence_fail(fence, ECONNRESET, why);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct participant *p = arg;

	assert(p->magic == FENCE_MAGIC);
	fence_fail(p->fence, ETIMEDOUT, "the time of one of them was over");
}

static const struct stream_ops participant_ops = {
	"fence", participant_cancel, participant_drop, NULL
};

/* ---- joining ---- */

/* The transaction, with the rights of C, the last that came: those of any
 * other, as they are of one user. */
static void fence_commit(struct fence *fence, struct conn *c)
{
	struct commit_party *party = xmalloc(fence->count * sizeof(*party));
	char *data = xmalloc(fence->bytes + 1), *at = data;
	struct participant *p;
	size_t n = 0;

	TAILQ_FOREACH(p, &fence->participants, next) {
		memcpy(at, p->data, p->len);
		at += p->len;
		party[n].conn = p->stream.conn;
		party[n++].tag = p->stream.tag;
	}
	commit_for(c, fence->ns, data, fence->bytes, party, n);
	fence_end(fence);
	free(party);
	free(data);
}

static void set_timer(struct participant *p, double seconds)
{
	struct timeval tv = { seconds, (seconds - (long)seconds) * 1e6 };

	p->timer = event_new(p->stream.conn->kvsd->base, -1, 0, on_timeout, p);
	if (!p->timer || event_add(p->timer, &tv) < 0)
		abort();
}

static size_t bytes_of(struct kvsd *k, uid_t uid)
{
	struct fence *fence;
	size_t bytes = 0;

	LIST_FOREACH(fence, &k->fences->all, all)
		if (fence->uid == uid)
			bytes += fence->bytes;
	return bytes;
}

/* Whether C may join what FENCE (NULL: none yet) is; -1 after an error
 * reply. */
static int may_join(struct conn *c, const struct wire_frame *f,
		    const struct fence *fence, uint64_t wanted)
{
	const char *tag = f->word[0], *name = f->word[ARG + 1];
	size_t max = c->role == WIRE_OWNER ? WIRE_PAYLOAD_OWNER
					   : WIRE_PAYLOAD_USER;

	if (fence && fence->uid != c->uid)
		reply_err(c, tag, EPERM, "fence %s belongs to another user",
			  name);
	else if (fence && fence->wanted != wanted)
		reply_err(c, tag, EINVAL, "fence %s is one of %u "
			  "participants, not of %ju", name, fence->wanted,
			  (uintmax_t)wanted);
	else if (bytes_of(c->kvsd, c->uid) + f->payload_len > max)
		reply_err(c, tag, E2BIG, "what waits in your fences would "
			  "exceed %zu bytes", max);
	else
		return 0;
	return -1;
}

/* The arguments; -1 after an error reply. */
static int check_arguments(struct conn *c, const struct wire_frame *f,
			   const char *ns, uint64_t *wanted)
{
	const char *tag = f->word[0], *name = f->word[ARG + 1];
	struct db_namespace_info info;
	struct db_error error;

	if (!*name || strlen(name) > DB_NAME_MAX)
		reply_err(c, tag, EINVAL, "a fence's name has 1 to %d bytes",
			  DB_NAME_MAX);
	else if (wire_parse_u64(f->word[ARG + 2], wanted) < 0 || !*wanted ||
		 *wanted > COUNT_MAX)
		reply_err(c, tag, EINVAL, "'%.32s' is no number of "
			  "participants from 1 to %u", f->word[ARG + 2],
			  COUNT_MAX);
	else if (db_namespace_info(c->kvsd->db, ns, true, &info) < 0)
		reply_err(c, tag, ENOENT, "namespace %.255s does not exist",
			  ns);
	else if (conn_check_namespace(ns, info.owner, c))
		reply_err(c, tag, EPERM, "namespace %.255s belongs to another "
			  "user", ns);
	else if (commit_check(c, f->payload, f->payload_len, &error) < 0)
		reply_error(c, tag, &error);
	else
		return 0;
	return -1;
}

void do_fence(struct conn *c, const struct wire_frame *f)
{
	const char *ns = arg_namespace(f->word[ARG]);
	struct participant *p;
	struct fence *fence;
	double timeout = -1;
	uint64_t wanted;

	if (arg_seconds(c, f, "timeout", &timeout) < 0 ||
	    check_arguments(c, f, ns, &wanted) < 0)
		return;
	fence = fence_find(c->kvsd, ns, f->word[ARG + 1]);
	if (may_join(c, f, fence, wanted) < 0)
		return;
	p = xcalloc(1, sizeof(*p) + f->payload_len);
	if (stream_begin(&p->stream, c, f->word[0], &participant_ops) < 0) {
		free(p);
		return;
	}
	if (!fence)
		fence = fence_create(c->kvsd, ns, f->word[ARG + 1], c->uid,
				     wanted);
	p->magic = FENCE_MAGIC;
	p->fence = fence;
	p->len = f->payload_len;
	if (p->len)
		memcpy(p->data, f->payload, p->len);
	TAILQ_INSERT_TAIL(&fence->participants, p, next);
	fence->bytes += p->len;
	c->calls++;
	if (++fence->count == fence->wanted)
		fence_commit(fence, c);
	else if (timeout >= 0)
		set_timer(p, timeout);
}
