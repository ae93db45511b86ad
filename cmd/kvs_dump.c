/* SPDX-License-Identifier: Apache-2.0 */
/* weir kvs dump: all of a directory as a stream, and --list, what is in such a
 * stream. weir-kvs(1), weir-kvsdump(5). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/dump_stream.h"
#include "cmd/kvs.h"
#include "proto/wire.h"

#define READ_SIZE	(256u << 10)

/* ---- dump ---- */

struct dump {
	FILE *out;
	const char *name;	/* of the file, for messages */
	struct dump_sum sum;
	uint64_t entries, bytes;
};

static void add(struct dump *d, const void *data, size_t len)
{
	dump_sum_add(&d->sum, data, len);
	if (fwrite(data, 1, len, d->out) != len)
		die("%s: %s", d->name, strerror(errno));
}

static void add_first(struct dump *d, weir_future_t *f, const char *key)
{
	struct wire_buf b;

	wire_buf_init(&b);
	wire_verbatim(&b, "weir-kvsdump");
	wire_verbatim(&b, DUMP_FORMAT);
	wire_opt(&b, "namespace", kvs_ns_name(kvs_ns));
	wire_opt(&b, "key", key);
	wire_opt(&b, "version", weir_future_option(f, "version"));
	wire_opt(&b, "hash", weir_future_option(f, "hash"));
	wire_opt(&b, "owner", weir_future_option(f, "owner"));
	wire_opt_u64(&b, "time", (uint64_t)time(NULL));
	if (wire_end(&b) < 0)
		die("%s: %s", key, strerror(errno));
	add(d, b.data, b.len);
	wire_buf_free(&b);
}

static void add_last(struct dump *d, uint64_t entries, uint64_t bytes)
{
	char text[DUMP_SUM_TEXT];

	dump_sum_text(&d->sum, text);
	if (fprintf(d->out, "end entries=%ju bytes=%ju sum=%s\n",
		    (uintmax_t)entries, (uintmax_t)bytes, text) < 0 ||
	    fflush(d->out) == EOF ||
	    (d->out != stdout && fsync(fileno(d->out)) < 0))
		die("%s: %s", d->name, strerror(errno));
}

/* The pages are the stream as it is to be: counted by reading it. */
static void copy_pages(struct dump *d, weir_future_t *f, const char *key)
{
	struct dump_reader *r = dump_reader_create();
	struct dump_item item;
	const char *data;
	size_t len, used;
	int rc = 0;

	add_first(d, f, key);
	if (!r)
		die("dump: no memory");
	dump_reader_start(r);
	for (weir_future_next(f); !weir_future_get(f); weir_future_next(f)) {
		data = weir_future_data(f, &len);
		add(d, data, len);
		for (; len; data += used, len -= used) {
			rc = dump_read(r, data, len, &used, &item);
			if (rc < 0)
				die("%s: the server's pages are malformed: %s",
				    key, dump_reader_why(r));
		}
	}
	if (weir_future_error(f) != ENODATA)
		die("%s: %s", key, weir_future_strerror(f));
	dump_reader_counts(r, &d->entries, &d->bytes);
	add_last(d, d->entries, d->bytes);
	dump_reader_destroy(r);
}

/* Values are nobody else's business than the owner's. */
static FILE *create(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (!file)
		die("%s: %s", name, strerror(errno));
	return file;
}

static int dump_to(struct dump *d, const char *output, const char *key,
		   const char *at)
{
	char *option = at ? xasprintf("at=%s", at) : NULL;
	const char *words[] = { kvs_ns_name(kvs_ns), key, option, NULL };
	weir_t *h = open_instance(0);
	weir_future_t *f = weir_request(h, "dump", words, NULL, 0);

	kvs_get_done(f, key);
	if (output) {
		d->name = output;
		d->out = create(output);
	}
	dump_sum_init(&d->sum);
	copy_pages(d, f, key);
	weir_future_destroy(f);
	weir_close(h);
	free(option);
	return 0;
}

/* ---- list ---- */

struct listing {
	char *key;		/* of the value whose size is not known yet */
	uint64_t size;
};

static void print_value(struct listing *l)
{
	if (l->key)
		printf("value %12ju %s\n", (uintmax_t)l->size, l->key);
	free(l->key);
	l->key = NULL;
	l->size = 0;
}

