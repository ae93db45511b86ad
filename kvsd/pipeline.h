/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's thread: writes one sealed batch at a time and wakes the loop.
 */
#ifndef WEIR_KVSD_PIPELINE_H
#define WEIR_KVSD_PIPELINE_H

#include <stdbool.h>

#include "kvsd/store.h"

struct event_base;
struct pipeline;

struct write_result {
	int rc;			/* of store_write or store_copy_step */
	double seconds, sync_seconds;	/* all, and its last step */
	struct store_total total;	/* of a batch, if rc is 0 */
	char text[256];
};

/* READY is called in the loop when a batch is durable and when a result is
 * there. */
struct pipeline *pipeline_create(struct store *store, struct event_base *base,
				 void (*ready)(void *arg), void *arg,
				 struct db_error *error);
/* Nothing may be under way. */
void pipeline_destroy(struct pipeline *pipeline);
/* Both belong to the writer until the result was taken. */
void pipeline_submit(struct pipeline *pipeline, const struct blob_set *blobs,
		     const struct store_changes *changes);
/* Instead of a batch: a part of making a smaller file. */
void pipeline_submit_copy(struct pipeline *pipeline);
/* True once, if the batch is durable and its result is not there yet. */
bool pipeline_durable(struct pipeline *pipeline);
/* The result of what was submitted, if it is there; WAIT: waits for it. */
bool pipeline_result(struct pipeline *pipeline, bool wait,
		     struct write_result *result);

#endif
