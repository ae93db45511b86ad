/* SPDX-License-Identifier: Apache-2.0 */
/* Writing: one operation, or a commit with a payload of them. Everything is
 * checked and copied into a struct db_op before the database sees it; what
 * was applied is noted for the watches. weir-protocol(7), Writing. */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"
#include "kvsd/error.h"
#include "kvsd/lease_cmds.h"
#include "kvsd/watch.h"
#include "kvsd/write_cmds.h"

#define WORDS_KEEP	(1u << 20)	/* memory to keep between commits */
#define OPERATIONS_MAX	1000000u

/* Memory that the commits use one after the other. */
struct scratch {
	struct wire_decoder *decoder;	/* of operations; between frames */
	struct db_op *ops;
	size_t room;
	char *words;		/* of the operations, NUL-terminated */
	size_t words_room, words_used;
};

void scratch_create(struct kvsd *k)
{
	k->scratch = xcalloc(1, sizeof(*k->scratch));
}

static void trim(struct scratch *s)
{
	if (s->words_room > WORDS_KEEP) {
		free(s->words);
		s->words = NULL;
		s->words_room = 0;
	}
	if (s->room > WORDS_KEEP / sizeof(*s->ops)) {
		free(s->ops);
		s->ops = NULL;
		s->room = 0;
	}
}

void scratch_destroy(struct kvsd *k)
{
	struct scratch *s = k->scratch;

	if (!s)
		return;
	wire_decoder_destroy(s->decoder);
	free(s->ops);
	free(s->words);
	free(s);
	k->scratch = NULL;
}

/* ---- from words to an operation ---- */

__attribute__((format(printf, 3, 4)))
static int fail(struct db_error *error, int errnum, const char *fmt, ...)
{
	va_list ap;

	error->errnum = errnum;
	va_start(ap, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, ap);
	va_end(ap);
	return -1;
}

static int flag_option(const struct wire_frame *f, int first,
		       const char *name, int bit, struct db_op *op,
		       struct db_error *error)
{
	const char *text = wire_option(f, first, name);

	if (!text || !strcmp(text, "0"))
		return 0;
	if (strcmp(text, "1"))
		return fail(error, EINVAL, "%s=%.32s is neither 0 nor 1", name,
			    text);
	op->flags |= bit;
	return 0;
}

static int owner_only(struct conn *c, const char *word,
		      struct db_error *error)
{
	return c->role == WIRE_OWNER ? 0 :
		fail(error, EPERM, "%s is for the instance's owner", word);
}

static int owner_option(struct conn *c, const char *text, struct db_op *op,
			struct db_error *error)
{
	uint64_t uid = c->kvsd->owner;

	if (text && (wire_parse_u64(text, &uid) < 0 || uid >= (uid_t)-1))
		return fail(error, EINVAL, "owner=%.32s is no uid", text);
	op->owner = uid;
	return 0;
}

static const char *namespace_option(const struct wire_frame *f, int first,
				    const char *name)
{
	const char *text = wire_option(f, first, name);

	return text ? arg_namespace(text) : NULL;
}

static int copy_options(struct conn *c, const struct wire_frame *f, int first,
			struct db_op *op, struct db_error *error)
{
	struct db_hash hash;

	op->target_ns = namespace_option(f, first, "source-ns");
	op->at = wire_option(f, first, "at");
	return !op->at || db_hash_parse(op->at, &hash) < 0 ? 0 :
		owner_only(c, "at=HASH", error);
}

static int version_argument(const char *text, struct db_op *op,
			    struct db_error *error)
{
	return wire_parse_u64(text, &op->number) < 0 ?
		fail(error, EINVAL, "'%.32s' is no version", text) : 0;
}

/* ROW's arguments are F's words from FIRST on, and were counted. */
static int op_fill(struct conn *c, const struct wire_command *row,
		   const struct wire_frame *f, int first, struct db_op *op,
		   struct db_error *error)
{
	*op = (struct db_op) { .op = row->id, .key = f->word[first],
			       .data = f->payload, .len = f->payload_len };
	if (row->positional > 1)
		op->arg = f->word[first + 1];
	switch (op->op) {
	case OP_put:
		return lease_check(c, wire_option(f, first, "lease"),
				   &op->number, error);
	case OP_enqueue:
		op->arg = wire_option(f, first, "suffix");
		return lease_check(c, wire_option(f, first, "lease"),
				   &op->number, error);
	case OP_append:
	case OP_mkdir:
	case OP_if_absent:
	case OP_if_present:
	case OP_if_value:
		return 0;
	case OP_link:
		op->target_ns = namespace_option(f, first, "target-ns");
		return 0;
	case OP_copy:
		return copy_options(c, f, first, op, error);
	case OP_unlink:
		op->target_ns = namespace_option(f, first, "ns");
		return flag_option(f, first, "recursive",
				   DB_UNLINK_RECURSIVE, op, error) < 0 ? -1 :
			flag_option(f, first, "force", DB_UNLINK_FORCE, op,
				    error);
	case OP_make_namespace:
		return owner_only(c, row->word, error) < 0 ? -1 :
			owner_option(c, wire_option(f, first, "owner"), op,
				     error);
	case OP_graft:
	case OP_adopt:
		return owner_only(c, row->word, error);
	case OP_if_unchanged:
		return version_argument(op->arg, op, error);
	case OP_if_root:
		op->key = NULL;
		return version_argument(f->word[first], op, error);
	case OP_COUNT:
		break;
	}
	assert(!"an operation that the table doesn't have");
	return -1;
}

