/* SPDX-License-Identifier: Apache-2.0 */
/* The choke point: a frame becomes a call of its handler here and nowhere
 * else, after greeting, role and arguments were checked. Also the commands
 * about the connection itself. weir-protocol(7). */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "kvsd/alloc.h"
#include "kvsd/dispatch.h"
#include "kvsd/server.h"
#include "proto/daemon.h"

/* What a request does that was sent after a transaction of the same
 * connection that is not durable yet. */
enum how {
	NOW,	/* sees that transaction or joins it; its reply is held */
	PARK,	/* others would see its effect: done when that is durable */
	STALL,	/* the same, and nothing behind it is looked at before */
};

static const struct {
	void (*run)(struct conn *c, const struct wire_frame *f);
	enum how how;
} handlers[CMD_COUNT] = {
	[CMD_hello] = { do_hello, NOW },
	[CMD_ping] = { do_ping, NOW },
	[CMD_help] = { do_help, NOW },
	[CMD_quit] = { do_quit, STALL },
	[CMD_get] = { do_get, NOW },
	[CMD_stat] = { do_stat, STALL },
	[CMD_list] = { do_list, NOW },
	[CMD_readlink] = { do_readlink, NOW },
	[CMD_root] = { do_root, STALL },
	[CMD_sync] = { do_sync, STALL },
	[CMD_diff] = { do_diff, STALL },
	[CMD_dump] = { do_dump, STALL },
	[CMD_put] = { do_put, NOW },
	[CMD_append] = { do_append, NOW },
	[CMD_mkdir] = { do_mkdir, NOW },
	[CMD_link] = { do_link, NOW },
	[CMD_unlink] = { do_unlink, NOW },
	[CMD_commit] = { do_commit, NOW },
	[CMD_fence] = { do_fence, NOW },
	[CMD_ns_create] = { do_ns_create, NOW },
	[CMD_ns_remove] = { do_ns_remove, NOW },
	[CMD_ns_list] = { do_ns_list, STALL },
	[CMD_ns_set] = { do_ns_set, NOW },
	[CMD_ns_info] = { do_ns_info, STALL },
	[CMD_quota] = { do_quota, NOW },
	[CMD_quota_set] = { do_quota_set, NOW },
	[CMD_quota_list] = { do_quota_list, NOW },
	[CMD_snapshot] = { do_snapshot, NOW },
	[CMD_snapshot_remove] = { do_snapshot_remove, NOW },
	[CMD_snapshot_list] = { do_snapshot_list, STALL },
	[CMD_watch] = { do_watch, STALL },
	[CMD_cancel] = { do_cancel, PARK },
	[CMD_publish] = { do_publish, PARK },
	[CMD_subscribe] = { do_subscribe, PARK },
	[CMD_serve] = { do_serve, PARK },
	[CMD_reply] = { do_reply, PARK },
	[CMD_fail] = { do_fail, PARK },
	[CMD_call] = { do_call, PARK },
	[CMD_send] = { do_send, PARK },
	[CMD_lease] = { do_lease, NOW },
	[CMD_lease_renew] = { do_lease_renew, NOW },
	[CMD_lease_end] = { do_lease_end, NOW },
	[CMD_log] = { do_log, NOW },
	[CMD_log_read] = { do_log_read, PARK },
	[CMD_log_clear] = { do_log_clear, NOW },
	[CMD_stats] = { do_stats, NOW },
	[CMD_gc] = { do_gc, PARK },
};

/* ---- parking ---- */

/* A copy of F in one piece of memory. */
static struct parked *parked_create(const struct wire_frame *f)
{
	size_t size = sizeof(struct parked) + f->payload_len + 1;
	struct parked *p;
	char *at;

	for (int i = 0; i < f->words; i++)
		size += f->word_len[i] + 1;
	p = malloc(size);
	if (!p)
		return NULL;
	p->size = size;
	p->frame.words = f->words;
	p->frame.has_payload = f->has_payload;
	p->frame.payload_len = f->payload_len;
	p->frame.rest = NULL;
	at = p->bytes;
	for (int i = 0; i < f->words; i++) {
		p->frame.word[i] = at;
		p->frame.word_len[i] = f->word_len[i];
		memcpy(at, f->word[i], f->word_len[i] + 1);
		at += f->word_len[i] + 1;
	}
	p->frame.payload = at;
	if (f->payload_len)
		memcpy(at, f->payload, f->payload_len);
	return p;
}

