/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: what is found after its writer is gone, and after its file was
 * cut off, damaged or filled. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kvsd/journal.h"
#include "t/unit/tap.h"

#define RECORDS		512 + 512	/* where they begin, with this base */

static char dir[] = "/tmp/weir-journal-XXXXXX";
static char name[64];
static const char base[] = "what it stands on";

static bool add(struct journal *j, const char *text)
{
	unsigned char *p = journal_record(j, strlen(text));

	if (!p)
		return false;
	memcpy(p, text, strlen(text));
	return !journal_append(j);
}

/* All records of a journal that is there, each with a space behind it. */
static const char *records(struct journal *j)
{
	static char out[1000];
	const char *data;
	size_t len;

	*out = '\0';
	journal_rewind(j);
	while ((data = journal_next(j, &len)))
		strcat(strncat(out, data, len), " ");
	return out;
}

static const char *found(void)
{
	struct journal *j = journal_open(dir, JOURNAL_SIZE);
	static char out[1100];
	uint64_t number;
	size_t len;
	const char *p, *text;

	if (!j)
		return strerrorname_np(errno);
	p = journal_base(j, &len, &number);
	if (!p)
		strcpy(out, "nothing");
	else {
		text = records(j);
		snprintf(out, sizeof(out), "%.*s %d: %s%s", (int)len, p,
			 (int)number, text, journal_is_cut(j) ? "cut" : "");
	}
	journal_close(j);
	return out;
}

static void write_to_file(off_t at, const void *data, size_t len)
{
	int fd = open(name, O_WRONLY);

	if (pwrite(fd, data, len, at) != (ssize_t)len)
		abort();
	close(fd);
}

static struct journal *begun(const char *first)
{
	struct journal *j = journal_open(dir, JOURNAL_SIZE);

	if (!j || journal_begin(j, base, strlen(base), 7))
		abort();
	for (; *first; first++)
		add(j, (char []) { *first, *first, 0 });
	return j;
}

static void test_life(void)
{
	struct journal *j;

	is_str(found(), "nothing", "there is none");
	ok(access(name, F_OK) < 0, "nor is one made to look");
	journal_close(begun(""));
	is_str(found(), "what it stands on 7: ", "begun");
	journal_close(begun("abc"));
	is_str(found(), "what it stands on 7: aa bb cc ", "three records");
	journal_close(begun("d"));
	is_str(found(), "what it stands on 7: dd ", "begun again: those before "
	       "it are no records of it");
	j = journal_open(dir, JOURNAL_SIZE);
	is_int(journal_end(j), 0, "ended");
	is_str(records(j), "", "nothing is left to read");
	is_str(found(), "nothing", "nor for the next");
	is_int(journal_begin(j, "x", 1, 8), 0, "begun by the same");
	ok(add(j, "y"), "and written");
	journal_close(j);
	is_str(found(), "x 8: y ", "and found");
}

static void test_room(void)
{
	struct journal *j = begun("");
	static char large[100001];
	struct stat st;
	int count = 0;

	memset(large, 'l', sizeof(large) - 1);
	ok(!journal_record(j, JOURNAL_SIZE), "larger than the file");
	while (add(j, large))
		count++;
	is_int(count, 41, "what fits");
	ok(!stat(name, &st) && st.st_size <= JOURNAL_SIZE, "and no more");
	ok(add(j, "small"), "a small one still fits");
	is_int(journal_begin(j, base, strlen(base), 1), 0, "begun again");
	ok(add(j, large), "it fits");
	journal_close(j);
	is_int(journal_begin(j = journal_open(dir, JOURNAL_SIZE), large,
			     JOURNAL_SIZE / 2, 1), EFBIG, "no such base");
	journal_close(j);
}

