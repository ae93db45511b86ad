/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the key-value store, and namespaces. weir_kvs(3). */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/internal.h"

static weir_future_t *read_request(weir_t *h, const char *command,
				   const char *ns, const char *key,
				   const char *at)
{
	weir_future_t *f = request_begin(h, KIND_READ, command);

	if (!f)
		return NULL;
	wire_word(&h->out, namespace_word(ns));
	if (key)
		wire_word(&h->out, key);
	request_opt(h, "at", at);
	return f;
}

static weir_future_t *end(weir_future_t *f)
{
	return f ? request_end_none(f) : NULL;
}

weir_future_t *weir_kvs_get(weir_t *h, const char *ns, const char *key,
			    const char *at)
{
	return end(read_request(h, "get", ns, key, at));
}

weir_future_t *weir_kvs_stat(weir_t *h, const char *ns, const char *key,
			     const char *at)
{
	return end(read_request(h, "stat", ns, key, at));
}

weir_future_t *weir_kvs_readlink(weir_t *h, const char *ns, const char *key,
				 const char *at)
{
	return end(read_request(h, "readlink", ns, key, at));
}

weir_future_t *weir_kvs_root(weir_t *h, const char *ns, const char *at)
{
	return end(read_request(h, "root", ns, NULL, at));
}

weir_future_t *weir_kvs_list(weir_t *h, const char *ns, const char *key,
			     const char *at, const char *after,
			     unsigned limit)
{
	weir_future_t *f = read_request(h, "list", ns, key, at);

	if (!f)
		return NULL;
	request_opt(h, "after", after);
	if (limit)
		wire_opt_u64(&h->out, "limit", limit);
	return request_end_none(f);
}

/* The payload's lines are words in the protocol's escapes. */
static int next_line(weir_future_t *f, char **type, char **size, char **name)
{
	int r = future_line(f);
	char *rest;

	if (r <= 0)
		return r;
	*type = strtok_r(f->list_line, " ", &rest);
	*size = strtok_r(NULL, " ", &rest);
	*name = strtok_r(NULL, " ", &rest);
	if (!*type || !*size || !*name) {
		errno = EPROTO;
		return -1;
	}
	return 1;
}

int weir_kvs_list_next(weir_future_t *f, const char **type, uint64_t *size,
		       const char **name)
{
	char *t, *s, *n;
	int r;

	if (weir_future_get(f) < 0)
		return -1;
	r = next_line(f, &t, &s, &n);
	if (r <= 0)
		return r;
	if (wire_parse_u64(s, size) < 0 || wire_unescape(n) < 0) {
		errno = EPROTO;
		return -1;
	}
	*type = t;
	*name = n;
	return 1;
}

weir_future_t *weir_kvs_sync(weir_t *h, const char *ns, uint64_t version,
			     double timeout)
{
	weir_future_t *f = request_begin(h, KIND_READ, "sync");

	if (!f)
		return NULL;
	wire_word(&h->out, namespace_word(ns));
	f->cancelable = true;
	if (version)
		wire_u64(&h->out, version);
	if (timeout >= 0 && timeout < 1e9)
		wire_opt_time(&h->out, "timeout", timeout);
	return request_end_none(f);
}

static weir_future_t *namespace_create(weir_t *h, const char *name,
				       uid_t owner, const char *hash)
{
	weir_future_t *f = request_begin(h, KIND_ONCE, "ns-create");

	if (!f)
		return NULL;
	wire_word(&h->out, name);
	wire_opt_u64(&h->out, "owner", owner);
	request_opt(h, "root", hash);
	return f;
}

weir_future_t *weir_kvs_namespace_create(weir_t *h, const char *name,
					 uid_t owner, const char *hash)
{
	return end(namespace_create(h, name, owner, hash));
}

weir_future_t *weir_kvs_namespace_create_leased(weir_t *h, const char *name,
						uid_t owner, const char *hash,
						uint64_t lease)
{
	weir_future_t *f = namespace_create(h, name, owner, hash);

	if (f)
		wire_opt_u64(&h->out, "lease", lease);
	return end(f);
}

weir_future_t *weir_kvs_namespace_remove(weir_t *h, const char *name)
{
	weir_future_t *f = request_begin(h, KIND_ONCE, "ns-remove");

	if (!f)
		return NULL;
	wire_word(&h->out, name);
	return request_end_none(f);
}

weir_future_t *weir_kvs_namespace_list(weir_t *h)
{
	return end(request_begin(h, KIND_READ, "ns-list"));
}

weir_future_t *weir_kvs_snapshot(weir_t *h, const char *ns, const char *name,
				 const char *at)
{
	weir_future_t *f = request_begin(h, KIND_ONCE, "snapshot");

	if (!f)
		return NULL;
	wire_word(&h->out, namespace_word(ns));
	request_opt(h, "name", name);
	request_opt(h, "at", at);
	return request_end_none(f);
}

weir_future_t *weir_kvs_snapshot_remove(weir_t *h, const char *ns,
					const char *name)
{
	weir_future_t *f = request_begin(h, KIND_ONCE, "snapshot-remove");

	if (!f)
		return NULL;
	wire_word(&h->out, namespace_word(ns));
	wire_word(&h->out, name);
	return request_end_none(f);
}

weir_future_t *weir_kvs_snapshot_list(weir_t *h, const char *ns)
{
	return end(read_request(h, "snapshot-list", ns, NULL, NULL));
}