static void park(struct conn *c, const struct wire_frame *f, bool stalls)
{
	struct parked *p = parked_create(f);

	if (!p) {
		reply_err(c, f->word[0], ENOMEM, "no memory to keep the "
			  "request until the transaction before it is "
			  "durable");
		return;
	}
	p->ticket = c->ticket;
	p->stalls = stalls;
	c->stalled = c->stalled || stalls;
	c->parked_size += p->size;
	STAILQ_INSERT_TAIL(&c->parked, p, next);
	server_wait(c);
}

/* ---- the choke point ---- */

/* The row of F's command, or NULL after an error reply. */
static const struct wire_command *admit(struct conn *c,
					const struct wire_frame *f)
{
	const char *tag = f->word[0];
	const struct wire_command *row;
	char why[512];

	if (f->words < 2) {
		reply_err(c, tag, EPROTO, "malformed line: no command follows "
			  "the tag");
		return NULL;
	}
	row = wire_command_find(f->word[1]);
	if (!row)
		reply_err(c, tag, ENOSYS, "there is no command '%.64s': help "
			  "lists them", f->word[1]);
	else if (!c->greeted && row->id != CMD_hello)
		reply_err(c, tag, EPROTO, "the first request must be hello");
	else if (c->role < row->role)
		reply_err(c, tag, EPERM, "%s is for the instance's %s; you "
			  "are uid %u, role %s", row->word,
			  wire_role_name(row->role), (unsigned)c->uid,
			  wire_role_name(c->role));
	else if (wire_command_check(row, f, ARG, why, sizeof(why)) < 0)
		reply_err(c, tag, EINVAL, "%s", why);
	else
		return row;
	return NULL;
}

void dispatch(struct conn *c, struct wire_frame *f)
{
	const struct wire_command *row = admit(c, f);
	enum how how;

	if (!row)
		return;
	how = handlers[row->id].how;
	if (how != NOW && (conn_outstanding(c) || !STAILQ_EMPTY(&c->parked))) {
		park(c, f, how == STALL);
		return;
	}
	c->kvsd->requests[row->id]++;
	handlers[row->id].run(c, f);
}

void dispatch_parked(struct conn *c, struct wire_frame *f)
{
	const struct wire_command *row = wire_command_find(f->word[1]);

	c->kvsd->requests[row->id]++;
	handlers[row->id].run(c, f);
}

/* ---- arguments ---- */

const char *arg_option(const struct wire_frame *f, const char *name)
{
	return wire_option(f, ARG, name);
}

int arg_u64(struct conn *c, const struct wire_frame *f, const char *name,
	    uint64_t *n)
{
	const char *text = arg_option(f, name);

	if (!text || !wire_parse_u64(text, n))
		return 0;
	reply_err(c, f->word[0], EINVAL, "%s=%.64s is no number", name, text);
	return -1;
}

int arg_seconds(struct conn *c, const struct wire_frame *f, const char *name,
		double *seconds)
{
	const char *text = arg_option(f, name);

	if (!text || !wire_parse_seconds(text, seconds))
		return 0;
	reply_err(c, f->word[0], EINVAL, "%s=%.64s is no number of seconds",
		  name, text);
	return -1;
}

int arg_flag(struct conn *c, const struct wire_frame *f, const char *name,
	     bool *flag)
{
	const char *text = arg_option(f, name);

	*flag = text && !strcmp(text, "1");
	if (!text || *flag || !strcmp(text, "0"))
		return 0;
	reply_err(c, f->word[0], EINVAL, "%s=%.64s is neither 0 nor 1", name,
		  text);
	return -1;
}

const char *arg_namespace(const char *word)
{
	return strcmp(word, "-") ? word : "primary";
}

