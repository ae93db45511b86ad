/* SPDX-License-Identifier: Apache-2.0 */
/* How the job commands read and write ids, states, signals and users. */
#ifndef WEIR_CMD_JOBTEXT_H
#define WEIR_CMD_JOBTEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "libclient/weir.h"
#include "proto/jobid.h"

/* "weir-run: ERROR: TEXT", exit(1). */
void fail(const char *fmt, ...)
	__attribute__((format(printf, 1, 2), noreturn));
void warn_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Whether this terminal takes UTF-8; WEIR_F58_FORCE_ASCII says no. */
bool text_utf8(void);
/* ID in F58, with the letter that text_utf8 allows; returns BUF. */
const char *text_f58(weir_jobid_t id, char buf[JOBID_SIZE]);

/* "SCHED" for 8, "COMPLETED" for 1; NULL for no single bit. */
const char *text_state(int bit);
const char *text_result(int bit);
#define STATE_PENDING	(1 | 2 | 4 | 8)
#define STATE_RUNNING	(16 | 32)
#define STATE_INACTIVE	64
#define STATE_ACTIVE	(STATE_PENDING | STATE_RUNNING)
#define STATE_ANY	(STATE_ACTIVE | STATE_INACTIVE)
/* Adds the bits that WORD (any case; also pending, running, active) stands
 * for; -1 if it is neither state nor result. RESULTS may be NULL. */
int text_states(const char *word, int *states, int *results);
/* Of words with commas between; ends the program on one that is none. */
int text_state_list(const char *text);

/* 0 to 31, or hold, default, expedite; -1 if it is no such. */
int text_urgency(const char *word);

/* A number or a name with or without SIG; 0 if there is none such. */
int text_signal(const char *word);

/* -1 for "all"; a name or number to a uid, or fail. */
int64_t text_user(const char *word);
const char *text_username(uid_t uid);

/* Seconds of a duration, or fail. */
double text_duration(const char *word);

/* The reply of a call as JSON, or NULL; a new reference. */
json_t *reply_json(weir_future_t *f);

double wall_clock(void);

#endif
