/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of weir bulksubmit: lists of inputs, and the text that
 * they are put into. weir-bulksubmit(1). */
#ifndef WEIR_CMD_BULK_H
#define WEIR_CMD_BULK_H

#include <stdbool.h>
#include <stddef.h>

/* An input, and what --define made of it. */
struct bulk_value {
	char *text;
	char **defined;		/* one a definition */
};

struct bulk_list {
	struct bulk_value *value;
	size_t count;
	bool linked;		/* goes along with the list before */
};

struct bulk_inputs {
	struct bulk_list *list;
	int lists;
};

/* What stands for the word {.NAME}. */
struct bulk_definition {
	char *name;
	const char *code;	/* a Python expression of x */
};

struct bulk_definitions {
	struct bulk_definition *definition;
	int count;
};

/* bulk_inputs.c; all end the program on an error. */

/* Of WORDS, which begin with a delimiter; none: lines of standard input.
 * SEPARATOR: of files, NULL for lines, "" for any white space. */
void bulk_inputs_read(struct bulk_inputs *in, char **words,
		      const char *separator);
void bulk_inputs_free(struct bulk_inputs *in,
		      const struct bulk_definitions *defs);
bool bulk_is_delimiter(const char *word);
/* Of all combinations, and the Ith: a value a list. */
size_t bulk_inputs_count(const struct bulk_inputs *in);
void bulk_inputs_get(const struct bulk_inputs *in, size_t i,
		     const struct bulk_value **value);

/* bulk_define.c */
void bulk_define(struct bulk_definitions *defs, const char *text);
/* Fills in DEFINED of all values. */
void bulk_define_values(const struct bulk_definitions *defs,
			struct bulk_inputs *in);
void bulk_definitions_free(struct bulk_definitions *defs);

/* bulk_format.c: TEXT with its replacement fields filled in; to be freed. SEQ
 * counts the combinations from 0. */
char *bulk_format(const char *text, const struct bulk_value *const *value,
		  int values, size_t seq,
		  const struct bulk_definitions *defs);

#endif
