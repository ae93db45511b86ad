/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of weir job, by file. weir-job(1). */
#ifndef WEIR_CMD_JOB_H
#define WEIR_CMD_JOB_H

#include <jansson.h>

#include "libclient/weir.h"

/* An id in any form, or "weir-job: TEXT: malformed input". */
weir_jobid_t job_argument(const char *text);
/* The next option-free word as an id, and no word after it. */
weir_jobid_t only_job_argument(int argc, char **argv);
/* It has no KEY: dies if there is no such job at all. */
void job_must_exist(weir_t *h, weir_jobid_t id, const char *key);

/* job.c */
int job_attach(int argc, char **argv);
int job_info(int argc, char **argv);
int job_submit(int argc, char **argv);
int job_stats(int argc, char **argv);
/* job_events.c */
int job_eventlog(int argc, char **argv);
int job_wait_event(int argc, char **argv);
/* job_status.c */
int job_status(int argc, char **argv);
/* job_act.c */
int job_kill(int argc, char **argv);
int job_raise(int argc, char **argv);
int job_cancel(int argc, char **argv);
/* job_wait.c */
int job_wait(int argc, char **argv);
int job_purge(int argc, char **argv);
/* job_journal.c */
int job_journal(int argc, char **argv);
/* job_current.c */
/* KEY of a job, which is TEXT, as updates have changed it; to be freed. NULL:
 * they have not. */
char *job_current(weir_t *h, weir_jobid_t id, const char *key,
		  const char *text, size_t len);
/* job_change.c */
/* What METHOD with BODY, which is taken, replies about job ID, 0 for none; or
 * dies. */
json_t *job_call(weir_t *h, const char *method, weir_jobid_t id,
		 json_t *body);
int job_urgency(int argc, char **argv);
int job_memo(int argc, char **argv);
/* job_list.c */
int job_id(int argc, char **argv);
int job_namespace(int argc, char **argv);
int job_last(int argc, char **argv);
int job_list(int argc, char **argv);
int job_list_ids(int argc, char **argv);
int job_list_inactive(int argc, char **argv);
/* job_map.c */
int job_taskmap(int argc, char **argv);
int job_timeleft(int argc, char **argv);

#endif
