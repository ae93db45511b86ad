/* SPDX-License-Identifier: Apache-2.0 */
/* An event of a job with its context, and the line of the eventlog that it
 * is. Lines are written without a JSON library's help: there are six a job
 * on the way to its start. weir-jobs(7), weir-eventlog(5). */
#ifndef WEIR_SCHEDD_JOBEVENT_H
#define WEIR_SCHEDD_JOBEVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/error.h"
#include "proto/eventlog.h"
#include "proto/wire.h"
#include "schedd/state.h"

#define NO_WAIT_STATUS	(-1)
/* Of exceptions, in bytes: a line must stay well below EVENTLOG_LINE_MAX. */
#define TYPE_MAX	64
#define NOTE_MAX	16384

/* Which fields count depends on the event; strings are borrowed. */
struct jobevent {
	enum job_event event;
	double time;		/* seconds since 1970 */
	uid_t userid;		/* submit, urgency; exception if has_userid */
	bool has_userid;
	int urgency;		/* submit, urgency */
	int flags;		/* submit: WEIR_JOB_... */
	int64_t priority;	/* priority */
	int status;		/* finish: a wait status; prolog-finish,
				   epilog-finish: 0 is fine */
	int severity;		/* exception */
	int wait_status;	/* exception: or NO_WAIT_STATUS */
	const char *type;	/* exception */
	const char *note;	/* exception; NULL: none */
	const char *description;	/* dependency-*, prolog-*, epilog-* */
	double expiration;	/* resource-update: seconds since 1970 */
	json_t *context;	/* memo, jobspec-update, set-flags: all of it */
	const char *resources;	/* alloc: the summary of its annotations */
};

/* Adds the line to BUF. -1 with ENOMEM. */
int jobevent_encode(struct wire_buf *buf, const struct jobevent *ev);
/* From a line taken apart; strings live as long as LINE. -1 with EINVAL. */
int jobevent_decode(struct jobevent *ev, const struct eventlog_event *line,
		    struct proto_error *err);

/* A word of at most TYPE_MAX printable characters: it stands in listings. */
bool good_exception_type(const char *type);
/* Adds S as a JSON string, quotes included. -1 with ENOMEM. */
int json_text(struct wire_buf *buf, const char *s);
/* Adds formatted text. -1 with ENOMEM. */
int buf_printf(struct wire_buf *buf, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
