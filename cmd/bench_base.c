/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir bench: baselines, what the machine does without Weir. Each is measured
 * at first need, for about half a second. See weir-bench(1).
 */
#include "config.h"

#include <errno.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/bench.h"

#define BASE_SECONDS	0.5

/* ---- LMDB: a put a transaction ---- */

static int lmdb_put(MDB_env *env, MDB_dbi dbi, size_t i, size_t size)
{
	static char value[BENCH_SIZE_MAX];
	char key[32];
	MDB_val k = { snprintf(key, sizeof(key), "%012zu", i), key };
	MDB_val v = { size < sizeof(value) ? size : sizeof(value), value };
	MDB_txn *txn;
	int rc;

	rc = mdb_txn_begin(env, NULL, 0, &txn);
	if (rc)
		return rc;
	rc = mdb_put(txn, dbi, &k, &v, 0);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

/* Puts a second in a new store in DIR. */
static double lmdb_measure(const struct bench *b, const char *dir)
{
	unsigned flags = strcmp(b->durability, "none") ? 0 : MDB_NOSYNC;
	double start, spent = 0;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	size_t i = 0;
	int rc;

	if (mdb_env_create(&env))
		return 0;
	rc = mdb_env_set_mapsize(env, 1UL << 30);
	rc = rc ? rc : mdb_env_open(env, dir, flags, 0600);
	rc = rc ? rc : mdb_txn_begin(env, NULL, 0, &txn);
	if (!rc) {
		rc = mdb_dbi_open(txn, NULL, 0, &dbi);
		if (rc)
			mdb_txn_abort(txn);
		else
			rc = mdb_txn_commit(txn);
	}
	for (start = bench_now(); !rc && spent < BASE_SECONDS; i++) {
		rc = lmdb_put(env, dbi, i, b->size);
		spent = bench_now() - start;
	}
	mdb_env_close(env);
	if (rc)
		bench_fail("baseline: LMDB in %s: %s", dir, mdb_strerror(rc));
	return rc ? 0 : i / spent;
}

double base_lmdb_puts(const struct bench *b)
{
	static double puts;
	static const char *const files[] = { "data.mdb", "lock.mdb" };
	const char *tmp = getenv("TMPDIR");
	char *dir, *file;

	if (puts || !b->baseline)
		return puts;
	if (asprintf(&dir, "%s/bench-XXXXXX", b->statedir ? b->statedir :
		     tmp ? tmp : "/tmp") < 0)
		return 0;
	if (mkdtemp(dir)) {
		puts = lmdb_measure(b, dir);
		for (int i = 0; i < 2; i++)
			if (asprintf(&file, "%s/%s", dir, files[i]) >= 0) {
				unlink(file);
				free(file);
			}
		rmdir(dir);
	} else {
		bench_fail("baseline: %s: %s", dir, strerror(errno));
	}
	free(dir);
	return puts;
}

/* ---- a file ---- */

double base_file(const struct bench *b, const void *data, size_t len)
{
	double best = 0, begin, rate;
	char *name;
	int fd;

	if (!b->baseline || !b->statedir ||
	    asprintf(&name, "%s/bench-XXXXXX", b->statedir) < 0)
		return 0;
	fd = mkstemp(name);
	for (int i = 0; i < 3 && fd >= 0; i++) {
		begin = bench_now();
		if (ftruncate(fd, 0) || pwrite(fd, data, len, 0) !=
		    (ssize_t)len ||
		    (strcmp(b->durability, "none") && fdatasync(fd)))
			break;
		rate = len / 1e6 / (bench_now() - begin);
		if (rate > best)
			best = rate;
	}
	if (fd < 0 || !best)
		bench_fail("baseline: %s: %s", name, strerror(errno));
	if (fd >= 0) {
		close(fd);
		unlink(name);
	}
	free(name);
	return best;
}

/* ---- a byte there and back between two processes ---- */

static void echo(int fd)
{
	char c;

	while (read(fd, &c, 1) == 1 && write(fd, &c, 1) == 1)
		;
	_exit(0);
}

double base_round_trip(const struct bench *b)
{
	static double seconds;
	struct samples s = { 0 };
	double start, now, end;
	int fd[2];
	pid_t pid;
	char c = 0;

	if (seconds || !b->baseline)
		return seconds;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		return 0;
	pid = fork();
	if (pid == 0) {
		close(fd[0]);
		echo(fd[1]);
	}
	close(fd[1]);
	now = bench_now();
	end = now + BASE_SECONDS;
	while (pid > 0 && now < end) {
		start = now;
		if (write(fd[0], &c, 1) != 1 || read(fd[0], &c, 1) != 1)
			break;
		now = bench_now();
		samples_add(&s, now - start);
	}
	close(fd[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (now >= end)
		seconds = samples_percentile(&s, 0.5);
	samples_free(&s);
	return seconds;
}

/* ---- programs ---- */

double base_spawn(const struct bench *b)
{
	static const char *const argv[] = { "/bin/true", NULL };
	static double seconds;
	struct samples s = { 0 };

	if (!seconds && b->baseline && !spawn_times(argv, 100, &s))
		seconds = samples_percentile(&s, 0.5);
	samples_free(&s);
	return seconds;
}

double base_xargs(const struct bench *b)
{
	static const char *const argv[] = { "/bin/sh", "-c",
		"seq 1000 | xargs -P2 -n1 /bin/true", NULL };
	static double rate;
	struct spawned result = { 0 };

	if (!rate && b->baseline && !spawn_run(argv, &result))
		rate = 1000 / result.seconds;
	return rate;
}
