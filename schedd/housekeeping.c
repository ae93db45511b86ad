/* SPDX-License-Identifier: Apache-2.0 */
/* Housekeeping of jobs that have ended, node by node: see housekeeping.h. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/hook_impl.h"
#include "schedd/jobdirs.h"

#define KEEPING_MAGIC	0x4b454550u
#define EXPECTED	10	/* seconds: nobody knows how long it takes */
#define KEY_SIZE	40
#define PAGE		10000	/* names */

struct keeping_part {
	struct keeping *k;
	unsigned rank;
	weir_future_t *call;	/* NULL: it has ended, or nobody is there */
	bool ended, released;
};

struct keeping {
	uint32_t magic;
	struct schedd *schedd;
	struct keeping *next, **prev;	/* the newest first */
	struct hook_subject subject;	/* its strings are ours */
	double start;			/* seconds since 1970 */
	uint64_t turn;			/* begins when that is durable */
	bool again;			/* of an earlier schedd */
	bool begun;
	bool due;			/* nodes need not wait for others */
	struct event *timer;		/* until they need not */
	struct keeping_part *part;
	int parts, open, held;		/* open: not ended; held: not released */
};

static const struct hook_config *config_of(const struct schedd *s)
{
	return &s->queues->hooks[HOOK_HOUSEKEEPING];
}

static void key_of(const struct keeping *k, char key[KEY_SIZE])
{
	snprintf(key, KEY_SIZE, "housekeeping.%" PRIu64, k->subject.id);
}

static void keeping_free(struct keeping *k)
{
	int i;

	if (k->prev) {
		*k->prev = k->next;
		if (k->next)
			k->next->prev = k->prev;
	}
	for (i = 0; i < k->parts; i++)
		weir_future_destroy(k->part[i].call);
	if (k->timer)
		event_free(k->timer);
	free((char *)k->subject.ranks);
	free((char *)k->subject.nodelist);
	free(k->part);
	k->magic = 0;
	free(k);
}

/* On the nodes of R. NULL with ENOMEM. */
static struct keeping *create(struct schedd *s,
			      const struct hook_subject *subject,
			      const struct resource_set *R)
{
	struct keeping *k = calloc(1, sizeof(*k));
	size_t i;

	if (!k)
		return NULL;
	k->magic = KEEPING_MAGIC;
	k->schedd = s;
	k->subject = *subject;
	k->subject.ranks = strdup(subject->ranks);
	k->subject.nodelist = strdup(subject->nodelist);
	k->part = calloc(R->count + 1, sizeof(*k->part));
	if (!k->subject.ranks || !k->subject.nodelist || !k->part) {
		keeping_free(k);
		errno = ENOMEM;
		return NULL;
	}
	k->parts = k->open = k->held = (int)R->count;
	for (i = 0; i < R->count; i++) {
		k->part[i].k = k;
		k->part[i].rank = R->nodes[i].rank;
	}
	k->next = s->keepings;
	if (k->next)
		k->next->prev = &k->next;
	k->prev = &s->keepings;
	s->keepings = k;
	return k;
}

/* ---- the store ---- */

static void put(struct keeping *k, const struct resource_set *R)
{
	json_t *o = json_pack("{s:i s:i s:s s:s s:f s:o}", "userid",
			      (int)k->subject.userid, "nnodes",
			      k->subject.nnodes, "ranks", k->subject.ranks,
			      "nodelist", k->subject.nodelist, "t_start",
			      k->start, "R", R ? resource_set_to_json(R) : NULL);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL, key[KEY_SIZE];

	json_decref(o);
	key_of(k, key);
	if (text)
		weir_txn_put(commit_txn(k->schedd->commit), key, text,
			     strlen(text));
	else
		schedd_restart(k->schedd, "out of memory");
	free(text);
}

/* ---- the end ---- */

static void end(struct keeping_part *p, int status, const char *why)
{
	struct keeping *k = p->k;
	char reason[512];

	p->ended = true;
	k->open--;
	if (status) {
		hook_reason(k->schedd, HOOK_HOUSEKEEPING, k->subject.id,
			    p->rank, status, why, reason, sizeof(reason));
		daemon_log(LOG_ERR, "%s", reason);
		drain_node(k->schedd, p->rank, now_wall(), reason);
	}
	commit_wake(k->schedd->commit);
}

