/* SPDX-License-Identifier: Apache-2.0 */
/* Host names one by one, for what a hostlist in its short form can't do fast:
 * sets of them, order, places. */
#ifndef WEIR_CMD_HOSTS_H
#define WEIR_CMD_HOSTS_H

#include <stdbool.h>

#include "proto/hostlist.h"
#include "proto/idset.h"

struct hosts {
	char **name;
	size_t count, size;
};

enum hosts_op { HOSTS_JOIN, HOSTS_INTERSECT, HOSTS_MINUS, HOSTS_XOR };

struct hosts hosts_of(const struct hostlist *list);
struct hostlist *hosts_list(const struct hosts *h);	/* to be destroyed */
void hosts_add(struct hosts *h, const char *name);
void hosts_free(struct hosts *h);

/* H becomes H and then OTHER; what both have; what OTHER lacks; what only one
 * has. All but the first keep a name once. */
void hosts_combine(struct hosts *h, const struct hosts *other,
		   enum hosts_op op);
/* Those at PLACES go. */
void hosts_drop(struct hosts *h, const struct idset *places);
/* By name, numbers by their value. */
void hosts_sort(struct hosts *h, bool unique);
/* The first N, or the last -N. */
void hosts_limit(struct hosts *h, long n);

#endif
