/* SPDX-License-Identifier: Apache-2.0 */
/* Options that a batch script holds: lines "# weir: -N4 -t 1h".
 * weir-batch(1). */
#ifndef WEIR_CMD_DIRECTIVES_H
#define WEIR_CMD_DIRECTIVES_H

#include "cmd/submit.h"

/* Adds the words of SCRIPT's directives to WORDS; NAME is for messages. Ends
 * the program on an error. */
void directives_read(struct word_list *words, const char *script,
		     const char *name);

#endif