static void print_begin(const struct dump_item *item)
{
	time_t t = (time_t)item->time;
	char when[64];
	struct tm tm;

	if (!localtime_r(&t, &tm) ||
	    !strftime(when, sizeof(when), "%FT%T", &tm))
		strcpy(when, "-");
	printf("%s of namespace %s, version %ju, of user %ju, dumped %s\n",
	       item->key, item->ns, (uintmax_t)item->version,
	       (uintmax_t)item->owner, when);
}

static void print_item(struct listing *l, const struct dump_item *item)
{
	if (item->kind == DUMP_MORE) {
		l->size += item->len;
		return;
	}
	print_value(l);
	switch (item->kind) {
	case DUMP_BEGIN:
		print_begin(item);
		break;
	case DUMP_DIR:
		printf("dir   %12s %s.\n", "", item->key);
		break;
	case DUMP_VALUE:
		l->key = xstrdup(item->key);
		l->size = item->len;
		break;
	case DUMP_LINK:
		printf("link  %12s %s -> %s%s%s\n", "", item->key,
		       item->target_ns ? item->target_ns : "",
		       item->target_ns ? "::" : "", item->target);
		break;
	case DUMP_END:
		printf("%ju entries, %ju bytes of values; the sum is right\n",
		       (uintmax_t)item->entries, (uintmax_t)item->bytes);
		break;
	case DUMP_MORE:
		break;
	}
}

static int list_item(const struct dump_item *item, void *arg)
{
	print_item(arg, item);
	return 0;
}

static int list(const char *name)
{
	struct listing l = { NULL, 0 };
	char *why = NULL;

	kvs_read_dump(name, NULL, list_item, &l, &why);
	print_value(&l);
	if (fflush(stdout) == EOF)
		die("standard output: %s", strerror(errno));
	if (why)
		die("%s", why);
	return 0;
}

/* ---- reading a file ---- */

/* Up to SIZE bytes, 0 at the end, or -1. */
static ssize_t read_some(int fd, char *buf, size_t size,
			 const sigset_t *signals)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	sigset_t pending;

	if (signals && ppoll(&p, 1, NULL, signals) < 0)
		return -1;
	/* where there is always more to read, ppoll does not tell */
	if (signals && !sigpending(&pending) &&
	    (sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
	     sigismember(&pending, SIGHUP))) {
		errno = EINTR;
		return -1;
	}
	return read(fd, buf, size);
}

static void say_why(char **why, const char *name, const char *text)
{
	*why = xasprintf("%s: %s", name, text);
}

int kvs_read_dump(const char *name, const sigset_t *signals,
		  int (*cb)(const struct dump_item *item, void *arg),
		  void *arg, char **why)
{
	bool standard = !name || !strcmp(name, "-");
	int fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	struct dump_reader *r = dump_reader_create();
	char *buf = xmalloc(READ_SIZE);
	struct dump_item item;
	size_t at = 0, used;
	ssize_t len = 0;
	int rc = 0, stop = 0;

	name = standard ? "standard input" : name;
	if (fd < 0 || !r)
		die("%s: %s", name, strerror(errno));
	while (rc >= 0 && !stop) {
		if ((ssize_t)at == len) {
			at = 0;
			len = read_some(fd, buf, READ_SIZE, signals);
			if (len <= 0)
				break;
		}
		rc = dump_read(r, buf + at, len - at, &used, &item);
		at += used;
		if (rc > 0)
			stop = cb(&item, arg);
	}
	if (len < 0)
		say_why(why, name, strerror(errno));
	else if (!stop && (rc < 0 || dump_read_end(r) < 0))
		say_why(why, name, dump_reader_why(r));
	if (!standard)
		close(fd);
	dump_reader_destroy(r);
	free(buf);
	return *why ? -1 : 0;
}

int kvs_dump(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ "at", required_argument, NULL, 'a' },
		{ "output", required_argument, NULL, 'o' },
		{ "list", no_argument, NULL, 'l' },
		{ 0 }
	};
	struct dump d = { .out = stdout, .name = "standard output" };
	const char *at = NULL, *output = NULL, *word;
	bool listing = false;
	int c;

	while ((c = next_option(argc, argv, "N:a:o:l", longs, "weir-kvs"))
	       != -1) {
		switch (c) {
		case 'N': kvs_ns = optarg; break;
		case 'a': at = kvs_at(optarg); break;
		case 'o': output = optarg; break;
		case 'l': listing = true; break;
		}
	}
	if (argc - optind > 1 || (listing && (at || output || kvs_ns)))
		verb_usage();
	word = optind < argc ? argv[optind] : NULL;
	if (listing)
		return list(word);
	return dump_to(&d, output, word ? word : ".", at);
}