/* ---- applying ---- */

static void refuse(struct conn *c, const char *tag, const struct db_op *ops,
		   const struct db_error *error)
{
	const struct db_conflict *conflict = db_conflict(c->kvsd->db);
	const struct db_op *op = &ops[conflict->number - 1];
	char hash[2 * DB_HASH_SIZE + 1];
	struct wire_buf b;

	wire_buf_init(&b);
	wire_opt_u64(&b, "condition", conflict->number);
	if (op->key)
		wire_opt(&b, "key", op->key);
	if (conflict->found)
		wire_opt(&b, "found", conflict->found);
	if (conflict->has_hash) {
		db_hash_text(&conflict->hash, hash);
		wire_opt(&b, "hash", hash);
	}
	wire_opt_u64(&b, "version", conflict->version);
	reply_err(c, tag, error->errnum, "%s [%.*s]", error->text,
		  (int)b.len, b.data);
	wire_buf_free(&b);
}

static int apply(struct conn *c, const char *ns, struct db_op *ops,
		 size_t count, uint64_t *version, struct db_error *error)
{
	error->errnum = EIO;
	error->text[0] = '\0';
	if (db_apply(c->kvsd->db, ns, ops, count, conn_check_namespace, c,
		     version, error) < 0)
		return -1;
	conn_changed(c);
	watches_record(c->kvsd, ops, count);
	return 0;
}

/* What was found may not be durable, so that this waits, too: who is refused
 * can then read why, also after a restart. */
static void reply_refused(struct conn *c, const char *tag,
			  const struct db_op *ops,
			  const struct db_error *error)
{
	conn_depends(c);
	if (error->errnum == ECANCELED)
		refuse(c, tag, ops, error);
	else
		reply_error(c, tag, error);
}

static void apply_one(struct conn *c, const struct wire_frame *f,
		      enum wire_operation_id id)
{
	struct db_error error;
	uint64_t version;
	struct db_op op;

	if (op_fill(c, &wire_operations[id], f, ARG + 1, &op, &error) < 0)
		reply_error(c, f->word[0], &error);
	else if (apply(c, arg_namespace(f->word[ARG]), &op, 1, &version,
		       &error) < 0)
		reply_refused(c, f->word[0], &op, &error);
	else
		reply_version(c, f->word[0], version, NULL);
}

void do_put(struct conn *c, const struct wire_frame *f)
{
	apply_one(c, f, OP_put);
}

void do_append(struct conn *c, const struct wire_frame *f)
{
	apply_one(c, f, OP_append);
}

void do_mkdir(struct conn *c, const struct wire_frame *f)
{
	apply_one(c, f, OP_mkdir);
}

void do_link(struct conn *c, const struct wire_frame *f)
{
	apply_one(c, f, OP_link);
}

void do_unlink(struct conn *c, const struct wire_frame *f)
{
	apply_one(c, f, OP_unlink);
}

/* ---- commit ---- */

static struct db_op *ops_room(struct scratch *s, size_t count)
{
	if (count == s->room) {
		s->room = s->room ? 2 * s->room : 16;
		s->ops = xrealloc(s->ops, s->room * sizeof(*s->ops));
	}
	return &s->ops[count];
}

/* The decoder's words last until its next frame: copies them. The room was
 * made for the whole payload, which the words of its lines can't exceed. */
static void keep_words(struct scratch *s, struct wire_frame *f)
{
	for (int i = 0; i < f->words; i++) {
		char *copy = s->words + s->words_used;

		memcpy(copy, f->word[i], f->word_len[i] + 1);
		f->word[i] = copy;
		s->words_used += f->word_len[i] + 1;
		assert(s->words_used <= s->words_room);
	}
}

/* Room for the words of a payload of LEN bytes: each word takes a byte more
 * than its text, as the space or line feed behind it did; the tag that is put
 * before each line is counted by the smallest line, of 8 bytes. */
