/* SPDX-License-Identifier: Apache-2.0 */
/* weir bulksubmit: weir submit once for each combination of inputs.
 * weir-bulksubmit(1). */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/bulk.h"
#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/submit.h"
#include "cmd/subcommands.h"

#define JOBS_MAX	10000000

enum { OPT_DEFINE = 512, OPT_SHUFFLE, OPT_SEP, OPT_DRY_RUN };

static const struct option own_longs[] = {
	{ "define", required_argument, NULL, OPT_DEFINE },
	{ "shuffle", no_argument, NULL, OPT_SHUFFLE },
	{ "sep", required_argument, NULL, OPT_SEP },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ 0 }
};

struct bulk {
	/* as it was given: options for weir submit, and the command */
	const char **option, **command;
	int options, words;
	struct bulk_definitions defs;
	struct bulk_inputs in;
	const char *separator;	/* of files; NULL: lines */
	bool shuffle, dry_run;
};

/* Ours first, so that they hide one of weir submit. */
static struct option *all_longs(void)
{
	const struct option *theirs = submit_longs();
	size_t own = sizeof(own_longs) / sizeof(own_longs[0]) - 1, n = 0;
	struct option *all;

	while (theirs[n].name)
		n++;
	all = xmalloc((own + n + 1) * sizeof(*all));
	memcpy(all, own_longs, own * sizeof(*all));
	memcpy(all + own, theirs, (n + 1) * sizeof(*all));
	return all;
}

static void take(struct bulk *b, int c, char **argv, int from)
{
	switch (c) {
	case OPT_DEFINE: bulk_define(&b->defs, optarg); return;
	case OPT_SHUFFLE: b->shuffle = true; return;
	case OPT_DRY_RUN: b->dry_run = true; return;
	case OPT_SEP:
		b->separator = strcmp(optarg, "none") ? optarg : "";
		if (!*optarg)
			fail("--sep: is empty; 'none' is any white space");
		return;
	}
	while (from < optind)
		b->option[b->options++] = argv[from++];
}

/* Leaves the words with the inputs, if any. */
static char **parse(struct bulk *b, int argc, char **argv)
{
	static const char *const input_alone[] = { "{}" };
	struct option *longs = all_longs();
	int c, from = optind;

	b->option = xmalloc((argc + 1) * sizeof(*b->option));
	b->command = xmalloc((argc + 1) * sizeof(*b->command));
	for (; (c = next_option(argc, argv, SUBMIT_SHORTS, longs,
				"weir-bulksubmit")) != -1; from = optind)
		take(b, c, argv, from);
	free(longs);
	for (argv += optind; *argv && !bulk_is_delimiter(*argv); argv++)
		b->command[b->words++] = *argv;
	if (!b->words)
		b->command[b->words++] = input_alone[0];
	return argv;
}

/* The words of one job: "submit OPTION... -- COMMAND...". */
static char **instance(const struct bulk *b,
		       const struct bulk_value *const *value, size_t seq)
{
	char **argv = xmalloc((b->options + b->words + 3) * sizeof(*argv));
	int n = 0, i;

	argv[n++] = xstrdup("submit");
	for (i = 0; i < b->options; i++)
		argv[n++] = bulk_format(b->option[i], value, b->in.lists, seq,
					&b->defs);
	argv[n++] = xstrdup("--");
	for (i = 0; i < b->words; i++)
		argv[n++] = bulk_format(b->command[i], value, b->in.lists,
					seq, &b->defs);
	argv[n] = NULL;
	return argv;
}

static void print(const struct bulk *b, char **argv)
{
	int i;

	printf("bulksubmit:");
	for (i = 0; argv[i]; i++)
		if (i != 1 + b->options)	/* the "--" */
			printf(" %s", argv[i]);
	putchar('\n');
}

static void free_words(char **argv)
{
	int i;

	for (i = 0; argv[i]; i++)
		free(argv[i]);
	free(argv);
}

static char ***instances(const struct bulk *b, size_t count)
{
	const struct bulk_value **value = xmalloc(b->in.lists *
						  sizeof(*value));
	char ***argv = xmalloc((count + 1) * sizeof(*argv));
	size_t i;

	for (i = 0; i < count; i++) {
		bulk_inputs_get(&b->in, i, value);
		argv[i] = instance(b, value, i);
	}
	free(value);
	return argv;
}

static void shuffle(char ***argv, size_t count)
{
	size_t i;

	for (i = count; i > 1; i--) {
		size_t j = arc4random_uniform((uint32_t)i);
		char **other = argv[i - 1];

		argv[i - 1] = argv[j];
		argv[j] = other;
	}
}

static int submit_all(const struct bulk *b, char ***argv, size_t count)
{
	struct submit_options *o = xmalloc((count + 1) * sizeof(*o));
	weir_t *h = open_lasting();
	int result;
	size_t i;

	for (i = 0; i < count; i++) {
		o[i] = (struct submit_options){ 0 };
		optind = 0;	/* getopt begins anew */
		submit_parse(&o[i], 2 + b->options + b->words, argv[i]);
	}
	result = submit_copies(h, o, (int)count);
	weir_close(h);
	for (i = 0; i < count; i++)
		submit_options_free(&o[i]);
	free(o);
	return result;
}

int main_bulksubmit(int argc, char **argv)
{
	struct bulk b = { 0 };
	int result = 0;
	char ***jobs;
	size_t i, n;

	usage_status = 2;
	argv = parse(&b, argc, argv);
	bulk_inputs_read(&b.in, argv, b.separator);
	bulk_define_values(&b.defs, &b.in);
	n = bulk_inputs_count(&b.in);
	if (n > JOBS_MAX)
		fail("%zu combinations: at most %d are taken", n, JOBS_MAX);
	jobs = instances(&b, n);
	if (b.shuffle)
		shuffle(jobs, n);
	if (b.dry_run)
		for (i = 0; i < n; i++)
			print(&b, jobs[i]);
	else if (n)
		result = submit_all(&b, jobs, n);
	for (i = 0; i < n; i++)
		free_words(jobs[i]);
	free(jobs);
	bulk_inputs_free(&b.in, &b.defs);
	bulk_definitions_free(&b.defs);
	free(b.option);
	free(b.command);
	return result;
}
