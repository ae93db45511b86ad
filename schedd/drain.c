/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that get no new jobs until somebody says so, each with a reason: the
 * key resource.drain, {"RANK":{"timestamp":T,"reason":S}...}. weir-jobs(7). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hostlist.h"
#include "schedd/schedd.h"

#define KEY	"resource.drain"

/* ---- the store ---- */

static void apply(struct schedd *s, const char *name, bool drained)
{
	if (resources_set_drained(s->resources,
				  (unsigned)strtoul(name, NULL, 10),
				  drained) < 0)
		schedd_restart(s, "out of memory");
}

/* A rank as its number is written, and nothing else. */
static bool is_rank(const char *name)
{
	struct idset *set = idset_decode(name, NULL);
	char *text = set && idset_count(set) == 1 ? idset_encode(set, 0) :
		     NULL;
	bool is = text && !strcmp(text, name);

	free(text);
	idset_destroy(set);
	return is;
}

static void take(struct schedd *s, const char *data, size_t len)
{
	json_error_t why;
	json_t *o = json_loadb(data, len, 0, &why), *entry;
	const char *name;

	json_object_foreach(o, name, entry) {
		if (!is_rank(name)) {
			daemon_log(LOG_ERR, KEY ": '%s' is no rank", name);
			continue;
		}
		if (json_object_set(s->drained, name, entry) < 0)
			schedd_restart(s, "out of memory");
		apply(s, name, true);
	}
	if (!json_is_object(o))
		daemon_log(LOG_ERR, KEY ": is no object; nothing is drained");
	json_decref(o);
}

int drain_read(struct schedd *s, struct weir_error *error)
{
	weir_future_t *f = weir_kvs_get(s->h, "primary", KEY, NULL);
	const char *data;
	size_t len;
	int r = 0;

	s->drained = json_object();
	if (f && s->drained && weir_future_get(f) == 0) {
		data = weir_future_data(f, &len);
		if (data)
			take(s, data, len);
	} else if (!f || !s->drained || weir_future_error(f) != ENOENT) {
		error->errnum = errno;
		snprintf(error->text, sizeof(error->text), KEY ": %.200s",
			 f && s->drained ? weir_future_strerror(f) :
			 strerror(errno));
		r = -1;
	}
	weir_future_destroy(f);
	return r;
}

static void changed(struct schedd *s)
{
	s->drain_unsaved = true;
	sched_wake(s);
}

void drain_save(struct schedd *s)
{
	char *text;

	if (!s->drain_unsaved)
		return;
	s->drain_unsaved = false;
	text = json_dumps(s->drained, JSON_COMPACT | JSON_SORT_KEYS);
	if (text)
		weir_txn_put(commit_txn(s->commit), KEY, text, strlen(text));
	else
		schedd_restart(s, "out of memory");
	free(text);
}

/* ---- changes ---- */

static void drain(struct schedd *s, unsigned rank, double now,
		  const char *reason)
{
	const char *host = resources_host(s->resources, rank);
	char name[16];
	json_t *o = json_pack("{s:f s:s}", "timestamp", now, "reason", reason);

	snprintf(name, sizeof(name), "%u", rank);
	if (!o || json_object_set_new(s->drained, name, o) < 0) {
		schedd_restart(s, "out of memory");
		return;
	}
	apply(s, name, true);
	daemon_log(LOG_WARNING, "rank %u (%s) is drained: %s", rank,
		   host ? host : "?", reason);
}

static bool is_drained(struct schedd *s, unsigned rank)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", rank);
	return json_object_get(s->drained, name);
}

void drain_node(struct schedd *s, unsigned rank, double now,
		const char *reason)
{
	if (is_drained(s, rank))
		return;
	drain(s, rank, now, reason);
	changed(s);
}

/* ---- calls ---- */

