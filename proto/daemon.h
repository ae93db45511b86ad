/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemons' main functions share: options, the starter's pipe, stop
 * signals, and log lines. kvsd(8), schedd(8), execd(8).
 *
 * A main function reads: daemon_options, check, (-n ends here), init,
 * daemon_ready, loop, fini. Until daemon_ready a failure is told by
 * daemon_fail: on the starter's pipe if there is one, else on stderr.
 */
#ifndef WEIR_PROTO_DAEMON_H
#define WEIR_PROTO_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

/* ---- options: a row each, the last with a NULL name ---- */

enum daemon_option_kind {
	DAEMON_FLAG,	/* --name: bool */
	DAEMON_STRING,	/* --name=TEXT: const char *, not empty */
	DAEMON_NUMBER,	/* --name=N: uint64_t */
	DAEMON_SECONDS,	/* --name=S: double */
};

struct daemon_option {
	const char *name;
	enum daemon_option_kind kind;
	void *value;		/* what KIND says; unset: as it was */
	const char *argument;	/* for the usage, such as PATH */
	const char *help;
};

struct daemon {
	const char *name;	/* for messages and --version */
	bool check_only;	/* -n was given */
	int ready_fd;		/* --ready-fd, -1 if there is none */
	int log_level;		/* --log-level, a syslog severity */
};

/* Parses ARGV by OPTIONS and the ones that every daemon has: -n, --ready-fd,
 * --log-level, --help, --version. Ends the process with status 2 and a usage
 * line on an error, with 0 after --help and --version. */
void daemon_options(struct daemon *d, const char *name, int argc, char **argv,
		    const struct daemon_option *options);

/* ---- the starter's pipe ---- */

/* Writes "ready" to the starter's pipe and closes it. */
void daemon_ready(struct daemon *d);
/* Tells why the daemon can't start and ends the process with status 1. */
void daemon_fail(struct daemon *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/* ---- starting anew ---- */

/* Runs this program again in this process, with ARGV less --ready-fd. Daemons
 * that keep no state of their own recover so. Ends the process if it can't. */
void daemon_restart(struct daemon *d, char **argv) __attribute__((noreturn));

/* ---- signals ---- */

/* Ignores SIGPIPE, blocks SIGTERM and SIGINT (children inherit that: see
 * daemon_signals_restore), and returns a descriptor that becomes readable when
 * one of them has come; -1 with errno. */
int daemon_signals(void);
/* Takes a signal from it: its number, or 0 if there is none. */
int daemon_signal_take(int fd);
/* In a child, before exec. */
void daemon_signals_restore(void);

/* ---- log lines ---- */

/* "NAME: severity: text" on FD (default 2) if LEVEL, a syslog severity, is not
 * above the threshold. */
void daemon_log(int level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void daemon_log_fd(int fd);
/* HOOK gets each line up to LOG_INFO whatever the threshold; NULL: none. */
void daemon_log_hook(void (*hook)(int level, const char *text, void *arg),
		     void *arg);

#endif
