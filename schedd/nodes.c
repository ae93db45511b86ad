/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes as their execds register them: node.RANK.info, which goes when the
 * node does. What was ever registered is kept as resource.R. weir-jobs(7). */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/schedd.h"

static int define(struct schedd *s, unsigned rank, const char *data,
		  size_t len, struct proto_error *error)
{
	json_t *o = data ? json_loadb(data, len, 0, NULL) : NULL;
	const char *host, *cores, *gpus = "";
	struct idset *c = NULL, *g = NULL;
	int r = -1;

	if (json_unpack(o, "{s:s s:s s?s}", "host", &host, "cores", &cores,
			"gpus", &gpus) < 0) {
		json_decref(o);
		return proto_error_set(error, EINVAL, "must be an object with "
				       "host, cores and gpus");
	}
	c = idset_decode(cores, error);
	if (c)
		g = idset_decode(gpus, error);
	if (c && g)
		r = resources_define(s->resources, rank, host, c, g);
	if (c && g && r < 0)
		proto_error_set(error, errno, "%s", errno == ENOENT ?
			"the graph of resources has no such rank" :
			errno == EINVAL ? "the graph of resources has more "
			"cores or gpus there" : "out of memory");
	idset_destroy(c);
	idset_destroy(g);
	json_decref(o);
	return r;
}

static void node_up(struct schedd *s, unsigned rank, weir_future_t *f)
{
	struct proto_error error;
	size_t len = 0;
	const char *data = weir_future_data(f, &len);
	bool was = resources_is_online(s->resources, rank);

	if (define(s, rank, data, len, &error) < 0) {
		daemon_log(LOG_ERR, "node.%u.info: %s", rank, error.text);
		return;
	}
	resources_set_up(s->resources, rank, true);
	if (!was)
		daemon_log(LOG_INFO, "rank %u (%s) is up", rank,
			   resources_host(s->resources, rank));
	s->inventory_changed = true;
	hooks_node(s, rank, true);
	sched_wake(s);
}

static void node_down(struct schedd *s, unsigned rank)
{
	const char *host = resources_host(s->resources, rank);

	if (!host)	/* it was removed */
		host = "?";
	if (!resources_is_online(s->resources, rank))
		return;
	daemon_log(LOG_WARNING, "rank %u (%s) is down", rank, host);
	resources_set_up(s->resources, rank, false);
	hooks_node(s, rank, false);
	exec_node_lost(s, rank, host);
	sched_wake(s);
}

/* What was up before this schedd came and is not any more. */
static void all_known(struct schedd *s)
{
	struct resource_set *down;
	size_t i;

	if (s->nodes_known)
		return;
	s->nodes_known = true;
	down = resources_part(s->resources, RESOURCES_DOWN);
	for (i = 0; down && i < down->count; i++)
		if (!resources_is_online(s->resources, down->nodes[i].rank)) {
			hooks_node(s, down->nodes[i].rank, false);
			exec_node_lost(s, down->nodes[i].rank,
				       down->nodes[i].host);
		}
	resource_set_destroy(down);
	sched_wake(s);
}

static void on_watch(weir_future_t *f, void *arg)
{
	struct schedd *s = arg;
	const char *kind, *key;
	unsigned rank;
	int end = -1;

	assert(s->magic == SCHEDD_MAGIC);
	if (weir_future_error(f)) {
		schedd_restart(s, weir_future_strerror(f));
		return;
	}
	kind = weir_future_word(f, 0);
	if (!kind)
		return;
	if (!strcmp(kind, "synced"))
		all_known(s);
	key = weir_future_word(f, 1);
	if (!key || sscanf(key, "node.%u%n", &rank, &end) != 1 || end < 0)
		return;
	if (!strcmp(kind, "unlink") &&
	    (!key[end] || !strcmp(key + end, ".info")))
		node_down(s, rank);
	else if (!strcmp(kind, "put") && !strcmp(key + end, ".info"))
		node_up(s, rank, f);
}

void graph_load(struct schedd *s, const char *text, size_t len)
{
	struct proto_error error;

	if (len && grown_is_of(s, text, len))
		return;
	if (resources_load(s->resources, text, len, &error) < 0) {
		daemon_log(LOG_ERR, "resource.graph: %s; it is not used",
			   error.text);
		return;
	}
	grown_forget(s, text, len);
	s->inventory_changed = true;
}

static void on_graph(weir_future_t *f, void *arg)
{
	struct schedd *s = arg;
	const char *kind, *data;
	size_t len = 0;

	assert(s->magic == SCHEDD_MAGIC);
	if (weir_future_error(f)) {
		schedd_restart(s, weir_future_strerror(f));
		return;
	}
	kind = weir_future_word(f, 0);
	data = weir_future_data(f, &len);
	if (kind && !strcmp(kind, "value") && data)
		graph_load(s, data, len);
	else if (kind && !strcmp(kind, "gone"))
		graph_load(s, NULL, 0);
	sched_wake(s);
}

int graph_watch(struct schedd *s)
{
	s->graph_watch = weir_kvs_watch(s->h, "primary", "resource.graph",
					WEIR_WATCH_LATEST, WEIR_FROM_NOW, 0,
					WEIR_WATCH_WAIT);
	if (!s->graph_watch)
		return -1;
	return weir_future_then(s->graph_watch, -1, on_graph, s);
}

int nodes_watch(struct schedd *s)
{
	s->node_watch = weir_kvs_watch(s->h, "primary", "node",
				       WEIR_WATCH_PREFIX, 0, 0,
				       WEIR_WATCH_WAIT);
	if (!s->node_watch)
		return -1;
	return weir_future_then(s->node_watch, -1, on_watch, s);
}

void nodes_turn(struct schedd *s)
{
	struct resource_set *all;
	char *text;

	if (!s->inventory_changed)
		return;
	s->inventory_changed = false;
	all = resources_part(s->resources, RESOURCES_ALL);
	text = all ? resource_set_encode(all) : NULL;
	resource_set_destroy(all);
	if (!text) {
		schedd_restart(s, "out of memory");
		return;
	}
	if (!s->inventory || strcmp(s->inventory, text)) {
		weir_txn_put(commit_txn(s->commit), "resource.R", text,
			     strlen(text));
		free(s->inventory);
		s->inventory = text;
	} else {
		free(text);
	}
}
