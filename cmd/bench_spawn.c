/* SPDX-License-Identifier: Apache-2.0 */
/* weir bench: running programs and timing them. See weir-bench(1). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/bench.h"

extern char **environ;

/* Start ARGV with standard output to FD; the errno, or 0. A broken pipe ends
 * it as in a shell, although this program ignores that signal. */
static int start(const char *const argv[], int fd, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t pipe_only;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc)
		return rc;
	rc = posix_spawnattr_init(&attr);
	if (rc) {
		posix_spawn_file_actions_destroy(&actions);
		return rc;
	}
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &pipe_only);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null",
					      O_RDONLY, 0);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&actions, fd, 1);
	if (!rc)
		rc = posix_spawnp(pid, argv[0], &actions, &attr,
				  (char *const *)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* Read FD to its end, with a tick every mebibyte. */
static void drain(int fd, struct spawned *result)
{
	static char buf[1 << 18];
	size_t next = 0;
	ssize_t n;

	result->bytes = 0;
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n > 0)
			result->bytes += n;
		else if (errno != EINTR)
			break;
		if (result->tick && result->bytes >= next) {
			result->tick(result->arg);
			next = result->bytes + (1 << 20);
		}
	}
}

int spawn_run(const char *const argv[], struct spawned *result)
{
	double begin = bench_now();
	struct rusage usage;
	int fd[2], status, rc;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC))
		return bench_fail("pipe: %s", strerror(errno));
	rc = start(argv, fd[1], &pid);
	close(fd[1]);
	if (rc) {
		close(fd[0]);
		return bench_fail("cannot run %s: %s", argv[0], strerror(rc));
	}
	drain(fd[0], result);
	close(fd[0]);
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return bench_fail("wait: %s", strerror(errno));
	result->seconds = bench_now() - begin;
	result->max_rss_kib = usage.ru_maxrss;
	if (WIFSIGNALED(status))
		return bench_fail("%s %s: %s", argv[0], argv[1] ? argv[1] : "",
				  strsignal(WTERMSIG(status)));
	if (status)
		return bench_fail("%s %s: exit code %d", argv[0],
				  argv[1] ? argv[1] : "", WEXITSTATUS(status));
	return 0;
}

int spawn_times(const char *const argv[], size_t n, struct samples *s)
{
	struct spawned result = { 0 };

	for (size_t i = 0; i < n; i++) {
		if (spawn_run(argv, &result))
			return -1;
		samples_add(s, result.seconds);
	}
	return 0;
}
