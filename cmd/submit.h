/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of weir run, submit, bulksubmit, batch and alloc. */
#ifndef WEIR_CMD_SUBMIT_H
#define WEIR_CMD_SUBMIT_H

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "libclient/weir.h"

struct word_list {
	char **word;
	int count;
};

enum submit_kind { SUBMIT_MANY, SUBMIT_RUN, SUBMIT_BATCH, SUBMIT_ALLOC };

/* What a job needs, said by its resources; 0: not given. */
struct submit_size {
	int cores;		/* in total */
	int tasks_per_node, tasks_per_core, gpus_per_node;
};

struct submit_options {
	enum submit_kind kind;
	int ntasks,		/* of batch and alloc: slots */
	    cores_per_task, gpus_per_task, nnodes;
	struct submit_size size;
	bool exclusive;
	double duration;
	const char *queue, *bank, *name, *cwd;
	int urgency, flags;
	int warn_signum;		/* 0: none */
	double warn_before;		/* seconds */
	struct word_list setopt, setattr, env, rlimit, dependency,
			 add_file;
	bool unbuffered, label, dry_run, quiet;
	int verbose;
	const char *requires, *taskmap;
	const char *resources_json;	/* file; or NULL */
	const char *wait_event;
	const char *input, *output, *error;	/* files, or NULL */
	bool wait, watch, progress, jps;
	const char *cc, *bcc;	/* idsets */
	const char *log, *log_stderr;	/* files, or NULL */
	const char *array;	/* its elements, proto/arrayspec.h; or NULL */
	bool wrap, background;
	struct word_list start_opts;	/* for weir start */
	const char *script;	/* batch: text of the file to bring along */
	char **argv;		/* the command */
};

/* Fills O from the command line; ends the program on an error. */
void submit_parse(struct submit_options *o, int argc, char **argv);
void submit_options_free(struct submit_options *o);
/* The options of weir submit, for getopt. */
#define SUBMIT_SHORTS "n:c:g:N:xt:q:B:o:S:ul"
const struct option *submit_longs(void);
/* The job's request; CC is the copy's number or NULL. */
json_t *submit_jobspec(const struct submit_options *o, const char *cc);

/* submit_env.c: the environment after the rules of --env */
json_t *submit_environment(const struct word_list *rules);
/* submit_size.c: is the size of O said by its resources? Then its counts, and
 * how tasks come from them. */
struct jobspec_request;
bool submit_by_resource(const struct submit_options *o);
void submit_size(const struct submit_options *o, struct jobspec_request *r);
void submit_size_tasks(const struct submit_options *o, json_t *jobspec);
/* The resources of a file in the place of what JOBSPEC asks for. */
void submit_resources_json(json_t *jobspec, const char *path);
/* submit_requires.c: the constraint that QUERY stands for */
json_t *submit_requires(const char *query);
/* submit_taskmap.c: the shell option for SCHEME[:VALUE] */
json_t *submit_taskmap(const char *given);
/* submit_files.c: the files that a job brings along; CC as below */
void submit_files(json_t *jobspec, const struct submit_options *o,
		  const char *cc);
/* submit_log.c: the files of --log and --log-stderr for a copy, or NULL; each
 * name is opened once. The last closes all. */
FILE *submit_log(const char *template, const char *cc);
void submit_log_close(void);
/* submit_stdio.c: options of the job shell for --input, --output, --error and
 * --label-io; CC as above */
void submit_stdio(json_t *jobspec, const struct submit_options *o,
		  const char *cc);
/* submit_limits.c: soft limits after the rules of --rlimit; NULL: none */
json_t *submit_limits(const struct word_list *rules);

/* submit_copies.c: the jobs of COUNT requests, pipelined; the exit code. What
 * is to be done with them once they are submitted, the first says for all. */
int submit_copies(weir_t *h, const struct submit_options *o, int count);

/* One job, followed to its end or, in the background, until its instance is
 * ready; the exit code. Or its jobspec printed. */
int submit_run(const struct submit_options *o);

/* WORD with each {cc} replaced; to be freed. */
char *with_cc(const char *word, const char *cc);
void word_add(struct word_list *list, const char *word);
void word_list_free(struct word_list *list);

#endif
