/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of directories: values, directories, links. weir-treeobj(5).
 *
 * An entry is shared by reference between the states that it is part of; but
 * for being sealed, it never changes once others may see it. An entry whose
 * content has no hash yet is dirty: it owns a directory or a value that is
 * being written.
 */
#ifndef WEIR_KVSD_ENTRY_H
#define WEIR_KVSD_ENTRY_H

#include <string.h>

#include "kvsd/extent.h"
#include "kvsd/value.h"

#define ENTRY_INLINE_MAX	1024u
#define ENTRY_NAME_MAX		255u

enum entry_kind {
	ENTRY_GONE = 0,		/* a removal among changes; never stored */
	ENTRY_INLINE = 1,
	ENTRY_BLOB = 2,
	ENTRY_DIR = 3,
	ENTRY_LINK = 4,
};

struct dir;

struct entry {
	unsigned refs;
	uint8_t kind;
	uint8_t name_len;
	uint16_t len;		/* of the inline value, or the link's target */
	uint64_t size;		/* bytes; entries of a directory; see
				   entry_size */
	union {
		void *dirty;		/* NULL: it has its hash */
		struct dir *dir;	/* ENTRY_DIR */
		struct value *value;	/* ENTRY_BLOB */
	};
	char bytes[];	/* name NUL, then the inline value, the hash and of
			   a directory two numbers, or target NUL namespace
			   NUL */
};

struct entry *entry_gone(const char *name, size_t name_len);
struct entry *entry_inline(const char *name, size_t name_len,
			   const void *data, size_t len);
struct entry *entry_blob(const char *name, size_t name_len, uint64_t size,
			 const struct db_hash *hash);
struct entry *entry_dir(const char *name, size_t name_len,
			const struct extent *extent,
			const struct db_hash *hash);
struct entry *entry_link(const char *name, size_t name_len,
			 const char *target, const char *ns);
/* These two take over the reference. */
struct entry *entry_value(const char *name, size_t name_len,
			  struct value *value);
struct entry *entry_open_dir(const char *name, size_t name_len,
			     struct dir *dir);
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
struct extent entry_extent(const struct entry *entry);	/* ENTRY_DIR */
void entry_set_extent(struct entry *entry, const struct extent *extent);
/* What it adds to the directory that it is in: nothing, if NULL or of
 * ENTRY_GONE. */
struct extent entry_share(const struct entry *entry);

/* Byte order; a name that begins with another follows it. */
static inline int name_order(const void *a, size_t a_len, const void *b,
			     size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

#endif
