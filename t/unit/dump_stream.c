/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of dumps: a good one in pieces of any size, and what is refused,
 * with the place. weir-kvsdump(5). */
#include "config.h"

#include <stdlib.h>

#include "cmd/dump_stream.h"
#include "t/unit/tap.h"

#define HASH \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define FIRST \
	"weir-kvsdump 1 namespace=n%20s key=. version=7 hash=" HASH \
	" owner=1000 time=5\n"

static char shown[4096];

static void show(const struct dump_item *item)
{
	static const char *const kind[] = { "begin", "dir", "value", "more",
					    "link", "end" };
	size_t n = strlen(shown);

	snprintf(shown + n, sizeof(shown) - n, "%s%s %s", n ? "; " : "",
		 kind[item->kind], item->key ? item->key : "-");
	n = strlen(shown);
	if (item->kind == DUMP_BEGIN)
		snprintf(shown + n, sizeof(shown) - n, " %s %ju %ju %ju",
			 item->ns, (uintmax_t)item->version,
			 (uintmax_t)item->owner, (uintmax_t)item->time);
	if (item->data)
		snprintf(shown + n, sizeof(shown) - n, " %.*s",
			 (int)item->len, (const char *)item->data);
	if (item->target)
		snprintf(shown + n, sizeof(shown) - n, " %s %s", item->target,
			 item->target_ns ? item->target_ns : "-");
	if (item->kind == DUMP_END)
		snprintf(shown + n, sizeof(shown) - n, " %ju %ju",
			 (uintmax_t)item->entries, (uintmax_t)item->bytes);
}

/* What is wrong with TEXT, in pieces of PIECE bytes, or "". */
static const char *read_text(const char *text, size_t piece)
{
	static char why[512];
	struct dump_reader *r = dump_reader_create();
	struct dump_item item;
	size_t at = 0, size = strlen(text), used;
	int rc = 0;

	shown[0] = '\0';
	while (at < size && rc >= 0) {
		size_t len = size - at < piece ? size - at : piece;

		rc = dump_read(r, text + at, len, &used, &item);
		at += used;
		if (rc > 0)
			show(&item);
	}
	snprintf(why, sizeof(why), "%s", rc < 0 || dump_read_end(r) < 0 ?
		 dump_reader_why(r) : "");
	dump_reader_destroy(r);
	return why;
}

/* FIRST, BODY and a last line that is right. */
static char *whole(const char *body, unsigned entries, unsigned bytes)
{
	static char text[8192];
	char sum_text[DUMP_SUM_TEXT];
	struct dump_sum sum;
	size_t n;

	n = snprintf(text, sizeof(text), "%s%s", FIRST, body);
	dump_sum_init(&sum);
	dump_sum_add(&sum, text, n);
	dump_sum_text(&sum, sum_text);
	snprintf(text + n, sizeof(text) - n, "end entries=%u bytes=%u "
		 "sum=%s\n", entries, bytes, sum_text);
	return text;
}

static void refused(const char *body, const char *where, const char *what)
{
	const char *why = read_text(whole(body, 1, 0), 1000000);

	ok(!strncmp(why, where, strlen(where)) && strstr(why, what),
	   "%s %s", where, what);
	if (strncmp(why, where, strlen(where)) || !strstr(why, what))
		diag("%s", why);
}

static void good(void)
{
	static const char body[] =
		"mkdir a\n"
		"put a.b {4}\n1\n2\n\n"
		"append a.b {2}\nxy\n"
		"mkdir a.b-c\n"
		"link a.b-c.l no.such target-ns=o%20t\n"
		"put a.c {0}\n\n"
		"put b%20%25 {1}\n}\n";
	int wrong = 0;

	is_str(read_text(whole(body, 6, 7), 1000000), "", "a good dump");
	is_str(shown, "begin . n s 7 1000 5; dir a; value a.b 1\n2\n; "
	       "more a.b xy; dir a.b-c; link a.b-c.l no.such o t; "
	       "value a.c ; value b % }; end - 6 7", "what is in it");
	for (size_t piece = 1; piece < 200; piece++) {
		char before[sizeof(shown)];

		strcpy(before, shown);
		wrong += *read_text(whole(body, 6, 7), piece) ||
			strcmp(before, shown);
	}
	is_int(wrong, 0, "the same in pieces of any size");
	is_str(read_text(whole("", 0, 0), 7), "", "an empty one");
}

