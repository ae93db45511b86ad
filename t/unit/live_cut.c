/* SPDX-License-Identifier: Apache-2.0 */
/* libweir against a real kvsd, which t/t0125-cut.t starts, through a proxy
 * that cuts the connection after so many bytes: in the middle of pushes, of
 * replies, of requests, of the next greeting. Argument: the proxy's path. */
#include "config.h"

#include "libclient/weir.h"
#include "t/unit/cutter.h"
#include "t/unit/tap.h"

#define ROUNDS	200
#define BATCH	8		/* commits that are sent at once */
#define KEYS	(ROUNDS * BATCH)

static struct cutter *cutter;
static weir_t *h, *writer;	/* through the proxy, and not */

static weir_t *open_live(const char *uri, int flags)
{
	struct weir_error error;
	weir_t *opened = weir_open(uri, flags, &error);

	if (!opened) {
		fprintf(stderr, "%s\n", error.text);
		exit(1);
	}
	return opened;
}

static void work(void)
{
	if (weir_dispatch(h) >= 0 && weir_dispatch(writer) >= 0)
		return;
	diag("a connection is gone for good");
	cutter_stop(cutter);
	exit(1);
}

/* Until there is work for either. */
static void rest(void)
{
	struct pollfd p[2] = {
		{ weir_pollfd(h), POLLIN, 0 },
		{ weir_pollfd(writer), POLLIN, 0 }
	};

	if (weir_pollevents(h) || weir_pollevents(writer) ||
	    poll(p, 2, 60000))
		return;
	diag("nothing happens any more");
	cutter_stop(cutter);
	exit(1);
}

static void until(weir_future_t *f)
{
	for (work(); !weir_future_ready(f); work())
		rest();
}

static void cut(enum cut_side side, long after, long next)
{
	atomic_store(&cutter->next, next);
	atomic_store(&cutter->left[side], after);
}

/* ---- watches ---- */

static struct {
	char log[16 * KEYS];	/* by WEIR_WATCH_APPEND */
	size_t len;
	int latest;		/* by WEIR_WATCH_LATEST */
	bool there[KEYS], told[KEYS];	/* by WEIR_WATCH_PREFIX */
	int last;		/* likewise */
	int doubled, gaps, stale, broken;
} seen;

static weir_future_t *prefix;

static void see_log(weir_future_t *f, void *arg)
{
	const char *kind = weir_future_word(f, 0);
	uint64_t offset = 0;
	size_t len;
	const char *data = weir_future_data(f, &len);

	if (weir_future_error(f) || strcmp(kind, "data") || !data) {
		seen.broken++;
		return;
	}
	weir_future_u64(f, "offset", &offset);
	if (offset < seen.len)
		seen.doubled++;
	else if (offset > seen.len)
		seen.gaps++;
	if (offset + len < sizeof(seen.log)) {
		memcpy(seen.log + offset, data, len);
		seen.len = offset + len;
	}
}

static void see_latest(weir_future_t *f, void *arg)
{
	const char *data = weir_future_data(f, NULL);
	int value = data ? atoi(data) : -1;

	if (value < seen.latest)
		seen.broken++;
	seen.latest = value;
}

static void watch_prefix(uint64_t from);

static void see_operation(weir_future_t *f, void *arg)
{
	const char *kind = weir_future_word(f, 0);
	const char *key = weir_future_word(f, 1);
	int n;

	if (weir_future_error(f) == ESTALE) {
		/* told so: it begins anew */
		seen.stale++;
		weir_future_destroy(f);
		memset(seen.there, 0, sizeof(seen.there));
		memset(seen.told, 0, sizeof(seen.told));
		watch_prefix(0);
		return;
	}
	if (weir_future_error(f)) {
		seen.broken++;
		return;
	}
	if (!strcmp(kind, "synced"))
		return;
	if (!strcmp(key, "w.last")) {
		n = atoi(weir_future_data(f, NULL));
		seen.broken += n < seen.last;
		seen.last = n;
	} else if (sscanf(key, "w.k.%d", &n) == 1 && n >= 0 && n < KEYS) {
		bool put = !strcmp(kind, "put");

		if (put && seen.told[n])
			seen.doubled++;
		seen.told[n] |= put;
		seen.there[n] = put;
	}
}

