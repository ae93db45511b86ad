/* SPDX-License-Identifier: Apache-2.0 */
/* What was applied and is not durable: see applied.h. */
#include "config.h"

#include "kvsd/alloc.h"
#include "kvsd/applied.h"

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static char *copy_text(char **at, const char *text)
{
	size_t size = text_size(text);
	char *copy = *at;

	if (!text)
		return NULL;
	*at += size;
	return memcpy(copy, text, size);
}

static bool has_data(const struct db_op *op)
{
	return op->op == OP_put || op->op == OP_append;
}

/* A conditions or one that changed nothing isn't told to watches. */
static bool is_change(const struct db_op *op)
{
	return op->op == OP_make_namespace || op->ns_changed;
}

static void note_one(struct db *db, struct applied_op *to,
		     const struct db_op *op, bool keep, char **at)
{
	struct db_namespace_info info;

	to->op = op->op;
	if (op->op == OP_make_namespace) {
		to->op = APPLIED_NAMESPACE;
		to->ns = to->key = copy_text(at, op->key);
		return;
	}
	to->ns = copy_text(at, op->ns_changed);
	to->key = copy_text(at, op->key_changed);
	to->arg = copy_text(at, op->arg);
	to->target_ns = copy_text(at, op->target_ns);
	to->len = op->len;
	to->offset = op->offset;
	if (!db_namespace_info(db, op->ns_changed, true, &info))
		to->version = info.version;
	if (keep && has_data(op)) {
		to->data = *at;
		if (op->len)
			memcpy(*at, op->data, op->len);
		*at += op->len;
	}
}

struct applied *applied_create(struct db *db, const struct db_op *ops,
			       size_t count,
			       bool (*wanted)(const struct db_op *op,
					      void *arg), void *arg)
{
	size_t changes = 0, text = 0, kept = 0, n = 0;
	struct applied *applied;
	char *at;

	for (size_t i = 0; i < count; i++) {
		const struct db_op *op = &ops[i];

		if (!is_change(op))
			continue;
		changes++;
		text += text_size(op->ns_changed) + text_size(op->arg) +
			text_size(op->target_ns) + text_size(op->key) +
			text_size(op->key_changed);
		if (has_data(op) && wanted(op, arg))
			kept += op->len;
	}
	if (!changes)
		return NULL;
	applied = xcalloc(1, sizeof(*applied) +
			  changes * sizeof(struct applied_op) + text + kept);
	applied->ticket = db_ticket(db);
	applied->count = changes;
	applied->kept = kept;
	at = (char *)&applied->op[changes];
	for (size_t i = 0; i < count; i++)
		if (is_change(&ops[i]))
			note_one(db, &applied->op[n++], &ops[i],
				 has_data(&ops[i]) && wanted(&ops[i], arg),
				 &at);
	return applied;
}

struct applied *applied_namespace(struct db *db, const char *name)
{
	size_t size = strlen(name) + 1;
	struct applied *applied = xcalloc(1, sizeof(*applied) +
					  sizeof(struct applied_op) + size);

	applied->ticket = db_ticket(db);
	applied->count = 1;
	applied->op[0].op = APPLIED_NAMESPACE;
	applied->op[0].ns = applied->op[0].key =
		memcpy(&applied->op[1], name, size);
	return applied;
}