struct idset *call_targets(struct schedd *s, weir_call_t *call,
			   const char *text)
{
	struct resource_set *all = resources_part(s->resources,
						  RESOURCES_ALL);
	struct idset *wanted = idset_decode(text, NULL);
	struct hostlist *hosts = wanted ? NULL : hostlist_decode(text, NULL);
	struct idset *ranks = idset_create();
	size_t i, found = 0, count = wanted ? idset_count(wanted) :
				 hosts ? hostlist_count(hosts) : 0;
	bool memory = all && ranks;

	for (i = 0; memory && i < all->count; i++) {
		const struct resource_node *n = &all->nodes[i];

		if ((wanted && idset_test(wanted, n->rank)) ||
		    (hosts && hostlist_find(hosts, n->host) >= 0)) {
			memory = idset_set(ranks, n->rank) == 0;
			found++;
		}
	}
	if (!memory)
		weir_call_fail(call, ENOMEM, "out of memory");
	else if (count == 0)
		weir_call_fail(call, EINVAL, "targets: '%s' is neither ranks "
			       "nor hosts", text);
	else if (found < count)
		weir_call_fail(call, EINVAL, "targets: not all of '%s' are "
			       "nodes of this instance", text);
	if (!memory || count == 0 || found < count) {
		idset_destroy(ranks);
		ranks = NULL;
	}
	resource_set_destroy(all);
	idset_destroy(wanted);
	hostlist_destroy(hosts);
	return ranks;
}

struct request_drain {
	struct idset *ranks;
	const char *reason, *mode;	/* of BODY */
	json_t *body;
};

/* 0, or -1 and the call has failed. */
static int parse(struct schedd *s, weir_call_t *call,
		 struct request_drain *r)
{
	const char *targets;

	*r = (struct request_drain) { .reason = "", .mode = "" };
	if (strcmp(weir_call_role(call), "owner")) {
		weir_call_fail(call, EPERM, "only the instance's owner may "
			       "drain and undrain nodes");
		return -1;
	}
	r->body = call_json(call);
	if (!r->body)
		return -1;
	if (json_unpack(r->body, "{s:s s?s s?s}", "targets", &targets,
			"reason", &r->reason, "mode", &r->mode) < 0)
		weir_call_fail(call, EPROTO, "targets, reason and mode must "
			       "be strings");
	else
		r->ranks = call_targets(s, call, targets);
	if (r->ranks)
		return 0;
	json_decref(r->body);
	return -1;
}

static void done(struct request_drain *r)
{
	idset_destroy(r->ranks);
	json_decref(r->body);
}

/* The first of them that is not (or is) drained, or IDSET_NONE. */
static unsigned first_that(struct schedd *s, const struct idset *ranks,
			   bool drained)
{
	unsigned i;

	for (i = idset_first(ranks); i != IDSET_NONE &&
	     is_drained(s, i) != drained; i = idset_next(ranks, i))
		;
	return i;
}

void do_drain(struct schedd *s, weir_call_t *call)
{
	struct request_drain r;
	double now = now_wall();
	bool update, force;
	unsigned i;

	if (parse(s, call, &r) < 0)
		return;
	update = !strcmp(r.mode, "update");
	force = !strcmp(r.mode, "overwrite");
	i = first_that(s, r.ranks, true);
	if (i != IDSET_NONE && !update && !force) {
		weir_call_fail(call, EEXIST, "rank %u already drained", i);
		done(&r);
		return;
	}
	for (i = idset_first(r.ranks); i != IDSET_NONE;
	     i = idset_next(r.ranks, i))
		if (force || !is_drained(s, i))
			drain(s, i, now, r.reason);
	changed(s);
	commit_reply(s->commit, call, 0);
	done(&r);
}

void do_undrain(struct schedd *s, weir_call_t *call)
{
	struct request_drain r;
	char name[16];
	unsigned i;

	if (parse(s, call, &r) < 0)
		return;
	i = first_that(s, r.ranks, false);
	if (i != IDSET_NONE && !*r.mode) {
		weir_call_fail(call, EINVAL, "rank %u not drained", i);
		done(&r);
		return;
	}
	for (i = idset_first(r.ranks); i != IDSET_NONE;
	     i = idset_next(r.ranks, i)) {
		if (!is_drained(s, i))
			continue;
		snprintf(name, sizeof(name), "%u", i);
		json_object_del(s->drained, name);
		apply(s, name, false);
		daemon_log(LOG_INFO, "rank %u is not drained any more", i);
	}
	changed(s);
	commit_reply(s->commit, call, 0);
	done(&r);
}
