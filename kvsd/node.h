/* SPDX-License-Identifier: Apache-2.0 */
/* Directory nodes in memory and as bytes. weir-treeobj(5).
 *
 * An entry is shared by reference between the nodes of successive states; but
 * for being sealed, it never changes once others may see it. An entry whose
 * content has no hash yet is dirty: it owns a node or a value that is being
 * written. A node may be changed under its token only, and never once sealed.
 */
#ifndef WEIR_KVSD_NODE_H
#define WEIR_KVSD_NODE_H

#include "kvsd/blob.h"
#include "kvsd/value.h"

#define NODE_INLINE_MAX	1024u
#define NODE_NAME_MAX	255u
#define NODE_SIZE_MAX	(256u << 20)	/* encoded bytes */

enum entry_kind {
	ENTRY_INLINE = 1,
	ENTRY_BLOB = 2,
	ENTRY_DIR = 3,
	ENTRY_LINK = 4,
};

struct node;

struct entry {
	unsigned refs;
	uint8_t kind;
	uint8_t name_len;
	uint16_t len;		/* of the inline value, or the link's target */
	uint64_t size;		/* bytes; entries of a directory; see
				   entry_size */
	union {
		void *dirty;		/* NULL: it has its hash */
		struct node *node;	/* ENTRY_DIR */
		struct value *value;	/* ENTRY_BLOB */
	};
	char bytes[];	/* name NUL, then the inline value, the hash, or
			   target NUL namespace NUL */
};

struct entry *entry_inline(const char *name, size_t name_len,
			   const void *data, size_t len);
struct entry *entry_blob(const char *name, size_t name_len, uint64_t size,
			 const struct db_hash *hash);
struct entry *entry_dir(const char *name, size_t name_len, uint64_t count,
			const struct db_hash *hash);
struct entry *entry_link(const char *name, size_t name_len,
			 const char *target, const char *ns);
/* These two take over the reference. */
struct entry *entry_value(const char *name, size_t name_len,
			  struct value *value);
struct entry *entry_node(const char *name, size_t name_len, struct node *node);
/* The same content under another name. */
struct entry *entry_rename(const struct entry *entry, const char *name,
			   size_t name_len);
struct entry *entry_ref(struct entry *entry);
void entry_unref(struct entry *entry);

const void *entry_data(const struct entry *entry);	/* ENTRY_INLINE */
struct db_hash *entry_hash(const struct entry *entry);	/* not dirty */
const char *entry_target(const struct entry *entry);
const char *entry_target_ns(const struct entry *entry);	/* or NULL */
uint64_t entry_size(const struct entry *entry);

struct node {
	unsigned refs;
	bool sealed;
	uint64_t token;
	struct db_hash hash;	/* if sealed */
	size_t encoded;		/* bytes */
	size_t count, room;
	struct entry **entry;	/* by name, in byte order */
	struct node *newer, *older, *next;	/* cache.c */
};

struct node *node_create(uint64_t token);
struct node *node_clone(const struct node *node, uint64_t token);
struct node *node_ref(struct node *node);
void node_unref(struct node *node);
size_t node_memory(const struct node *node);	/* bytes, about */

/* Position of NAME, or where it would go; *FOUND says which. */
size_t node_search(const struct node *node, const char *name, size_t len,
		   bool *found);
/* Takes ENTRY; returns the one that it replaces, or NULL. */
struct entry *node_set(struct node *node, struct entry *entry);
/* The caller owns what was taken out. */
struct entry *node_remove(struct node *node, size_t at);
/* What ENTRY takes of a node's encoding. */
size_t entry_encoded(const struct entry *entry);

/* All entries must have their hashes. */
struct blob *node_encode(const struct node *node);
/* A sealed node, its hash for the caller to set; NULL with *WHY if DATA is not
 * exactly what node_encode would have made of it. */
struct node *node_decode(const unsigned char *data, size_t len,
			 const char **why);

/* Calls CB for each blob that the directory's blob DATA names, in its order:
 * KIND is BLOB_DIRECTORY (SIZE is the number of entries), or BLOB_LEAF or
 * BLOB_BRANCH, the root of a value of SIZE bytes. What CB returns if not 0
 * ends it and is returned; -1 with errno EIO and *WHY if DATA is malformed. */
typedef int node_child_f(enum blob_kind kind, const struct db_hash *hash,
			 uint64_t size, void *arg);
int node_each_child(const unsigned char *data, size_t len, node_child_f *cb,
		    void *arg, const char **why);

#endif
