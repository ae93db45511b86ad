/* SPDX-License-Identifier: Apache-2.0 */
/* Counters since start and gauges, as JSON. weir-protocol(7), stats; kvsd(8)
 * explains each. */
#include "config.h"

#include <errno.h>
#include <jansson.h>

#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"
#include "kvsd/event.h"
#include "kvsd/log_ring.h"
#include "kvsd/server.h"
#include "kvsd/service.h"
#include "kvsd/watch.h"

static void set(json_t *o, const char *name, uint64_t n)
{
	json_object_set_new(o, name, json_integer(n));
}

static json_t *section(json_t *all, const char *name)
{
	json_t *o = json_object();

	json_object_set_new(all, name, o);
	return o;
}

static void add_server(json_t *all, struct kvsd *k)
{
	const struct server_stats *s = server_stats(k);
	json_t *o = section(all, "connections"), *requests;

	set(o, "now", s->connections);
	set(o, "accepted", s->accepted);
	set(o, "refused", s->refused);
	set(o, "failed", s->failed);
	set(o, "bytes-in", s->bytes_in);
	set(o, "bytes-out", s->bytes_out);
	requests = section(all, "requests");
	for (int i = 0; i < CMD_COUNT; i++)
		if (k->requests[i])
			set(requests, wire_commands[i].word, k->requests[i]);
	set(all, "errors", k->refused);
	set(all, "log-lines", log_ring_count(k));
}

static void add_database(json_t *all, struct kvsd *k)
{
	json_t *o = section(all, "database");
	struct db_stats s;

	json_object_set_new(o, "durability", json_string(
		k->options.durability ? k->options.durability : "commit"));
	db_stats(k->db, &s);
	set(o, "transactions", s.transactions);
	set(o, "operations", s.operations);
	set(o, "batches", s.batches);
	set(o, "batch-largest", s.batch_largest);
	json_object_set_new(o, "batch-seconds", json_real(s.batch_seconds));
	set(o, "blobs-written", s.blobs_written);
	set(o, "bytes-written", s.bytes_written);
	set(o, "cache-bytes", s.cache_bytes);
	set(o, "cache-hits", s.cache_hits);
	set(o, "cache-misses", s.cache_misses);
	set(o, "map-size", s.map_size);
	set(o, "file-size", s.file_size);
	set(o, "namespaces", s.namespaces);
	set(o, "leases", s.leases);
}

static void add_watches(json_t *all, struct kvsd *k)
{
	json_t *o = section(all, "watches");
	struct watch_stats s;

	watch_stats(k, &s);
	set(o, "now", s.watches);
	set(o, "spots", s.spots);
	set(o, "pushes", s.pushes);
	set(o, "lagged", s.lagged);
	set(o, "kept-bytes", s.kept_bytes);
}

static void add_events(json_t *all, struct kvsd *k)
{
	json_t *o = section(all, "events");
	struct event_stats s;

	event_stats(k, &s);
	set(o, "subscriptions", s.subscriptions);
	set(o, "published", s.published);
	set(o, "delivered", s.delivered);
	set(o, "lost", s.lost);
	set(o, "sequence", s.sequence);
}

static void add_services(json_t *all, struct kvsd *k)
{
	json_t *o = section(all, "services");
	struct service_stats s;

	service_stats(k, &s);
	set(o, "now", s.services);
	set(o, "calls", s.calls);
	set(o, "calls-waiting", s.calls_waiting);
}

void do_stats(struct conn *c, const struct wire_frame *f)
{
	json_t *all = json_object();
	char *text;

	json_object_set_new(all, "uptime",
			    json_real(kvsd_now() - c->kvsd->started));
	add_server(all, c->kvsd);
	add_database(all, c->kvsd);
	add_watches(all, c->kvsd);
	add_events(all, c->kvsd);
	add_services(all, c->kvsd);
	text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	if (!text) {
		reply_err(c, f->word[0], ENOMEM, "no memory for the figures");
		return;
	}
	reply_begin(c, f->word[0], "ok");
	reply_payload(c, text, strlen(text));
	free(text);
}
