/* SPDX-License-Identifier: Apache-2.0 */
/* From a job's signed request to a shell that runs it, once: the state of the
 * file that shells hold, see shell_order.c, tells whether it has been. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "execd/agent.h"
#include "proto/envelope.h"

static void lock_path(const struct agent *a, uint64_t id, char *buf,
		      size_t size)
{
	snprintf(buf, size, "%s/job-%u-%" PRIu64, a->rundir, a->rank, id);
}

enum launch_state launch_state(struct agent *a, uint64_t id)
{
	enum launch_state state = LAUNCH_NEVER;
	char path[4096];
	struct stat st;
	int fd;

	lock_path(a, id, path, sizeof(path));
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return LAUNCH_NEVER;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		state = LAUNCH_ALIVE;
	else if (fstat(fd, &st) == 0 && st.st_size > 0)
		state = LAUNCH_DEAD;
	close(fd);
	return state;
}

void launch_forget(struct agent *a, uint64_t id)
{
	char path[4096];

	lock_path(a, id, path, sizeof(path));
	unlink(path);
}

int launch_disown(struct agent *a, uint64_t id)
{
	char path[4096];
	int fd, r;

	lock_path(a, id, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	r = write(fd, "0\n", 2) == 2 ? 0 : -1;
	close(fd);
	return r;
}

int launch_folder(struct agent *a, char *error, size_t size)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/execd-%u.lock", a->rundir, a->rank);
	a->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (a->lock >= 0 && flock(a->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (a->lock >= 0 && errno == EWOULDBLOCK)
		snprintf(error, size, "%s: another execd of rank %u runs",
			 path, a->rank);
	else
		snprintf(error, size, "%s: %s", path, strerror(errno));
	return -1;
}

bool launch_folder_known(struct agent *a)
{
	struct stat st;

	return fstat(a->lock, &st) == 0 && st.st_size > 0;
}

int launch_folder_mark(struct agent *a)
{
	return write(a->lock, "used\n", 5) == 5 ? 0 : -1;
}

/* The request as its user signed it, or NULL with a reason. */
static struct envelope *verified(struct agent_job *j, const char *text,
				 size_t len, struct proto_error *error)
{
	struct envelope_policy policy = {
		.mechanisms = ENVELOPE_NONE | ENVELOPE_MUNGE | ENVELOPE_SODIUM,
		.uid = getuid(),
		.sender = j->userid,
		.instance = weir_greeting(j->agent->h, "instance"),
		.now = time(NULL),
		.max_lifetime = ENVELOPE_LIFETIME,
		.skew = ENVELOPE_SKEW,
	};
	struct envelope *env = envelope_unpack(text, len, error);

	if (env && envelope_verify(env, &policy, error) == 0)
		return env;
	envelope_destroy(env);
	return NULL;
}

static struct link *start_shell(struct agent *a, char *why, size_t size)
{
	const struct shell_spec node = {
		.rank = a->rank, .host = a->host, .uri = a->uri,
		.rundir = a->rundir, .socket_path = a->socket_path,
		.core_cpus = a->core_cpus, .core_count = a->core_count,
		.nofile = a->nofile.rlim_cur,
		.away_ms = (int64_t)a->shell_timeout * 1000,
	};
	struct link *l;
	int fd[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		       fd) < 0) {
		snprintf(why, size, "socketpair: %s", strerror(errno));
		return NULL;
	}
	pid = fork();
	if (pid == 0)
		shell_main(&node, fd[1]);
	if (pid < 0)
		snprintf(why, size, "fork: %s", strerror(errno));
	close(fd[1]);
	if (pid < 0) {
		close(fd[0]);
		return NULL;
	}
	l = link_adopt(a, fd[0], pid);
	if (!l)
		snprintf(why, size, "out of memory");
	return l;
}

int launch(struct agent_job *j, const char *text, size_t len, char *buf,
	   size_t size)
{
	struct proto_error error;
	struct envelope *env = verified(j, text, len, &error);
	struct link *l;

	if (!env) {
		snprintf(buf, size, "the signed request is refused: %s",
			 error.text);
		return -1;
	}
	l = link_idle(j->agent);
	if (!l)
		l = start_shell(j->agent, buf, size);
	if (l) {
		link_run(l, j, env->payload, env->payload_len);
		j->own = true;
		job_connected(j, l);
	}
	envelope_destroy(env);
	return l ? 0 : -1;
}
