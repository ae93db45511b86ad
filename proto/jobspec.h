/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobspecs, what a job asks for: of version 1 or canonical, checked and taken
 * apart; of version 1, built. See weir-jobspec(5). An error names the field by
 * its path, for example "resources[0].with[0].count: must be an integer >= 1, got 0".
 */
#ifndef WEIR_PROTO_JOBSPEC_H
#define WEIR_PROTO_JOBSPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <jansson.h>

#include "proto/error.h"
#include "proto/resource_set.h"

#define JOBSPEC_SIZE_MAX	(4u << 20)	/* bytes of text */
#define JOBSPEC_DEPTH_MAX	64		/* nesting of the whole */
#define JOBSPEC_COUNT_MAX	2147483647	/* of anything, in total */
#define JOBSPEC_DURATION_MAX	1e10		/* seconds */
#define JOBSPEC_VERSION_MAX	9999

/* What is in a slot, how slots lie on nodes, and the tasks in them. */
struct jobspec_slot {
	int cores, gpus;	/* 0: not said; never of version 1's cores */
	int nodes;		/* it is so many whole nodes; else 0 */
	int per_node;		/* so many are on each node; 0: any number */
	int tasks;		/* in each; 1 of version 1, and if their number
				   is given as "total" */
	bool moldable;		/* there are tasks in all slots that R has */
};

/* All pointers are borrowed from json, except argv's array. */
struct jobspec {
	json_t *json;		/* the whole document */
	bool canonical;		/* then counts are the least that will do */
	int nnodes;		/* 0: any number of nodes will do */
	int nslots;		/* in total; a multiple of nnodes, if given */
	struct jobspec_slot slot;
	bool exclusive;		/* whole nodes */
	int ntasks;		/* in total; not above slot.tasks in each. The
				   shell option per-resource may change it
				   later. */
	bool ntasks_total;	/* the count was given as "total" */
	double duration;	/* seconds; 0: not given */
	const char *cwd;	/* absolute; NULL: not given */
	const char *name;	/* given, or the command without its folder */
	const char *queue;	/* NULL: not given */
	const char *array;	/* its elements, arrayspec.h; NULL: no array */
	int argc;
	const char **argv;	/* NULL after the last */
	json_t *environment;	/* object: strings, null to unset; or NULL */
	json_t *shell_options;	/* object; or NULL */
	json_t *files;		/* object: what the job brings; or NULL */
};

/* NULL with EINVAL (E2BIG above JOBSPEC_SIZE_MAX, ENOMEM). */
struct jobspec *jobspec_parse(const char *text, size_t len,
			      struct proto_error *err);
/* The same of a document at hand; takes a reference of its own. */
struct jobspec *jobspec_from_json(json_t *json, struct proto_error *err);
/* The tasks that node I of R has room for, in such slots. */
int jobspec_room(const struct jobspec_slot *slot, const struct resource_set *R,
		 size_t i);
/* The tasks of a job that has R; NTASKS of a jobspec are the least. */
int jobspec_ntasks(const struct jobspec_slot *slot, int ntasks,
		   const struct resource_set *R);
void jobspec_destroy(struct jobspec *spec);	/* NULL is fine, keeps errno */

/* ---- building ---- */

/* Zero or NULL: not given. */
struct jobspec_request {
	const char *const *argv;	/* NULL after the last; needed */
	int ntasks;			/* 1, or as many as nodes */
	int cores_per_task;		/* 1 */
	int gpus_per_task;
	int nnodes;
	bool exclusive;			/* implied by nnodes without ntasks */
	double duration;		/* seconds */
	json_t *environment;		/* borrowed */
	const char *cwd;
	const char *name;
	const char *queue;
};

/* A new document, or NULL with EINVAL. */
json_t *jobspec_build(const struct jobspec_request *request,
		      struct proto_error *err);

/*
 * Put VALUE (its reference is taken, also on error) at the dotted PATH under
 * attributes. "system." goes before a PATH that does not begin with
 * "system.", "user." or "."; the lone dot stands for attributes itself. What
 * is on the way and is missing is made; EINVAL if it is not an object.
 */
int jobspec_setattr(json_t *jobspec, const char *path, json_t *value,
		    struct proto_error *err);
/* The same under attributes.system.shell.options. */
int jobspec_setopt(json_t *jobspec, const char *path, json_t *value,
		   struct proto_error *err);
/*
 * The argument KEY[=VALUE] of -S and -o: VALUE is JSON or else a string, and
 * 1 if there is none.
 */
int jobspec_setattr_arg(json_t *jobspec, const char *arg,
			struct proto_error *err);
int jobspec_setopt_arg(json_t *jobspec, const char *arg,
		       struct proto_error *err);

/* "NAME=value" strings to an environment object. Variables that are not
 * UTF-8, which JSON cannot carry, are left out. */
json_t *jobspec_environment(char *const *environ);

#endif
