/* SPDX-License-Identifier: Apache-2.0 */
/* What this node has, by hwloc, and its registration under a lease. */
#include "config.h"

#include <errno.h>
#include <hwloc.h>
#include <hwloc/glibc-sched.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "execd/agent.h"

/* The cpus of each core that this process may use. Machines without cores
 * in their topology (some virtual ones) count processing units. */
static int take_cores(struct agent *a, hwloc_topology_t topology)
{
	hwloc_obj_type_t type = HWLOC_OBJ_CORE;
	int n = hwloc_get_nbobjs_by_type(topology, type), i;

	if (n < 1) {
		type = HWLOC_OBJ_PU;
		n = hwloc_get_nbobjs_by_type(topology, type);
	}
	a->cores = idset_create();
	if (!a->gpus)
		a->gpus = idset_create();
	a->core_cpus = calloc(n > 0 ? n : 1, sizeof(*a->core_cpus));
	if (!a->cores || !a->gpus || !a->core_cpus || n < 1)
		return -1;
	for (i = 0; i < n; i++) {
		hwloc_obj_t core = hwloc_get_obj_by_type(topology, type, i);

		if (hwloc_cpuset_to_glibc_sched_affinity(topology,
				core->cpuset, &a->core_cpus[i],
				sizeof(a->core_cpus[i])) < 0)
			return -1;
	}
	a->core_count = (unsigned)n;
	return idset_range_set(a->cores, 0, (unsigned)n - 1);
}

/* Those that it was told to use. */
static int restrict_cores(struct agent *a, char *error, size_t size)
{
	unsigned core;

	if (!a->only_cores)
		return 0;
	for (core = idset_first(a->only_cores); core != IDSET_NONE;
	     core = idset_next(a->only_cores, core))
		if (!idset_test(a->cores, core)) {
			snprintf(error, size, "--cores: there is no core %u",
				 core);
			return -1;
		}
	if (idset_empty(a->only_cores)) {
		snprintf(error, size, "--cores: is empty");
		return -1;
	}
	idset_destroy(a->cores);
	a->cores = a->only_cores;
	a->only_cores = NULL;
	return 0;
}

static int take_topology(struct agent *a, hwloc_topology_t topology)
{
	char *xml;
	int len;

	if (hwloc_topology_export_xmlbuffer(topology, &xml, &len, 0) < 0)
		return -1;
	a->topology = strdup(xml);
	a->topology_len = strlen(xml);
	hwloc_free_xmlbuffer(topology, xml);
	return a->topology ? 0 : -1;
}

int node_discover(struct agent *a, char *error, size_t size)
{
	hwloc_topology_t topology;
	int r = -1;

	if (gethostname(a->host, sizeof(a->host) - 1) < 0)
		strcpy(a->host, "localhost");
	if (hwloc_topology_init(&topology) < 0) {
		snprintf(error, size, "hwloc: %s", strerror(errno));
		return -1;
	}
	/* devices are not asked for: that takes most of the time */
	hwloc_topology_set_io_types_filter(topology,
					   HWLOC_TYPE_FILTER_KEEP_NONE);
	if (hwloc_topology_load(topology) < 0)
		snprintf(error, size, "hwloc cannot read the topology: %s",
			 strerror(errno));
	else if (take_cores(a, topology) < 0)
		snprintf(error, size, "hwloc found no cores");
	else if (take_topology(a, topology) < 0)
		snprintf(error, size, "hwloc cannot export the topology");
	else
		r = restrict_cores(a, error, size);
	hwloc_topology_destroy(topology);
	return r;
}

static char *describe(const struct agent *a)
{
	char *cores = idset_encode(a->cores, 0);
	char *gpus = idset_encode(a->gpus, 0), *text = NULL;
	struct timeval tv;
	json_t *o;

	gettimeofday(&tv, NULL);
	o = cores && gpus ?
	    json_pack("{s:s s:s s:s s:i s:s s:f}", "host", a->host, "cores",
		      cores, "gpus", gpus, "pid", (int)getpid(), "version",
		      PACKAGE_VERSION, "start", (double)tv.tv_sec +
		      (double)tv.tv_usec / 1e6) : NULL;
	if (o)
		text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	free(cores);
	free(gpus);
	return text;
}

int node_register(struct agent *a, char *error, size_t size)
{
	weir_future_t *f = weir_lease(a->h, LEASE_SECONDS);
	weir_txn_t *txn = weir_txn_create();
	char key[AGENT_NAME_MAX], *text = describe(a);
	int r = -1;

	if (!f || !txn || !text || weir_future_get(f) < 0 ||
	    weir_future_u64(f, "id", &a->lease) < 0)
		goto out;
	snprintf(key, sizeof(key), "node.%u.topology", a->rank);
	weir_txn_put_leased(txn, key, a->topology, a->topology_len, a->lease);
	/* last: who sees it finds the topology there */
	snprintf(key, sizeof(key), "node.%u.info", a->rank);
	weir_txn_put_leased(txn, key, text, strlen(text), a->lease);
	weir_future_destroy(f);
	f = weir_kvs_commit(a->h, "primary", txn, 0);
	r = f ? weir_future_get(f) : -1;
out:
	if (r < 0)
		snprintf(error, size, "cannot register node %u: %s", a->rank,
			 f && weir_future_error(f) ? weir_future_strerror(f) :
			 strerror(errno));
	weir_future_destroy(f);
	weir_txn_destroy(txn);
	free(text);
	return r;
}

void node_free(struct agent *a)
{
	idset_destroy(a->only_cores);
	idset_destroy(a->cores);
	idset_destroy(a->gpus);
	free(a->core_cpus);
	free(a->topology);
}
