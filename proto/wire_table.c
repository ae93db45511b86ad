/* SPDX-License-Identifier: Apache-2.0 */
/* The command table of commands.h as data, the check of a frame against its
 * row, options and numbers of a frame, and the names of errors. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire.h"

#define NONE	WIRE_NONE
#define MAY	WIRE_MAY
#define MUST	WIRE_MUST
#define USER	WIRE_USER
#define ADMIN	WIRE_ADMIN
#define OWNER	WIRE_OWNER

const struct wire_command wire_commands[CMD_COUNT] = {
#define COMMAND(id, word, positional, max, options, payload, role, synopsis, \
		help) \
	[CMD_##id] = { word, CMD_##id, positional, max, options, payload, \
		       role, synopsis, help },
	WEIR_COMMANDS(COMMAND)
#undef COMMAND
};

const struct wire_command wire_operations[OP_COUNT] = {
#define OPERATION(id, word, positional, options, payload, synopsis) \
	[OP_##id] = { word, OP_##id, positional, positional, options, \
		      payload, USER, synopsis, "" },
	WEIR_OPERATIONS(OPERATION)
#undef OPERATION
};

static const struct wire_command *find(const struct wire_command *table,
				       int count, const char *word)
{
	int i;

	for (i = 0; i < count; i++)
		if (!strcmp(table[i].word, word))
			return &table[i];
	return NULL;
}

const struct wire_command *wire_command_find(const char *word)
{
	return find(wire_commands, CMD_COUNT, word);
}

const struct wire_command *wire_operation_find(const char *word)
{
	return find(wire_operations, OP_COUNT, word);
}

/* Whether the option named by WORD up to LEN is one of the LIST. */
static bool listed(const char *list, const char *word, size_t len)
{
	while (*list) {
		size_t n = strcspn(list, " ");

		if (n == len && !memcmp(list, word, n))
			return true;
		list += n;
		list += strspn(list, " ");
	}
	return false;
}

int wire_command_check(const struct wire_command *row,
		       const struct wire_frame *f, int first,
		       char *buf, size_t size)
{
	int i, j, count = f->words - first;

	if (count < row->positional) {
		snprintf(buf, size, "%s takes %d argument%s, got %d: %s %s",
			 row->word, row->positional,
			 row->positional == 1 ? "" : "s", count, row->word,
			 row->synopsis);
		return -1;
	}
	for (i = first + row->positional; i < f->words; i++) {
		const char *equal = strchr(f->word[i], '=');
		size_t len = equal ? (size_t)(equal - f->word[i]) : 0;

		if (!equal && i < first + row->positional_max)
			continue;
		if (!equal || !listed(row->options, f->word[i], len)) {
			snprintf(buf, size, "%s has no argument '%.64s': "
				 "%s %s", row->word, f->word[i], row->word,
				 row->synopsis);
			return -1;
		}
		for (j = first + row->positional; j < i; j++)
			if (!strncmp(f->word[j], f->word[i], len + 1)) {
				snprintf(buf, size, "%s: '%.*s' stands twice",
					 row->word, (int)len, f->word[i]);
				return -1;
			}
	}
	if (row->payload == WIRE_MUST && !f->has_payload) {
		snprintf(buf, size, "%s needs a payload, its length last on "
			 "the line as {N}", row->word);
		return -1;
	}
	if (row->payload == WIRE_NONE && f->has_payload) {
		snprintf(buf, size, "%s takes no payload", row->word);
		return -1;
	}
	return 0;
}

const char *wire_role_name(enum wire_role role)
{
	static const char *const names[] = { "user", "admin", "owner" };

	return names[role];
}

const char *wire_option(const struct wire_frame *f, int first,
			const char *name)
{
	size_t len = strlen(name);
	int i;

	for (i = first; i < f->words; i++)
		if (f->word_len[i] > len && f->word[i][len] == '=' &&
		    !memcmp(f->word[i], name, len))
			return f->word[i] + len + 1;
	return NULL;
}

int wire_parse_u64(const char *s, uint64_t *n)
{
	uint64_t value = 0;
	const char *p;

	for (p = s; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *p - '0', &value))
			break;
	}
	if (p == s || *p) {
		errno = EINVAL;
		return -1;
	}
	*n = value;
	return 0;
}

int wire_parse_seconds(const char *s, double *seconds)
{
	uint64_t whole = 0, fraction = 0, scale = 1;
	const char *p = s;

	/* by hand: strtod follows the process's locale */
	for (; *p >= '0' && *p <= '9' && whole < 1ULL << 52; p++)
		whole = whole * 10 + (*p - '0');
	if (p != s && *p == '.') {
		for (p++; *p >= '0' && *p <= '9'; p++) {
			if (scale < 1000000000) {
				fraction = fraction * 10 + (*p - '0');
				scale *= 10;
			}
		}
	}
	if (p == s || *p) {
		errno = EINVAL;
		return -1;
	}
	*seconds = (double)whole + (double)fraction / (double)scale;
	return 0;
}

static const struct { int errnum; const char *name; } codes[] = {
#define CODE(e) { e, #e }
	CODE(EPERM), CODE(ENOENT), CODE(EIO), CODE(E2BIG), CODE(EAGAIN),
	CODE(ENOMEM), CODE(EACCES), CODE(EBUSY), CODE(EEXIST), CODE(ENOTDIR),
	CODE(EISDIR), CODE(EINVAL), CODE(ENOSPC), CODE(EROFS), CODE(ERANGE),
	CODE(ENOSYS), CODE(ENOTEMPTY), CODE(ELOOP), CODE(ENODATA),
	CODE(EPROTO), CODE(EOVERFLOW), CODE(ENOTSUP), CODE(ECONNREFUSED),
	CODE(ECONNRESET), CODE(ETIMEDOUT), CODE(EHOSTUNREACH), CODE(ESTALE),
	CODE(ECANCELED), CODE(ENAMETOOLONG), CODE(ECHILD), CODE(ESRCH),
	CODE(EFBIG), CODE(EDQUOT),
#undef CODE
};

const char *wire_code(int errnum)
{
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].errnum == errnum)
			return codes[i].name;
	return "EIO";
}

int wire_errnum(const char *code)
{
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (!strcmp(codes[i].name, code))
			return codes[i].errnum;
	return EIO;
}
