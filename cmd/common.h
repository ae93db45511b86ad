/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands share: messages, options, the connection. */
#ifndef WEIR_CMD_COMMON_H
#define WEIR_CMD_COMMON_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "libclient/weir.h"

/* "weir-kvs": the prefix of messages, set by the front end. */
extern const char *cmd_name;

/* "weir-kvs: TEXT" to standard error. */
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Ends the program in the middle of things: what it holds is not given back
 * one by one, and so nobody may complain that it was not. */
void leave(int status) __attribute__((noreturn));
/* The same, then exit(1). */
void die(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));
/* The exit code of usage errors: 1 unless a subcommand sets another. */
extern int usage_status;
/* A usage error: the text, "Try `weir help CMD'", exit(usage_status). */
void usage_error(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));

/* getopt_long that stops at the first word that is no option, takes no
 * abbreviated long option, and ends in usage_error for a wrong one. --help
 * need not be listed: it shows the manual page named PAGE (of section 1). */
int next_option(int argc, char **argv, const char *shorts,
		const struct option *longs, const char *page);

/* True: options may also stand behind other words. */
extern bool options_anywhere;

/* What a subcommand with subcommands of its own is made of. */
struct verb {
	const char *word;
	int (*main)(int argc, char **argv);
	const char *usage;
};

/* Runs the verb that argv[1] names; prints the list otherwise. The verb's
 * argv[0] is its word, and optind is 1. */
int run_verb(const struct verb *verbs, int argc, char **argv,
	     const char *page);
/* For a verb that found its arguments wrong: its usage line, exit(1). */
void verb_usage(void) __attribute__((noreturn));

/* Connected, or dies. The command's name goes to the server's log. */
weir_t *open_instance(int flags);
/* The same for what follows something: the connection is restored when kvsd
 * is started again. Ends the process, with a message, when its run folder is
 * gone or after 10 seconds. */
weir_t *open_lasting(void);

/* Waits for F; on error "weir-CMD: WHAT: reason" and exit(1). */
void must(weir_future_t *f, const char *what);
/* Likewise for F NULL: its errno is the reason. */
weir_future_t *made(weir_future_t *f, const char *what);

void show_page(const char *page) __attribute__((noreturn));

/* Memory or death. */
void *xmalloc(size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* All of standard input (or FILE), a NUL after it that is not counted. */
char *read_all(FILE *file, size_t *len);

#endif