static void watch_prefix(uint64_t from)
{
	prefix = weir_kvs_watch(h, NULL, "w", WEIR_WATCH_PREFIX, from, 0, 0);
	weir_future_then(prefix, -1, see_operation, NULL);
}

/* Commit N of all: each key is put once and unlinked a batch later. */
static weir_future_t *write_one(int n)
{
	weir_txn_t *txn = weir_txn_create();
	char key[32], text[32];
	weir_future_t *f;

	snprintf(key, sizeof(key), "w.k.%d", n);
	snprintf(text, sizeof(text), "%d\n", n);
	weir_txn_put(txn, key, text, strlen(text));
	weir_txn_append(txn, "w.log", text, strlen(text));
	if (n >= BATCH) {
		snprintf(key, sizeof(key), "w.k.%d", n - BATCH);
		weir_txn_unlink(txn, key, 0);
	}
	if (n % BATCH == BATCH - 1)
		weir_txn_put(txn, "w.last", text, strlen(text));
	f = weir_kvs_commit(writer, NULL, txn, 0);
	weir_txn_destroy(txn);
	return f;
}

/* Waits until all three watches are where commit N is. */
static bool all_seen(int n, size_t len)
{
	for (work(); seen.latest < n || seen.last < n || seen.len < len;
	     work())
		rest();
	for (int i = 0; i <= n; i++)
		if (seen.there[i] != (i > n - BATCH))
			return false;
	return seen.latest == n && seen.last == n && seen.len == len;
}

static void watches(void)
{
	char want[sizeof(seen.log)] = "";
	size_t len = 0;
	int n = 0, wrong = 0;
	weir_future_t *log, *latest, *f[BATCH];

	seen.latest = seen.last = -1;
	log = weir_kvs_watch(h, NULL, "w.log", WEIR_WATCH_APPEND,
			     WEIR_FROM_NOW, 0, WEIR_WATCH_WAIT);
	latest = weir_kvs_watch(h, NULL, "w.last", WEIR_WATCH_LATEST,
				WEIR_FROM_NOW, 0, WEIR_WATCH_WAIT);
	weir_future_then(log, -1, see_log, NULL);
	weir_future_then(latest, -1, see_latest, NULL);
	watch_prefix(0);
	for (int round = 0; round < ROUNDS; round++) {
		/* a batch makes some 1,600 bytes of pushes; every fourth time
		   the next connection does not last either */
		cut(CUT_REPLIES, 1 + round * 37 % 1600, round % 4 ? -1 :
		    1 + round * 11 % 900);
		for (int i = 0; i < BATCH; i++, n++) {
			f[i] = write_one(n);
			len += sprintf(want + len, "%d\n", n);
		}
		for (int i = 0; i < BATCH; i++) {
			until(f[i]);
			wrong += weir_future_error(f[i]) != 0;
			weir_future_destroy(f[i]);
		}
		wrong += !all_seen(n - 1, len);
	}
	diag("%d cuts, %d times told ESTALE", atomic_load(&cutter->cuts),
	     seen.stale);
	ok(atomic_load(&cutter->cuts) > ROUNDS / 2, "connections were cut");
	is_int(wrong, 0, "the watches come to what there is");
	is_int(seen.doubled, 0, "nothing is told twice");
	is_int(seen.gaps, 0, "nothing is left out");
	is_int(seen.broken, 0, "nothing runs backwards, no watch is lost");
	ok(seen.stale < atomic_load(&cutter->cuts) / 2,
	   "most watches go on by themselves");
	ok(len == seen.len && !memcmp(want, seen.log, len),
	   "the log has each byte once");
	weir_future_destroy(log);
	weir_future_destroy(latest);
	weir_future_destroy(prefix);
}

/* ---- commits ---- */

enum fate { DONE, UNKNOWN, NOT_SENT, STRANGE };

static enum fate fate_of(weir_future_t *f)
{
	const char *why = weir_future_strerror(f);