static void lost(struct keeping_part *p)
{
	end(p, 1 << 8, HOOK_LOST);
}

/* Those that have ended, if that is all, or they need not wait. */
static void release(struct keeping *k)
{
	struct schedd *s = k->schedd;
	struct resource_set *R = NULL;
	struct idset *ranks;
	char key[KEY_SIZE];
	int i, n = 0;

	if (!k->due && k->open > 0)
		return;
	ranks = idset_create();
	for (i = 0; ranks && i < k->parts; i++) {
		struct keeping_part *p = &k->part[i];

		if (!p->ended || p->released)
			continue;
		if (idset_set(ranks, p->rank) < 0)
			break;
		p->released = true;
		n++;
	}
	if (n == k->held)
		resources_free(s->resources, k->subject.id);
	else if (!ranks || i < k->parts ||
		 (n > 0 && resources_free_ranks(s->resources, k->subject.id,
						ranks) < 0))
		schedd_restart(s, "out of memory");
	idset_destroy(ranks);
	if (n == 0 && k->held > 0)
		return;
	k->held -= n;
	sched_wake(s);
	if (k->held == 0) {
		key_of(k, key);
		weir_txn_unlink(commit_txn(s->commit), key,
				WEIR_UNLINK_FORCE);
		keeping_free(k);
		return;
	}
	R = resources_taken(s->resources, k->subject.id);
	put(k, R);
	resource_set_destroy(R);
}

/* ---- on the nodes ---- */

static void on_answer(weir_future_t *f, void *arg)
{
	struct keeping_part *p = arg;
	struct schedd *s = p->k->schedd;
	int e = weir_future_error(f), status;
	char why[160];

	assert(p->k->magic == KEEPING_MAGIC && p->call == f);
	p->call = NULL;
	if (!e) {
		hook_answer(f, &status, why, sizeof(why));
		end(p, status, why);
	} else if (e != ENOSYS && e != ECONNRESET) {
		end(p, 1 << 8, weir_future_strerror(f));
	} else if (s->nodes_known &&
		   !resources_is_online(s->resources, p->rank)) {
		lost(p);
	}
	/* else its node will come again, or be lost */
	weir_future_destroy(f);
}

static void call(struct keeping_part *p, bool again)
{
	struct schedd *s = p->k->schedd;
	char method[64], *text = hook_order(s, HOOK_HOUSEKEEPING,
					    &p->k->subject, again, true);

	snprintf(method, sizeof(method), "execd-%u.hook", p->rank);
	if (text)
		p->call = weir_rpc(s->h, method, text, strlen(text), -1);
	free(text);
	if (!p->call || weir_future_then(p->call, -1, on_answer, p) < 0)
		schedd_restart(s, "out of memory");
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
	struct keeping *k = arg;

	assert(k->magic == KEEPING_MAGIC);
	k->due = true;
	commit_wake(k->schedd->commit);
}

static void set_due(struct keeping *k, double after)
{
	struct timeval tv = { (time_t)after,
			      (suseconds_t)((after - (double)(time_t)after) *
					    1e6) };

	k->due = after == 0;
	if (after <= 0)
		return;
	k->timer = evtimer_new(k->schedd->base, on_due, k);
	if (!k->timer || evtimer_add(k->timer, &tv) < 0)
		schedd_restart(k->schedd, "out of memory");
}

static void start(struct keeping *k)
{
	struct schedd *s = k->schedd;
	const struct hook_config *c = config_of(s);
	int i;

	k->begun = true;
	set_due(k, c->release_after);
	for (i = 0; i < k->parts; i++) {
		struct keeping_part *p = &k->part[i];

		/* it is not configured any more */
		if (!c->command.argv)
			end(p, 0, NULL);
		else if (s->nodes_known &&
			 !resources_is_online(s->resources, p->rank))
			lost(p);
		else
			call(p, k->again);
	}
}

