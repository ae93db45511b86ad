/* SPDX-License-Identifier: Apache-2.0 */
/* Batches: what is written to the store in one step. See database.h. */
#include "config.h"

#include <assert.h>

#include "kvsd/alloc.h"
#include "kvsd/bytes.h"
#include "kvsd/database.h"

struct batch *batch_create(uint64_t ticket)
{
	struct batch *batch = xcalloc(1, sizeof(*batch));

	batch->ticket = ticket;
	batch->blobs = blob_set_create();
	return batch;
}

void batch_destroy(struct batch *batch)
{
	if (!batch)
		return;
	blob_set_destroy(batch->blobs);
	store_changes_free(&batch->changes);
	namespace_list_clear(&batch->changed);
	free(batch->changed.ns);
	free(batch->graft);
	free(batch);
}

void batch_begin(struct db *db)
{
	db->batch = batch_create(++db->ticket_last);
	db->tree.space.fresh = db->batch->blobs;
	db->tree.token++;
}

void namespace_list_add(struct namespace_list *list, struct namespace *ns)
{
	if (list->count == list->room) {
		list->room = list->room ? 2 * list->room : 8;
		list->ns = xrealloc(list->ns, list->room *
				    sizeof(struct namespace *));
	}
	list->ns[list->count++] = namespace_ref(ns);
}

void namespace_list_clear(struct namespace_list *list)
{
	while (list->count)
		namespace_unref(list->ns[--list->count]);
}

void meta_put(struct db *db, const char *name, uint64_t number)
{
	unsigned char value[8];

	bytes_put(value, number, 8);
	store_put(&db->batch->changes, STORE_META, name, strlen(name), value,
		  sizeof(value));
}

uint64_t meta_get(struct db *db, const char *name)
{
	const unsigned char *value;
	size_t len;

	if (store_get(db->store, STORE_META, name, strlen(name), &value,
		      &len) < 0 || len != 8)
		return 0;
	return bytes_get(value, 8);
}
