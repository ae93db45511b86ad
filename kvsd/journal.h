/* SPDX-License-Identifier: Apache-2.0 */
/* A file of records, each on the disk when it is there, and of what they stand
 * on: the first bytes of another file. What that file is at any time may be
 * unknown after a loss of power; with the base put back and the records
 * repeated it is whole. weir-treeobj(5), Files.
 */
#ifndef WEIR_KVSD_JOURNAL_H
#define WEIR_KVSD_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_SIZE	(4u << 20)	/* bytes of a file, at most */

struct journal;

/* That of FOLDER, for up to MAX bytes, at least 256 KiB; if there is none it is
 * made when it is begun. MAX 0: to read. NULL with errno. */
struct journal *journal_open(const char *folder, size_t max);
void journal_close(struct journal *journal);

/* What was found when it was opened: the base and its NUMBER, or NULL: it was
 * ended, or never begun. Both this and records last until it is begun or
 * ended. */
const void *journal_base(const struct journal *journal, size_t *len,
			 uint64_t *number);
/* The next record that was found, or NULL: there are no more. */
const void *journal_next(struct journal *journal, size_t *len);
void journal_rewind(struct journal *journal);
/* At the last record: there were more, but the next is damaged. */
bool journal_is_cut(const struct journal *journal);

/* These three return 0 or an errno; then all of it is on the disk. A journal
 * that could not be begun may be begun, or not. */
int journal_begin(struct journal *journal, const void *base, size_t len,
		  uint64_t number);
int journal_end(struct journal *journal);
/* Room for a record of LEN bytes, which journal_append then adds; or NULL: it
 * does not fit. */
unsigned char *journal_record(struct journal *journal, size_t len);
int journal_append(struct journal *journal);

/* fdatasync. Tests put a failing disk here. */
extern int (*journal_sync)(int fd);

#endif