bool housekeeping_begin(struct schedd *s, struct job *job)
{
	const struct hook_subject subject = hook_subject(job);
	struct keeping *k;

	if (!config_of(s)->command.argv || job->want.mock || !job->R)
		return false;
	k = create(s, &subject, job->R);
	if (!k) {
		schedd_restart(s, "out of memory");
		return true;
	}
	k->start = now_wall();
	k->turn = commit_turn(s->commit);
	resources_set_end(s->resources, job->id, k->start + EXPECTED);
	put(k, job->R);
	return true;
}

void housekeeping_turn(struct schedd *s)
{
	struct keeping *k, *next;

	for (k = s->keepings; k && !s->restart; k = next) {
		next = k->next;
		if (!k->begun && k->turn <= commit_durable(s->commit))
			start(k);
		if (k->begun)
			release(k);
	}
}

void housekeeping_node(struct schedd *s, unsigned rank, bool online)
{
	struct keeping *k;
	int i;

	for (k = s->keepings; k; k = k->next)
		for (i = 0; k->begun && i < k->parts; i++) {
			struct keeping_part *p = &k->part[i];

			if (p->rank != rank || p->ended ||
			    (online && p->call))
				continue;
			weir_future_destroy(p->call);
			p->call = NULL;
			if (!online || !config_of(s)->command.argv)
				lost(p);
			else
				call(p, true);
		}
}

void housekeeping_stop(struct schedd *s)
{
	while (s->keepings)
		keeping_free(s->keepings);
}

/* ---- after a start ---- */

/* From the key's text; -1 with EINVAL or ENOMEM. */
static int take(struct schedd *s, const char *name, const char *data,
		size_t len, struct proto_error *err)
{
	json_t *o = json_loadb(data, len, 0, NULL), *json = NULL;
	struct hook_subject subject = { .id = strtoull(name, NULL, 10) };
	struct resource_set *R = NULL;
	int userid, r = -1;
	struct keeping *k;
	double begun;

	if (json_unpack(o, "{s:i s:i s:s s:s s:F s:o}", "userid", &userid,
			"nnodes", &subject.nnodes, "ranks", &subject.ranks,
			"nodelist", &subject.nodelist, "t_start", &begun, "R",
			&json) < 0)
		proto_error_set(err, EINVAL, "it is malformed");
	else
		R = resource_set_from_json(json, err);
	if (R) {
		R->starttime = begun;
		R->expiration = now_wall() + EXPECTED;
		r = resources_adopt(s->resources, subject.id, R, err);
	}
	if (r == 0) {
		subject.userid = (uid_t)userid;
		k = create(s, &subject, R);
		if (k) {
			k->start = begun;
			k->again = true;
		} else {
			r = proto_error_set(err, ENOMEM, "out of memory");
		}
	}
	resource_set_destroy(R);
	json_decref(o);
	return r;
}

static int read_one(struct schedd *s, const char *name,
		    struct weir_error *error)
{
	char key[KEY_SIZE + 8];
	struct proto_error err;
	weir_future_t *f;
	const char *data;
	size_t len;
	int r = 0;

	snprintf(key, sizeof(key), "housekeeping.%.24s", name);
	f = weir_kvs_get(s->h, "primary", key, NULL);
	data = f && weir_future_get(f) == 0 ? weir_future_data(f, &len) : NULL;
	if (!data)
		r = replay_failed(error, f, key);
	else if (take(s, name, data, len, &err) < 0)
		daemon_log(LOG_ERR, "%s: %s; it is not done", key, err.text);
	weir_future_destroy(f);
	return r;
}

/* Those behind the name AFTER, and the last of them into it; "" if that was
 * the last of all. */
static int read_page(struct schedd *s, char after[KEY_SIZE],
		     struct weir_error *error)
{
	weir_future_t *f = weir_kvs_list(s->h, "primary", "housekeeping",
					 NULL, *after ? after : NULL, PAGE);
	const char *type, *name, *more;
	uint64_t size;
	int r = 0;

	after[0] = '\0';
	if (!f || weir_future_get(f) < 0) {
		if (!f || weir_future_error(f) != ENOENT)
			r = replay_failed(error, f, "housekeeping");
		weir_future_destroy(f);
		return r;
	}
	while (r == 0 && weir_kvs_list_next(f, &type, &size, &name) > 0) {
		snprintf(after, KEY_SIZE, "%s", name);
		r = read_one(s, name, error);
	}
	more = weir_future_option(f, "more");
	if (!more || strcmp(more, "1"))
		after[0] = '\0';
	weir_future_destroy(f);
	return r;
}

