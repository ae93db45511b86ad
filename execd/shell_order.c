/* SPDX-License-Identifier: Apache-2.0 */
/* What the shell is told to run, and that nobody else runs it. A file in the
 * run folder is the job's: the shell locks it, and writes its pid into it
 * before a task starts. So a later agent can tell a job that was never
 * started (no file, or an empty one that nobody holds), one that runs (held)
 * and one whose shell died (written, not held). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "execd/shell.h"
#include "proto/arrayspec.h"
#include "proto/jobid.h"

void shell_spec_free(struct shell_spec *spec)
{
	jobspec_destroy(spec->jobspec);
	idset_destroy(spec->tasks);
	idset_destroy(spec->cores);
	idset_destroy(spec->gpus);
}

/* The agent that gave the order may be gone, and another may have given it to
 * another shell. */
static bool agent_gone(const struct shell *s)
{
	struct pollfd p = { .fd = s->fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) > 0 &&
	       p.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

enum claim { OURS, NOT_OURS, FAILED };

static enum claim claim(struct shell *s)
{
	char path[4096], pid[24];
	struct stat st;
	int n;

	snprintf(path, sizeof(path), "%s/job-%u-%" PRIu64, s->spec->rundir,
		 s->spec->rank, s->spec->id);
	s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* whoever holds it looks at it, or finds out that its agent is gone */
	if (s->lock < 0 || flock(s->lock, LOCK_EX) < 0 ||
	    fstat(s->lock, &st) < 0)
		return FAILED;
	if (st.st_size > 0 || agent_gone(s))
		return NOT_OURS;
	n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	return write(s->lock, pid, (size_t)n) == n ? OURS : FAILED;
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

static bool affinity_off(const struct jobspec *spec)
{
	const char *text = json_string_value(
		json_object_get(spec->shell_options, "cpu-affinity"));

	return text && !strcmp(text, "off");
}

static void bind_cores(struct shell_spec *spec)
{
	unsigned core;

	CPU_ZERO(&spec->cpus);
	spec->bound = !affinity_off(spec->jobspec);
	for (core = idset_first(spec->cores); core != IDSET_NONE;
	     core = idset_next(spec->cores, core)) {
		if (core >= spec->core_count)
			spec->bound = false;
		else
			CPU_OR(&spec->cpus, &spec->cpus,
			       &spec->core_cpus[core]);
	}
	if (CPU_COUNT(&spec->cpus) == 0)
		spec->bound = false;
}

static void fail(struct shell *s, const char *what, const char *why)
{
	char *note;

	if (asprintf(&note, "%s: %s", what, why) < 0)
		note = NULL;
	shell_fail(s, note, 1 << 8);
}

/* What the user has signed, as the agent found it. */
static bool read_request(struct shell *s, const struct wire_frame *f)
{
	struct shell_spec *spec = s->spec;
	struct proto_error error;

	spec->jobspec = jobspec_parse(f->payload, f->payload_len, &error);
	if (!spec->jobspec)
		fail(s, "jobspec", error.text);
	else if (spec->jobspec->array &&
		 !signed_element(spec->jobspec->array, spec->id))
		fail(s, "the signed request", "has no such element");
	else
		bind_cores(spec);
	return !s->failed;
}

static bool read_words(struct shell_spec *spec, const struct wire_frame *f)
{
	uint64_t n[4];
	int i;

	if (f->words != 5 || !f->has_payload)
		return false;
	for (i = 0; i < 4; i++)
		if (wire_parse_u64(f->word[i + 1], &n[i]) < 0 ||
		    (i > 0 && n[i] > INT32_MAX))
			return false;
	spec->id = n[0];
	spec->node = (int)n[1];
	spec->nnodes = (int)n[2];
	spec->ntasks = (int)n[3];
	return spec->tasks && spec->cores && spec->gpus;
}

static void take_run(struct shell *s, const struct wire_frame *f)
{
	enum claim got;

	if (!read_words(&s->next, f)) {
		s->ended = true;	/* the agent will see it */
		return;
	}
	s->spec = &s->next;
	got = claim(s);
	if (got == NOT_OURS) {
		shell_forget(s);
		s->ended = true;
		return;
	}
	if (got == FAILED)
		fail(s, "the job's file in the run folder", strerror(errno));
	else if (read_request(s, f))
		shell_begin(s);
}

static struct idset **set_named(struct shell_spec *spec, const char *name)
{
	return !strcmp(name, "tasks") ? &spec->tasks :
	       !strcmp(name, "cores") ? &spec->cores :
	       !strcmp(name, "gpus") ? &spec->gpus : NULL;
}

void order_take(struct shell *s, const struct wire_frame *f)
{
	struct proto_error error;
	struct idset **set;

	if (s->done && s->finished)
		shell_forget(s);
	if (s->spec)
		return;		/* one at a time */
	if (!s->next.tasks && !s->next.cores && !s->next.gpus)
		s->next = *s->home;
	set = set_named(&s->next, f->word[0]);
	if (!set) {
		take_run(s, f);
	} else {
		idset_destroy(*set);
		*set = idset_decode_n(f->payload ? f->payload : "",
				      f->payload_len, &error);
	}
}
