/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of namespaces, and what namespaces and users hold and may hold.
 * weir-protocol(7), weir-kvs(7). */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "kvsd/dispatch.h"
#include "kvsd/ns_cmds.h"

/* ---- options ---- */

/* A number, "none" or "default". */
static int arg_limit(struct conn *c, const struct wire_frame *f,
		     const char *name, uint64_t *limit)
{
	const char *text = arg_option(f, name);

	if (!text)
		return 0;
	if (!strcmp(text, "none"))
		*limit = DB_NO_LIMIT;
	else if (!strcmp(text, "default"))
		*limit = DB_DEFAULT;
	else if (wire_parse_u64(text, limit) < 0 || *limit >= DB_NO_LIMIT) {
		reply_err(c, f->word[0], EINVAL, "%s=%.64s is no number, nor "
			  "none or default", name, text);
		return -1;
	}
	return 0;
}

static int arg_quota(struct conn *c, const struct wire_frame *f,
		     struct db_limits *quota)
{
	return arg_limit(c, f, "quota-keys", &quota->keys) < 0 ? -1 :
		arg_limit(c, f, "quota-bytes", &quota->bytes);
}

int arg_settings(struct conn *c, const struct wire_frame *f,
		 struct db_settings *set)
{
	const char *time = arg_option(f, "history-time");
	double seconds = 0;

	if (arg_quota(c, f, &set->quota) < 0 ||
	    arg_limit(c, f, "history-versions", &set->history_versions) < 0)
		return -1;
	if (!time)
		return 0;
	if (!strcmp(time, "default")) {
		set->history_time = DB_DEFAULT;
		return 0;
	}
	if (arg_seconds(c, f, "history-time", &seconds) < 0)
		return -1;
	set->history_time = seconds < 1e12 ? seconds * 1e6 : 1e18;
	return 0;
}

/* ---- replies ---- */

static void put_limit(struct wire_buf *b, const char *name, uint64_t limit)
{
	if (limit == DB_NO_LIMIT)
		wire_opt(b, name, "none");
	else
		wire_opt_u64(b, name, limit);
}

struct names {
	char text[80];
};

static void add_name(struct names *names, const char *name, uint64_t value)
{
	if (value == DB_DEFAULT)
		return;
	if (*names->text)
		strcat(names->text, ",");
	strcat(names->text, name);
}

/* What is in force, and which of it was set and is not the instance's. */
static void put_quota(struct wire_buf *b, const struct db_limits *force,
		      const struct db_limits *set, struct names *names)
{
	put_limit(b, "quota-keys", force->keys);
	put_limit(b, "quota-bytes", force->bytes);
	add_name(names, "quota-keys", set->keys);
	add_name(names, "quota-bytes", set->bytes);
}

/* There is no such namespace, which may depend on what is not durable. */
static void refuse(struct conn *c, const struct wire_frame *f, const char *ns)
{
	conn_depends(c);
	reply_err(c, f->word[0], ENOENT, "namespace %.255s does not exist",
		  ns);
}

/* ---- namespaces ---- */

void do_ns_set(struct conn *c, const struct wire_frame *f)
{
	const char *ns = arg_namespace(f->word[ARG]);
	struct db_error error = { EIO, "" };
	struct db_settings settings;

	if (db_namespace_settings(c->kvsd->db, ns, true, false, &settings)) {
		refuse(c, f, ns);
		return;
	}
	if (arg_settings(c, f, &settings) < 0)
		return;
	if (db_namespace_set(c->kvsd->db, ns, &settings, &error) < 0) {
		reply_error(c, f->word[0], &error);
		return;
	}
	conn_changed(c);
	reply_begin(c, f->word[0], "ok");
	reply_end(c);
}

