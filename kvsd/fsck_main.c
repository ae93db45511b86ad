/* SPDX-License-Identifier: Apache-2.0 */
/* kvsd --fsck: what was found, for people. weir-kvs(1), fsck.
 *
 * The work is done in a child: what LMDB itself keeps has no checksums, and
 * where that is damaged its code may be led anywhere.
 */
#include "config.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kvsd/fsck.h"

#define ROUNDS	16	/* what was hidden by damage may be damaged as well */

enum { WHOLE, DAMAGED, FAILED };	/* exit status */

__attribute__((format(printf, 1, 2)))
static int fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fflush(stdout);
	fputs("weir-kvs: fsck: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return FAILED;
}

static void show_progress(const struct fsck_stats *s, void *arg)
{
	fprintf(stderr, "\r%ju blobs, %ju versions, %ju keys ",
		(uintmax_t)s->blobs, (uintmax_t)s->versions,
		(uintmax_t)s->keys);
}

static void show_damage(const struct damage *d)
{
	printf("%s", d->ns->name);
	if (!d->now)
		printf(" version %ju", (uintmax_t)d->version);
	printf(": %s%s%s: ", d->dir, *d->dir && d->name ? "." : "",
	       d->name ? d->name : *d->dir ? "" : ".");
	if (d->upto)
		printf("%ju entries after '%s' up to '%s': ",
		       (uintmax_t)d->entries, d->after, d->upto);
	else if (d->entries)
		printf("a directory of %ju entries: ", (uintmax_t)d->entries);
	printf("%s\n", d->why);
}

/* WHOLE or DAMAGED. */
static int check(struct fsck *f)
{
	fsck_check(f);
	if (f->progress)
		fputs("\r\033[K", stderr);
	for (size_t i = 0; i < f->count; i++)
		show_damage(&f->damage[i]);
	return f->count || f->bad.count || f->pages ? DAMAGED : WHOLE;
}

static void show_sum(const struct fsck *f)
{
	const struct fsck_stats *s = &f->stats;

	printf("%ju keys in %ju versions, %ju blobs of %ju bytes: ",
	       (uintmax_t)s->keys, (uintmax_t)s->versions,
	       (uintmax_t)s->blobs, (uintmax_t)s->blob_bytes);
	if (f->pages)
		printf("pages of data.mdb itself, and with them %zu places, "
		       "are damaged; dump what can be read, and load it into "
		       "a new folder\n", f->count);
	else if (!f->count && !f->bad.count)
		puts("nothing is damaged");
	else if (!f->count)
		printf("%zu damaged blobs, which no key needs\n",
		       f->bad.count);
	else
		printf("%zu damaged places, %zu damaged blobs\n", f->count,
		       f->bad.count);
}

static int look(const char *statedir)
{
	struct db_error error;
	struct fsck f = { .db = db_open_to_read(statedir, &error) };
	int rc;

	if (!f.db)
		return fail("%s", error.text);
	if (isatty(STDERR_FILENO))
		f.progress = show_progress;
	rc = check(&f);
	show_sum(&f);
	fsck_clear(&f);
	db_close(f.db);
	return rc;
}

static int mend_all(struct fsck *f)
{
	struct db_error error;
	int rc = check(f), round;

	if (rc == WHOLE || f->pages)
		show_sum(f);
	if (rc == DAMAGED && f->pages)
		return fail("that cannot be repaired in place");
	for (round = 0; rc == DAMAGED && round < ROUNDS; round++) {
		if (fsck_mend(f, &error) < 0)
			return fail("%s", error.text);
		fsck_clear(f);
		rc = check(f);
	}
	if (round == 0)
		return rc;
	if (rc == DAMAGED)
		return fail("there is still damage after %d rounds", ROUNDS);
	puts("these places were cut out; what is left is whole:");
	show_sum(f);
	return DAMAGED;
}

static int repair(const char *statedir)
{
	struct event_base *base = evthread_use_pthreads() < 0 ? NULL :
				  event_base_new();
	struct db_options options = { .path = statedir, .durable = true,
				      .owner = geteuid(), .gc_manual = true };
	struct fsck f = { .db = NULL };
	struct db_error error;
	int rc;

	if (!base)
		return fail("cannot make an event loop");
	f.db = db_open(&options, base, &error);
	if (f.db) {
		if (isatty(STDERR_FILENO))
			f.progress = show_progress;
		rc = mend_all(&f);
		fsck_clear(&f);
		f.db->on_durable = NULL;
		db_close(f.db);
	} else {
		rc = fail("%s", error.text);
	}
	event_base_free(base);
	libevent_global_shutdown();
	return rc;
}

int fsck_main(const char *statedir, bool mend)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return fail("fork: %s", strerror(errno));
	if (pid == 0) {
		/* no handler of a debugging tool's: the parent tells */
		signal(SIGBUS, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		exit(mend ? repair(statedir) : look(statedir));
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail("waitpid: %s", strerror(errno));
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM)
		return fail("stopped");
	return fail("what LMDB itself keeps in %s/data.mdb is damaged or cut "
		    "off, and it cannot be read (%s); load a dump into a new "
		    "folder", statedir, strsignal(WTERMSIG(status)));
}
