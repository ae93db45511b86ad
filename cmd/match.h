/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of weir match share. See weir-match(1). */
#ifndef WEIR_CMD_MATCH_H
#define WEIR_CMD_MATCH_H

#include <stdio.h>

#include "schedd/match.h"

enum match_format { FORMAT_R, FORMAT_R_JGF, FORMAT_JGF, FORMAT_TREE };

struct match_tool {
	struct graph *g;
	struct matcher *m;
	const struct match_policy *policy;
	enum match_format format;
	int64_t now;
	uint64_t next_id;
	double load_seconds;
	unsigned long tried, matched;
	double total, least, most;	/* seconds of matches */
	bool wrong;		/* a command was */
};

typedef struct graph *(*graph_loader)(const char *text, size_t len,
				      const char *filters,
				      struct proto_error *err);

/* That of a format of graphs, or a usage error. */
graph_loader find_graph_loader(const char *name);
/* One line of input. False: it was quit. */
bool match_command(struct match_tool *t, char *line);
/* A job or, with JOB NULL, a part. False after a message. */
bool match_print_job(struct match_tool *t, const struct match_job *job);
bool match_print_part(struct match_tool *t, const struct graph_part *part);
/* The whole of a file, to be freed; NULL after a message. */
char *match_read_file(const char *path, size_t *len);
/* "weir-match: TEXT" to standard error; a command was wrong. */
void match_wrong(struct match_tool *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
