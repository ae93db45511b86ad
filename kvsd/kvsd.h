/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon: what its parts share. Each part is behind a pointer and known
 * only by its own header; main.c makes them and server.c runs the turns. */
#ifndef WEIR_KVSD_KVSD_H
#define WEIR_KVSD_KVSD_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "kvsd/db.h"
#include "proto/wire.h"

#define KVSD_MAGIC		0x77650001u
#define KVSD_INSTANCE_MAX	64
#define KVSD_ADMINS_MAX		64

struct kvsd_options {
	const char *socket, *statedir;
	const char *durability;		/* NULL: commit */
	const char *instance;		/* NULL: the one in statedir */
	const char *admin;		/* uids with commas, or NULL */
	uint64_t history;		/* versions; 0: default */
	double history_time;		/* seconds; 0: for ever */
	/* of others than the owner; DB_NO_LIMIT: none */
	struct db_limits namespace_quota, user_quota;
	const char *metrics;		/* HOST:PORT or unix:PATH, or NULL */
	bool allow_users, metrics_public;
	bool fsck, repair;
};

struct kvsd {
	unsigned magic;
	struct kvsd_options options;
	uid_t owner;			/* who runs us */
	uid_t admin[KVSD_ADMINS_MAX];
	int admins;
	char instance[KVSD_INSTANCE_MAX + 1];
	struct event_base *base;
	struct db *db;
	struct server *server;		/* server.h: listener, connections */
	struct watches *watches;	/* watch.h */
	struct stats *stats;		/* stats.h */
	struct metrics *metrics;	/* metrics.h: NULL without --metrics */
	struct events *events;		/* event.h */
	struct services *services;	/* service.h */
	struct absents *absents;	/* absent.h */
	struct leases *leases;		/* lease_cmds.h */
	struct log_ring *log;		/* log_ring.h */
	struct waiters *waiters;	/* ns_cmds.h: of sync */
	struct fences *fences;		/* fence.h */
	struct scratch *scratch;	/* write_cmds.h */
	uint64_t settled;	/* ticket: what became of batches up to it is
				   known */
	bool changed;		/* a transaction was applied in this turn */
	double started;		/* seconds since the epoch */
	bool restarted;		/* on a database that was there before */
	uint64_t requests[CMD_COUNT], refused;
};

/* Seconds since the epoch. */
double kvsd_now(void);

#endif
