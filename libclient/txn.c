/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: the payload of commit, built step by step. weir_txn(3). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "libclient/internal.h"

struct weir_txn {
	struct wire_buf ops;
	size_t count;
	int failed;	/* errno of the first step that did */
};

weir_txn_t *weir_txn_create(void)
{
	weir_txn_t *txn = calloc(1, sizeof(*txn));

	if (txn)
		wire_buf_init(&txn->ops);
	return txn;
}

void weir_txn_destroy(weir_txn_t *txn)
{
	int e = errno;

	if (txn) {
		wire_buf_free(&txn->ops);
		free(txn);
	}
	errno = e;
}

void weir_txn_clear(weir_txn_t *txn)
{
	wire_buf_reset(&txn->ops);
	txn->count = 0;
	txn->failed = 0;
}

size_t weir_txn_count(const weir_txn_t *txn)
{
	return txn->count;
}

static struct wire_buf *begin(weir_txn_t *txn, const char *op,
			      const char *key)
{
	wire_verbatim(&txn->ops, op);
	wire_word(&txn->ops, key);
	return &txn->ops;
}

static int end(weir_txn_t *txn, int r)
{
	if (r == 0)
		txn->count++;
	else if (!txn->failed)
		txn->failed = errno;
	return r;
}

int weir_txn_put(weir_txn_t *txn, const char *key, const void *data,
		 size_t len)
{
	return end(txn, wire_end_payload(begin(txn, "put", key), data, len));
}

int weir_txn_put_leased(weir_txn_t *txn, const char *key, const void *data,
			size_t len, uint64_t lease)
{
	struct wire_buf *b = begin(txn, "put", key);

	wire_opt_u64(b, "lease", lease);
	return end(txn, wire_end_payload(b, data, len));
}

int weir_txn_append(weir_txn_t *txn, const char *key, const void *data,
		    size_t len)
{
	return end(txn, wire_end_payload(begin(txn, "append", key), data,
					 len));
}

int weir_txn_enqueue(weir_txn_t *txn, const char *key, const void *data,
		     size_t len, uint64_t lease, const char *suffix)
{
	struct wire_buf *b = begin(txn, "enqueue", key);

	if (lease)
		wire_opt_u64(b, "lease", lease);
	if (suffix)
		wire_opt(b, "suffix", suffix);
	return end(txn, wire_end_payload(b, data, len));
}

int weir_txn_mkdir(weir_txn_t *txn, const char *key)
{
	return end(txn, wire_end(begin(txn, "mkdir", key)));
}

int weir_txn_link(weir_txn_t *txn, const char *key, const char *target,
		  const char *target_ns)
{
	struct wire_buf *b = begin(txn, "link", key);

	wire_word(b, target);
	if (target_ns)
		wire_opt(b, "target-ns", target_ns);
	return end(txn, wire_end(b));
}

int weir_txn_unlink(weir_txn_t *txn, const char *key, int flags)
{
	struct wire_buf *b = begin(txn, "unlink", key);

	if (flags & WEIR_UNLINK_RECURSIVE)
		wire_opt(b, "recursive", "1");
	if (flags & WEIR_UNLINK_FORCE)
		wire_opt(b, "force", "1");
	return end(txn, wire_end(b));
}

static int two_words(weir_txn_t *txn, const char *op, const char *key,
		     const char *word)
{
	struct wire_buf *b = begin(txn, op, key);

	wire_word(b, word);
	return end(txn, wire_end(b));
}

int weir_txn_graft(weir_txn_t *txn, const char *key, const char *hash)
{
	return two_words(txn, "graft", key, hash);
}

int weir_txn_copy(weir_txn_t *txn, const char *key, const char *source,
		  const char *source_ns, const char *at)
{
	struct wire_buf *b = begin(txn, "copy", key);

	wire_word(b, source);
	if (source_ns)
		wire_opt(b, "source-ns", source_ns);
	if (at)
		wire_opt(b, "at", at);
	return end(txn, wire_end(b));
}

int weir_txn_move(weir_txn_t *txn, const char *key, const char *source,
		  const char *source_ns)
{
	struct wire_buf *b = begin(txn, "unlink", source);

	wire_opt(b, "recursive", "1");
	if (source_ns)
		wire_opt(b, "ns", source_ns);
	if (end(txn, wire_end(b)) < 0)
		return -1;
	return weir_txn_copy(txn, key, source, source_ns, NULL);
}

int weir_txn_make_namespace(weir_txn_t *txn, const char *name, uid_t owner)
{
	struct wire_buf *b = begin(txn, "make-namespace", name);

	wire_opt_u64(b, "owner", owner);
	return end(txn, wire_end(b));
}

int weir_txn_adopt(weir_txn_t *txn, const char *key, const char *name)
{
	return two_words(txn, "adopt", key, name);
}

int weir_txn_if_absent(weir_txn_t *txn, const char *key)
{
	return end(txn, wire_end(begin(txn, "if-absent", key)));
}

int weir_txn_if_present(weir_txn_t *txn, const char *key)
{
	return end(txn, wire_end(begin(txn, "if-present", key)));
}

int weir_txn_if_value(weir_txn_t *txn, const char *key, const char *hash)
{
	return two_words(txn, "if-value", key, hash);
}

int weir_txn_if_unchanged(weir_txn_t *txn, const char *key, uint64_t version)
{
	struct wire_buf *b = begin(txn, "if-unchanged", key);

	wire_u64(b, version);
	return end(txn, wire_end(b));
}

int weir_txn_if_root(weir_txn_t *txn, uint64_t version)
{
	wire_verbatim(&txn->ops, "if-root");
	wire_u64(&txn->ops, version);
	return end(txn, wire_end(&txn->ops));
}

weir_future_t *weir_kvs_commit(weir_t *h, const char *ns,
			       const weir_txn_t *txn, int flags)
{
	weir_future_t *f;

	if (txn->failed) {
		errno = txn->failed;
		return NULL;
	}
	f = request_begin(h, KIND_ONCE, "commit");
	if (!f)
		return NULL;
	wire_word(&h->out, namespace_word(ns));
	if (flags & WEIR_COMMIT_HASH)
		wire_opt(&h->out, "hash", "1");
	if (flags & WEIR_COMMIT_NO_MERGE)
		wire_opt(&h->out, "merge", "0");
	return request_end(f, txn->ops.data, txn->ops.mark);
}

weir_future_t *weir_kvs_fence(weir_t *h, const char *ns, const char *name,
			      unsigned count, const weir_txn_t *txn,
			      double timeout)
{
	weir_future_t *f;

	if (txn->failed) {
		errno = txn->failed;
		return NULL;
	}
	f = request_begin(h, KIND_ONCE, "fence");
	if (!f)
		return NULL;
	f->cancelable = true;
	wire_word(&h->out, namespace_word(ns));
	wire_word(&h->out, name);
	wire_u64(&h->out, count);
	if (timeout >= 0 && timeout < 1e9)
		wire_opt_time(&h->out, "timeout", timeout);
	return request_end(f, txn->ops.data, txn->ops.mark);
}
