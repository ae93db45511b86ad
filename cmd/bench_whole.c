/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weir bench command, weir bench attach: what a person at the prompt waits for.
 * Whole commands from spawn to exit; and a flood of output from a job's
 * process to the reader of weir job attach. See weir-bench(1).
 */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd/bench.h"
#include "proto/jobspec.h"

#define MILLI	1e3
#define FLOOD	(64u << 20)	/* bytes of output; -n gives mebibytes */

/* ---- whole commands ---- */

static int command(struct bench *b, const char *name, size_t n,
		   const char *const argv[])
{
	struct samples s = { 0 };
	struct figure figure = {
		.name = name, .unit = "ms", .n = n, .latency = &s,
		.baseline_name = "spawn of /bin/true",
		.baseline = MILLI * base_spawn(b),
	};
	int rc = spawn_times(argv, n, &s);

	if (!rc) {
		figure.value = MILLI * samples_percentile(&s, 0.5);
		bench_report(b, &figure);
	}
	samples_free(&s);
	return rc;
}

/* An instance of its own, whatever this program runs in. */
static int start_stop(struct bench *b, size_t n)
{
	const char *const argv[] = { b->weir, "start", "true", NULL };
	const char *now = getenv("WEIR_URI");
	char *uri = now ? strdup(now) : NULL;
	int rc;

	unsetenv("WEIR_URI");
	rc = command(b, "command.start-stop", n, argv);
	if (uri)
		setenv("WEIR_URI", uri, 1);
	free(uri);
	return rc;
}

int bench_command(struct bench *b)
{
	char key[128];
	const char *const run[] = { b->weir, "run", "true", NULL };
	const char *const get[] = { b->weir, "kvs", "get", key, NULL };
	struct load load = { .n = 1, .window = 1, .start = load_put };
	int rc;

	load_key(b, 0, key, sizeof(key));
	load.arg = weir_txn_create();
	rc = !load.arg || load_run(b, &load) < 0;
	weir_txn_destroy(load.arg);
	rc = rc || command(b, "command.kvs-get", b->n ? b->n : 50, get) ||
	     command(b, "command.run", b->n ? b->n : 20, run) ||
	     start_stop(b, b->n ? b->n : 10);
	return load_clean_up(b) || rc ? -1 : 0;
}

/* ---- a flood of output ---- */

/* Anonymous memory of a process, now and at most. */
struct memory {
	char status[64];	/* its file in /proc */
	long first_kib, max_kib;
};

static void memory_look(void *arg)
{
	struct memory *memory = arg;
	FILE *f = fopen(memory->status, "r");
	char line[256];
	long kib;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "RssAnon: %ld", &kib) == 1) {
			if (!memory->first_kib)
				memory->first_kib = kib;
			if (kib > memory->max_kib)
				memory->max_kib = kib;
		}
	if (f)
		fclose(f);
}

/* The process that listens at URI, a Unix socket's; 0 if there is none. */
static pid_t listener(const char *uri)
{
	static const char scheme[] = "local://";
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct ucred peer = { 0 };
	socklen_t len = sizeof(peer);
	int fd;

	if (!strncmp(uri, scheme, sizeof(scheme) - 1))
		uri += sizeof(scheme) - 1;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", uri);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		peer.pid = 0;
	if (fd >= 0)
		close(fd);
	return peer.pid;
}

static int submit_flood(struct bench *b, const char *script, char *id,
			size_t size)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	struct jobspec_request request = { .argv = argv, .ntasks = 1,
					   .cwd = "/" };
	json_t *spec = jobspec_build(&request, NULL);
	char *text = spec ? json_dumps(spec, JSON_COMPACT) : NULL;
	weir_future_t *f = NULL;
	weir_jobid_t job;
	int rc = -1;

	if (text)
		f = weir_job_submit(b->h, text, WEIR_URGENCY_DEFAULT, 0);
	if (!f || weir_future_get(f) || weir_job_submit_id(f, &job))
		bench_fail("submission: %s", f ? weir_future_strerror(f) :
			   "out of memory");
	else
		rc = weir_jobid_encode(job, "dec", id, size);
	weir_future_destroy(f);
	free(text);
	json_decref(spec);
	return rc;
}

static void report_memory(struct bench *b, const char *name, long kib)
{
	struct figure figure = { .name = name, .unit = "MiB", .n = 1,
				 .value = kib / 1024.0 };

	bench_report(b, &figure);
}

static int check_bytes(const struct spawned *run, size_t want)
{
	if (run->bytes == want)
		return 0;
	return bench_fail("%zu bytes of output came, not %zu", run->bytes,
			  want);
}

int bench_attach(struct bench *b)
{
	size_t bytes = b->n ? b->n << 20 : FLOOD;
	struct memory memory = { 0 };
	struct spawned plain = { 0 }, attached = { .tick = memory_look,
						   .arg = &memory };
	char script[128], id[64];
	const char *const direct[] = { "/bin/sh", "-c", script, NULL };
	const char *const attach[] = { b->weir, "job", "attach", id, NULL };
	struct figure figure = { .name = "attach.output", .unit = "MB/s",
				 .baseline_name = "the same through a pipe",
				 .n = bytes };
	double begin;

	snprintf(script, sizeof(script), "yes 'a line of a job of weir bench, "
		 "sixty-four characters or so' | head -c %zu", bytes);
	if (b->baseline && (spawn_run(direct, &plain) ||
			    check_bytes(&plain, bytes)))
		return -1;
	snprintf(memory.status, sizeof(memory.status), "/proc/%d/status",
		 (int)listener(weir_uri(b->h)));
	memory_look(&memory);
	begin = bench_now();
	if (submit_flood(b, script, id, sizeof(id)) ||
	    spawn_run(attach, &attached) || check_bytes(&attached, bytes))
		return -1;
	figure.value = bytes / 1e6 / (bench_now() - begin);
	if (plain.seconds > 0)
		figure.baseline = bytes / 1e6 / plain.seconds;
	bench_report(b, &figure);
	report_memory(b, "attach.client-memory", attached.max_rss_kib);
	report_memory(b, "attach.kvsd-memory-growth",
		      memory.max_kib - memory.first_kib);
	return 0;
}