int conn_check_namespace(const char *ns, uid_t owner, void *arg)
{
	const struct conn *c = arg;

	return c->role == WIRE_OWNER || c->uid == owner ? 0 : EPERM;
}

/* ---- the connection ---- */

static int choose_endpoint(struct conn *c, const struct wire_frame *f)
{
	const char *wanted = arg_option(f, "endpoint");
	static uint64_t next;
	char name[32];

	if (!wanted || c->role != WIRE_OWNER) {
		do
			snprintf(name, sizeof(name), "c%ju",
				 (uintmax_t)++next);
		while (server_endpoint_add(c, name) < 0);
		return 0;
	}
	if (!*wanted || strlen(wanted) > DB_NAME_MAX) {
		reply_err(c, f->word[0], EINVAL, "an endpoint's name has 1 to "
			  "%d bytes", DB_NAME_MAX);
		return -1;
	}
	if (server_endpoint_add(c, wanted) < 0) {
		reply_err(c, f->word[0], EEXIST, "endpoint %s is taken",
			  wanted);
		return -1;
	}
	return 0;
}

void do_hello(struct conn *c, const struct wire_frame *f)
{
	const char *name = arg_option(f, "name");
	struct wire_buf *b;

	if (c->greeted) {
		reply_err(c, f->word[0], EPROTO, "hello was said before");
		return;
	}
	if (strcmp(f->word[ARG], "1")) {
		reply_err(c, f->word[0], EPROTO, "protocol %.16s is not "
			  "spoken here: 1 is", f->word[ARG]);
		return;
	}
	if (choose_endpoint(c, f) < 0)
		return;
	c->greeted = true;
	if (name)
		c->name = xstrdup(name);
	b = reply_begin(c, f->word[0], "ok");
	wire_opt_u64(b, "protocol", WIRE_PROTOCOL);
	wire_opt(b, "server", "weir-" PACKAGE_VERSION);
	wire_opt(b, "instance", c->kvsd->instance);
	wire_opt(b, "endpoint", c->endpoint);
	wire_opt_u64(b, "uid", c->uid);
	wire_opt(b, "role", wire_role_name(c->role));
	wire_opt_u64(b, "payload-max", c->role == WIRE_OWNER ?
		     WIRE_PAYLOAD_OWNER : WIRE_PAYLOAD_USER);
	reply_end(c);
	daemon_log(LOG_DEBUG, "hello from %s", conn_name(c));
}

void do_ping(struct conn *c, const struct wire_frame *f)
{
	wire_opt_time(reply_begin(c, f->word[0], "ok"), "time", kvsd_now());
	reply_end(c);
}

static void help_row(struct wire_buf *b, const struct wire_command *row)
{
	char line[512];
	int len = snprintf(line, sizeof(line), "%s%s%s (%s): %s\n", row->word,
			   *row->synopsis ? " " : "", row->synopsis,
			   wire_role_name(row->role), row->help);

	wire_buf_add(b, line, len);
}

void do_help(struct conn *c, const struct wire_frame *f)
{
	const char *name = arg_option(f, "command");
	struct wire_buf text;

	if (name && !wire_command_find(name)) {
		reply_err(c, f->word[0], ENOENT, "there is no command '%.64s'",
			  name);
		return;
	}
	wire_buf_init(&text);
	for (int i = 0; i < CMD_COUNT; i++)
		if (!name || !strcmp(name, wire_commands[i].word))
			help_row(&text, &wire_commands[i]);
	reply_begin(c, f->word[0], "ok");
	reply_payload(c, text.data, text.len);
	wire_buf_free(&text);
}

void do_quit(struct conn *c, const struct wire_frame *f)
{
	reply_begin(c, f->word[0], "ok");
	reply_end(c);
	conn_finish(c);
}

void do_cancel(struct conn *c, const struct wire_frame *f)
{
	struct stream *s = stream_find(c, f->word[ARG]);

	if (!s) {
		reply_err(c, f->word[0], ENOENT, "tag %.16s stands for "
			  "nothing that can be canceled", f->word[ARG]);
		return;
	}
	s->ops->cancel(s);
	reply_begin(c, f->word[0], "ok");
	reply_end(c);
}
