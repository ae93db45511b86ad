/* SPDX-License-Identifier: Apache-2.0 */
/* Records of ended jobs in the store: see ended.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/ended.h"
#include "schedd/record.h"
#include "schedd/schedd.h"

#define CHUNK_SIZE	16384	/* bytes; then the next is begun */
#define PAGE		10000	/* names */
#define AT_A_TIME	64	/* values on the way */

struct chunk {
	uint32_t number;
	uint32_t count;		/* jobs in it that are there */
};

struct ended {
	struct chunk *chunk;	/* ascending; the last is written to */
	size_t count, size;
	struct wire_buf lines;	/* of this turn */
	size_t written;		/* bytes in the last, before that */
};

struct ended *ended_create(void)
{
	struct ended *e = calloc(1, sizeof(*e));

	if (e)
		wire_buf_init(&e->lines);
	return e;
}

void ended_destroy(struct ended *e)
{
	if (!e)
		return;
	wire_buf_free(&e->lines);
	free(e->chunk);
	free(e);
}

static void chunk_key(char key[32], uint32_t number)
{
	snprintf(key, 32, "ended.%010" PRIu32, number);
}

static struct chunk *chunk_add(struct ended *e, uint32_t number)
{
	if (e->count == e->size) {
		size_t n = e->size ? e->size * 2 : 64;
		struct chunk *p = reallocarray(e->chunk, n, sizeof(*p));

		if (!p)
			return NULL;
		e->chunk = p;
		e->size = n;
	}
	e->chunk[e->count] = (struct chunk) { .number = number };
	return &e->chunk[e->count++];
}

/* After the last there is. */
static struct chunk *chunk_begin(struct ended *e)
{
	e->written = 0;
	return chunk_add(e, e->count ? e->chunk[e->count - 1].number + 1 : 1);
}

