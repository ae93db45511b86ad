/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of weir kvs. */
#ifndef WEIR_CMD_KVS_H
#define WEIR_CMD_KVS_H

#include <signal.h>

#include "libclient/weir.h"

/* Of --namespace; NULL: the library's default. */
extern const char *kvs_ns;

/* Why F failed, in words; F NULL: errno says. */
const char *kvs_reason(weir_future_t *f);
/* "weir-kvs: KEY: reason", exit(1). */
void kvs_fail(const char *key, weir_future_t *f) __attribute__((noreturn));
/* Waits for F or fails. */
void kvs_get_done(weir_future_t *f, const char *key);
void kvs_print_root(const char *ref);

/* The argument of --at as the protocol has it: a version, a hash, or as
 * getroot shows one. */
const char *kvs_at(char *text);
/* The namespace that GIVEN, of an option, or NULL, stands for. */
const char *kvs_ns_name(const char *given);

/* All names of a directory, however many pages that takes. */
struct kvs_names {
	struct {
		char *name;
		char type;	/* v, d or l */
	} *entry;
	size_t count;
};
struct kvs_names kvs_list(weir_t *h, const char *ns, const char *key,
			  const char *at);
void kvs_names_free(struct kvs_names *names);
/* "KEY.NAME", or NAME below the root; to be freed. */
char *kvs_join(const char *key, const char *name);

/* Says why a transaction that copies SRC to DST was refused; exit(1). */
void kvs_copy_refused(weir_future_t *f, const char *src, const char *dst)
	__attribute__((noreturn));

int kvs_copy(int argc, char **argv);
int kvs_move(int argc, char **argv);
struct dump_item;
/* Each item of the dump in the file NAME (NULL or "-": standard input), until
 * CB returns nonzero. While it waits for bytes SIGNALS are blocked and no
 * others; NULL: as they are. -1 with *WHY (to be freed), which says what is wrong and
 * where; a file that can't be opened ends the program. */
int kvs_read_dump(const char *name, const sigset_t *signals,
		  int (*cb)(const struct dump_item *item, void *arg),
		  void *arg, char **why);

int kvs_dump(int argc, char **argv);
int kvs_load(int argc, char **argv);
int kvs_diff(int argc, char **argv);
int kvs_fsck(int argc, char **argv);
int kvs_snapshot(int argc, char **argv);
int kvs_restore(int argc, char **argv);
int kvs_dir(int argc, char **argv);
int kvs_ls(int argc, char **argv);
int kvs_watch(int argc, char **argv);
int kvs_getroot(int argc, char **argv);
int kvs_version(int argc, char **argv);
int kvs_wait(int argc, char **argv);
int kvs_sync(int argc, char **argv);
int kvs_namespace(int argc, char **argv);
int kvs_ns_create(int argc, char **argv);
int kvs_ns_set(int argc, char **argv);
int kvs_ns_show(int argc, char **argv);
int kvs_ns_quota(int argc, char **argv);
int kvs_stats(int argc, char **argv);
int kvs_gc(int argc, char **argv);
int kvs_eventlog(int argc, char **argv);

#endif
