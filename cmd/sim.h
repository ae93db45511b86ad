/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of weir sim share: traces, a run of one under one pair of
 * policies, what is told of it. See weir-sim(1), weir-trace(5). */
#ifndef WEIR_CMD_SIM_H
#define WEIR_CMD_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "schedd/backfill.h"

#define TRACE_JOBS_MAX	10000000u
#define TRACE_TIME_MAX	10000000000ll		/* seconds */

/* ---- sim_trace.c ---- */

struct trace_job {
	int64_t submit;
	int64_t run;		/* seconds until it ends by itself */
	int64_t duration;	/* asked for; 0: by the jobspec */
	int64_t procs;		/* of one type; 0: see jobspec */
	int64_t priority;
	json_t *jobspec;	/* shared by copies; or NULL */
};

struct trace {
	struct trace_job *jobs;	/* by submit; else as in the file */
	size_t count, size;
	size_t skipped;		/* that never ran, or are not known well */
};

/* NULL with EINVAL or ENOMEM; ERR says in which line. */
struct trace *trace_from_swf(const char *text, size_t len,
			     struct proto_error *err);
struct trace *trace_from_yaml(const char *text, size_t len,
			      struct proto_error *err);
/* A list of jobs is YAML if its first line that is not empty does not begin
 * as one of the Standard Workload Format does. */
struct trace *trace_parse(const char *text, size_t len,
			  struct proto_error *err);
void trace_destroy(struct trace *trace);	/* NULL is fine */

/* ---- sim_make.c ---- */

/* A trace of COUNT jobs for a machine of UNITS that would be LOAD (0 to 1...)
 * busy, in the Standard Workload Format. */
void trace_make(FILE *file, size_t count, int64_t units, double load,
		uint64_t seed);

/* ---- sim_run.c ---- */

/* Neighbouring nodes that a job has a part of, by their place among nodes. */
struct sim_span {
	uint32_t first, last;
	uint32_t job;
};

struct sim_job {
	int64_t submit, start, end;	/* start BACKFILL_NO_TIME: never */
	int64_t promised;		/* the first time it was told */
	int64_t units;			/* of the type that is measured */
};

struct sim {
	/* what to run; set by the caller */
	struct graph *g;
	const struct match_policy *policy;
	struct backfill_config config;
	const struct trace *trace;
	uint32_t type;		/* that is measured, and processors are */
	bool verify, draw;

	/* what came of it */
	struct sim_job *jobs;	/* as in the trace */
	int64_t first, last;	/* submit, end */
	int64_t units;		/* of the machine */
	struct sim_span *spans;	/* if draw */
	size_t span_count, span_size;
	size_t never, passes;
	char wrong[200];	/* why the schedule is not right, or "" */
};

/* The graph has to be one that no job has anything of, and is so after. -1
 * with ENOMEM, or EINVAL and ERR: a job that can't be asked for. */
int sim_run(struct sim *sim, struct proto_error *err);
void sim_clear(struct sim *sim);

/* ---- sim_report.c ---- */

struct sim_figures {
	size_t jobs, never, waited, promised;
	double wait_mean, wait_median, wait_p95, wait_max;
	double slowdown_mean, slowdown_median, slowdown_max;
	double utilization;
	int64_t makespan;
};

struct sim_figures sim_figures(const struct sim *sim);
void sim_table(const struct sim *sims, size_t count, FILE *file);
void sim_json(const struct sim *sims, size_t count);
/* "easy/first", in BUF. */
#define SIM_NAME_SIZE 160
const char *sim_name(const struct sim *sim, char buf[SIM_NAME_SIZE]);

/* ---- sim_draw.c ---- */

void sim_svg(const struct sim *sims, size_t count, FILE *file);
void sim_html(const struct sim *sims, size_t count, FILE *file);

#endif
