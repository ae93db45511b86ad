/* SPDX-License-Identifier: Apache-2.0 */
/* A graph of one node from hwloc's XML. See weir-resources(5). */
#include "config.h"

#include <errno.h>
#include <hwloc.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/graph_jgf.h"

/* Kinds of objects that become vertices; children of others go to the vertex
 * above. */
static const struct kind {
	hwloc_obj_type_t object;
	const char *type, *basename;
} kinds[] = {
	{ HWLOC_OBJ_MACHINE, "node", NULL },
	{ HWLOC_OBJ_GROUP, "group", NULL },
	{ HWLOC_OBJ_NUMANODE, "numanode", NULL },
	{ HWLOC_OBJ_PACKAGE, "socket", NULL },
	{ HWLOC_OBJ_L3CACHE, "cache", "L3cache" },
	{ HWLOC_OBJ_L2CACHE, "cache", "L2cache" },
	{ HWLOC_OBJ_L1CACHE, "cache", "L1cache" },
	{ HWLOC_OBJ_CORE, "core", NULL },
	{ HWLOC_OBJ_PU, "pu", NULL },
};

/* A GPU's number, from the name of one of the devices it is known by, or
 * -1. */
static int gpu_number(const hwloc_obj_t obj)
{
	static const char *const names[] = { "cuda", "rsmi", NULL };

	if (obj->type != HWLOC_OBJ_OS_DEVICE || !obj->name)
		return -1;
	for (int i = 0; names[i]; i++) {
		size_t len = strlen(names[i]);

		if (!strncmp(obj->name, names[i], len) &&
		    strspn(obj->name + len, "0123456789") ==
		    strlen(obj->name + len) && obj->name[len] &&
		    strlen(obj->name + len) < 6)
			return atoi(obj->name + len);
	}
	return -1;
}

static int add_object(struct graph *g, uint32_t parent, hwloc_obj_t obj);

static int add_children(struct graph *g, uint32_t parent, hwloc_obj_t obj)
{
	hwloc_obj_t child;

	for (child = obj->memory_first_child; child;
	     child = child->next_sibling)
		if (add_object(g, parent, child) < 0)
			return -1;
	for (child = obj->first_child; child; child = child->next_sibling)
		if (add_object(g, parent, child) < 0)
			return -1;
	for (child = obj->io_first_child; child; child = child->next_sibling)
		if (add_object(g, parent, child) < 0)
			return -1;
	return 0;
}

static int set_host(struct graph *g, struct vertex *v, hwloc_obj_t obj)
{
	const char *host = hwloc_obj_get_info_by_name(obj, "HostName");

	v->rank = 0;
	v->id = 0;
	if (!host)
		return 0;
	if (strlen(host) > GRAPH_NAME_MAX || strchr(host, '/')) {
		errno = EINVAL;
		return -1;
	}
	v->id = -1;
	v->name = strings_add(&g->strings, host);
	return v->name == STRING_NONE ? -1 : 0;
}

static int set_storage(struct graph *g, struct vertex *v, hwloc_obj_t obj)
{
	const char *size = hwloc_obj_get_info_by_name(obj, "Size");
	int unit = graph_unit(g, "GB");

	v->name = strings_add(&g->strings, obj->name ? obj->name : "storage");
	if (unit < 0 || v->name == STRING_NONE)
		return -1;
	v->unit = (uint16_t)unit;
	if (size)
		v->size = (int64_t)(strtoull(size, NULL, 10) / 1000000);
	if (v->size < 1)
		v->size = 1;
	if (v->size > GRAPH_SIZE_MAX)
		v->size = GRAPH_SIZE_MAX;
	return 0;
}

static bool is_block(hwloc_obj_t obj)
{
	return obj->type == HWLOC_OBJ_OS_DEVICE &&
	       obj->attr->osdev.type == HWLOC_OBJ_OSDEV_BLOCK;
}

static const struct kind *kind_of(hwloc_obj_t obj)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (kinds[i].object == obj->type)
			return &kinds[i];
	return NULL;
}

static int add_object(struct graph *g, uint32_t parent, hwloc_obj_t obj)
{
	const struct kind *kind = kind_of(obj);
	int gpu = gpu_number(obj), type;
	uint32_t index = g->count;
	struct vertex *v;

	if (!kind && gpu < 0 && !is_block(obj))
		return add_children(g, parent, obj);
	type = graph_type(g, kind ? kind->type : gpu >= 0 ? "gpu" :
			  "storage");
	v = type < 0 ? NULL : graph_add(g, parent, type);
	if (!v)
		return -1;
	v->id = gpu >= 0 ? gpu : (int32_t)(obj->logical_index & INT32_MAX);
	if (kind && kind->basename)
		v->basename = strings_add(&g->strings, kind->basename);
	if (v->basename == STRING_NONE)
		return -1;
	if (kind && !strcmp(kind->type, "cache") && obj->attr)
		v->size = (int64_t)(obj->attr->cache.size / 1024 & INT32_MAX);
	if (v->size < 1)
		v->size = 1;
	if (obj->type == HWLOC_OBJ_MACHINE && set_host(g, v, obj) < 0)
		return -1;
	if (is_block(obj) && gpu < 0 && set_storage(g, v, obj) < 0)
		return -1;
	return add_children(g, index, obj);
}

static int load(hwloc_topology_t t, const char *text, size_t len)
{
	/* the length counts the NUL */
	if (len >= INT_MAX ||
	    hwloc_topology_set_xmlbuffer(t, text, (int)len + 1) < 0)
		return -1;
	hwloc_topology_set_io_types_filter(t, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
	return hwloc_topology_load(t);
}

struct graph *graph_from_hwloc(const char *text, size_t len,
			       const char *filters, struct proto_error *err)
{
	struct graph *g = graph_create();
	hwloc_topology_t t = NULL;
	struct vertex *root = NULL;
	char *copy = strndup(text, len);
	int cluster = g ? graph_type(g, "cluster") : -1, rc = -1;

	if (cluster >= 0)
		root = graph_add(g, GRAPH_NONE, cluster);
	if (!copy || !root || hwloc_topology_init(&t) < 0) {
		proto_error_set(err, ENOMEM, "out of memory");
	} else if (load(t, copy, strlen(copy)) < 0) {
		proto_error_set(err, EINVAL, "hwloc can't read it as XML of "
				"a topology");
	} else {
		root->id = 0;
		rc = add_object(g, 0, hwloc_get_root_obj(t));
		if (rc < 0)
			proto_error_set(err, errno, "%s", strerror(errno));
		else
			rc = graph_finish(g, filters, err);
	}
	if (t)
		hwloc_topology_destroy(t);
	free(copy);
	if (rc == 0)
		return g;
	graph_destroy(g);
	return NULL;
}