static void test_damage(void)
{
	static const char cut[] = "what it stands on 7: aa cut";
	struct stat st;

	journal_close(begun("abcd"));
	write_to_file(RECORDS + 3 * 512 + 64, "x", 1);
	is_str(found(), "what it stands on 7: aa bb cc ",
	       "the last was not all written");
	journal_close(begun("abcd"));
	write_to_file(RECORDS + 512 + 65, "x", 1);
	is_str(found(), cut, "one before others that are whole");
	journal_close(begun("abcd"));
	write_to_file(RECORDS + 512 + 23, "\377", 1);
	is_str(found(), cut, "its length");
	journal_close(begun("abcd"));
	write_to_file(RECORDS + 512, "x", 1);
	is_str(found(), cut, "its id");
	journal_close(begun("abcd"));
	truncate(name, RECORDS + 2 * 512 + 10);
	is_str(found(), "what it stands on 7: aa bb ", "cut off");
	truncate(name, 700);
	is_str(found(), "what it stands on 7: ", "before the records");
	truncate(name, 520);
	is_str(found(), "nothing", "in the base");
	truncate(name, 0);
	is_str(found(), "nothing", "empty");
	journal_close(begun("a"));
	write_to_file(515, "x", 1);
	is_str(found(), "nothing", "the base is damaged");
	journal_close(begun("a"));
	write_to_file(16, "\1", 1);
	is_str(found(), "nothing", "the header is");
	journal_close(begun("a"));
	write_to_file(24, "\377\377\377\377\377\377\377\377", 8);
	is_str(found(), "nothing", "the base would be longer than the file");
	journal_close(begun("a"));
	stat(name, &st);
	truncate(name, JOURNAL_SIZE + 1);
	is_str(found(), "nothing", "no file of ours is so large");
	truncate(name, st.st_size);
	is_str(found(), "what it stands on 7: aa ", "as it was");
}

static int fails(int fd)
{
	errno = EIO;
	return -1;
}

static void test_failures(void)
{
	struct journal *j = begun("a");

	journal_sync = fails;
	ok(!add(j, "bb") && errno == EIO, "a sync fails");
	is_int(journal_begin(j, base, 1, 1), EIO, "so does a beginning");
	is_int(journal_end(j), EIO, "and an end");
	journal_sync = fdatasync;
	is_int(journal_begin(j, base, strlen(base), 9), 0, "now it works");
	ok(add(j, "zz"), "and is written");
	journal_close(j);
	is_str(found(), "what it stands on 9: zz ", "and found");
	is_int(unlink(name) || mkdir(name, 0700), 0, "a folder of that name");
	is_str(found(), "EISDIR", "is none");
	rmdir(name);
	j = journal_open("/no/such/folder", 1);
	is_int(journal_begin(j, base, 1, 1), ENOENT, "no folder");
	journal_close(j);
}

/* Cut off or damaged anywhere, it gives the first of what was written. */
static void test_many(void)
{
	static unsigned char data[2000];
	bool good = true;

	for (int round = 0; round < 300; round++) {
		struct journal *j = begun("");
		const unsigned char *p;
		unsigned count = 0;
		struct stat st;
		size_t len;
		off_t at;

		for (int n = random() % 20; n >= 0; n--) {
			len = 1 + random() % sizeof(data);
			memset(journal_record(j, len), 'a' + n, len);
			journal_append(j);
		}
		journal_close(j);
		stat(name, &st);
		at = RECORDS + random() % (st.st_size - (RECORDS));
		randombytes_buf(data, sizeof(data));
		if (random() % 2)
			truncate(name, at);
		else
			write_to_file(at, data, random() % sizeof(data));
		j = journal_open(dir, JOURNAL_SIZE);
		while ((p = journal_next(j, &len))) {
			for (size_t i = 1; i < len; i++)
				good = good && p[i] == p[0];
			count++;
		}
		good = good && count <= 20;
		journal_close(j);
	}
	ok(good, "300 journals, cut off or damaged");
}

int main(void)
{
	if (sodium_init() < 0 || !mkdtemp(dir))
		return 1;
	snprintf(name, sizeof(name), "%s/journal", dir);
	srandom(1);
	test_life();
	test_room();
	test_damage();
	test_failures();
	test_many();
	unlink(name);
	rmdir(dir);
	return done();
}
