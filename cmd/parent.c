/* SPDX-License-Identifier: Apache-2.0 */
/* The instance whose job we are: see parent.h. */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/parent.h"
#include "proto/idset.h"
#include "proto/jobid.h"
#include "proto/resource_set.h"

#define KEY		"start.uri"
#define LEASE_SECONDS	5	/* that followers wait for a new connection */

static int number(const char *name)
{
	const char *text = getenv(name);
	char *end;
	long n = text ? strtol(text, &end, 10) : -1;

	return text && end != text && !*end && n >= 0 && n < 1 << 30 ?
	       (int)n : -1;
}

static void take_resources(struct parent *p, const char *text, size_t len)
{
	struct proto_error error;
	struct resource_set *R = resource_set_parse(text, len, &error);
	size_t i;

	if (!R)
		die("the job's R: %s", error.text);
	/* one task a node: the job's nodes are counted as its tasks */
	if ((size_t)p->rank >= R->count)
		die("the job has %zu nodes, and this is number %d", R->count,
		    p->rank);
	p->cores = idset_encode(R->nodes[p->rank].cores, 0);
	p->gpus = idset_encode(R->nodes[p->rank].gpus, 0);
	if (!p->cores || !p->gpus)
		die("out of memory");
	p->hosts = xstrdup(R->nodes[0].host);
	for (i = 1; i < R->count; i++) {
		char *more = xasprintf("%s,%s", p->hosts, R->nodes[i].host);

		free(p->hosts);
		p->hosts = more;
	}
	resource_set_destroy(R);
}

static void ask(struct parent *p)
{
	weir_future_t *R = weir_job_lookup(p->h, p->id, "R");
	weir_future_t *level = weir_kvs_get(p->h, "primary",
					    "instance.level", NULL);
	const char *data;
	size_t len;

	if (!R || weir_future_get(R) < 0)
		die("what the job has: %s", R ? weir_future_strerror(R) :
		    strerror(errno));
	data = weir_future_data(R, &len);
	take_resources(p, data ? data : "", data ? len : 0);
	weir_future_destroy(R);
	/* others than the owner may not read it: then it is one of the system */
	data = level && weir_future_get(level) == 0 ?
	       weir_future_data(level, &len) : NULL;
	p->level = data ? atoi(data) : 0;
	weir_future_destroy(level);
}

void parent_find(struct parent *p)
{
	const char *id = getenv("WEIR_JOB_ID"), *uri = getenv("WEIR_URI");
	struct weir_error error;
	struct proto_error why;
	int nodes = number("WEIR_JOB_NNODES");
	int rank = number("WEIR_TASK_RANK"), size = number("WEIR_JOB_SIZE");
	uint64_t jobid;

	if (!id || !uri || rank < 0 || size < 1 || nodes < 1)
		return;
	p->rank = rank;
	p->size = size;
	if (p->size != nodes)
		die("this job has %d tasks on %d node%s: an instance in a job "
		    "is started by one task a node (-N%d -n%d)", p->size,
		    nodes, nodes == 1 ? "" : "s", nodes, nodes);
	if (jobid_parse(id, &jobid, &why) < 0)
		die("WEIR_JOB_ID: %s", why.text);
	p->id = jobid;
	p->h = weir_open(uri, WEIR_O_RECONNECT, &error);
	if (!p->h)
		die("the instance that this job is of: %s", error.text);
	ask(p);
}

static void on_remembered(weir_future_t *f, void *arg)
{
	if (weir_future_error(f))
		warn("the job's memo: %s", weir_future_strerror(f));
}

void parent_remember(struct parent *p, const char *uri)
{
	json_t *o = json_pack("{s:I s:{s:s}}", "id", (json_int_t)p->id,
			      "memo", "uri", uri);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	p->memo = text ? weir_rpc(p->h, "job-manager.memo", text, strlen(text),
				  -1) : NULL;
	if (!p->memo || weir_future_then(p->memo, -1, on_remembered, p) < 0)
		warn("the job's memo: %s", strerror(errno));
	free(text);
	json_decref(o);
}

void parent_announce(struct parent *p, const char *uri,
		     struct event_base *base)
{
	weir_txn_t *txn = weir_txn_create();
	weir_future_t *f = NULL;
	uint64_t id;

	p->lease = weir_lease(p->h, LEASE_SECONDS);
	if (!txn || !p->lease || weir_future_get(p->lease) < 0 ||
	    weir_future_u64(p->lease, "id", &id) < 0)
		die("a lease for the job's other nodes: %s", p->lease ?
		    weir_future_strerror(p->lease) : strerror(errno));
	weir_txn_put_leased(txn, KEY, uri, strlen(uri), id);
	f = weir_kvs_commit(p->h, NULL, txn, 0);
	if (!f || weir_future_get(f) < 0)
		die("cannot tell the job's other nodes: %s",
		    f ? weir_future_strerror(f) : strerror(errno));
	weir_future_destroy(f);
	weir_txn_destroy(txn);
	if (weir_attach(p->h, base) < 0)
		die("out of memory");
}

static void on_key(weir_future_t *f, void *arg)
{
	struct parent *p = arg;
	const char *data;
	char uri[4096];
	size_t len;

	data = weir_future_error(f) ? NULL : weir_future_data(f, &len);
	if (!data || len >= sizeof(uri)) {
		p->on_gone(p->arg);
		return;
	}
	memcpy(uri, data, len);
	uri[len] = '\0';
	p->on_uri(uri, p->arg);
}

void parent_follow(struct parent *p, struct event_base *base)
{
	p->watch = weir_kvs_watch(p->h, NULL, KEY, WEIR_WATCH_LATEST,
				  WEIR_FROM_NOW, 0, WEIR_WATCH_WAIT);
	if (!p->watch || weir_future_then(p->watch, -1, on_key, p) < 0 ||
	    weir_attach(p->h, base) < 0)
		die("out of memory");
}

void parent_leave(struct parent *p)
{
	uint64_t id;

	if (!p->h)
		return;
	weir_attach(p->h, NULL);
	/* at once, rather than when the lease has run out */
	if (p->lease && weir_future_u64(p->lease, "id", &id) == 0) {
		weir_future_t *f = weir_lease_end(p->h, id);

		if (f)
			weir_future_wait(f, 1);
		weir_future_destroy(f);
	}
	weir_future_destroy(p->memo);
	weir_future_destroy(p->lease);
	weir_future_destroy(p->watch);
	weir_close(p->h);
	free(p->cores);
	free(p->gpus);
	free(p->hosts);
	p->h = NULL;
}
