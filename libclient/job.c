/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs: submitting, acting on them, their events. The instance's owner reads
 * the store itself, others ask schedd. weir_job(3), weir-jobs(7). */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libclient/internal.h"
#include "libclient/job_events.h"
#include "proto/envelope.h"
#include "proto/jobid.h"
#include "proto/signkey.h"

static bool is_owner(weir_t *h)
{
	const char *role = weir_greeting(h, "role");

	return role && !strcmp(role, "owner");
}

/* Calls METHOD with BODY, which is taken. AGAIN: to be asked twice does no
 * harm. */
static weir_future_t *call_json(weir_t *h, const char *method, json_t *body,
				bool again)
{
	weir_future_t *f = NULL;
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;

	if (text && again)
		f = call_again(h, method, text, strlen(text));
	else if (text)
		f = weir_rpc(h, method, text, strlen(text), -1);
	else
		errno = body ? ENOMEM : EINVAL;
	free(text);
	json_decref(body);
	return f;
}

weir_future_t *weir_job_submit_signed(weir_t *h, const char *envelope,
				      int urgency, int flags)
{
	return call_json(h, "job-ingest.submit",
			 json_pack("{s:s s:i s:i}", "J", envelope,
				   "urgency", urgency, "flags", flags), true);
}

weir_future_t *weir_job_submit(weir_t *h, const char *jobspec, int urgency,
			       int flags)
{
	struct envelope_params p = {
		.mechanism = getenv("WEIR_SIGN_MECHANISM"),
		.userid = getuid(),
		.instance = weir_greeting(h, "instance"),
		.time = time(NULL),
		.lifetime = ENVELOPE_LIFETIME,
	};
	struct proto_error error;
	struct signkey *key = NULL;
	weir_future_t *f = NULL;
	char *envelope;
	int e;

	if (!p.mechanism || !*p.mechanism)
		p.mechanism = is_owner(h) ? "none" : "munge";
	if (!strcmp(p.mechanism, "sodium")) {
		key = signkey_open(NULL, &error);
		if (!key)
			goto refused;
		p.key = key;
	}
	envelope = envelope_pack(&p, jobspec, strlen(jobspec), &error);
	e = errno;
	signkey_destroy(key);
	errno = e;
	if (!envelope)
		goto refused;
	f = weir_job_submit_signed(h, envelope, urgency, flags);
	e = errno;
	free(envelope);
	errno = e;
	return f;
refused:
	/* as a future, so that the text reaches whoever asked */
	e = errno;
	f = future_create(h, KIND_ONCE);
	if (f)
		future_fail(f, e, "cannot sign the job: %s", error.text);
	return f;
}

int weir_job_submit_id(weir_future_t *f, weir_jobid_t *id)
{
	const char *data;
	size_t len;
	json_t *o;
	json_int_t n;

	if (weir_future_get(f) < 0)
		return -1;
	data = weir_future_data(f, &len);
	o = data ? json_loadb(data, len, 0, NULL) : NULL;
	if (json_unpack(o, "{s:I}", "id", &n) < 0) {
		json_decref(o);
		errno = EPROTO;
		return -1;
	}
	json_decref(o);
	*id = (weir_jobid_t)n;
	return 0;
}

weir_future_t *weir_job_raise(weir_t *h, weir_jobid_t id, const char *type,
			      int severity, const char *note)
{
	return call_json(h, "job-manager.raise",
			 json_pack("{s:I s:s s:i s:s}", "id", (json_int_t)id,
				   "type", type, "severity", severity,
				   "note", note ? note : ""), false);
}

weir_future_t *weir_job_cancel(weir_t *h, weir_jobid_t id, const char *note)
{
	return weir_job_raise(h, id, "cancel", 0, note);
}

weir_future_t *weir_job_kill(weir_t *h, weir_jobid_t id, int signum)
{
	return call_json(h, "job-manager.kill",
			 json_pack("{s:I s:i}", "id", (json_int_t)id,
				   "signum", signum), false);
}

weir_future_t *weir_job_list(weir_t *h, const char *query)
{
	return call_again(h, "job-list.list", query, strlen(query));
}

/* ---- what is asked of the store by its owner, of schedd by others ----
 * An element of an array is schedd's to know: it may not be in the store yet. */

static bool ask_schedd(weir_t *h, weir_jobid_t id)
{
	uint64_t array;
	uint32_t index;

	return !is_owner(h) || jobid_is_element(id, &array, &index);
}

/* Keys that schedd gives to everybody. */
static bool is_told(const char *key)
{
	return !strcmp(key, "J") || !strcmp(key, "jobspec") ||
	       !strcmp(key, "eventlog") || !strcmp(key, "R");
}

