/* SPDX-License-Identifier: Apache-2.0 */
/* weir batch and weir alloc: an instance of its own for a script, or for a
 * command or a shell. weir-batch(1), weir-alloc(1). */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/directives.h"
#include "cmd/jobtext.h"
#include "cmd/submit.h"
#include "cmd/subcommands.h"

struct batch {
	struct submit_options o;
	char *script;		/* its text */
	const char *name;	/* of its file, or NULL */
	struct word_list given;	/* options: of directives, then ours */
	struct word_list words;	/* the job's command */
};

/* ---- the command: weir start, by the program that this is ---- */

static void add_start(struct batch *b)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int i;

	if (n < 0)
		die("/proc/self/exe: %s", strerror(errno));
	self[n] = '\0';
	word_add(&b->words, self);
	word_add(&b->words, "start");
	for (i = 0; i < b->o.start_opts.count; i++)
		word_add(&b->words, b->o.start_opts.word[i]);
}

static void add_all(struct batch *b, char **argv)
{
	for (; *argv; argv++)
		word_add(&b->words, *argv);
}

/* A NULL after the last, as argv has. */
static void end_words(struct word_list *words)
{
	words->word = xrealloc(words->word, (words->count + 1) *
			       sizeof(*words->word));
	words->word[words->count] = NULL;
}

/* One task on each node, whatever the slots are. */
static void use_words(struct batch *b)
{
	end_words(&b->words);
	b->o.argv = b->words.word;
	word_add(&b->o.setopt, "per-resource.type=node");
}

static void batch_free(struct batch *b)
{
	submit_options_free(&b->o);
	word_list_free(&b->given);
	word_list_free(&b->words);
	free(b->script);
}

/* ---- the script ---- */

static char *read_script(const char *name)
{
	FILE *f = name ? fopen(name, "r") : stdin;
	char *text;
	size_t len;

	if (!f)
		fail("%s: '%s'", strerror(errno), name);
	text = read_all(f, &len);
	if (!text)
		fail("%s: %s", name ? name : "standard input",
		     strerror(errno));
	if (strlen(text) != len)
		fail("%s: is no text", name ? name : "standard input");
	if (name)
		fclose(f);
	return text;
}

/* --wrap: ARGV, or else standard input, is what a shell is to do. */
static char *wrapped(char **argv)
{
	char *body = *argv ? xstrdup("") : read_script(NULL), *text;

	for (; *argv; argv++) {
		text = xasprintf("%s%s%s", body, *body ? " " : "", *argv);
		free(body);
		body = text;
	}
	text = xasprintf("#!/bin/sh\n%s\n", body);
	free(body);
	return text;
}

static void check_script(const struct batch *b)
{
	json_t *text;

	if (strncmp(b->script, "#!", 2))
		fail("%s does not appear to start with '#!'",
		     b->name ? b->name : "the script on standard input");
	text = json_string(b->script);
	if (!text)
		fail("%s: is no UTF-8 text", b->name ? b->name :
		     "the script on standard input");
	json_decref(text);
}

/* Parses again: what the script says first, then the command line, whose
 * WORDS come before OPTIND. */
static void parse_with_directives(struct batch *b, char **argv)
{
	struct word_list *words = &b->given;
	int i, given = optind;

	word_add(words, argv[0]);
	directives_read(words, b->script, b->name ? b->name :
			"standard input");
	if (words->count == 1)
		return;
	for (i = 1; i < given; i++)
		word_add(words, argv[i]);
	end_words(words);
	submit_options_free(&b->o);
	b->o = (struct submit_options){ .kind = SUBMIT_BATCH };
	optind = 0;	/* getopt begins anew */
	submit_parse(&b->o, words->count, words->word);
	if (optind < words->count)
		fail("%s: a directive has '%s', which is no option",
		     b->name ? b->name : "standard input",
		     words->word[optind]);
}

static void check_slots(const struct submit_options *o)
{
	if (!o->ntasks && !o->nnodes && !o->resources_json)
		fail("Number of slots to allocate must be specified");
}

int main_batch(int argc, char **argv)
{
	struct batch b = { .o.kind = SUBMIT_BATCH };
	char **args;
	int result;
	weir_t *h;

	usage_status = 2;
	submit_parse(&b.o, argc, argv);
	args = b.o.argv;
	if (b.o.wrap) {
		b.script = wrapped(args);
		while (*args)
			args++;
	} else {
		b.name = *args;
		b.script = read_script(*args);
		args += *args != NULL;
	}
	check_script(&b);
	parse_with_directives(&b, argv);
	check_slots(&b.o);
	add_start(&b);
	word_add(&b.words, "{{tmpdir}}/script");
	add_all(&b, args);
	use_words(&b);
	b.o.script = b.script;
	if (!b.o.name)
		b.o.name = b.name ? basename(b.name) : "batch";
	if (!b.o.output)
		b.o.output = "weir-{{id}}.out";
	h = b.o.dry_run ? NULL : open_lasting();
	result = submit_copies(h, &b.o, 1);
	weir_close(h);
	batch_free(&b);
	return result;
}

int main_alloc(int argc, char **argv)
{
	struct batch b = { .o.kind = SUBMIT_ALLOC };
	char **args;
	int result;

	usage_status = 2;
	submit_parse(&b.o, argc, argv);
	check_slots(&b.o);
	args = b.o.argv;
	add_start(&b);
	add_all(&b, args);
	if (b.o.background && !*args) {
		word_add(&b.words, "sleep");
		word_add(&b.words, "infinity");
	}
	use_words(&b);
	if (!b.o.name && *args)
		b.o.name = basename(*args);
	result = submit_run(&b.o);
	batch_free(&b);
	return result;
}
