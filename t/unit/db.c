/* SPDX-License-Identifier: Apache-2.0 */
/* The database as kvsd sees it: transactions, views, durability, failing
 * disks. */
#include "config.h"

#include <inttypes.h>

#include "kvsd/store.h"
#include "t/unit/db_test.h"

static void test_basic(void)
{
	struct db *db = test_open((struct db_options) { .durable = true });
	uint64_t ticket;

	is_str(get(db, "a"), "ENOENT", "a fresh database is empty");
	is_str(get(db, "."), "(dir)", "with a root");
	is_int(APPLY(db, PUT("a.b", "one")), 1, "first version");
	is_str(get_applied(db, "a.b"), "one", "applied at once");
	is_str(get(db, "a.b"), "ENOENT", "but not durable");
	ticket = db_ticket(db);
	ok(db_ticket_durable(db) < ticket, "nor is its ticket");
	db_turn_end(db);
	event_base_loop(test_base, EVLOOP_ONCE);
	is_str(get(db, "a.b"), "one", "durable after the writer wakes the loop");
	ok(told_ticket == ticket && !told.errnum, "and told");
	is_int(db_ticket_durable(db), ticket, "by its ticket");
	is_str(get(db, "a"), "(dir)", "directories are made");
	is_str(get(db, "a.b.c"), "ENOTDIR", "a value has no entries");
	db_close(db);
	db = test_open((struct db_options) { .durable = true });
	is_str(get(db, "a.b"), "one", "there when opened again");
	is_int(APPLY(db, PUT("c", "x")), 2, "versions go on");
	db_close(db);
	test_wipe();
}

int main(void)
{
	test_basic();
	return test_end();
}
