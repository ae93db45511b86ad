/* SPDX-License-Identifier: Apache-2.0 */
/* An agent that is nothing but its links to shells: what the rest of it would
 * do is written down. One job, LINKS_JOB, is known. For t/unit/links.c and
 * t/fuzz/link.c. */
#ifndef WEIR_UNIT_LINKS_H
#define WEIR_UNIT_LINKS_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "execd/agent.h"
#include "execd/link.h"

#define LINKS_JOB	42

static char links_told[1024];	/* what was done, each with a line feed */
static struct agent links_agent;
static struct agent_job links_job = { .id = LINKS_JOB,
				      .agent = &links_agent };

__attribute__((format(printf, 1, 2)))
static void links_note(const char *fmt, ...)
{
	size_t len = strlen(links_told);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(links_told + len, sizeof(links_told) - len, fmt, ap);
	va_end(ap);
}

void agent_log(struct agent *a, int level, const char *fmt, ...)
{
	links_note("log\n");
}

void agent_again(struct agent *a, const char *fmt, ...)
{
	abort();
}

struct agent_job *jobs_find(struct agent *a, uint64_t id)
{
	return id == LINKS_JOB ? &links_job : NULL;
}

void job_connected(struct agent_job *j, struct link *link)
{
	j->link = link;
	links_note("connected\n");
}

void job_lost_link(struct agent_job *j)
{
	j->link = NULL;
	links_note("lost\n");
}

void job_input_room(struct agent_job *j)
{
	links_note("room\n");
}

void job_started(struct agent_job *j, pid_t pid)
{
	links_note("started %d\n", (int)pid);
}

void job_output(struct agent_job *j, uint64_t offset, const char *data,
		size_t len)
{
	static volatile char last;

	if (len)	/* all of it can be read */
		last = data[len - 1];
	links_note("output %llu %zu\n", (unsigned long long)offset, len);
	(void)last;
}

void job_exception(struct agent_job *j, const char *type, int severity,
		   int status, const char *note, size_t len)
{
	links_note("exception %.20s %d %d %.*s\n", type, severity, status,
		   len > 40 ? 40 : (int)len, note);
}

void job_finished(struct agent_job *j, int status)
{
	links_note("finished %d\n", status);
}

static int links_begin(void)
{
	static char path[] = "/tmp/weir-links.XXXXXX";
	static char name[sizeof(path) + 8];
	char why[256];

	if (!mkdtemp(path))
		abort();
	snprintf(name, sizeof(name), "%s/s", path);
	links_agent = (struct agent) {
		.base = event_base_new(), .rank = 3, .synced = true,
		.socket_path = name, .listener = -1, .core_count = 1,
	};
	return links_agent.base ? links_listen(&links_agent, why, sizeof(why))
				: -1;
}

static void links_end(void)
{
	links_free(&links_agent);
	event_base_free(links_agent.base);
	*strrchr(links_agent.socket_path, '/') = '\0';
	rmdir(links_agent.socket_path);
}

/* A shell's end of a new link. */
static int links_connect(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, links_agent.socket_path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		abort();
	return fd;
}

/* Lets the agent do all that it can. */
static void links_turn(void)
{
	int i;

	for (i = 0; i < 3; i++)	/* accept, read, write */
		event_base_loop(links_agent.base, EVLOOP_NONBLOCK);
}

#endif