static void tell(struct conn *c, const struct wire_frame *f,
		 const struct db_namespace_info *info)
{
	struct wire_buf *b = reply_begin(c, f->word[0], "ok");
	struct db_settings set, force;
	struct names names = { "" };

	db_namespace_settings(c->kvsd->db, info->name, false, false, &set);
	db_namespace_settings(c->kvsd->db, info->name, false, true, &force);
	wire_opt_u64(b, "owner", info->owner);
	wire_opt_u64(b, "version", info->version);
	wire_opt_u64(b, "history-starts",
		     db_history_start(c->kvsd->db, info->name));
	wire_opt_u64(b, "keys", info->keys);
	wire_opt_u64(b, "bytes", info->bytes);
	put_quota(b, &force.quota, &set.quota, &names);
	put_limit(b, "history-versions", force.history_versions);
	wire_opt_time(b, "history-time", force.history_time / 1e6);
	add_name(&names, "history-versions", set.history_versions);
	add_name(&names, "history-time", set.history_time);
	wire_opt(b, "set", names.text);
	reply_end(c);
}

void do_ns_info(struct conn *c, const struct wire_frame *f)
{
	const char *ns = arg_namespace(f->word[ARG]);
	struct db_namespace_info info;

	if (db_namespace_info(c->kvsd->db, ns, false, &info) < 0)
		refuse(c, f, ns);
	else if (c->role < WIRE_ADMIN &&
		 conn_check_namespace(ns, info.owner, c))
		reply_err(c, f->word[0], EPERM, "namespace %s belongs to "
			  "another user", ns);
	else
		tell(c, f, &info);
}

/* ---- users ---- */

static int arg_user(struct conn *c, const struct wire_frame *f, uint64_t *uid)
{
	if (!wire_parse_u64(f->word[ARG], uid) && *uid < (uid_t)-1)
		return 0;
	reply_err(c, f->word[0], EINVAL, "%.64s is no uid", f->word[ARG]);
	return -1;
}

void do_quota_set(struct conn *c, const struct wire_frame *f)
{
	struct db_user_info info;
	uint64_t uid;

	if (arg_user(c, f, &uid) < 0)
		return;
	db_user_info(c->kvsd->db, uid, &info);
	if (arg_quota(c, f, &info.quota) < 0)
		return;
	db_user_set(c->kvsd->db, uid, &info.quota);
	conn_changed(c);
	reply_begin(c, f->word[0], "ok");
	reply_end(c);
}

/* Counts are of what was applied. */
void do_quota(struct conn *c, const struct wire_frame *f)
{
	struct names names = { "" };
	struct db_user_info info;
	uint64_t uid = c->uid;
	struct wire_buf *b;

	if (f->words > ARG && arg_user(c, f, &uid) < 0)
		return;
	if (uid != c->uid && c->role < WIRE_ADMIN) {
		reply_err(c, f->word[0], EPERM, "other users' quotas are for "
			  "the instance's admins; you are uid %u",
			  (unsigned)c->uid);
		return;
	}
	db_user_info(c->kvsd->db, uid, &info);
	conn_depends(c);
	b = reply_begin(c, f->word[0], "ok");
	wire_opt_u64(b, "uid", uid);
	wire_opt_u64(b, "keys", info.keys);
	wire_opt_u64(b, "bytes", info.bytes);
	put_quota(b, &info.effective, &info.quota, &names);
	wire_opt(b, "set", names.text);
	reply_end(c);
}

static void put_word(struct wire_buf *b, uint64_t limit)
{
	if (limit == DB_NO_LIMIT)
		wire_verbatim(b, "none");
	else
		wire_u64(b, limit);
}

static int list_one(const struct db_user_info *info, void *arg)
{
	struct wire_buf *b = arg;

	if (!info->keys && info->quota.keys == DB_DEFAULT &&
	    info->quota.bytes == DB_DEFAULT)
		return 0;
	wire_u64(b, info->uid);
	wire_u64(b, info->keys);
	wire_u64(b, info->bytes);
	put_word(b, info->effective.keys);
	put_word(b, info->effective.bytes);
	return wire_end(b);
}

void do_quota_list(struct conn *c, const struct wire_frame *f)
{
	struct wire_buf text;

	wire_buf_init(&text);
	db_user_each(c->kvsd->db, list_one, &text);
	conn_depends(c);
	reply_begin(c, f->word[0], "ok");
	reply_payload(c, text.data, text.len);
	wire_buf_free(&text);
}
