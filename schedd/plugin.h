/* SPDX-License-Identifier: Apache-2.0 */
/* Plug-ins of schedd's owner, as the rest of schedd knows them: each place
 * where they have a say asks them here. weir-plugin(7).
 *
 * What a plug-in asks for is done at the end of a turn, never in the middle of
 * the event that it was told of: an event may end a job that others look at.
 */
#ifndef WEIR_SCHEDD_PLUGIN_H
#define WEIR_SCHEDD_PLUGIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "libclient/weir-plugin.h"
#include "proto/error.h"

struct job;
struct jobevent;
struct parked;
struct plugin;
struct plugin_request;
struct schedd;

/* All zeros is none. */
struct plugins {
	struct plugin *first;		/* in the order in which they came */
	json_t *wanted;			/* job-manager.plugins; or NULL */
	json_t *recorded;		/* the key plugin.loaded; or NULL */
	char *searchpath;		/* NULL: where those of Weir are */
	bool started;			/* they may be loaded */
	const char *jobspec;		/* while a job is validated; or NULL */
	struct plugin_request *request;	/* for the turn's end */
	size_t requests, size;
	bool reprioritize;		/* all jobs, then: */
	uint64_t *ids;			/* those that are left */
	size_t id_count;
	struct parked *parked;
	bool look;			/* at some of these */
};

/* ---- plugin.c, plugin_config.c ---- */

/* What the configuration says; it was found to be an object. */
void plugins_configure(struct schedd *s, const char *data, size_t len);
int plugins_read(struct schedd *s, struct weir_error *error);	/* blocking */
/* The jobs are there: loads what was configured, and what was loaded. */
void plugins_start(struct schedd *s);
/* Unloads them all; then frees what is left, when no job is there. */
void plugins_stop(struct schedd *s);
void plugins_free(struct schedd *s);

/* ---- plugin_ask.c ---- */

/* EV has happened to JOB, which was in the state BEFORE. */
void plugins_event(struct schedd *s, const struct job *job,
		   const struct jobevent *ev, int before);
/* JOB, with JOBSPEC, of LEN bytes, is about to be accepted. -1 and an error
 * that tells what a plug-in has against it. */
int plugins_validate(struct schedd *s, const struct job *job,
		     const char *jobspec, size_t len,
		     struct proto_error *err);
int plugins_update(struct schedd *s, const struct job *job,
		   struct proto_error *err);
/* What JOB has by itself, or by the first plug-in with an opinion. */
int64_t plugins_priority(struct schedd *s, const struct job *job);
bool plugins_know(struct schedd *s, const char *scheme);
/* NULL for WHY: nobody wants to know. Without a plug-in for SCHEME it waits. */
enum weir_plugin_verdict plugins_depend(struct schedd *s,
		const struct job *job, const char *scheme, const char *value,
		struct proto_error *why);

/* ---- plugin_park.c ---- */

/* Whether a plug-in has something against JOB's start: then it waits apart
 * from its queue, and is in no backlog. */
bool plugins_hold(struct schedd *s, struct job *job);
/* Those of USERID, or WEIR_PLUGIN_ALL, are put in their queues again at the
 * turn's end. */
void parked_look(struct schedd *s, uint32_t userid);
void parked_turn(struct schedd *s);
void parked_free(struct schedd *s);

/* ---- plugin_turn.c ---- */

void plugins_turn(struct schedd *s);	/* at the end of one */
bool plugins_wait(struct schedd *s);	/* for the end of another */

#endif
