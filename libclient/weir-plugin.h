/* SPDX-License-Identifier: Apache-2.0 */
/* Plug-ins of schedd: what it asks of one, and what one may ask of it.
 * weir-plugin(7).
 *
 * A plug-in is a shared object that exports one symbol:
 *
 *	WEIR_PLUGIN_EXPORT const struct weir_plugin weir_plugin = {
 *		WEIR_PLUGIN_HEAD, .name = "mine", .validate = validate,
 *	};
 *
 * All callbacks are made by schedd's one thread and hold it up. Members are
 * only ever added, at the end of a struct; whatever else changes changes
 * WEIR_PLUGIN_ABI.
 */
#ifndef WEIR_PLUGIN_H
#define WEIR_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_PLUGIN_ABI		1
#define WEIR_PLUGIN_EXPORT	__attribute__((visibility("default")))
#define WEIR_PLUGIN_HEAD	.abi = WEIR_PLUGIN_ABI, \
				.size = sizeof(struct weir_plugin)

struct weir_plugin_host;	/* schedd, as this plug-in knows it */
struct weir_plugin_job;		/* good until the callback returns */

enum weir_plugin_state {
	WEIR_PLUGIN_NEW = 0,
	WEIR_PLUGIN_DEPEND = 1,
	WEIR_PLUGIN_PRIORITY = 2,
	WEIR_PLUGIN_SCHED = 3,
	WEIR_PLUGIN_RUN = 4,
	WEIR_PLUGIN_CLEANUP = 5,
	WEIR_PLUGIN_INACTIVE = 6,
};

enum weir_plugin_kind {
	WEIR_PLUGIN_SINGLE = 0,
	WEIR_PLUGIN_ARRAY = 1,		/* never has resources itself */
	WEIR_PLUGIN_ELEMENT = 2,	/* of an array */
};

enum weir_plugin_verdict {
	WEIR_PLUGIN_NEVER = 0,		/* the dependency can't hold any more */
	WEIR_PLUGIN_WAIT = 1,
	WEIR_PLUGIN_YES = 2,
};

/* What schedd offers. Strings live until the callback returns. */
struct weir_plugin_api {
	int abi;
	size_t size;			/* of this struct, as schedd has it */

	/* a job */
	uint64_t (*job_id)(const struct weir_plugin_job *job);
	uint32_t (*job_userid)(const struct weir_plugin_job *job);
	int (*job_urgency)(const struct weir_plugin_job *job);
	int64_t (*job_priority)(const struct weir_plugin_job *job);
	enum weir_plugin_state (*job_state)(const struct weir_plugin_job *job);
	enum weir_plugin_kind (*job_kind)(const struct weir_plugin_job *job);
	/* seconds since 1970 */
	double (*job_submitted)(const struct weir_plugin_job *job);
	/* its time limit, seconds; 0: none */
	double (*job_duration)(const struct weir_plugin_job *job);
	/* as asked for; once it has resources, as given. No number of nodes
	 * asked for is 0 */
	int (*job_nnodes)(const struct weir_plugin_job *job);
	int (*job_ncores)(const struct weir_plugin_job *job);
	int (*job_ngpus)(const struct weir_plugin_job *job);
	const char *(*job_name)(const struct weir_plugin_job *job);
	/* "": the queue without a name */
	const char *(*job_queue)(const struct weir_plugin_job *job);
	/* JSON; in validate only, else NULL */
	const char *(*job_jobspec)(const struct weir_plugin_job *job);

	/* Why a callback says no: what the user is shown. The last text counts,
	 * up to 500 bytes. */
	void (*explain)(struct weir_plugin_host *host, const char *fmt, ...)
		__attribute__((format(printf, 2, 3)));
	/* A line in schedd's log; LEVEL as of syslog(3). */
	void (*log)(struct weir_plugin_host *host, int level, const char *fmt,
		    ...) __attribute__((format(printf, 3, 4)));
	/* Seconds since 1970, as schedd counts them. */
	double (*now)(struct weir_plugin_host *host);

	/*
	 * These take effect after the callback has returned, if the job is
	 * still there; -1 with errno ENOMEM or EINVAL.
	 */
	/* Asks for the priority of the waiting job ID again; 0: of all. */
	int (*reprioritize)(struct weir_plugin_host *host, uint64_t id);
	/* Asks again whether the dependencies of job ID hold. */
	int (*redepend)(struct weir_plugin_host *host, uint64_t id);
	/* Asks again whether jobs of USERID may start that could not;
	 * WEIR_PLUGIN_ALL: of any user. */
	int (*restart)(struct weir_plugin_host *host, uint32_t userid);
	/* An exception of job ID; severity 0 ends it. NOTE may be NULL. */
	int (*raise)(struct weir_plugin_host *host, uint64_t id,
		     const char *type, int severity, const char *note);
	/* The callback timer, in SECONDS from now; before it has come, the
	 * new time counts. Negative: not at all. */
	int (*timer)(struct weir_plugin_host *host, double seconds);
};

#define WEIR_PLUGIN_ALL		UINT32_MAX

/* What a plug-in has. A callback that is NULL is not made. */
struct weir_plugin {
	int abi;			/* WEIR_PLUGIN_HEAD sets these */
	size_t size;
	const char *name;		/* 1 to 64 letters, digits, . _ - */
	/* Names of dependencies that it knows, the last NULL; or NULL. */
	const char *const *schemes;

	/* First. Sets *SELF, which all others get. API and HOST are good until
	 * unload has returned. -1: it can't; explain says why. */
	int (*load)(const struct weir_plugin_api *api,
		    struct weir_plugin_host *host, void **self);
	/* Last, if load did not fail. */
	void (*unload)(void *self);
	/* Its configuration, a JSON object, "{}" if there is none: after load,
	 * and when it changes. -1: it is wrong; the last one stays. */
	int (*configure)(void *self, const char *json);
	/* A job is there that it has not been told of: each that is active
	 * when it is loaded, then each that is submitted, also elements. */
	void (*job)(void *self, const struct weir_plugin_job *job);
	/* JOB has come from the state FROM into the one it is in now. INACTIVE
	 * is the last that is heard of it. */
	void (*state)(void *self, const struct weir_plugin_job *job,
		      enum weir_plugin_state from);
	/* NAME stands in JOB's eventlog, or will at once; ENTRY is the line. */
	void (*event)(void *self, const struct weir_plugin_job *job,
		      const char *name, const char *entry);
	/* A job is about to be accepted. -1: it is refused, and explain tells
	 * the user why. Elements of arrays are not asked about. */
	int (*validate)(void *self, const struct weir_plugin_job *job);
	/* JOB as it would be after a user's change of its duration or queue.
	 * -1: that is refused. */
	int (*update)(void *self, const struct weir_plugin_job *job);
	/* Sets *PRIORITY, 0 (held) to 4294967295. 1: no opinion. */
	int (*priority)(void *self, const struct weir_plugin_job *job,
			int64_t *priority);
	/* Whether JOB's dependency SCHEME:VALUE holds: when it is submitted,
	 * where NEVER refuses it, and then until it does. */
	enum weir_plugin_verdict (*depend)(void *self,
			const struct weir_plugin_job *job, const char *scheme,
			const char *value);
	/* JOB would get resources now. 0: not yet; explain says why. */
	int (*start)(void *self, const struct weir_plugin_job *job);
	/* See timer above. */
	void (*timer)(void *self);
	/* What `weir jobtap query' shows: a JSON object, made with malloc, or
	 * NULL. */
	char *(*query)(void *self);
};

#ifdef __cplusplus
}
#endif

#endif