int housekeeping_read(struct schedd *s, struct weir_error *error)
{
	char after[KEY_SIZE] = "";

	do {
		if (read_page(s, after, error) < 0)
			return -1;
	} while (after[0]);
	return 0;
}

/* ---- calls ---- */

struct idset *housekeeping_ranks(const struct schedd *s)
{
	struct idset *ranks = idset_create();
	const struct keeping *k;
	int i;

	for (k = s->keepings; ranks && k; k = k->next)
		for (i = 0; i < k->parts; i++)
			if (!k->part[i].released &&
			    idset_set(ranks, k->part[i].rank) < 0) {
				idset_destroy(ranks);
				return NULL;
			}
	return ranks;
}

static bool is_owner(struct schedd *s, weir_call_t *c)
{
	if (may_act(s, c, s->uid))
		return true;
	weir_call_fail(c, EPERM, "only the instance's owner may do that");
	return false;
}

void do_housekeeping_list(struct schedd *s, weir_call_t *c)
{
	json_t *list;
	const struct keeping *k;
	struct idset *open;
	char *ranks;
	int i;

	if (!is_owner(s, c))
		return;
	list = json_array();
	for (k = s->keepings; k; k = k->next) {
		open = idset_create();
		for (i = 0; open && i < k->parts; i++)
			if (!k->part[i].ended)
				idset_set(open, k->part[i].rank);
		ranks = open ? idset_encode(open, 0) : NULL;
		json_array_append_new(list, json_pack(
			"{s:I s:I s:f s:i s:i s:i s:s s:s*}", "id",
			(json_int_t)k->subject.id, "userid",
			(json_int_t)k->subject.userid, "t_start", k->start,
			"nnodes", k->subject.nnodes, "active", k->open, "held",
			k->held, "nodelist", k->subject.nodelist, "pending",
			ranks));
		idset_destroy(open);
		free(ranks);
	}
	call_answer(c, json_pack("{s:o}", "housekeeping", list));
}

static void on_stopped(weir_future_t *f, void *arg)
{
	weir_future_destroy(f);	/* how it ended is the other call's answer */
}

/* On the nodes RANKS, or all. How many. */
static int stop(struct keeping *k, const struct idset *ranks)
{
	char method[64], text[96];
	weir_future_t *f;
	int i, len, n = 0;

	for (i = 0; k->begun && i < k->parts; i++) {
		const struct keeping_part *p = &k->part[i];

		if (!p->call || (ranks && !idset_test(ranks, p->rank)))
			continue;
		snprintf(method, sizeof(method), "execd-%u.hook-stop",
			 p->rank);
		len = snprintf(text, sizeof(text), "{\"id\":%" PRIu64 ",\"hook\""
			       ":\"%s\"}", k->subject.id,
			       hook_names[HOOK_HOUSEKEEPING]);
		f = weir_rpc(k->schedd->h, method, text, (size_t)len, -1);
		if (!f || weir_future_then(f, -1, on_stopped, NULL) < 0)
			schedd_restart(k->schedd, strerror(errno));
		n++;
	}
	return n;
}

void do_housekeeping_kill(struct schedd *s, weir_call_t *c)
{
	json_t *o = call_json(c);
	const char *text = NULL;
	struct idset *ranks = NULL;
	json_error_t error;
	struct keeping *k;
	json_int_t id = 0;
	int n = 0;

	if (!o)
		return;
	if (json_unpack_ex(o, &error, 0, "{s?I s?s}", "id", &id, "ranks",
			   &text) < 0) {
		weir_call_fail(c, EPROTO, "%s", error.text);
	} else if (!is_owner(s, c)) {
		;	/* the call has failed */
	} else if (text && !(ranks = idset_decode(text, NULL))) {
		weir_call_fail(c, EINVAL, "ranks: '%.60s' is no set of ranks",
			       text);
	} else {
		for (k = s->keepings; k; k = k->next)
			if (!id || k->subject.id == (uint64_t)id)
				n += stop(k, ranks);
		call_answer(c, json_pack("{s:i}", "count", n));
	}
	idset_destroy(ranks);
	json_decref(o);
}
