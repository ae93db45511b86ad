/* SPDX-License-Identifier: Apache-2.0 */
/* The graph grows and shrinks: the key resource.changed is the graph as it is
 * then, JGF, with two more fields: "of", a hash of the key resource.graph that
 * it was made of, for if that is another it counts for nothing, and "leaving",
 * the paths of what goes when no job has it any more. weir-resources(5). */
#include "config.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/schedd.h"

#define KEY	"resource.changed"

/* ---- the store ---- */

static void make_hash(const char *text, size_t len, char hex[65])
{
	unsigned char hash[32];

	crypto_generichash(hash, sizeof(hash), (const unsigned char *)text,
			   len, NULL, 0);
	sodium_bin2hex(hex, 65, hash, sizeof(hash));
}

bool grown_is_of(struct schedd *s, const char *text, size_t len)
{
	char hex[65];

	make_hash(text, len, hex);
	return !strcmp(hex, s->graph_hash);
}

void grown_forget(struct schedd *s, const char *text, size_t len)
{
	s->graph_hash[0] = '\0';
	if (len)
		make_hash(text, len, s->graph_hash);
	if (s->grown)
		weir_txn_unlink(commit_txn(s->commit), KEY, 0);
	s->grown = s->grown_unsaved = false;
}

/* TEXT is of the graph that is given now. */
static bool is_of(struct schedd *s, json_t *o)
{
	const char *of = json_string_value(json_object_get(o, "of"));

	return of && !strcmp(of, s->graph_hash);
}

static void take(struct schedd *s, const char *text, size_t len)
{
	json_t *o = json_loadb(text, len, 0, NULL);
	struct proto_error error;

	s->grown = true;
	if (!is_of(s, o))
		daemon_log(LOG_NOTICE, KEY ": resource.graph is another; it "
			   "is not used");
	else if (resources_load(s->resources, text, len, &error) < 0)
		daemon_log(LOG_ERR, KEY ": %s; it is not used", error.text);
	else if (resources_set_leaving(s->resources,
				       json_object_get(o, "leaving")) < 0)
		schedd_restart(s, "out of memory");
	json_decref(o);
}

int grown_read(struct schedd *s, const char *text, size_t len,
	       struct weir_error *error)
{
	weir_future_t *f = weir_kvs_get(s->h, "primary", KEY, NULL);
	const char *data;
	size_t n;
	int r = 0;

	make_hash(text, len, s->graph_hash);
	if (f && weir_future_get(f) == 0) {
		data = weir_future_data(f, &n);
		if (data)
			take(s, data, n);
	} else if (!f || weir_future_error(f) != ENOENT) {
		error->errnum = f ? weir_future_error(f) : errno;
		snprintf(error->text, sizeof(error->text), KEY ": %.200s",
			 f ? weir_future_strerror(f) : strerror(errno));
		r = -1;
	}
	weir_future_destroy(f);
	return r;
}

static void save(struct schedd *s)
{
	json_t *o = resources_graph(s->resources);
	char *text = NULL;

	s->grown_unsaved = false;
	s->grown = true;
	if (o && json_object_set_new(o, "of", json_string(s->graph_hash)) == 0
	    && json_object_set_new(o, "leaving", resources_leaving(
				   s->resources)) == 0)
		text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (text)
		weir_txn_put(commit_txn(s->commit), KEY, text, strlen(text));
	else
		schedd_restart(s, "out of memory");
	free(text);
}

static void changed(struct schedd *s)
{
	s->grown_unsaved = *s->graph_hash;
	s->inventory_changed = true;
	sched_wake(s);
}

void grown_turn(struct schedd *s)
{
	struct proto_error error;
	int r = resources_leave(s->resources, &error);

	if (r > 0)
		changed(s);
	else if (r < 0)
		daemon_log(LOG_ERR, "what leaves the graph: %s", error.text);
	if (s->grown_unsaved)
		save(s);
}

/* ---- calls ---- */

static bool is_owner(weir_call_t *call)
{
	if (!strcmp(weir_call_role(call), "owner"))
		return true;
	weir_call_fail(call, EPERM, "only the instance's owner may change the "
		       "graph of resources");
	return false;
}

void do_grow(struct schedd *s, weir_call_t *call)
{
	struct proto_error error;
	const char *text;
	size_t len;

	if (!is_owner(call))
		return;
	text = weir_call_data(call, &len);
	if (resources_grow(s->resources, text, len, &error) < 0) {
		weir_call_fail(call, errno, "%s", error.text);
		return;
	}
	changed(s);
	commit_reply(s->commit, call, 0);
}

/* The paths of the nodes with RANKS are added to PATHS. -1 with ENOMEM. */
static int add_nodes(struct schedd *s, const struct idset *ranks,
		     json_t *paths)
{
	unsigned rank;

	for (rank = idset_first(ranks); rank != IDSET_NONE;
	     rank = idset_next(ranks, rank)) {
		char *path = resources_path(s->resources, rank);
		int r = path ? json_array_append_new(paths,
						     json_string(path)) : -1;

		free(path);
		if (r < 0)
			return -1;
	}
	return 0;
}

/* What TARGETS, each a path, ranks or hosts, are in the graph: an array of
 * paths. NULL and the call has failed. */
static json_t *paths_of(struct schedd *s, weir_call_t *call, json_t *targets)
{
	json_t *paths = json_array(), *target;
	struct idset *ranks;
	size_t i;
	int r = 0;

	json_array_foreach(targets, i, target) {
		const char *text = json_string_value(target);

		if (text && *text == '/') {
			r = json_array_append(paths, target);
		} else {
			ranks = call_targets(s, call, text ? text : "");
			if (!ranks) {
				json_decref(paths);
				return NULL;
			}
			r = add_nodes(s, ranks, paths);
			idset_destroy(ranks);
		}
		if (r < 0)
			break;
	}
	if (paths && r == 0)
		return paths;
	weir_call_fail(call, ENOMEM, "out of memory");
	json_decref(paths);
	return NULL;
}

void do_shrink(struct schedd *s, weir_call_t *call)
{
	json_t *body, *targets, *paths = NULL;
	struct proto_error error;
	int when_free = 0;

	if (!is_owner(call) || !(body = call_json(call)))
		return;
	if (json_unpack(body, "{s:o s?b}", "targets", &targets, "when-free",
			&when_free) < 0 || !json_array_size(targets))
		weir_call_fail(call, EPROTO, "targets must be an array of "
			       "strings, when-free true or false");
	else
		paths = paths_of(s, call, targets);
	if (paths && resources_shrink(s->resources, paths, when_free,
				      &error) < 0) {
		weir_call_fail(call, errno, "%s", error.text);
	} else if (paths) {
		changed(s);
		commit_reply(s->commit, call, 0);
	}
	json_decref(paths);
	json_decref(body);
}
