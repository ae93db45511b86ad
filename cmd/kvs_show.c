/* SPDX-License-Identifier: Apache-2.0 */
/* weir kvs ls, dir and watch. weir-kvs(1). */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/kvs.h"

#define PAGE	10000	/* names asked for at a time */

char *kvs_join(const char *key, const char *name)
{
	if (!strcmp(key, "."))
		return xstrdup(name);
	return xasprintf("%s.%s", key, name);
}

struct kvs_names kvs_list(weir_t *h, const char *ns, const char *key,
			  const char *at)
{
	struct kvs_names names = { 0 };
	size_t size = 0;
	bool more = true;

	while (more) {
		const char *after = names.count ?
				    names.entry[names.count - 1].name : NULL;
		weir_future_t *f = weir_kvs_list(h, ns, key, at, after, PAGE);
		const char *type, *name;
		uint64_t n;
		int r;

		kvs_get_done(f, key);
		while ((r = weir_kvs_list_next(f, &type, &n, &name)) > 0) {
			if (names.count == size) {
				size = size ? 2 * size : 64;
				names.entry = xrealloc(names.entry, size *
						       sizeof(*names.entry));
			}
			names.entry[names.count].name = xstrdup(name);
			names.entry[names.count++].type = *type;
		}
		if (r < 0)
			die("%s: the server's list is malformed", key);
		more = weir_future_u64(f, "more", &n) == 0 && n;
		weir_future_destroy(f);
	}
	return names;
}

void kvs_names_free(struct kvs_names *names)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		free(names->entry[i].name);
	free(names->entry);
}

/* Columns of the terminal, or 80. */
static int terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize w;

	if (columns && atoi(columns) > 0)
		return atoi(columns);
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col)
		return w.ws_col;
	return 80;
}

static int number(const char *option, const char *text)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*end || end == text || n < 0 || n > 1000000)
		usage_error("%s: '%s' is no number from 0 on", option, text);
	return (int)n;
}

/* ---- dir ---- */

struct dir {
	weir_t *h;
	bool recursive, names_only;
	int width;		/* 0: values in full */
	const char *at;
};

/* A value on one line, cut to the width that is left. */
static void print_value(const struct dir *d, const char *key,
			const char *data, size_t len)
{
	size_t room = len, i;
	bool cut = false;

	if (d->width) {
		size_t used = strlen(key) + 3;

		room = (size_t)d->width > used + 3 ? d->width - used - 3 : 0;
		cut = len > room + 3;
		if (!cut)
			room = len;
	}
	printf("%s = ", key);
	for (i = 0; i < len && i < room; i++) {
		unsigned char c = data[i];

		if (c == '\n' && i + 1 == len && !d->width)
			break;
		if (c == '\n')
			fputs("\\n", stdout);
		else
			putchar(c < 0x20 && c != '\t' ? '.' : c);
	}
	puts(cut ? "..." : "");
}

static void print_dir(const struct dir *d, const char *key)
{
	struct kvs_names names = kvs_list(d->h, kvs_ns, key, d->at);
	weir_future_t **f = xmalloc(names.count * sizeof(*f));
	size_t i, ahead = 0;

	for (i = 0; i < names.count; i++) {
		char *path = kvs_join(key, names.entry[i].name);
		size_t len;

		/* up to 256 values asked for before they are needed */
		for (; ahead < names.count && ahead < i + 256; ahead++) {
			char type = names.entry[ahead].type;
			char *p = kvs_join(key, names.entry[ahead].name);

			f[ahead] = d->names_only || type == 'd' ? NULL :
				   type == 'v' ?
				   weir_kvs_get(d->h, kvs_ns, p, d->at) :
				   weir_kvs_readlink(d->h, kvs_ns, p, d->at);
			free(p);
		}
		switch (names.entry[i].type) {
		case 'd':
			if (d->recursive)
				print_dir(d, path);
			else
				printf("%s.\n", path);
			break;
		case 'l':
			if (d->names_only) {
				puts(path);
				break;
			}
			kvs_get_done(f[i], path);
			if (weir_future_option(f[i], "ns"))
				printf("%s -> %s::%s\n", path,
				       weir_future_option(f[i], "ns"),
				       weir_future_option(f[i], "target"));
			else
				printf("%s -> %s\n", path,
				       weir_future_option(f[i], "target"));
			break;
		default:
			if (d->names_only) {
				puts(path);
				break;
			}
			kvs_get_done(f[i], path);
			{
				const char *data = weir_future_data(f[i],
								    &len);

				print_value(d, path, data, len);
			}
		}
		weir_future_destroy(f[i]);
		free(path);
	}
	free(f);
	kvs_names_free(&names);
}

