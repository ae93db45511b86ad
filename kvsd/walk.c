/* SPDX-License-Identifier: Apache-2.0 */
/* Finding what a key stands for, over links and namespaces: see database.h.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "kvsd/alloc.h"
#include "kvsd/database.h"

int key_check(const char *key, struct db_error *error)
{
	size_t len = strlen(key), components = 0;
	const char *p = key;

	if (!strcmp(key, "."))
		return 0;
	if (len > DB_KEY_MAX)
		return db_fail(error, EINVAL, "a key of %zu bytes is too "
			       "long: %d at most", len, DB_KEY_MAX);
	for (;;) {
		size_t n = strcspn(p, ".");

		if (!n)
			return db_fail(error, EINVAL, "the key '%.255s' has an "
				       "empty component", key);
		if (n > ENTRY_NAME_MAX)
			return db_fail(error, EINVAL, "a key's component of "
				       "%zu bytes is too long: %u at most", n,
				       ENTRY_NAME_MAX);
		components++;
		if (!p[n])
			break;
		p += n + 1;
	}
	if (components > DB_COMPONENTS_MAX)
		return db_fail(error, EINVAL, "a key of %zu components is too "
			       "deep: %d at most", components,
			       DB_COMPONENTS_MAX);
	if (strpbrk(key, "\r\n"))
		return db_fail(error, EINVAL, "a key must not have line ends");
	return 0;
}

static int enter(struct walk *walk, struct namespace *ns,
		 struct db_error *error)
{
	int errnum = walk->check ? walk->check(ns->name, ns->owner, walk->arg)
				 : 0;

	if (errnum)
		return db_fail(error, errnum, "namespace %s belongs to another "
			       "user", ns->name);
	return 0;
}

static void note_link(struct walk *walk, size_t len)
{
	struct db_link *link;

	walk->link = xrealloc(walk->link,
			      (walk->links + 1) * sizeof(*walk->link));
	link = &walk->link[walk->links];
	strcpy(link->ns, walk->ns->name);
	memcpy(link->key, walk->key, len);
	link->key[len] = '\0';
}

/* The target in the place of the first LEN bytes of the key. */
static int substitute(struct walk *walk, const char *target, size_t len,
		      struct db_error *error)
{
	char key[2 * DB_KEY_MAX + 2];
	const char *rest = walk->key + len;	/* empty, or from a dot on */

	if (strcmp(target, "."))
		snprintf(key, sizeof(key), "%s%s", target, rest);
	else
		snprintf(key, sizeof(key), "%s", *rest ? rest + 1 : ".");
	if (key_check(key, error) < 0)
		return db_fail_prefix(error, "key %.64s: link to %.64s: ",
				      walk->key, target);
	strcpy(walk->key, key);
	return 0;
}

/* Whoever follows it: a link leads where the owner of its own namespace may
 * go, who may have made it to lead the instance's daemons astray. */
static bool may_lead(const struct walk *walk, const struct namespace *to)
{
	const struct namespace *from = walk->ns;

	return from->owner == to->owner ||
	       from->owner == namespace_find(walk->db, "primary",
					     true)->owner;
}

/* LINK stands for the first LEN bytes of the key. */
static int follow(struct walk *walk, const struct entry *link, size_t len,
		  struct namespace *home, struct entry *home_root,
		  struct db_error *error)
{
	const char *name = entry_target_ns(link);
	struct namespace *ns = walk->ns;

	if (walk->links == DB_LINKS_MAX)
		return db_fail(error, ELOOP, "key %.64s: more than %d links on "
			       "the way", walk->key, DB_LINKS_MAX);
	if (walk->note_links)
		note_link(walk, len);
	walk->links++;
	if (name) {
		ns = namespace_find(walk->db, name, walk->applied);
		walk->no_namespace = !ns;
		if (!ns)
			return db_fail(error, ENOENT, "key %.64s: a link leads "
				       "into namespace %s, which does not "
				       "exist", walk->key, name);
		if (ns != walk->ns && enter(walk, ns, error) < 0)
			return -1;
		if (!may_lead(walk, ns))
			return db_fail(error, EPERM, "key %.64s: a link leads "
				       "into namespace %s, which is not its "
				       "owner's", walk->key, name);
	}
	if (substitute(walk, entry_target(link), len, error) < 0)
		return -1;
	if (ns != walk->ns) {
		walk->ns = ns;
		walk->root = ns == home ? home_root : walk->applied ?
			ns->applied.root : ns->durable.root;
	}
	return 0;
}

static int no_entry(struct walk *walk, struct db_error *error)
{
	switch (errno) {
	case ENOENT:
		return db_fail(error, ENOENT, "key %.300s does not exist in "
			       "namespace %.100s", walk->key, walk->ns->name);
	case ENOTDIR:
		return db_fail(error, ENOTDIR, "key %.300s of namespace "
			       "%.100s: a component before the last is not a "
			       "directory", walk->key, walk->ns->name);
	}
	return db_fail(error, EIO, "key %.200s of namespace %.64s: directory "
		       "%s", walk->key, walk->ns->name, walk->db->tree.why);
}

/* One way through the key: the entry, or the first link on it that must be
 * followed, with *LEN the length of the key up to there (else 0). */
static struct entry *pass(struct walk *walk, size_t *len)
{
	struct entry *entry = entry_ref(walk->root), *child;
	const char *p = walk->key;
	int errnum;

	*len = 0;
	if (!strcmp(p, "."))
		return entry;
	for (;;) {
		size_t n = strcspn(p, ".");

		child = tree_child(&walk->db->tree, entry, p, n);
		errnum = errno;
		entry_unref(entry);
		errno = errnum;
		if (!child)
			return NULL;
		p += n;
		if (child->kind == ENTRY_LINK && (*p || !walk->nofollow))
			*len = p - walk->key;
		if (*len || !*p)
			return child;
		entry = child;
		p++;
	}
}

struct entry *walk_run(struct walk *walk, const char *key,
		       struct db_error *error)
{
	struct namespace *home = walk->ns;
	struct entry *home_root = walk->root, *entry;
	int rc, errnum;
	size_t len;

	walk->key[0] = '\0';
	walk->links = 0;
	walk->link = NULL;
	walk->no_namespace = false;
	if (key_check(key, error) < 0 || enter(walk, home, error) < 0)
		return NULL;
	strcpy(walk->key, key);
	for (;;) {
		entry = pass(walk, &len);
		if (!entry)
			no_entry(walk, error);
		if (!entry || !len)
			return entry;
		rc = follow(walk, entry, len, home, home_root, error);
		errnum = errno;
		entry_unref(entry);
		errno = errnum;
		if (rc < 0)
			return NULL;
	}
}
