/* SPDX-License-Identifier: Apache-2.0 */
/* Histories as text: see history.h. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "t/tool/history.h"

#define WORDS		9
#define SHOWN_MAX	48	/* bytes of a value, for people */

static const char *const kind_name[OP_KINDS] = {
	[OP_GET] = "get", [OP_PUT] = "put", [OP_APPEND] = "append",
	[OP_CAS] = "cas", [OP_UNLINK] = "unlink", [OP_ROOT] = "root",
};

static char *copy(const char *s)
{
	char *p = s ? strdup(s) : NULL;

	if (s && !p)
		abort();
	return p;
}

void history_add(struct history *h, const struct op *op)
{
	struct op *to;

	if (h->count == h->room) {
		h->room = h->room ? 2 * h->room : 1024;
		h->op = realloc(h->op, h->room * sizeof(struct op));
		if (!h->op)
			abort();
	}
	to = &h->op[h->count++];
	*to = *op;
	to->key = copy(op->key);
	to->code = copy(op->code);
	to->value = copy(op->value);
	to->expected = copy(op->expected);
}

void history_free(struct history *h)
{
	for (size_t i = 0; i < h->count; i++) {
		free(h->op[i].key);
		free(h->op[i].code);
		free(h->op[i].value);
		free(h->op[i].expected);
	}
	free(h->op);
	*h = (struct history) { 0 };
}

/* ---- reading ---- */

static int parse_u64(const char *s, uint64_t *n)
{
	char *end;

	errno = 0;
	*n = strtoumax(s, &end, 10);
	return *s < '0' || *s > '9' || *end || errno ? -1 : 0;
}

static char *none(char *word)
{
	return strcmp(word, "-") ? word : NULL;
}

static const char *parse_outcome(struct op *op)
{
	if (!strcmp(op->code, "ok"))
		op->outcome = OUTCOME_OK;
	else if (!strcmp(op->code, "unknown"))
		op->outcome = OUTCOME_UNKNOWN;
	else if (!strcmp(op->code, "ENOENT") &&
		 (op->kind == OP_GET || op->kind == OP_UNLINK))
		op->outcome = OUTCOME_ABSENT;
	else if (!strcmp(op->code, "ECANCELED") && op->kind == OP_CAS)
		op->outcome = OUTCOME_DIFFERS;
	else
		op->outcome = OUTCOME_NOTHING;
	return op->returned == OP_NEVER && op->outcome != OUTCOME_UNKNOWN ?
		"an outcome that is known has no time" : NULL;
}

static const char *check_values(const struct op *op)
{
	bool writes = op->kind == OP_PUT || op->kind == OP_APPEND ||
		      op->kind == OP_CAS;

	if (writes && (!op->value ||
		       strchr(op->value, ';') !=
		       op->value + strlen(op->value) - 1))
		return "what is written is one token that ends in ;";
	if ((op->kind == OP_GET || op->kind == OP_ROOT) &&
	    op->outcome == OUTCOME_OK && !op->value)
		return "nothing was read";
	if (op->kind == OP_ROOT && op->outcome == OUTCOME_OK &&
	    !op->has_version)
		return "a root has a version";
	return NULL;
}

static const char *parse_words(struct op *op, char *word[WORDS])
{
	if (parse_u64(word[0], &op->client) < 0)
		return "the client is no number";
	while (op->kind < OP_KINDS && strcmp(word[1], kind_name[op->kind]))
		op->kind++;
	if (op->kind == OP_KINDS)
		return "no such kind of operation";
	op->key = word[2];
	op->code = word[5];
	op->returned = OP_NEVER;
	if (parse_u64(word[3], &op->invoked) < 0 ||
	    (none(word[4]) && parse_u64(word[4], &op->returned) < 0) ||
	    op->returned < op->invoked)
		return "the times are wrong";
	op->has_version = none(word[6]) != NULL;
	if (op->has_version && parse_u64(word[6], &op->version) < 0)
		return "the version is no number";
	op->value = none(word[7]);
	op->expected = none(word[8]);
	return NULL;
}

int history_parse(struct history *h, char *line, const char **why)
{
	struct op op = { 0 };
	char *word[WORDS], *save = NULL;
	int words = 0;

	for (char *p = strtok_r(line, " ", &save); p;
	     p = strtok_r(NULL, " ", &save)) {
		if (words < WORDS)
			word[words] = p;
		words++;
	}
	*why = words == WORDS ? parse_words(&op, word) : "not nine words";
	if (!*why)
		*why = parse_outcome(&op);
	if (!*why)
		*why = check_values(&op);
	if (*why)
		return -1;
	history_add(h, &op);
	return 0;
}

int history_read(struct history *h, FILE *in, size_t *line, const char **why)
{
	char *text = NULL;
	size_t room = 0;
	ssize_t n;
	int rc = 0;

	for (*line = 1; !rc && (n = getline(&text, &room, in)) > 0;
	     *line += !rc) {
		if (text[n - 1] != '\n') {
			*why = "the line has no end";
			rc = -1;
			break;
		}
		text[n - 1] = '\0';
		if (*text && *text != '#')
			rc = history_parse(h, text, why);
	}
	if (!rc && ferror(in)) {
		*why = strerror(errno);
		rc = -1;
	}
	free(text);
	return rc;
}

/* ---- writing ---- */

static void write_words(FILE *out, const struct op *op, const char *value,
			const char *expected)
{
	char returned[24] = "-", version[24] = "-";

	if (op->returned != OP_NEVER)
		snprintf(returned, sizeof(returned), "%" PRIu64, op->returned);
	if (op->has_version)
		snprintf(version, sizeof(version), "%" PRIu64, op->version);
	fprintf(out, "%" PRIu64 " %s %s %" PRIu64 " %s %s %s %s %s\n",
		op->client, kind_name[op->kind], op->key, op->invoked,
		returned, op->code, version, value, expected);
}

void op_write(FILE *out, const struct op *op)
{
	write_words(out, op, op->value ? op->value : "-",
		    op->expected ? op->expected : "-");
}

static const char *cut(char shown[SHOWN_MAX + 4], const char *value)
{
	size_t len = value ? strlen(value) : 0;

	if (!value)
		return "-";
	if (len <= SHOWN_MAX)
		return value;
	sprintf(shown, "...%s", value + len - SHOWN_MAX);
	return shown;
}

void op_print(FILE *out, const struct op *op)
{
	char value[SHOWN_MAX + 4], expected[SHOWN_MAX + 4];

	write_words(out, op, cut(value, op->value),
		    cut(expected, op->expected));
}