static void words_begin(struct scratch *s, size_t len)
{
	size_t need = len + len / 2 + 64;

	s->words_used = 0;
	if (need > s->words_room) {
		free(s->words);
		s->words = xmalloc(need);
		s->words_room = need;
	}
}

/* One operation. Operations have no tag, so the decoder is given one. */
static enum wire_status next_frame(struct scratch *s, const char *data,
				   size_t len, size_t *used,
				   struct wire_frame **f)
{
	size_t n;

	if (!s->decoder)
		s->decoder = wire_decoder_create(true, WIRE_PAYLOAD_OWNER);
	if (!s->decoder)
		abort();
	wire_decode(s->decoder, "- ", 2, &n, f);
	return wire_decode(s->decoder, data, len, used, f);
}

static int parse_one(struct conn *c, struct wire_frame *f, struct db_op *op,
		     struct db_error *error)
{
	const struct wire_command *row;

	if (f->words < 2)
		return fail(error, EPROTO, "an empty line");
	row = wire_operation_find(f->word[1]);
	if (!row)
		return fail(error, EINVAL, "there is no operation '%.32s'",
			    f->word[1]);
	if (wire_command_check(row, f, 2, error->text,
			       sizeof(error->text)) < 0) {
		error->errnum = EINVAL;
		return -1;
	}
	keep_words(c->kvsd->scratch, f);
	return op_fill(c, row, f, 2, op, error);
}

/* All operations of DATA: their number, or minus that of the wrong one, with
 * ERROR. */
static ssize_t parse_all(struct conn *c, const char *data, size_t len,
			 struct db_error *error)
{
	struct scratch *s = c->kvsd->scratch;
	const char *tag, *text;
	size_t count = 0, used;
	struct wire_frame *f;
	int rc = 0;

	words_begin(s, len);
	for (; len && !rc; data += used, len -= used) {
		switch (next_frame(s, data, len, &used, &f)) {
		case WIRE_FRAME:
			if (count == OPERATIONS_MAX)
				rc = fail(error, E2BIG, "more than %u "
					  "operations", OPERATIONS_MAX);
			else
				rc = parse_one(c, f, ops_room(s, count),
					       error);
			break;
		case WIRE_MORE:
			rc = fail(error, EPROTO, "it is not complete");
			break;
		case WIRE_BAD:
		case WIRE_BROKEN:
			error->errnum = wire_decoder_error(s->decoder, &tag,
							   &text);
			rc = fail(error, error->errnum, "%s", text);
			break;
		}
		count++;
	}
	if (!rc)
		return count;
	wire_decoder_destroy(s->decoder);	/* perhaps inside a frame */
	s->decoder = NULL;
	return -(ssize_t)count;
}

void do_commit(struct conn *c, const struct wire_frame *f)
{
	const char *ns = arg_namespace(f->word[ARG]), *tag = f->word[0];
	struct scratch *s = c->kvsd->scratch;
	bool want_hash, merge = true;
	struct db_error error;
	uint64_t version;
	ssize_t count;

	if (arg_flag(c, f, "hash", &want_hash) < 0 ||
	    (arg_option(f, "merge") && arg_flag(c, f, "merge", &merge) < 0))
		return;
	count = parse_all(c, f->payload, f->payload_len, &error);
	if (count < 0) {
		reply_err(c, tag, error.errnum, "operation %zd: %s", -count,
			  error.text);
	} else if (apply(c, ns, s->ops, count, &version, &error) < 0) {
		reply_refused(c, tag, s->ops, &error);
	} else {
		if (!merge)
			db_keep_version(c->kvsd->db, ns);
		reply_version(c, tag, version, want_hash ? ns : NULL);
	}
	trim(s);
}

/* ---- for fences ---- */

int commit_check(struct conn *c, const char *data, size_t len,
		 struct db_error *error)
{
	ssize_t count = parse_all(c, data, len, error);

	if (count < 0)
		db_fail_prefix(error, "operation %zd: ", -count);
	trim(c->kvsd->scratch);
	return count < 0 ? -1 : 0;
}

void commit_for(struct conn *c, const char *ns, const char *data, size_t len,
		struct commit_party *party, size_t parties)
{
	struct scratch *s = c->kvsd->scratch;
	struct db_error error;
	uint64_t version;
	ssize_t count = parse_all(c, data, len, &error);
	bool done = false;

	if (count < 0)
		db_fail_prefix(&error, "operation %zd: ", -count);
	else
		done = !apply(c, ns, s->ops, count, &version, &error);
	for (size_t i = 0; i < parties; i++) {
		struct conn *to = party[i].conn;

		if (done) {
			conn_changed(to);
			reply_version(to, party[i].tag, version, NULL);
		} else if (count < 0) {
			reply_error(to, party[i].tag, &error);
		} else {
			reply_refused(to, party[i].tag, s->ops, &error);
		}
	}
	trim(s);
}
