/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a shell, once. A file in the run folder is made and locked before
 * the fork; the shell holds the lock and writes its pid into it before it
 * starts a task. So a later agent can tell a job that was never started
 * (no file, or an empty one that nobody holds), one that runs (held), and
 * one whose shell died (written, not held). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "execd/agent.h"
#include "proto/arrayspec.h"
#include "proto/envelope.h"
#include "proto/jobid.h"
#include "proto/jobspec.h"

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

static int take_lock(struct agent *a, uint64_t id)
{
	char path[4096];
	int fd;

	lock_path(a, id, path, sizeof(path));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return -1;
	}
	return fd;
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

/* Whether the array with these elements has one with the id ID. */
static bool signed_element(const char *elements, uint64_t id)
{
	struct array_spec *spec = array_spec_parse(elements, NULL);
	uint64_t array;
	uint32_t index;
	bool has = spec && jobid_is_element(id, &array, &index) &&
		   array_spec_has(spec, index);

	array_spec_destroy(spec);
	return has;
}

static bool job_cpus(const struct agent *a, const struct idset *cores,
		     cpu_set_t *cpus)
{
	unsigned core;

	CPU_ZERO(cpus);
	for (core = idset_first(cores); core != IDSET_NONE;
	     core = idset_next(cores, core)) {
		if (core >= a->core_count)
			return false;
		CPU_OR(cpus, cpus, &a->core_cpus[core]);
	}
	return CPU_COUNT(cpus) > 0;
}

static bool affinity_off(const struct jobspec *spec)
{
	const char *text = json_string_value(
		json_object_get(spec->shell_options, "cpu-affinity"));

	return text && !strcmp(text, "off");
}

int launch(struct agent_job *j, const char *text, size_t len, char *buf,
	   size_t size)
{
	struct agent *a = j->agent;
	struct proto_error error;
	struct shell_spec spec = {
		.id = j->id, .node = j->node, .nnodes = j->nnodes,
		.ntasks = j->ntasks, .tasks = j->tasks, .rank = a->rank,
		.host = a->host, .uri = a->uri, .rundir = a->rundir,
		.socket_path = a->socket_path, .nofile = a->nofile.rlim_cur,
		.away_ms = (int64_t)a->shell_timeout * 1000,
	};
	const struct resource_node *node = resource_set_find(j->R, a->rank);
	struct envelope *env = verified(j, text, len, &error);
	struct jobspec *jobspec = NULL;
	cpu_set_t cpus;
	pid_t pid;

	if (!env) {
		snprintf(buf, size, "the signed request is refused: %s",
			 error.text);
		return -1;
	}
	jobspec = jobspec_parse(env->payload, env->payload_len, &error);
	envelope_destroy(env);
	if (!jobspec) {
		snprintf(buf, size, "jobspec: %s", error.text);
		return -1;
	}
	if (jobspec->array && !signed_element(jobspec->array, j->id)) {
		snprintf(buf, size, "the signed request has no such element");
		jobspec_destroy(jobspec);
		return -1;
	}
	spec.jobspec = jobspec;
	spec.cores = node ? node->cores : NULL;
	spec.gpus = node ? node->gpus : NULL;
	if (node && !affinity_off(jobspec) && job_cpus(a, node->cores, &cpus))
		spec.cpus = &cpus;
	spec.lock = take_lock(a, j->id);
	if (spec.lock < 0) {
		snprintf(buf, size, "the job's file in %s: %s", a->rundir,
			 strerror(errno));
		jobspec_destroy(jobspec);
		return -1;
	}
	pid = fork();
	if (pid == 0)
		shell_main(&spec);
	if (pid < 0)
		snprintf(buf, size, "fork: %s", strerror(errno));
	close(spec.lock);
	jobspec_destroy(jobspec);
	return pid < 0 ? -1 : 0;
}