static void bad(void)
{
	char *text, *p;

	is_str(read_text("", 1), "line 1 (byte 0): it ends here, before its "
	       "last line", "nothing");
	is_str(read_text("hello\n", 9), "line 1 (byte 0): this is no dump of "
	       "a key-value store", "something else");
	is_str(read_text("weir-kvsdump 2 x=y\n", 99), "line 1 (byte 0): "
	       "format 2 is not known, only 1", "a later format");
	is_str(read_text("weir-kvsdump\n", 99), "line 1 (byte 0): "
	       "format (none) is not known, only 1", "no format");
	is_str(read_text("weir-kvsdump 1 namespace=a key=b\n", 99),
	       "line 1 (byte 0): namespace=, key= or hash= is missing or "
	       "wrong", "no hash");
	is_str(read_text("weir-kvsdump 1 namespace=a key=. version=x owner=1 "
			 "time=1 hash=" HASH "\n", 999),
	       "line 1 (byte 0): version= with a number is missing",
	       "no version");
	refused("mkdir a..b\n", "line 2 (byte 135)", "empty name");
	refused("mkdir a\nput a.b {2}\n\n\n\nfoo bar\n", "line 7 (byte 158)",
		"no line 'foo'");
	refused("mkdir b\nmkdir a\n", "line 3 (byte 143)",
		"key a does not come behind b");
	refused("mkdir b\nmkdir b\n", "line 3", "does not come behind");
	refused("mkdir a.b\n", "line 2", "stands in no directory");
	refused("put a {1}\nx\nmkdir a.b\n", "line 4",
		"stands in no directory");
	refused("mkdir a\nmkdir a.c\nmkdir a.c.d\nmkdir a.b\n", "line 5",
		"does not come behind a.c.d");
	refused("mkdir a\nmkdir b\nmkdir a.c\n", "line 4",
		"stands in no directory");
	refused("mkdir ab\nmkdir a.c\n", "line 3", "stands in no directory");
	refused("append a {1}\nx\n", "line 2", "not the value before");
	refused("put a {1}\nx\nput b {1}\nx\nappend a {1}\nx\n", "line 6",
		"not the value before");
	refused("put a\n", "line 2", "'put' has no bytes");
	refused("mkdir a {1}\nx\n", "line 2", "'mkdir' takes no bytes");
	refused("link a\n", "line 2", "'link' is not complete");
	refused("mkdir\n", "line 2", "'mkdir' is not complete");
	refused("mkdir  a\n", "line 2", "two spaces");
	refused("mkdir a%zz\n", "line 2", "two hexadecimal digits");
	refused("put a {9999999}\n", "line 2", "");
	refused("put a {1}\nxy", "line 2", "");
	refused("", "line 2", "there were 0 entries and 0 bytes of values, "
		"not 1 and 0");
	refused("put a {1}\nx\n", "line 4", "there were 1 entries and 1 "
		"bytes");
	is_str(read_text(FIRST, 9), "line 2 (byte 135): it ends here, before "
	       "its last line", "no last line");
	is_str(read_text(FIRST "put a {5}\nxx", 9), "line 3 (byte 147): it "
	       "ends here, before its last line", "the end inside a value");
	text = whole("put a {1}\nx\n", 1, 1);
	p = strstr(text, "\nx\n");
	p[1] = 'y';
	ok(strstr(read_text(text, 10), "line 4 (byte 147): the sum of what "
		  "came before is "), "a wrong byte");
	text = whole("mkdir a\n", 1, 0);
	strcat(text, "x");
	is_str(read_text(text, 1000), "line 4 (byte 234): there is more after "
	       "the last line", "more");
}

int main(void)
{
	good();
	bad();
	return done();
}
