/* SPDX-License-Identifier: Apache-2.0 */
/* Each string once, named by a small number: 0 is the empty one. */
#ifndef WEIR_SCHEDD_STRINGS_H
#define WEIR_SCHEDD_STRINGS_H

#include <stddef.h>
#include <stdint.h>

#define STRING_NONE	UINT32_MAX

struct strings {
	char *text;		/* one after the other, with their NULs */
	size_t len, size;
	uint32_t *offset;	/* of string i in text */
	uint32_t count, room;
	uint32_t *hash;		/* number + 1, or 0; its size is a power of 2 */
	uint32_t slots;
};

int strings_init(struct strings *s);		/* -1 with ENOMEM */
void strings_fini(struct strings *s);
/* The number of TEXT, or STRING_NONE with ENOMEM. */
uint32_t strings_add(struct strings *s, const char *text);
uint32_t strings_find(const struct strings *s, const char *text);

/* Valid until the next string is added. */
static inline const char *strings_get(const struct strings *s, uint32_t i)
{
	return s->text + s->offset[i];
}

#endif
