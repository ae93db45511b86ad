/* SPDX-License-Identifier: Apache-2.0 */
/* The weir command: global options, then the subcommand. weir(1). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/complete.h"
#include "cmd/subcommands.h"

enum group { INSTANCE, JOBS, COORDINATE, OTHER, GROUPS };

static const char *const group_title[GROUPS] = {
	[INSTANCE] = "The instance",
	[JOBS] = "Jobs",
	[COORDINATE] = "Keys, events and services",
	[OTHER] = "Other",
};

struct subcommand {
	const char *word;
	int (*main)(int argc, char **argv);
	enum group group;
	const char *help;
};

static const struct subcommand subcommands[] = {
#define SUBCOMMAND(id, word, group, help) { word, main_##id, group, help },
	WEIR_SUBCOMMANDS(SUBCOMMAND)
#undef SUBCOMMAND
};
#define COUNT (sizeof(subcommands) / sizeof(subcommands[0]))

static void help(FILE *out)
{
	size_t i;
	int g;

	fprintf(out, "Usage: weir [OPTIONS] COMMAND [ARGUMENTS]\n"
		"  -h, --help      show this\n"
		"  -v, --verbose   say how COMMAND is found\n"
		"  -V, --version   show versions\n"
		"  -p, --parent    talk to the parent instance\n"
		"  -r, --root      talk to the outermost instance\n");
	for (g = 0; g < GROUPS; g++) {
		fprintf(out, "\n%s\n", group_title[g]);
		for (i = 0; i < COUNT; i++)
			if ((int)subcommands[i].group == g)
				fprintf(out, "   %-12s %s\n",
					subcommands[i].word,
					subcommands[i].help);
	}
	fprintf(out, "\nSee `weir help COMMAND' for one of them.\n");
}

/* The instance that started this one; false if it has no parent. */
static bool to_parent(void)
{
	weir_t *h = open_instance(0);
	weir_future_t *f = weir_kvs_get(h, "primary", "instance.parent-uri",
					NULL);
	const char *uri = NULL;
	size_t len = 0;

	if (f && weir_future_get(f) == 0)
		uri = weir_future_data(f, &len);
	if (len)
		setenv("WEIR_URI", uri, 1);
	weir_future_destroy(f);
	weir_close(h);
	return len > 0;
}

/* weir-NAME in WEIR_EXEC_PATH or on the PATH. */
static void run_external(char **argv, bool verbose)
{
	const char *extra = getenv("WEIR_EXEC_PATH");
	char *name = xasprintf("weir-%s", argv[0]);

	if (extra && *extra) {
		const char *path = getenv("PATH");
		char *both = xasprintf("%s%s%s", extra, path ? ":" : "",
				       path ? path : "");

		setenv("PATH", both, 1);
		free(both);
	}
	if (verbose)
		fprintf(stderr, "trying %s on the PATH\n", name);
	execvp(strchr(argv[0], '/') ? argv[0] : name, argv);
	if (errno == EACCES)
		die("%s is not executable", argv[0]);
	free(name);
}

/* A connection must not become what others take for standard streams. */
static void open_standard_streams(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* What can stand in the place of the last of WORDS. */
static int complete(char **words)
{
	char **own = complete_begin(words);
	size_t i;

	for (i = 0; i < COUNT; i++) {
		if (own && strcmp(own[0], "help")) {
			if (strcmp(own[0], subcommands[i].word))
				continue;
			cmd_name = xasprintf("weir-%s", own[0]);
			return subcommands[i].main(own[1] && own[2] ? 2 : 1,
						   own);
		}
		complete_word(subcommands[i].word);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ "parent", no_argument, NULL, 'p' },
		{ "root", no_argument, NULL, 'r' },
		{ 0 }
	};
	bool verbose = false, root = false, version = false;
	int c, parents = 0;
	size_t i;

	open_standard_streams();
	if (argc > 1 && !strcmp(argv[1], "--complete"))
		return complete(argv + 2);
	while ((c = getopt_long(argc, argv, "+hvVpr", longs, NULL)) != -1) {
		switch (c) {
		case 'h':
			help(stdout);
			return 0;
		case 'v':
			verbose = true;
			break;
		case 'V':
			version = true;
			break;
		case 'p':
			parents++;
			break;
		case 'r':
			root = true;
			break;
		default:
			fprintf(stderr, "Try `weir --help'.\n");
			return 1;
		}
	}
	if (version) {
		optind = 1;
		return main_version(1, argv);
	}
	if (optind == argc) {
		help(stderr);
		return 1;
	}
	while (root ? to_parent() : parents-- > 0 && to_parent())
		;
	argc -= optind;
	argv += optind;
	optind = 1;
	/* the older spelling: weir mini run */
	if (!strcmp(argv[0], "mini") && argc > 1) {
		argc--;
		argv++;
	}
	for (i = 0; i < COUNT; i++) {
		if (strcmp(argv[0], subcommands[i].word))
			continue;
		if (verbose)
			fprintf(stderr, "%s is built in\n", argv[0]);
		cmd_name = xasprintf("weir-%s", argv[0]);
		return subcommands[i].main(argc, argv);
	}
	run_external(argv, verbose);
	fprintf(stderr, "weir: `%s' is not a weir command.  "
		"See 'weir --help'\n", argv[0]);
	return 1;
}
