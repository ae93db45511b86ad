/* SPDX-License-Identifier: Apache-2.0 */
/* What can stand next on a command line: weir --complete, which the shells'
 * completions ask. Options come from the very tables by which commands read
 * them: a subcommand is run up to its first look at its options, and that
 * look answers. weir(1). */
#ifndef WEIR_CMD_COMPLETE_H
#define WEIR_CMD_COMPLETE_H

#include <getopt.h>
#include <stdbool.h>

#include "cmd/common.h"

/* Whether this process is to answer instead of doing what it is told. */
extern bool completing;

/* Prints one that begins as the last word does. */
void complete_word(const char *word);
/* WORDS, from the front end's name on, NULL after the last, which is to be
 * completed: sets up all, and gives the words of the subcommand. NULL: it is
 * the subcommand itself that is to be completed. */
char **complete_begin(char **words);
/* The subcommand's own options, or what one of them takes, or what else can
 * stand there. Ends the process. */
void complete_options(const char *shorts, const struct option *longs)
	__attribute__((noreturn));
/* VERBS, if the second word is the one. */
void complete_verbs(const struct verb *verbs);

#endif
