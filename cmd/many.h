/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that act on many jobs at once. weir-jobs(7), raiseall. */
#ifndef WEIR_CMD_MANY_H
#define WEIR_CMD_MANY_H

#include <jansson.h>

#include "libclient/weir.h"

/* What METHOD with BODY, which is taken, has found, and how many of these it
 * failed for; or dies. */
size_t many_call(weir_t *h, const char *method, json_t *body, size_t *errors);
/* Until the jobs of an array of ids have ended. */
void many_wait(weir_t *h, json_t *ids);

/* weir job raiseall, killall */
int job_raiseall(int argc, char **argv);
int job_killall(int argc, char **argv);

#endif