int kvs_dir(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ "recursive", no_argument, NULL, 'R' },
		{ "directory", no_argument, NULL, 'd' },
		{ "width", required_argument, NULL, 'w' },
		{ "at", required_argument, NULL, 'a' },
		{ 0 }
	};
	struct dir d = { .width = isatty(STDOUT_FILENO) ?
				  terminal_width() : 0 };
	int c;

	while ((c = next_option(argc, argv, "N:Rdw:a:", longs, "weir-kvs"))
	       != -1) {
		switch (c) {
		case 'N': kvs_ns = optarg; break;
		case 'R': d.recursive = true; break;
		case 'd': d.names_only = true; break;
		case 'w': d.width = number("--width", optarg); break;
		case 'a': d.at = kvs_at(optarg); break;
		}
	}
	if (argc - optind > 1)
		verb_usage();
	d.h = open_instance(0);
	print_dir(&d, optind < argc ? argv[optind] : ".");
	weir_close(d.h);
	return 0;
}

/* ---- ls ---- */

struct ls {
	weir_t *h;
	const char *at;
	bool recursive, directory, one, classify;
	int width;
	bool headings, first;
};

static void print_columns(const struct ls *l, char **name, size_t count)
{
	size_t longest = 0, columns, rows, r, c, i;

	for (i = 0; i < count; i++)
		if (strlen(name[i]) > longest)
			longest = strlen(name[i]);
	columns = l->one || l->width == 0 ? 1 :
		  (size_t)l->width / (longest + 4);
	if (columns < 1)
		columns = 1;
	if (l->width == 0 && !l->one)
		columns = count;
	rows = columns ? (count + columns - 1) / columns : 0;
	for (r = 0; r < rows; r++) {
		for (c = 0; c < columns && r + c * rows < count; c++) {
			bool last = r + (c + 1) * rows >= count ||
				    c + 1 == columns;

			i = r + c * rows;
			printf("%-*s", last ? 0 : (int)longest + 4, name[i]);
		}
		putchar('\n');
	}
}

static char *classified(const struct ls *l, const char *name, char type)
{
	return xasprintf("%s%s", name, !l->classify ? "" : type == 'd' ? "." :
			 type == 'l' ? "@" : "");
}

static void ls_dir(struct ls *l, const char *key)
{
	struct kvs_names names = kvs_list(l->h, kvs_ns, key, l->at);
	char **shown = xmalloc(names.count * sizeof(*shown));
	size_t i;

	if (l->headings) {
		printf("%s%s:\n", l->first ? "" : "\n", key);
		l->first = false;
	}
	for (i = 0; i < names.count; i++)
		shown[i] = classified(l, names.entry[i].name,
				      names.entry[i].type);
	print_columns(l, shown, names.count);
	for (i = 0; i < names.count; i++) {
		free(shown[i]);
		if (l->recursive && names.entry[i].type == 'd') {
			char *path = kvs_join(key, names.entry[i].name);

			ls_dir(l, path);
			free(path);
		}
	}
	free(shown);
	kvs_names_free(&names);
}

