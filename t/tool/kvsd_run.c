/* SPDX-License-Identifier: Apache-2.0 */
/* Starting, killing and taking the power from a kvsd: see kvsd_run.h. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/tool/kvsd_run.h"
#include "t/tool/powerloss.h"

static int fail(const char *what)
{
	fprintf(stderr, "torture: %s: %s\n", what, strerror(errno));
	return -1;
}

/* splitmix64 */
uint64_t random_below(uint64_t *seed, uint64_t n)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % n;
}

/* ---- the process ---- */

/* In the child: becomes kvsd. It does not outlive this program. */
static void become(struct kvsd_run *run, int ready, uint64_t call)
{
	char socket[4096], statedir[4096], fd[32], durability[32], n[32];
	char *argv[] = { (char *)run->program, socket, statedir, fd,
			 (char *)"--log-level=3", durability, NULL };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(socket, sizeof(socket), "--socket=%s", run->socket);
	snprintf(statedir, sizeof(statedir), "--statedir=%s", run->statedir);
	snprintf(fd, sizeof(fd), "--ready-fd=%d", ready);
	snprintf(durability, sizeof(durability), "--durability=%s",
		 run->durability);
	snprintf(n, sizeof(n), "%" PRIu64, call);
	if (run->preload) {
		setenv("LD_PRELOAD", run->preload, 1);
		setenv(POWERLOSS_CALL, n, 1);
	}
	if (run->ignore_sync)
		setenv(POWERLOSS_IGNORE, "1", 1);
	execv(run->program, argv);
	fail(run->program);
	_exit(127);
}

int kvsd_start(struct kvsd_run *run, uint64_t call)
{
	char text[512] = "";
	size_t len = 0;
	ssize_t n;
	int fd[2];

	if (pipe(fd) < 0 || fcntl(fd[0], F_SETFD, FD_CLOEXEC) < 0)
		return fail("pipe");
	run->pid = fork();
	if (run->pid < 0)
		return fail("fork");
	if (!run->pid)
		become(run, fd[1], call);
	close(fd[1]);
	while (len < sizeof(text) - 1 &&
	       (n = read(fd[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	close(fd[0]);
	if (!strcmp(text, "ready\n"))
		return 0;
	if (!len)
		return kvsd_kill(run) < 0 ? -1 : 1;
	fprintf(stderr, "torture: kvsd does not start: %s", text);
	kvsd_kill(run);
	return -1;
}

int kvsd_kill(struct kvsd_run *run)
{
	int status;

	if (!run->pid)
		return 0;
	kill(run->pid, SIGKILL);
	if (waitpid(run->pid, &status, 0) < 0)
		return fail("waitpid");
	run->pid = 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return 0;
	fprintf(stderr, "torture: kvsd ended by itself, with wait status "
		"0x%x\n", status);
	return -1;
}

/* ---- the power ---- */

struct loss {
	int fd, notes;		/* the file, and what was noted of it */
	bool lost, all_of_it;
	uint64_t *seed;
	unsigned char *kept;	/* by sector: a later write of it lasted */
	uint64_t sectors;
	long undone;
	bool whole;		/* every write so far was undone whole */
};

/* A sector of a record: undone, unless what lies on top of it stays. */
static int undo_sector(struct loss *loss, const struct undo_record *record,
		       uint64_t at, uint64_t end)
{
	const char *old = (const char *)(record + 1) + (at - record->offset);
	uint64_t sector = at / SECTOR;

	if (sector >= loss->sectors)
		return 0;	/* not written: the process was killed before */
	if (!loss->all_of_it &&
	    (loss->kept[sector] || random_below(loss->seed, 2))) {
		loss->kept[sector] = 1;
		loss->whole = false;
		return 0;
	}
	loss->undone++;
	return pwrite(loss->fd, old, end - at, at) < 0 ? -1 : 0;
}

static int undo_record(struct loss *loss, const struct undo_record *record)
{
	uint64_t end = record->offset + record->size, next;

	for (uint64_t at = record->offset; at < end; at = next) {
		next = (at / SECTOR + 1) * SECTOR;
		if (next > end)
			next = end;
		if (undo_sector(loss, record, at, next) < 0)
			return -1;
	}
	if (loss->whole && ftruncate(loss->fd, record->file_size) < 0)
		return -1;
	return 0;
}

/* From the last to the first. One that is cut short at the end goes: its
 * write was not made. */
static int undo_all(struct loss *loss, const char *notes, size_t size)
{
	size_t count = 0, room = 0, at = 0;
	const struct undo_record **record = NULL;
	int rc = 0;

	while (at + sizeof(struct undo_record) <= size) {
		const struct undo_record *r = (const void *)(notes + at);

		if ((r->size + 7) / 8 * 8 > size - at - sizeof(*r))
			break;
		if (count == room) {
			room = room ? 2 * room : 64;
			record = realloc(record, room * sizeof(*record));
			if (!record)
				abort();
		}
		record[count++] = r;
		at += sizeof(*r) + (r->size + 7) / 8 * 8;
	}
	while (!rc && count && loss->lost)
		rc = undo_record(loss, record[--count]);
	free(record);
	return rc ? rc : ftruncate(loss->notes, loss->lost ? 0 : at);
}

static char *read_all(int fd, size_t size)
{
	char *data = malloc(size + 1);
	size_t len = 0;
	ssize_t n;

	if (!data)
		abort();
	while (len < size && (n = read(fd, data + len, size - len)) > 0)
		len += n;
	return data;
}

static long file_loss(const struct kvsd_run *run, const char *file,
		      const char *undo, bool lost, uint64_t *seed)
{
	struct loss loss = { .seed = seed, .whole = true, .lost = lost,
			     .all_of_it = run->lose_all };
	struct stat st, notes_st;
	char *data = NULL;
	int rc = -1;

	loss.notes = open(undo, O_RDWR | O_CLOEXEC);
	loss.fd = open(file, O_RDWR | O_CLOEXEC);
	if (loss.fd >= 0 && loss.notes >= 0 &&
	    !fstat(loss.fd, &st) && !fstat(loss.notes, &notes_st)) {
		loss.sectors = (st.st_size + SECTOR - 1) / SECTOR;
		loss.kept = calloc(loss.sectors + 1, 1);
		data = read_all(loss.notes, notes_st.st_size);
		if (!loss.kept)
			abort();
		rc = undo_all(&loss, data, notes_st.st_size);
	}
	if (rc < 0)
		fail(file);
	free(loss.kept);
	free(data);
	if (loss.fd >= 0)
		close(loss.fd);
	if (loss.notes >= 0)
		close(loss.notes);
	return rc < 0 ? -1 : loss.undone;
}

long power_loss(struct kvsd_run *run, bool lost, uint64_t *seed)
{
	DIR *dir = opendir(run->statedir);
	const struct dirent *entry;
	long undone = 0, n = 0;

	if (!dir)
		return errno == ENOENT ? 0 : fail(run->statedir);
	while (n >= 0 && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);
		char undo[4096], file[4096];

		if (len < sizeof(UNDO_SUFFIX) ||
		    strcmp(entry->d_name + len - strlen(UNDO_SUFFIX),
			   UNDO_SUFFIX))
			continue;
		snprintf(undo, sizeof(undo), "%s/%s", run->statedir,
			 entry->d_name);
		snprintf(file, sizeof(file), "%.*s",
			 (int)(strlen(undo) - strlen(UNDO_SUFFIX)), undo);
		n = file_loss(run, file, undo, lost, seed);
		undone += n;
	}
	closedir(dir);
	return n < 0 ? -1 : undone;
}
