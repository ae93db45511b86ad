/* SPDX-License-Identifier: Apache-2.0 */
/* The plug-in submit-rate: how many jobs a user may submit in a time. Those
 * above that are refused, and told when to try again. weir-plugin(7). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/weir-plugin.h"
#include "schedd/plugins/user_limits.h"

#define WINDOW		60.0		/* seconds, unless configured */
#define WINDOW_MAX	31536000.0	/* a year */

/* When a user's jobs of the last window were submitted, oldest first. */
struct submitter {
	uint32_t uid;
	double *time;			/* seconds since 1970 */
	size_t count, size;
};

struct submit_rate {
	const struct weir_plugin_api *api;
	struct weir_plugin_host *host;
	struct user_limits limits;
	double window;			/* seconds */
	struct submitter *users;
	size_t count;
};

static int load(const struct weir_plugin_api *api,
		struct weir_plugin_host *host, void **self)
{
	struct submit_rate *m = calloc(1, sizeof(*m));

	if (!m) {
		api->explain(host, "out of memory");
		return -1;
	}
	m->api = api;
	m->host = host;
	m->limits.standard = USER_LIMIT_NONE;
	m->window = WINDOW;
	*self = m;
	return 0;
}

static void unload(void *self)
{
	struct submit_rate *m = self;
	size_t i;

	for (i = 0; i < m->count; i++)
		free(m->users[i].time);
	free(m->users);
	user_limits_free(&m->limits);
	free(m);
}

/* What is wrong, or NULL. */
static const char *check(json_t *conf)
{
	json_t *window = json_object_get(conf, "window"), *value;
	double seconds = json_number_value(window);
	const char *key;

	json_object_foreach(conf, key, value)
		if (strcmp(key, "limit") && strcmp(key, "users") &&
		    strcmp(key, "window"))
			return "only limit, users and window are known";
	if (window && !(seconds > 0 && seconds <= WINDOW_MAX))
		return "window: must be a number of seconds above 0, at most "
		       "a year";
	return NULL;
}

static int configure(void *self, const char *text)
{
	struct submit_rate *m = self;
	json_t *conf = json_loads(text, 0, NULL);
	json_t *window = json_object_get(conf, "window");
	const char *wrong = check(conf);
	char error[256] = "";
	int r = -1;

	if (wrong)
		m->api->explain(m->host, "%s", wrong);
	else if (user_limits_parse(&m->limits, conf, error,
				   sizeof(error)) < 0)
		m->api->explain(m->host, "%s", error);
	else
		r = 0;
	if (r == 0)
		m->window = window ? json_number_value(window) : WINDOW;
	json_decref(conf);
	return r;
}

static struct submitter *find(const struct submit_rate *m, uint32_t uid)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		if (m->users[i].uid == uid)
			return &m->users[i];
	return NULL;
}

static struct submitter *get(struct submit_rate *m, uint32_t uid)
{
	struct submitter *u = find(m, uid);

	if (u)
		return u;
	u = realloc(m->users, (m->count + 1) * sizeof(*u));
	if (!u)
		return NULL;
	m->users = u;
	u += m->count++;
	*u = (struct submitter) { .uid = uid };
	return u;
}

/* Takes out what is older than the window; also what a clock that was set
 * back has put into the future. */
static void expire(struct submitter *u, double now, double window)
{
	size_t i, left = 0;

	for (i = 0; i < u->count; i++)
		if (u->time[i] > now - window && u->time[i] <= now)
			u->time[left++] = u->time[i];
	u->count = left;
}

static int note(struct submitter *u, double time)
{
	size_t n = u->size ? 2 * u->size : 16, i;
	double *more;

	if (u->count == u->size) {
		more = realloc(u->time, n * sizeof(*more));
		if (!more)
			return -1;
		u->time = more;
		u->size = n;
	}
	for (i = u->count++; i > 0 && u->time[i - 1] > time; i--)
		u->time[i] = u->time[i - 1];
	u->time[i] = time;
	return 0;
}

/* An array is one submission, whatever its size. */
static void job(void *self, const struct weir_plugin_job *j)
{
	struct submit_rate *m = self;
	double now = m->api->now(m->host), time = m->api->job_submitted(j);
	uint32_t uid = m->api->job_userid(j);
	struct submitter *u;

	if (m->api->job_kind(j) == WEIR_PLUGIN_ELEMENT ||
	    user_limit(&m->limits, uid) == USER_LIMIT_NONE ||
	    time <= now - m->window)
		return;
	u = get(m, uid);
	if (!u || note(u, time) < 0)
		m->api->log(m->host, 3, "out of memory: a job of user %u is "
			    "not counted", (unsigned)uid);
}

static int validate(void *self, const struct weir_plugin_job *j)
{
	struct submit_rate *m = self;
	uint32_t uid = m->api->job_userid(j);
	int limit = user_limit(&m->limits, uid);
	double now = m->api->now(m->host);
	struct submitter *u = find(m, uid);

	if (limit == USER_LIMIT_NONE)
		return 0;
	if (u)
		expire(u, now, m->window);
	if (limit == 0) {
		m->api->explain(m->host, "submit-rate: the user may submit no "
				"jobs");
		return -1;
	}
	if (!u || u->count < (size_t)limit)
		return 0;
	m->api->explain(m->host, "submit-rate: the user may submit %d jobs in "
			"%g s: try again in %.1f s", limit, m->window,
			u->time[u->count - (size_t)limit] + m->window - now);
	return -1;
}

static char *query(void *self)
{
	struct submit_rate *m = self;
	double now = m->api->now(m->host);
	json_t *users = json_object(), *o;
	char uid[16], *text;
	size_t i;

	for (i = 0; i < m->count; i++) {
		expire(&m->users[i], now, m->window);
		snprintf(uid, sizeof(uid), "%u", (unsigned)m->users[i].uid);
		json_object_set_new(users, uid, json_integer(
				    (json_int_t)m->users[i].count));
	}
	o = json_pack("{s:o}", "submitted", users);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

WEIR_PLUGIN_EXPORT const struct weir_plugin weir_plugin = {
	WEIR_PLUGIN_HEAD,
	.name = "submit-rate",
	.load = load,
	.unload = unload,
	.configure = configure,
	.job = job,
	.validate = validate,
	.query = query,
};
