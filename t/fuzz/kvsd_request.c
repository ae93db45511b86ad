/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of a stranger against the whole daemon but its listener: two
 * connections, of the owner and of another user, get a part of the input
 * each, in pieces; the database is one without durability in a temporary
 * folder. The input is split at the first byte of value 255. */
#include "config.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/thread.h>
#include <sodium.h>

#include "kvsd/absent.h"
#include "kvsd/event.h"
#include "kvsd/fence.h"
#include "kvsd/lease_cmds.h"
#include "kvsd/log_ring.h"
#include "kvsd/ns_cmds.h"
#include "kvsd/server.h"
#include "kvsd/service.h"
#include "kvsd/stats.h"
#include "kvsd/watch.h"
#include "kvsd/write_cmds.h"
#include "proto/daemon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/weir-fuzz-XXXXXX";
static char socket_path[sizeof(folder) + 8];
static struct kvsd kvsd = { .magic = KVSD_MAGIC, .owner = 1000,
			    .instance = "fuzz" };

static void finish(void)
{
	static const char *const files[] = { "data.mdb", "lock.mdb", "lock",
					     "s" };
	char name[64];

	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s/%s", folder, files[i]);
		unlink(name);
	}
	rmdir(folder);
}

static void begin(void)
{
	struct db_options options = {
		.owner = 1000, .on_durable = server_settle, .arg = &kvsd,
	};
	struct db_error error;
	char why[512];

	if (!mkdtemp(folder) || sodium_init() < 0 ||
	    evthread_use_pthreads() < 0)
		abort();
	signal(SIGPIPE, SIG_IGN);
	atexit(finish);
	snprintf(socket_path, sizeof(socket_path), "%s/s", folder);
	kvsd.options.socket = socket_path;
	kvsd.options.allow_users = true;
	options.path = folder;
	kvsd.base = event_base_new();
	log_ring_create(&kvsd);
	scratch_create(&kvsd);
	events_create(&kvsd);
	absents_create(&kvsd);
	services_create(&kvsd);
	watches_create(&kvsd);
	stats_create(&kvsd);
	waiters_create(&kvsd);
	fences_create(&kvsd);
	kvsd.db = db_open(&options, kvsd.base, &error);
	if (!kvsd.db)
		abort();
	leases_create(&kvsd);
	if (server_create(&kvsd, why, sizeof(why)) < 0)
		abort();
}

/* A connection whose other end is *PEER. */
static struct conn *connect_as(uid_t uid, enum wire_role role, int *peer)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) < 0)
		abort();
	*peer = fd[1];
	return conn_create(&kvsd, fd[0], uid, 1, role);
}

static void say(int fd, const void *data, size_t len)
{
	static char sink[65536];

	if (write(fd, data, len) < 0)
		return;		/* the server has closed it */
	server_turn(&kvsd, false);
	while (read(fd, sink, sizeof(sink)) > 0)
		server_turn(&kvsd, false);
}

static void say_in_pieces(int fd, const uint8_t *data, size_t len)
{
	size_t half = len / 2;

	say(fd, data, half);
	say(fd, data + half, len - half);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = size ? memchr(data, 255, size) : NULL;
	size_t first = cut ? (size_t)(cut - data) : size;
	int owner, user;

	if (!kvsd.db)
		begin();
	connect_as(1000, WIRE_OWNER, &owner);
	connect_as(1001, WIRE_USER, &user);
	say(owner, "h hello 1\n", 10);
	say(user, "h hello 1\n", 10);
	say_in_pieces(owner, data, first);
	if (cut)
		say_in_pieces(user, cut + 1, size - first - 1);
	close(owner);
	close(user);
	/* Until both are gone: what they asked for may wait for the writer. */
	while (server_stats(&kvsd)->connections)
		server_turn(&kvsd, true);
	return 0;
}
