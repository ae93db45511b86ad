/* SPDX-License-Identifier: Apache-2.0 */
/* What the instance has and uses, for weir resource and others. */
#ifndef WEIR_CMD_RESOURCE_H
#define WEIR_CMD_RESOURCE_H

#include <jansson.h>

#include "libclient/weir.h"
#include "proto/resource_set.h"

enum { RESOURCE_ALL, RESOURCE_DOWN, RESOURCE_ALLOCATED, RESOURCE_FREE,
       RESOURCE_UP, RESOURCE_SETS };
extern const char *const resource_states[RESOURCE_SETS];

/* resource_ask.c */
/* The properties of nodes are those of all of them. */
struct resource_status {
	struct resource_set *set[RESOURCE_SETS];
	struct idset *online;		/* ranks of nodes that are there */
	struct idset *housekeeping;	/* those whose jobs have ended, but
					   that are not free */
	json_t *drained;		/* {"RANK":{"timestamp","reason"}} */
	json_t *leaving;		/* paths */
};

/* Asks schedd; dies if it can't. Free is what is neither down nor allocated. */
struct resource_status resource_ask(weir_t *h);
void resource_status_free(struct resource_status *s);
/* One of its sets, to be destroyed. */
struct resource_set *resource_ask_one(weir_t *h, const char *state);
/* The state WORD, or dies with the words that are one. */
int resource_state(const char *word);
size_t resource_nnodes(const struct resource_set *set);

/* "rank[0-1]/core[0-3] rank2/core0,gpu1", to be freed. */
char *resource_short(const struct resource_set *set);

/* Which nodes are of interest; each NULL: any. */
struct resource_filter {
	const char *queues, *include;	/* "a,b"; ranks or hosts */
	json_t *config;			/* queues, once it was asked for */
};
/* Takes the words of --queue and --include; asks for what they need. */
void resource_filter_init(struct resource_filter *f, weir_t *h,
			  const char *queues, const char *include);
void resource_filter_free(struct resource_filter *f);
/* The part of SET, whose nodes have the properties that ALL says; a copy. */
struct resource_set *resource_filter_apply(const struct resource_filter *f,
					   const struct resource_set *set,
					   const struct resource_set *all);
/* The queues of NODE, with commas between; to be freed. */
char *resource_queues(const struct resource_filter *f,
		      const struct resource_set *all,
		      const struct resource_node *node);
/* Its properties likewise, without those that queues are named by if BARE. */
char *resource_properties(const struct resource_filter *f,
			  const struct resource_set *all,
			  const struct resource_node *node, bool bare);

/* resource_drain.c */
int resource_drain(int argc, char **argv);
int resource_undrain(int argc, char **argv);

/* resource_status.c */
int resource_status(int argc, char **argv);
/* The list of what is drained; each NULL: not given. */
int resource_drained(const char *format, bool header, const char *queues,
		     const char *include);

/* resource_grow.c */
int resource_grow(int argc, char **argv);
int resource_shrink(int argc, char **argv);

/* resource_list.c */
int resource_list(int argc, char **argv);

#endif
