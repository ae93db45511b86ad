/* SPDX-License-Identifier: Apache-2.0 */
/* Interned strings. See strings.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/strings.h"

static uint32_t hash_of(const char *text)
{
	uint32_t h = 2166136261u;

	while (*text)
		h = (h ^ (unsigned char)*text++) * 16777619u;
	return h ^ h >> 15;
}

int strings_init(struct strings *s)
{
	memset(s, 0, sizeof(*s));
	return strings_add(s, "") == STRING_NONE ? -1 : 0;
}

void strings_fini(struct strings *s)
{
	free(s->text);
	free(s->offset);
	free(s->hash);
	memset(s, 0, sizeof(*s));
}

/* The slot where TEXT is or would be. */
static uint32_t slot_of(const struct strings *s, const char *text)
{
	uint32_t i = hash_of(text) & (s->slots - 1);

	while (s->hash[i] && strcmp(strings_get(s, s->hash[i] - 1), text))
		i = (i + 1) & (s->slots - 1);
	return i;
}

uint32_t strings_find(const struct strings *s, const char *text)
{
	uint32_t i = s->slots ? s->hash[slot_of(s, text)] : 0;

	return i ? i - 1 : STRING_NONE;
}

static int rehash(struct strings *s)
{
	uint32_t slots = s->slots ? s->slots * 2 : 64;
	uint32_t *hash = calloc(slots, sizeof(*hash));

	if (!hash)
		return -1;
	free(s->hash);
	s->hash = hash;
	s->slots = slots;
	for (uint32_t i = 0; i < s->count; i++)
		s->hash[slot_of(s, strings_get(s, i))] = i + 1;
	return 0;
}

static int make_room(struct strings *s, size_t len)
{
	if (s->len + len >= UINT32_MAX) {
		errno = ENOMEM;
		return -1;
	}
	if (s->len + len > s->size) {
		size_t size = (s->size + len) * 2;
		char *text = realloc(s->text, size);

		if (!text)
			return -1;
		s->text = text;
		s->size = size;
	}
	if (s->count == s->room) {
		uint32_t room = s->room ? s->room * 2 : 32;
		uint32_t *offset = reallocarray(s->offset, room,
						sizeof(*offset));

		if (!offset)
			return -1;
		s->offset = offset;
		s->room = room;
	}
	return 2 * s->count >= s->slots ? rehash(s) : 0;
}

uint32_t strings_add(struct strings *s, const char *text)
{
	uint32_t found = strings_find(s, text);
	size_t len = strlen(text) + 1;

	if (found != STRING_NONE)
		return found;
	if (make_room(s, len) < 0)
		return STRING_NONE;
	s->hash[slot_of(s, text)] = s->count + 1;
	memcpy(s->text + s->len, text, len);
	s->offset[s->count] = (uint32_t)s->len;
	s->len += len;
	return s->count++;
}
