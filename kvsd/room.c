/* SPDX-License-Identifier: Apache-2.0 */
/* A full disk. kvsd(8), Space.
 *
 * To remove keys and then blobs takes some pages before it gives any back. So
 * a file is kept that takes up as much of the disk; when a batch can't be
 * written, it is removed, and until there is twice that much room (on the disk
 * or in free pages of the database) only transactions that remove are
 * admitted. Meanwhile the history is dropped and blobs are collected. When
 * writing goes on but the reserve can't be had again, each transaction is
 * measured against what is left.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "kvsd/database.h"

#define LOOK_EVERY	0.05	/* seconds */

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void look(struct db *db)
{
	uint64_t reserve = store_reserve_size(db->store);
	uint64_t room = store_room(db->store);

	db->room.looked = now();
	db->room.left = room > reserve ? room - reserve : 0;
	if (db->room.left < reserve) {
		if (!db->room.full)
			gc_urgent(db);
		db->room.full = true;
		return;
	}
	db->room.full = false;
	db->room.reserved = store_reserve_take(db->store);
}

void room_init(struct db *db)
{
	db->room.reserved = store_reserve_take(db->store);
	if (!db->room.reserved)
		look(db);
}

void room_changed(struct db *db)
{
	db->room.looked = 0;
}

void room_failed(struct db *db)
{
	char text[256];
	bool was = db->room.full;

	store_reserve_release(db->store);
	db->room.reserved = false;
	look(db);
	if (!db->room.full || was || !db->on_warning)
		return;
	snprintf(text, sizeof(text), "the disk of the database is full: until "
		 "there is room, keys can only be removed; the history is "
		 "dropped");
	db->on_warning(db->arg, text);
}

/* What OPS add at most, about. */
static uint64_t need_of(const struct db_op *ops, size_t count)
{
	uint64_t need = 0;

	for (size_t i = 0; i < count; i++) {
		switch (ops[i].op) {
		case OP_put:
		case OP_append:
		case OP_mkdir:
		case OP_link:
		case OP_graft:
		case OP_copy:
		case OP_make_namespace:
			need += DB_KEY_MAX + ops[i].len + ops[i].len / 8;
			break;
		case OP_unlink:
		case OP_adopt:
		default:
			break;
		}
	}
	return need;
}

int room_check(struct db *db, const struct db_op *ops, size_t count,
	       struct db_error *error)
{
	struct room *room = &db->room;
	uint64_t need, taken;

	if (room->reserved)
		return 0;
	need = need_of(ops, count);
	if (!need)
		return 0;
	if (now() - room->looked >= LOOK_EVERY)
		look(db);
	taken = db->batch->blobs->bytes +
		(db->sealed ? db->sealed->blobs->bytes : 0);
	if (!room->full && (room->reserved || taken + need <= room->left))
		return 0;
	return db_fail(error, ENOSPC, "the disk of the database is full: "
		       "about %ju bytes are needed and %ju are free; keys can "
		       "be removed: No space left on device", (uintmax_t)(need + (room->full ? 2 : 1) *
		       store_reserve_size(db->store)), (uintmax_t)
		       (room->left > taken ? room->left - taken : 0) +
		       store_reserve_size(db->store));
}
