/* SPDX-License-Identifier: Apache-2.0 */
/* All figures at one moment, and the table that says what they are: between
 * stats.c, which gathers them, and what shows them in one form or another. */
#ifndef WEIR_KVSD_FIGURES_H
#define WEIR_KVSD_FIGURES_H

#include "kvsd/event.h"
#include "kvsd/server.h"
#include "kvsd/service.h"
#include "kvsd/watch.h"

enum figure_kind {
	COUNTER,	/* uint64_t, only grows */
	GAUGE,		/* uint64_t */
	SECONDS,	/* double */
	SPENT,		/* double, seconds, only grows */
	TIMES,		/* struct histogram, of seconds */
	SIZES,		/* struct histogram, of numbers */
};

struct figure {
	const char *section, *name;	/* in the JSON; together, with other
					   signs, the name for Prometheus */
	enum figure_kind kind;
	size_t at;			/* in struct figures */
	const char *help;
};

struct figures {
	double uptime;
	struct server_stats server;
	uint64_t errors, log_lines;
	uint64_t memory, own_memory, descriptors;	/* of the process */
	double cpu_seconds;
	struct db_stats db;
	struct db_gc_info gc;
	uint64_t collecting;	/* 0 or 1 */
	struct histogram commit_wait;
	struct watch_stats watches;
	struct event_stats events;
	struct service_stats services;
	uint64_t requests[CMD_COUNT];
};

extern const struct figure figure_table[];
extern const size_t figure_count;

/* Of the parts; all but what stats.c knows itself. */
void figures_take(struct kvsd *k, struct figures *figures);

/* All, since start: stats.c. */
void stats_take(struct kvsd *k, struct figures *figures);

static inline const void *figure_at(const struct figures *figures,
				    const struct figure *row)
{
	return (const char *)figures + row->at;
}

#endif
