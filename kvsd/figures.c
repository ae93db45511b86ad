/* SPDX-License-Identifier: Apache-2.0 */
/* The table of figures, and gathering them. kvsd(8), Figures, explains each
 * row. */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "kvsd/figures.h"
#include "kvsd/log_ring.h"

#define ROW(section, name, kind, field, help) \
	{ section, name, kind, offsetof(struct figures, field), help }

const struct figure figure_table[] = {
	ROW("process", "uptime-seconds", SECONDS, uptime,
	    "Time since the start."),
	ROW("process", "cpu-seconds", SPENT, cpu_seconds,
	    "Processor time used, in both modes and all threads."),
	ROW("process", "memory-bytes", GAUGE, memory,
	    "Resident memory, with what is mapped of the database."),
	ROW("process", "memory-own-bytes", GAUGE, own_memory,
	    "Resident memory without what is mapped from files."),
	ROW("process", "descriptors", GAUGE, descriptors,
	    "Open file descriptors."),
	ROW("process", "errors", COUNTER, errors,
	    "Replies that were errors."),
	ROW("process", "log-lines", GAUGE, log_lines,
	    "Lines in the instance's log."),

	ROW("connections", "now", GAUGE, server.connections,
	    "Clients that are connected."),
	ROW("connections", "accepted", COUNTER, server.accepted,
	    "Connections accepted."),
	ROW("connections", "refused", COUNTER, server.refused,
	    "Connections of other users, who may not."),
	ROW("connections", "failed", COUNTER, server.failed,
	    "Times that one could not be accepted for lack of resources."),
	ROW("connections", "cut", COUNTER, server.cut,
	    "Clients disconnected because they did not read."),
	ROW("connections", "bytes-in", COUNTER, server.bytes_in,
	    "Bytes received."),
	ROW("connections", "bytes-out", COUNTER, server.bytes_out,
	    "Bytes sent."),

	ROW("queues", "output-bytes", GAUGE, server.output,
	    "Output that clients have not fetched."),
	ROW("queues", "output-largest-bytes", GAUGE, server.output_largest,
	    "The same of the client that has most."),
	ROW("queues", "held-bytes", GAUGE, server.held,
	    "Replies that wait for a batch to be durable."),
	ROW("queues", "parked-bytes", GAUGE, server.parked,
	    "Requests that wait for a batch to be durable."),
	ROW("queues", "blocked", GAUGE, server.blocked,
	    "Clients that take no more output at present."),
	ROW("queues", "paused", GAUGE, server.paused,
	    "Clients from which no requests are read at present."),

	ROW("database", "transactions", COUNTER, db.transactions,
	    "Transactions applied."),
	ROW("database", "operations", COUNTER, db.operations,
	    "Operations and conditions in them."),
	ROW("database", "batches", COUNTER, db.batches,
	    "Batches sealed."),
	ROW("database", "batch-largest", GAUGE, db.batch_largest,
	    "Transactions in the largest batch since the start."),
	ROW("database", "batch-size", SIZES, db.batch_size,
	    "Transactions in a batch."),
	ROW("database", "commit-wait-seconds", TIMES, commit_wait,
	    "Time from applying a transaction until it is durable."),
	ROW("database", "write-seconds", TIMES, db.write_time,
	    "Time for writing a batch, with its sync."),
	ROW("database", "sync-seconds", TIMES, db.sync_time,
	    "Time for the last step of writing a batch, with the sync."),
	ROW("database", "blobs-written", COUNTER, db.blobs_written,
	    "Nodes of trees and large values written."),
	ROW("database", "bytes-written", COUNTER, db.bytes_written,
	    "Bytes of these."),
	ROW("database", "cache-bytes", GAUGE, db.cache_bytes,
	    "Decoded nodes of trees in memory."),
	ROW("database", "cache-hits", COUNTER, db.cache_hits,
	    "Nodes found there."),
	ROW("database", "cache-misses", COUNTER, db.cache_misses,
	    "Nodes read from the store."),
	ROW("database", "map-size", GAUGE, db.map_size,
	    "Bytes that the store maps."),
	ROW("database", "file-size", GAUGE, db.file_size,
	    "Bytes of the store's file."),
	ROW("database", "namespaces", GAUGE, db.namespaces, "Namespaces."),
	ROW("database", "leases", GAUGE, db.leases, "Leases."),
	ROW("database", "blobs", GAUGE, gc.blobs, "Blobs that are stored."),
	ROW("database", "blob-bytes", GAUGE, gc.stored, "Bytes of these."),
	ROW("database", "blob-bytes-live", GAUGE, gc.live,
	    "Bytes that the last collection left."),
	ROW("database", "collecting", GAUGE, collecting,
	    "1 while one goes on."),
	ROW("database", "collections", COUNTER, gc.ended,
	    "Collections that have ended."),
	ROW("database", "collected-blobs", COUNTER, gc.removed_all,
	    "Blobs removed by them."),
	ROW("database", "collected-bytes", COUNTER, gc.removed_bytes_all,
	    "Bytes of these."),
	ROW("database", "collect-longest-seconds", SECONDS, gc.longest_ever,
	    "The longest step of a collection."),

	ROW("watches", "now", GAUGE, watches.watches, "Watches."),
	ROW("watches", "spots", GAUGE, watches.spots,
	    "Keys in their index."),
	ROW("watches", "pushes", COUNTER, watches.pushes,
	    "Lines told to watchers."),
	ROW("watches", "lagged", COUNTER, watches.lagged,
	    "Times that one of mode prefix fell behind."),
	ROW("watches", "behind", GAUGE, watches.behind,
	    "Watches of mode prefix that are being told what differs."),
	ROW("watches", "kept-bytes", GAUGE, watches.kept_bytes,
	    "Values that wait to be durable before they are told."),

	ROW("events", "subscriptions", GAUGE, events.subscriptions,
	    "Subscriptions."),
	ROW("events", "published", COUNTER, events.published,
	    "Events published."),
	ROW("events", "delivered", COUNTER, events.delivered,
	    "Events told, once for each subscription."),
	ROW("events", "lost", COUNTER, events.lost,
	    "Events not told to readers that were too slow."),
	ROW("events", "sequence", GAUGE, events.sequence,
	    "Number of the last event."),

	ROW("services", "now", GAUGE, services.services,
	    "Services that are served."),
	ROW("services", "calls", COUNTER, services.calls, "Calls made."),
	ROW("services", "calls-waiting", GAUGE, services.calls_waiting,
	    "Calls that wait for their reply."),
	ROW("services", "call-seconds", TIMES, services.call_time,
	    "Time from a call until its last reply or error."),
};
const size_t figure_count = sizeof(figure_table) / sizeof(figure_table[0]);

/* ---- the process ---- */

static void take_memory(struct figures *f)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long total, resident, shared;
	uint64_t page = sysconf(_SC_PAGESIZE);

	if (!file)
		return;
	if (fscanf(file, "%lu %lu %lu", &total, &resident, &shared) == 3) {
		f->memory = resident * page;
		f->own_memory = (resident - shared) * page;
	}
	fclose(file);
}

static uint64_t open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 3;		/* . and .. and the folder itself */
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
		(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void figures_take(struct kvsd *k, struct figures *f)
{
	memset(f, 0, sizeof(*f));
	f->uptime = kvsd_now() - k->started;
	server_figures(k, &f->server);
	f->errors = k->refused;
	f->log_lines = log_ring_count(k);
	take_memory(f);
	f->descriptors = open_descriptors();
	f->cpu_seconds = cpu_seconds();
	db_stats(k->db, &f->db);
	db_gc_info(k->db, &f->gc);
	f->collecting = f->gc.phase != DB_GC_IDLE;
	watch_stats(k, &f->watches);
	event_stats(k, &f->events);
	service_stats(k, &f->services);
	memcpy(f->requests, k->requests, sizeof(f->requests));
}
