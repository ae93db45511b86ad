/* SPDX-License-Identifier: Apache-2.0 */
/* The plug-in max-running: how many jobs of a user run at a time. Those above
 * that wait; others pass them by. weir-plugin(7). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libclient/weir-plugin.h"
#include "schedd/plugins/user_limits.h"

struct running {
	uint32_t uid;
	int jobs;		/* in the state RUN */
};

struct max_running {
	const struct weir_plugin_api *api;
	struct weir_plugin_host *host;
	struct user_limits limits;
	struct running *users;
	size_t count;
};

static int load(const struct weir_plugin_api *api,
		struct weir_plugin_host *host, void **self)
{
	struct max_running *m = calloc(1, sizeof(*m));

	if (!m) {
		api->explain(host, "out of memory");
		return -1;
	}
	m->api = api;
	m->host = host;
	m->limits.standard = USER_LIMIT_NONE;
	*self = m;
	return 0;
}

static void unload(void *self)
{
	struct max_running *m = self;

	user_limits_free(&m->limits);
	free(m->users);
	free(m);
}

static int configure(void *self, const char *text)
{
	struct max_running *m = self;
	json_t *conf = json_loads(text, 0, NULL), *value;
	char error[256] = "";
	const char *key;
	int r = 0;

	json_object_foreach(conf, key, value)
		if (strcmp(key, "limit") && strcmp(key, "users")) {
			m->api->explain(m->host, "%.64s: is unknown; limit "
					"and users are not", key);
			r = -1;
		}
	if (r == 0) {
		r = user_limits_parse(&m->limits, conf, error, sizeof(error));
		if (r < 0)
			m->api->explain(m->host, "%s", error);
	}
	json_decref(conf);
	return r;
}

static struct running *find(const struct max_running *m, uint32_t uid)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		if (m->users[i].uid == uid)
			return &m->users[i];
	return NULL;
}

static void add(struct max_running *m, uint32_t uid, int n)
{
	struct running *r = find(m, uid);

	if (!r) {
		r = realloc(m->users, (m->count + 1) * sizeof(*r));
		if (!r) {
			m->api->log(m->host, 3, "out of memory: a job of user "
				    "%u is not counted", (unsigned)uid);
			return;
		}
		m->users = r;
		r += m->count++;
		*r = (struct running) { .uid = uid };
	}
	/* one that was not counted is not counted when it ends */
	if (n > 0 || r->jobs > 0)
		r->jobs += n;
}

static void job(void *self, const struct weir_plugin_job *j)
{
	struct max_running *m = self;

	if (m->api->job_state(j) == WEIR_PLUGIN_RUN &&
	    m->api->job_kind(j) != WEIR_PLUGIN_ARRAY)
		add(m, m->api->job_userid(j), 1);
}

static void state(void *self, const struct weir_plugin_job *j,
		  enum weir_plugin_state from)
{
	struct max_running *m = self;
	uint32_t uid = m->api->job_userid(j);

	if (m->api->job_kind(j) == WEIR_PLUGIN_ARRAY)
		return;
	if (m->api->job_state(j) == WEIR_PLUGIN_RUN) {
		add(m, uid, 1);
	} else if (from == WEIR_PLUGIN_RUN) {
		add(m, uid, -1);
		m->api->restart(m->host, uid);
	}
}

static int start(void *self, const struct weir_plugin_job *j)
{
	struct max_running *m = self;
	uint32_t uid = m->api->job_userid(j);
	int limit = user_limit(&m->limits, uid);
	const struct running *r = find(m, uid);

	if (limit == USER_LIMIT_NONE || (r ? r->jobs : 0) < limit)
		return 1;
	m->api->explain(m->host, "max-running: the user may have %d running "
			"jobs", limit);
	return 0;
}

static char *query(void *self)
{
	const struct max_running *m = self;
	json_t *users = json_object(), *o;
	char uid[16], *text;
	size_t i;

	for (i = 0; i < m->count; i++) {
		snprintf(uid, sizeof(uid), "%u", (unsigned)m->users[i].uid);
		json_object_set_new(users, uid,
				    json_integer(m->users[i].jobs));
	}
	o = json_pack("{s:o}", "running", users);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

WEIR_PLUGIN_EXPORT const struct weir_plugin weir_plugin = {
	WEIR_PLUGIN_HEAD,
	.name = "max-running",
	.load = load,
	.unload = unload,
	.configure = configure,
	.job = job,
	.state = state,
	.start = start,
	.query = query,
};
