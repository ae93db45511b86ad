/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from a job's attributes, which are those of job-list in
 * weir-jobs(7). One that is absent counts as 0 or "". */
#ifndef WEIR_CMD_JOBS_FACT_H
#define WEIR_CMD_JOBS_FACT_H

#include <jansson.h>
#include <stdbool.h>

json_int_t fact_integer(const json_t *job, const char *key);
double fact_number(const json_t *job, const char *key);
const char *fact_string(const json_t *job, const char *key);

int fact_state(const json_t *job);	/* a bit */
const char *fact_state_name(const json_t *job);
const char *fact_result_name(const json_t *job);
/* Seconds of run time, up to NOW if it is running. */
double fact_runtime(const json_t *job, double now);
/* Seconds left of its time limit; 0: none, or it isn't running. */
double fact_remaining(const json_t *job, double now);
/* The exit code; of a death by signal -signal; -128 of a job that ended
 * before it ran. False while it has none. */
bool fact_returncode(const json_t *job, int *code);
bool fact_exception(const json_t *job);

#endif
