/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of weir queue. */
#ifndef WEIR_CMD_QUEUE_H
#define WEIR_CMD_QUEUE_H

#include <jansson.h>

#include "libclient/weir.h"

/* The queues as an array of objects: weir-jobs(7), queue-list. */
json_t *queue_ask(weir_t *h);
/* The name of one; "" is the anonymous queue. */
const char *queue_name(const json_t *queue);

int queue_list(int argc, char **argv);	/* queue_list.c */

#endif
