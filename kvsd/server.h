/* SPDX-License-Identifier: Apache-2.0 */
/* The listener, all connections, and the turns of the loop. */
#ifndef WEIR_KVSD_SERVER_H
#define WEIR_KVSD_SERVER_H

#include "kvsd/conn.h"

/* Binds the socket; -1 with a text (in use by a live instance, ...). */
int server_create(struct kvsd *k, char *why, size_t size);
/* Begins to accept. */
int server_listen(struct kvsd *k);
/* One turn; WAIT: sleeps until there is something to do. */
void server_turn(struct kvsd *k, bool wait);
/* Runs turns until server_stop. */
void server_run(struct kvsd *k);
void server_stop(struct kvsd *k);
/* Closes all connections and removes the socket. */
void server_destroy(struct kvsd *k);

/* db_durable_f; ARG is the kvsd. */
void server_settle(void *arg, uint64_t ticket, const struct db_error *error);

void server_add(struct kvsd *k, struct conn *c);
void server_remove(struct kvsd *k, struct conn *c);
void server_touch(struct conn *c);
void server_wait(struct conn *c);	/* for server_settle */
void server_unwait(struct conn *c);
void server_runnable(struct conn *c);

/* The endpoint table. -1 with EEXIST. */
int server_endpoint_add(struct conn *c, const char *name);
struct conn *server_endpoint(struct kvsd *k, const char *name);
void server_each(struct kvsd *k, void (*cb)(struct conn *c, void *arg),
		 void *arg);

struct server_stats {
	uint64_t connections, accepted, refused, failed, cut;
	uint64_t bytes_in, bytes_out;
	/* at present, by server_figures only */
	uint64_t output, output_largest, held, parked;	/* bytes */
	uint64_t blocked, paused;			/* connections */
};
struct server_stats *server_stats(struct kvsd *k);
void server_figures(struct kvsd *k, struct server_stats *stats);
/* Shared memory to read into, one user at a time. */
char *server_input(struct kvsd *k, size_t *size);
/* Takes what is written to the tag "-". */
struct wire_buf *server_sink(struct kvsd *k);

#endif