static json_t *payload_json(const struct item *item)
{
	return item->payload ? json_loadb(item->payload, item->payload_len, 0,
					  NULL) : NULL;
}

/* {"KEY":S}: the item's payload becomes S. AUX is the key. */
static bool take_member(weir_future_t *f, struct item *item)
{
	json_t *o = item->errnum ? NULL : payload_json(item);
	json_t *value = o ? json_object_get(o, f->aux) : NULL;
	char *text = NULL;

	if (item->errnum)
		return true;
	if (json_is_string(value))
		text = strdup(json_string_value(value));
	if (text) {
		item_set_payload(item, text, json_string_length(value));
	} else {
		item->errnum = EPROTO;
		item->text = "the reply has no such member";
	}
	json_decref(o);
	return true;
}

#define KEY_SIZE	(JOBID_SIZE + 256)

static int job_key(char buf[KEY_SIZE], weir_jobid_t id, const char *key)
{
	size_t len;

	jobid_encode(id, JOBID_KVS, buf);
	len = strlen(buf);
	if (len + 1 + strlen(key) + 1 > KEY_SIZE) {
		errno = EINVAL;
		return -1;
	}
	buf[len] = '.';
	strcpy(buf + len + 1, key);
	return 0;
}

weir_future_t *weir_job_lookup(weir_t *h, weir_jobid_t id, const char *key)
{
	char path[KEY_SIZE];
	weir_future_t *f;

	if (job_key(path, id, key) < 0)
		return NULL;
	if (is_owner(h) && !(ask_schedd(h, id) && is_told(key)))
		return weir_kvs_get(h, "primary", path, NULL);
	f = call_json(h, "job-info.lookup",
		      json_pack("{s:I s:[s]}", "id", (json_int_t)id, "keys",
				key), true);
	if (f) {
		f->aux = strdup(key);
		f->aux_free = free;
		f->filter = take_member;
	}
	return f;
}

/* Lines of an eventlog from pieces of it. */
struct lines {
	struct wire_buf part;
};

static void lines_free(void *aux)
{
	struct lines *l = aux;

	wire_buf_free(&l->part);
	free(l);
}

static bool is_clean(const char *line, size_t len)
{
	json_t *o = json_loadb(line, len, 0, NULL);
	const char *name = json_string_value(json_object_get(o, "name"));
	bool yes = name && !strcmp(name, "clean");

	json_decref(o);
	return yes;
}

static bool split_lines(weir_future_t *f, struct item *item)
{
	static const char *const words[] = { "event" };
	struct lines *l = f->aux;
	const char *start, *lf, *end;

	if (item->errnum)
		return true;
	if (item->words > 0 && !strcmp(item->word[0], "gone")) {
		future_end(f, ENOENT, "the job was removed");
		return false;
	}
	if (!item->payload_len)
		return false;	/* reset: an eventlog is only appended */
	if (wire_buf_add(&l->part, item->payload, item->payload_len) < 0) {
		future_end(f, ENOMEM, "out of memory");
		return false;
	}
	start = l->part.data;
	end = start + l->part.len;
	while (start < end && (lf = memchr(start, '\n', end - start))) {
		size_t len = lf + 1 - start;

		future_queue(f, item_create(words, 1, NULL, start, len));
		if (is_clean(start, len)) {
			future_end(f, ENODATA, "the job has ended");
			return false;
		}
		start = lf + 1;
	}
	wire_buf_consume(&l->part, start - l->part.data);
	return false;
}

weir_future_t *weir_job_events(weir_t *h, weir_jobid_t id)
{
	weir_future_t *f;

	if (!ask_schedd(h, id))
		return job_events_stored(h, id);
	f = call_json(h, "job-info.eventlog-watch",
		      json_pack("{s:I s:s}", "id", (json_int_t)id,
				"path", "eventlog"), false);
	if (f) {
		f->aux = strdup("event");
		f->aux_free = free;
		f->filter = take_member;
	}
	return f;
}

weir_future_t *job_events_stored(weir_t *h, weir_jobid_t id)
{
	char path[KEY_SIZE];
	struct lines *l;
	weir_future_t *f;

	l = calloc(1, sizeof(*l));
	if (!l || job_key(path, id, "eventlog") < 0) {
		free(l);
		return NULL;
	}
	f = weir_kvs_watch(h, "primary", path, WEIR_WATCH_APPEND,
			   WEIR_FROM_NOW, 0, 0);
	if (!f) {
		lines_free(l);
		return NULL;
	}
	f->aux = l;
	f->aux_free = lines_free;
	f->filter = split_lines;
	return f;
}
