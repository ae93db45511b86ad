/* SPDX-License-Identifier: Apache-2.0 */
/* Clients and what they ask for: see load.h. */
#include "config.h"

#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libclient/weir.h"
#include "proto/wire.h"
#include "t/tool/history.h"
#include "t/tool/load.h"

#define PARTS		3	/* keys of the group */
#define KEYS_MAX	64

/* What a client last read of a key, to make a condition of it. */
struct seen {
	bool any;
	char *value;		/* NULL: it was not there */
	uint64_t version;
};

struct round;

struct client {
	struct round *round;
	weir_t *h;
	uint64_t number;
	unsigned in_flight;
	struct seen seen[KEYS_MAX + 1];	/* the last is the group's */
};

struct round {
	struct load *load;
	struct event_base *base;
	struct client *client;
	uint64_t left;		/* operations until the kill */
	uint64_t dead;		/* when it was; 0: it lives */
	unsigned in_flight;
	bool failed;
};

/* An operation in flight. */
struct request {
	struct client *client;
	struct op op;
	int slot;		/* of seen, -1: none */
	int left;		/* a read of the group: keys to come */
	char key[24], token[32];
};

static void start_some(struct client *c);

/* Each time is another one: the order of a connection's requests is told by
 * it. */
static uint64_t now(void)
{
	static uint64_t last;
	struct timespec ts;
	uint64_t n;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	n = (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
	last = n > last ? n : last + 1;
	return last;
}

static char *copy(const char *s)
{
	char *p = s ? strdup(s) : NULL;

	if (s && !p)
		abort();
	return p;
}

static void complain(struct round *r, const char *what, const char *why)
{
	fprintf(stderr, "torture: %s: %s\n", what, why);
	r->failed = true;
}

static void kill_now(struct round *r)
{
	if (r->dead)
		return;
	if (kvsd_kill(r->load->run) < 0)
		r->failed = true;
	r->dead = now();
}

/* ---- an operation is over ---- */

static void note_seen(struct request *q)
{
	struct seen *seen = &q->client->seen[q->slot];

	free(seen->value);
	*seen = (struct seen){ true, copy(q->op.value), q->op.version };
}

static void finish(struct request *q)
{
	struct client *c = q->client;
	struct round *r = c->round;

	r->load->operations++;
	if (q->op.outcome == OUTCOME_UNKNOWN) {
		r->load->unknown++;
		q->op.returned = r->dead;
	} else {
		q->op.returned = now();
		r->load->acknowledged++;
	}
	op_write(r->load->history, &q->op);
	if (q->op.kind == OP_GET && q->slot >= 0 &&
	    q->op.outcome <= OUTCOME_ABSENT)
		note_seen(q);
	if (q->op.kind == OP_GET || q->op.kind == OP_ROOT)
		free(q->op.value);
	free(q->op.expected);
	free(q);
	c->in_flight--;
	r->in_flight--;
	if (r->left && !--r->left)
		kill_now(r);
	start_some(c);
}

/* Puts the error into the operation. */
static void set_error(struct request *q, weir_future_t *f)
{
	int e = weir_future_error(f);

	q->op.code = (char *)wire_code(e);
	q->op.outcome = OUTCOME_NOTHING;
	if (e == ECONNRESET) {
		kill_now(q->client->round);	/* or it was by itself */
		q->op.code = (char *)"unknown";
		q->op.outcome = OUTCOME_UNKNOWN;
	} else if (e == ENOENT && (q->op.kind == OP_GET ||
				   q->op.kind == OP_UNLINK)) {
		q->op.outcome = OUTCOME_ABSENT;
	} else if (e != ECANCELED && e != ESTALE) {
		complain(q->client->round, q->key, weir_future_strerror(f));
	}
}

static void read_value(struct request *q, weir_future_t *f)
{
	size_t len = 0;
	const char *data = weir_future_data(f, &len);

	free(q->op.value);
	q->op.value = copy(data ? data : "");
	if (!len || strlen(q->op.value) != len ||
	    strpbrk(q->op.value, " \r\n"))
		complain(q->client->round, q->key, "its value is garbage");
}

static void on_done(weir_future_t *f, void *arg)
{
	struct request *q = arg;

	if (weir_future_error(f)) {
		set_error(q, f);
	} else {
		q->op.has_version = !weir_future_u64(f, "version",
						     &q->op.version);
		if (q->op.kind == OP_GET)
			read_value(q, f);
		else if (q->op.kind == OP_ROOT)
			q->op.value = copy(weir_future_option(f, "hash"));
	}
	weir_future_destroy(f);
	finish(q);
}

/* ---- reading the group ---- */

/* What differs from the first part makes a value that nobody wrote. */
static void on_part(weir_future_t *f, void *arg)
{
	struct request *q = arg;
	char *first = q->op.value;
	bool is_first = q->left == PARTS, missing = q->op.outcome;
	char torn[256];

	q->op.value = NULL;
	if (q->op.outcome == OUTCOME_UNKNOWN ||
	    q->op.outcome == OUTCOME_NOTHING)
		;
	else if (!weir_future_error(f))
		read_value(q, f);
	else
		set_error(q, f);
	if (!is_first && q->op.outcome <= OUTCOME_ABSENT &&
	    (missing != (q->op.outcome == OUTCOME_ABSENT) ||
	     (first && strcmp(first, q->op.value)))) {
		snprintf(torn, sizeof(torn), "torn(%.100s,%.100s);",
			 first ? first : "-",
			 q->op.value ? q->op.value : "-");
		free(q->op.value);
		q->op.value = copy(torn);
		q->op.outcome = OUTCOME_OK;
		q->op.code = (char *)"ok";
	}
	free(first);
	weir_future_destroy(f);
	if (!--q->left)
		finish(q);
}

static void on_group_root(weir_future_t *f, void *arg)
{
	struct request *q = arg;
	const char *hash = weir_future_option(f, "hash");
	char key[40];

	if (weir_future_error(f)) {
		set_error(q, f);
		weir_future_destroy(f);
		finish(q);
		return;
	}
	q->op.has_version = !weir_future_u64(f, "version", &q->op.version);
	q->left = PARTS;
	for (int i = 0; i < PARTS; i++) {
		weir_future_t *part;

		snprintf(key, sizeof(key), "%s.%d", q->key, i);
		part = weir_kvs_get(q->client->h, NULL, key, hash);
		if (!part || weir_future_then(part, -1, on_part, q) < 0)
			abort();
	}
	weir_future_destroy(f);
}

/* ---- asking ---- */

static struct request *request_make(struct client *c, enum op_kind kind,
				    const char *key, int slot)
{
	struct request *q = calloc(1, sizeof(*q));

	if (!q)
		abort();
	q->client = c;
	q->slot = slot;
	snprintf(q->key, sizeof(q->key), "%s", key);
	q->op.kind = kind;
	q->op.key = q->key;
	q->op.client = c->number;
	q->op.code = (char *)"ok";
	if (kind == OP_PUT || kind == OP_APPEND || kind == OP_CAS) {
		snprintf(q->token, sizeof(q->token), "%" PRIu64 ".%" PRIu64
			 ";", c->number, c->round->load->tokens++);
		q->op.value = q->token;
	}
	c->in_flight++;
	c->round->in_flight++;
	return q;
}

static void request_send(struct request *q, weir_future_t *f,
			 weir_future_f *cb)
{
	if (f && !weir_future_then(f, -1, cb, q))
		return;
	complain(q->client->round, "a request cannot be made",
		 strerror(errno));
	exit(1);
}

static void txn_fill(weir_txn_t *txn, const struct request *q, const char *key)
{
	const struct seen *seen = &q->client->seen[q->slot];
	size_t len = strlen(q->token);

	if (q->op.kind == OP_CAS && seen->value)
		weir_txn_if_unchanged(txn, key, seen->version);
	else if (q->op.kind == OP_CAS)
		weir_txn_if_absent(txn, key);
	if (q->op.kind == OP_APPEND)
		weir_txn_append(txn, key, q->token, len);
	else if (q->op.kind == OP_UNLINK)
		weir_txn_unlink(txn, key, 0);
	else
		weir_txn_put(txn, key, q->token, len);
}

static void start_write(struct request *q, bool group)
{
	weir_txn_t *txn = weir_txn_create();
	char part[32];

	if (!txn)
		abort();
	if (q->op.kind == OP_CAS)
		q->op.expected = copy(q->client->seen[q->slot].value);
	for (int i = 0; i < (group ? PARTS : 1); i++) {
		snprintf(part, sizeof(part), "%s.%d", q->key, i);
		txn_fill(txn, q, group ? part : q->key);
	}
	q->op.invoked = now();
	request_send(q, weir_kvs_commit(q->client->h, NULL, txn, 0), on_done);
	weir_txn_destroy(txn);
}

static void start_read(struct client *c, enum op_kind kind, const char *key,
		       int slot, bool group)
{
	struct request *q = request_make(c, kind, key, slot);

	q->op.invoked = now();
	if (group || kind == OP_ROOT)
		request_send(q, weir_kvs_root(c->h, NULL, NULL),
			     group ? on_group_root : on_done);
	else
		request_send(q, weir_kvs_get(c->h, NULL, key, NULL), on_done);
}

/* Of each kind so many in a hundred. */
static const struct {
	enum op_kind kind;
	unsigned share;
} shares[] = {
	{ OP_GET, 30 }, { OP_PUT, 15 }, { OP_APPEND, 30 }, { OP_CAS, 18 },
	{ OP_UNLINK, 3 }, { OP_ROOT, 4 },
};

static void start_one(struct client *c)
{
	struct load *load = c->round->load;
	unsigned draw = random_below(load->seed, 100), i = 0;
	int slot = random_below(load->seed, load->keys + 1);
	bool group = slot == (int)load->keys;
	enum op_kind kind;
	char key[24];

	while (draw >= shares[i].share)
		draw -= shares[i++].share;
	kind = shares[i].kind;
	snprintf(key, sizeof(key), "r%d", slot);
	if (kind == OP_APPEND && draw < 10) {
		snprintf(key, sizeof(key), "log.%u", load->log);
		start_write(request_make(c, kind, key, slot), false);
		return;
	}
	if (group)
		strcpy(key, "group");
	if (group && kind == OP_APPEND)
		kind = OP_PUT;
	if (kind == OP_CAS && !c->seen[slot].any)
		kind = OP_GET;
	if (kind == OP_GET || kind == OP_ROOT)
		start_read(c, kind, key, slot, group && kind == OP_GET);
	else
		start_write(request_make(c, kind, key, slot), group);
}

static void start_some(struct client *c)
{
	struct round *r = c->round;

	while (r->left && !r->dead && c->in_flight < r->load->depth)
		start_one(c);
}

/* ---- a round ---- */

static int connect_all(struct round *r)
{
	struct load *load = r->load;

	for (unsigned i = 0; i < load->clients; i++) {
		struct client *c = &r->client[i];
		struct weir_error error = { 0 };

		c->round = r;
		c->number = ++load->clients_made;
		c->h = weir_open(load->run->socket, 0, &error);
		if (c->h && !weir_attach(c->h, r->base))
			continue;
		kill_now(r);
		/* it may have ended itself already */
		if (!load->run->preload || r->failed)
			complain(r, "cannot connect", error.text);
		return r->failed ? -1 : 1;
	}
	return 0;
}

static void read_all(struct round *r)
{
	struct client *c = r->client;
	char key[24];

	for (unsigned i = 0; i < r->load->keys; i++) {
		snprintf(key, sizeof(key), "r%u", i);
		start_read(c, OP_GET, key, i, false);
	}
	start_read(c, OP_GET, "group", r->load->keys, true);
	start_read(c, OP_ROOT, "-", -1, false);
	snprintf(key, sizeof(key), "log.%u", r->load->log);
	start_read(c, OP_GET, key, -1, false);
}

static void round_end(struct round *r)
{
	for (unsigned i = 0; i < r->load->clients; i++) {
		weir_close(r->client[i].h);
		for (unsigned k = 0; k <= r->load->keys; k++)
			free(r->client[i].seen[k].value);
	}
	free(r->client);
	event_base_free(r->base);
}

int load_round(struct load *load, uint64_t acknowledged)
{
	struct round r = { .load = load, .left = acknowledged };
	int rc;

	r.base = event_base_new();
	r.client = calloc(load->clients, sizeof(*r.client));
	if (!r.base || !r.client || load->keys > KEYS_MAX)
		abort();
	rc = connect_all(&r);
	if (!rc)
		read_all(&r);
	for (unsigned i = 0; i < load->clients && !rc; i++)
		start_some(&r.client[i]);
	while (!rc && r.in_flight)
		if (event_base_loop(r.base, EVLOOP_ONCE) < 0)
			abort();
	kill_now(&r);
	round_end(&r);
	return r.failed ? -1 : 0;
}