	if (!weir_future_error(f))
		return DONE;
	if (weir_future_error(f) != ECONNRESET)
		return STRANGE;
	if (strstr(why, "whether it was done is not known"))
		return UNKNOWN;
	return strstr(why, "there is no connection") ? NOT_SENT : STRANGE;
}

static weir_future_t *commit_one(int n)
{
	weir_txn_t *txn = weir_txn_create();
	weir_future_t *f;
	char text[32];

	snprintf(text, sizeof(text), "%d\n", n);
	weir_txn_append(txn, "c.log", text, strlen(text));
	f = weir_kvs_commit(h, NULL, txn, 0);
	weir_txn_destroy(txn);
	return f;
}

static int count[4];

/* What kvsd has of them, once the connection is back. */
static int check_log(const enum fate *fate, int n)
{
	weir_future_t *f = weir_kvs_get(h, NULL, "c.log", NULL);
	const char *text;
	int got, used, last = -1, wrong = 0;
	bool *there = calloc(n, sizeof(*there));

	until(f);
	text = weir_future_error(f) ? "" : weir_future_data(f, NULL);
	for (; sscanf(text, "%d\n%n", &got, &used) == 1; text += used) {
		/* in order, none twice */
		wrong += got <= last || got >= n;
		last = got;
		if (got >= 0 && got < n)
			there[got] = true;
	}
	for (int i = 0; i < n; i++)
		wrong += (fate[i] == DONE && !there[i]) ||
			(fate[i] == NOT_SENT && there[i]) ||
			fate[i] == STRANGE;
	free(there);
	weir_future_destroy(f);
	return wrong;
}

static int commit_round(int round, enum fate *fate)
{
	bool replies = round % 2;
	weir_future_t *f[BATCH];
	int n = round * BATCH;

	/* each makes some 35 bytes of request and 20 of reply */
	cut(replies ? CUT_REPLIES : CUT_REQUESTS, 1 + round * 13 %
	    (replies ? 160 : 280), round % 8 ? -1 : 1 + round % 60);
	for (int i = 0; i < BATCH; i++) {
		f[i] = commit_one(n + i);
		/* also some on a connection that is being lost */
		if (i == BATCH / 2)
			weir_dispatch(h);
	}
	for (int i = 0; i < BATCH; i++) {
		until(f[i]);
		fate[n + i] = fate_of(f[i]);
		count[fate[n + i]]++;
		if (fate[n + i] == STRANGE)
			diag("%s", weir_future_strerror(f[i]));
		weir_future_destroy(f[i]);
	}
	return check_log(fate, n + BATCH);
}

static void commits(void)
{
	enum fate fate[KEYS];
	weir_future_t *f;
	int wrong = 0;

	atomic_store(&cutter->cuts, 0);
	for (int round = 0; round < ROUNDS; round++)
		wrong += commit_round(round, fate);
	diag("%d cuts; %d done, %d not known, %d not sent",
	     atomic_load(&cutter->cuts), count[DONE], count[UNKNOWN],
	     count[NOT_SENT]);
	ok(atomic_load(&cutter->cuts) > ROUNDS / 2, "connections were cut");
	ok(count[DONE] && count[UNKNOWN], "some commits were told of, some "
	   "not");
	is_int(wrong, 0, "done is done, not sent is not, none is done twice");
	is_int(count[STRANGE], 0, "and there is no other answer");
	cut(CUT_REPLIES, -1, -1);
	f = commit_one(KEYS);
	until(f);
	is_int(weir_future_error(f), 0, "the connection goes on");
	weir_future_destroy(f);
}

int main(int argc, char **argv)
{
	const char *server = getenv("WEIR_URI");
	char uri[256];

	if (argc != 2 || !server || strncmp(server, "local://", 8))
		return 2;
	cutter = cutter_start(argv[1], server + 8);
	snprintf(uri, sizeof(uri), "local://%s", argv[1]);
	h = open_live(uri, WEIR_O_RECONNECT);
	writer = open_live(NULL, 0);
	watches();
	commits();
	weir_close(h);
	weir_close(writer);
	cutter_stop(cutter);
	return done();
}