int kvs_ls(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ "recursive", no_argument, NULL, 'R' },
		{ "directory", no_argument, NULL, 'd' },
		{ "width", required_argument, NULL, 'w' },
		{ "1", no_argument, NULL, '1' },
		{ "classify", no_argument, NULL, 'F' },
		{ "at", required_argument, NULL, 'a' },
		{ 0 }
	};
	struct ls l = { .width = terminal_width(), .first = true };
	static char *root[] = { (char *)"." };
	char **keys, **plain, *dirs = NULL;
	int c, i, n, plains = 0, result = 0;

	while ((c = next_option(argc, argv, "N:Rdw:1Fa:", longs, "weir-kvs"))
	       != -1) {
		switch (c) {
		case 'N': kvs_ns = optarg; break;
		case 'R': l.recursive = true; break;
		case 'd': l.directory = true; break;
		case 'w': l.width = number("--width", optarg); break;
		case '1': l.one = true; break;
		case 'F': l.classify = true; break;
		case 'a': l.at = kvs_at(optarg); break;
		}
	}
	keys = optind < argc ? argv + optind : root;
	n = optind < argc ? argc - optind : 1;
	l.headings = l.recursive || n > 1;
	l.h = open_instance(0);
	plain = xmalloc(n * sizeof(*plain));
	dirs = xmalloc(n);
	for (i = 0; i < n; i++) {
		weir_future_t *f = weir_kvs_stat(l.h, kvs_ns, keys[i],
						 l.at);
		const char *type;

		dirs[i] = 0;
		if (!f || weir_future_get(f) < 0) {
			fprintf(stderr, "%s: %s\n", keys[i], kvs_reason(f));
			result = 1;
		} else {
			type = weir_future_option(f, "type");
			if (*type == 'd' && !l.directory)
				dirs[i] = 1;
			else
				plain[plains++] = classified(&l, keys[i],
							     *type);
		}
		weir_future_destroy(f);
	}
	print_columns(&l, plain, plains);
	if (plains)
		l.first = false;
	for (i = 0; i < n; i++)
		if (dirs[i])
			ls_dir(&l, keys[i]);
	while (plains)
		free(plain[--plains]);
	free(plain);
	free(dirs);
	weir_close(l.h);
	return result;
}

/* ---- watch ---- */

/* A line an operation below a key, as it happens: kind, key, value. */
int kvs_watch(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "namespace", required_argument, NULL, 'N' },
		{ "from", required_argument, NULL, 'f' },
		{ "count", required_argument, NULL, 'c' },
		{ 0 }
	};
	uint64_t from = WEIR_FROM_NOW;
	weir_future_t *f;
	weir_t *h;
	int c, count = 0;

	while ((c = next_option(argc, argv, "N:f:c:", longs, "weir-kvs"))
	       != -1) {
		if (c == 'N')
			kvs_ns = optarg;
		else if (c == 'f')
			from = number("--from", optarg);
		else if (c == 'c')
			count = number("--count", optarg);
	}
	if (argc - optind != 1)
		verb_usage();
	h = open_lasting();
	f = weir_kvs_watch(h, kvs_ns, argv[optind], WEIR_WATCH_PREFIX, from, 0,
			   WEIR_WATCH_WAIT);
	for (;; weir_future_next(f)) {
		const char *kind, *data;
		size_t len;

		kvs_get_done(f, argv[optind]);
		kind = weir_future_word(f, 0);
		printf("%s %s", weir_future_option(f, "version"), kind);
		if (strcmp(kind, "synced") && strcmp(kind, "lagged"))
			printf(" %s", weir_future_word(f, 1));
		if (!strcmp(kind, "link"))
			printf(" -> %s", weir_future_word(f, 2));
		data = weir_future_data(f, &len);
		if (data)
			printf(" = %.*s", (int)len, data);
		putchar('\n');
		if (fflush(stdout) == EOF)
			die("standard output: %s", strerror(errno));
		if (strcmp(kind, "synced") && count && --count == 0)
			break;
	}
	weir_future_destroy(f);
	weir_close(h);
	return 0;
}