static int by_number(const void *a, const void *b)
{
	const struct chunk *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* ---- as jobs end, and are purged ---- */

bool origin_recent(const struct job_origin *origin)
{
	return origin->time > 0 && now_wall() - (double)origin->time <
	       ENVELOPE_SUBMIT_AGE + ENVELOPE_SKEW + 1;
}

void ended_add(struct schedd *s, struct record *r,
	       const struct job_origin *origin)
{
	struct ended *e = s->ended;
	struct chunk *last;

	if (origin && !origin_recent(origin))
		origin = NULL;
	if (record_encode(&e->lines, r, origin) < 0) {
		if (errno == ENOMEM)
			schedd_restart(s, "out of memory");
		return;
	}
	last = &e->chunk[e->count - 1];
	last->count++;
	r->chunk = last->number;
	commit_wake(s->commit);
}

static void chunk_unlink(struct schedd *s, uint32_t number)
{
	char key[32];

	chunk_key(key, number);
	weir_txn_unlink(commit_txn(s->commit), key, WEIR_UNLINK_FORCE);
}

void ended_remove(struct schedd *s, const struct record *r)
{
	struct chunk want = { .number = r->chunk }, *c;
	struct ended *e = s->ended;

	c = r->chunk ? bsearch(&want, e->chunk, e->count, sizeof(want),
			       by_number) : NULL;
	if (!c || --c->count > 0 || c == &e->chunk[e->count - 1])
		return;
	chunk_unlink(s, c->number);
	memmove(c, c + 1, (size_t)(&e->chunk[e->count] - (c + 1)) * sizeof(*c));
	e->count--;
}

void ended_turn(struct schedd *s)
{
	struct ended *e = s->ended;
	char key[32];

	if (e->lines.len == 0)
		return;
	chunk_key(key, e->chunk[e->count - 1].number);
	weir_txn_append(commit_txn(s->commit), key, e->lines.data,
			e->lines.len);
	e->written += e->lines.len;
	wire_buf_reset(&e->lines);
	if (e->written >= CHUNK_SIZE && !chunk_begin(e))
		schedd_restart(s, "out of memory");
}

/* ---- the start ---- */

struct reading {
	struct schedd *schedd;
	const struct job_ids *ids;
	bool *known;
	struct wire_decoder *decoder;
	struct chunk *chunk;
};

static int remember(struct schedd *s, const struct record *r,
		    const struct job_origin *origin)
{
	struct envelope_policy policy = {
		.now = (int64_t)now_wall(), .skew = ENVELOPE_SKEW,
		.max_age = ENVELOPE_SUBMIT_AGE,
	};
	struct envelope env = {
		.userid = r->userid, .time = origin->time,
		.expiry = origin->expiry,
	};

	if (!origin_recent(origin))
		return 0;
	memcpy(env.nonce, origin->nonce, sizeof(env.nonce));
	return envelope_nonces_add(s->nonces, &env, &policy, r->id) < 0 &&
	       errno == ENOMEM ? -1 : 0;
}

/* -1 with ENOMEM. */
static int take_record(struct reading *rd, struct record *r,
		       const struct job_origin *origin)
{
	struct schedd *s = rd->schedd;
	struct queue *q;
	uint64_t *id = bsearch(&r->id, rd->ids->id, rd->ids->count,
			       sizeof(*id), jobid_compare);

	/* those of purged jobs stay until the value goes */
	if (!id || rd->known[id - rd->ids->id])
		return 0;
	q = queue_get(s->queues, r->queue ? r->queue : "");
	r->chunk = rd->chunk->number;
	if (!q || history_put(s->history, r) < 0 || remember(s, r, origin) < 0)
		return -1;
	rd->known[id - rd->ids->id] = true;
	journal_seen(s, r->entered[STATE_INACTIVE]);
	rd->chunk->count++;
	q->results[r->result]++;
	return 0;
}

/* A line that makes no sense is told; its job is read from its directory. */
static int take_lines(struct reading *rd, const char *data, size_t len)
{
	struct proto_error why;
	struct wire_frame *f;
	struct job_origin origin;
	const char *tag, *text;
	struct record r;
	size_t used;
	char key[32];

	chunk_key(key, rd->chunk->number);
	for (;; data += used, len -= used) {
		switch (wire_decode(rd->decoder, data, len, &used, &f)) {
		case WIRE_FRAME:
			if (record_decode(f, &r, &origin, &why) < 0)
				daemon_log(LOG_WARNING, "%s: a line is left "
					   "out: %s", key, why.text);
			else if (take_record(rd, &r, &origin) < 0)
				return -1;
			break;
		case WIRE_BAD:
			wire_decoder_error(rd->decoder, &tag, &text);
			daemon_log(LOG_WARNING, "%s: a line is left out: %s",
				   key, text);
			break;
		case WIRE_BROKEN:
			daemon_log(LOG_WARNING, "%s: the rest is left out",
				   key);
			return 0;
		case WIRE_MORE:
			return 0;
		}
	}
}

static int take_value(struct reading *rd, weir_future_t *f,
		      struct weir_error *error)
{
	const char *data;
	size_t len;
	char key[32];
	int r;

	chunk_key(key, rd->chunk->number);
	if (!f || weir_future_get(f) < 0) {
		int e = f ? weir_future_error(f) : errno;

		if (e == EISDIR || e == ENOENT)
			return 0;
		return replay_failed(error, f, key);
	}
	data = weir_future_data(f, &len);
	rd->decoder = wire_decoder_create(true, 0);
	r = rd->decoder && data ? take_lines(rd, data, len) : data ? -1 : 0;
	wire_decoder_destroy(rd->decoder);
	return r < 0 ? replay_failed(error, NULL, key) : 0;
}

static int read_values(struct schedd *s, struct reading *rd,
		       struct weir_error *error)
{
	struct ended *e = s->ended;
	weir_future_t *f[AT_A_TIME];
	size_t i, j, n;
	char key[32];
	int r = 0;

	for (i = 0; i < e->count && r == 0; i += n) {
		n = e->count - i < AT_A_TIME ? e->count - i : AT_A_TIME;
		for (j = 0; j < n; j++) {
			chunk_key(key, e->chunk[i + j].number);
			f[j] = weir_kvs_get(s->h, "primary", key, NULL);
		}
		for (j = 0; j < n; j++) {
			rd->chunk = &e->chunk[i + j];
			if (r == 0)
				r = take_value(rd, f[j], error);
			weir_future_destroy(f[j]);
		}
	}
	return r;
}

/* Of F's page; AFTER gets the last name if more follow, else "". */
static int take_names(struct ended *e, weir_future_t *f, char after[32])
{
	const char *type, *name, *more;
	uint64_t size, number;

	after[0] = '\0';
	while (weir_kvs_list_next(f, &type, &size, &name) > 0) {
		snprintf(after, 32, "%.31s", name);
		if (strspn(name, "0123456789") != 10 || name[10])
			continue;
		number = strtoull(name, NULL, 10);
		if (number < UINT32_MAX && !chunk_add(e, (uint32_t)number))
			return -1;
	}
	more = weir_future_option(f, "more");
	if (!more || strcmp(more, "1"))
		after[0] = '\0';
	return 0;
}

static int list_values(struct schedd *s, struct weir_error *error)
{
	char after[32] = "";
	weir_future_t *f;
	int r = 0;

	do {
		f = weir_kvs_list(s->h, "primary", "ended", NULL,
				  after[0] ? after : NULL, PAGE);
		if (f && weir_future_get(f) < 0 &&
		    (weir_future_error(f) == ENOENT ||
		     weir_future_error(f) == ENOTDIR))
			after[0] = '\0';
		else if (!f || weir_future_error(f))
			r = replay_failed(error, f, "ended");
		else if (take_names(s->ended, f, after) < 0)
			r = replay_failed(error, NULL, "ended");
		weir_future_destroy(f);
	} while (r == 0 && after[0]);
	return r;
}

int ended_read(struct schedd *s, const struct job_ids *ids, bool *known,
	       struct weir_error *error)
{
	struct reading rd = { .schedd = s, .ids = ids, .known = known };

	if (list_values(s, error) < 0 || read_values(s, &rd, error) < 0)
		return -1;
	return chunk_begin(s->ended) ? 0 :
	       replay_failed(error, NULL, "ended");
}

/* But those whose request could be presented again: that would have to be
 * written as well. */
static void write_missing(struct schedd *s)
{
	double recent = now_wall() - ENVELOPE_SUBMIT_AGE - ENVELOPE_SKEW;
	size_t i = history_count(s->history, 0);
	struct record *r;

	while (i-- > 0) {
		r = history_nth(s->history, i);
		if (r->chunk || r->entered[STATE_NEW] > recent)
			continue;
		ended_add(s, r, NULL);
		if (s->ended->lines.len >= CHUNK_SIZE) {
			size_t len = s->ended->lines.len;

			ended_turn(s);
			commit_bound(s->commit, len);
		}
	}
}

void ended_resume(struct schedd *s)
{
	struct ended *e = s->ended;
	size_t i, n = 0, last = e->count - 1;

	for (i = 0; i < last; i++) {
		if (e->chunk[i].count > 0)
			e->chunk[n++] = e->chunk[i];
		else
			chunk_unlink(s, e->chunk[i].number);
	}
	e->chunk[n++] = e->chunk[last];
	e->count = n;
	write_missing(s);
}
