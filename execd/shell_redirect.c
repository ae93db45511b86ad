/* SPDX-License-Identifier: Apache-2.0 */
/* Files in the place of a task's standard streams. Tasks that name the same
 * file share it; all write at its end, so that nobody's bytes are lost, not
 * those of others who have it open either. Standard error goes where standard
 * output goes unless it is told otherwise. weir-submit(1). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "execd/shell.h"
#include "proto/output.h"

struct sink {
	char *path;
	int fd;			/* -1: given up */
	struct sink *next;
};

static const char *const names[] = { "stdin", "stdout", "stderr" };

static json_t *option(const struct shell *s, const char *a, const char *b)
{
	return json_object_get(json_object_get(
		s->spec->jobspec->shell_options, a), b);
}

/* The options of a stream that goes to a file, or NULL. */
static json_t *to_file(const struct shell *s, int which)
{
	json_t *o = option(s, which == IN ? "input" : "output", names[which]);
	const char *type = json_string_value(json_object_get(o, "type"));

	if (!type && which == ERR)
		return to_file(s, OUT);
	return type && !strcmp(type, "file") &&
	       json_is_string(json_object_get(o, "path")) ? o : NULL;
}

/* Relative to the job's folder; to be freed. */
static char *whole_path(const struct shell *s, const char *path)
{
	const char *cwd = s->spec->jobspec->cwd;
	char *whole;

	if (*path == '/' || !cwd)
		return strdup(path);
	return asprintf(&whole, "%s/%s", cwd, path) < 0 ? NULL : whole;
}

/* What a stream can be connected with: others might never be ready. */
static int check_kind(int fd, struct stat *st)
{
	if (fstat(fd, st) < 0)
		return -1;
	if (S_ISREG(st->st_mode) || S_ISCHR(st->st_mode))
		return 0;
	errno = S_ISDIR(st->st_mode) ? EISDIR : ESPIPE;
	return -1;
}

static bool has_one_of(const char *template, const char *const *tags)
{
	for (; *tags; tags++)
		if (strstr(template, *tags))
			return true;
	return false;
}

/* Does each node have a file of its own? */
static bool own_file(const char *template)
{
	static const char *const tags[] = {
		"{{node.id}}", "{{node.name}}", "{{node.broker_rank}}",
		"{{taskid}}", "{{task.id}}", "{{task.rank}}", NULL
	};

	return has_one_of(template, tags);
}

/* Or the job, so that nothing of another can be in it? */
static bool job_file(const char *template)
{
	static const char *const tags[] = {
		"{{id}}", "{{id.", "{{jobid}}", "{{jobid.", NULL
	};

	return has_one_of(template, tags);
}

static int refuse(struct shell *s, const struct task *t, int which,
		  const char *path, const char *why)
{
	free(s->failure);
	if (asprintf(&s->failure, "task %d (host %s): %s: cannot open %.400s: "
		     "%s", t->rank, s->spec->host, names[which], path, why) < 0)
		s->failure = NULL;
	s->failure_status = 1 << 8;
	return -1;
}

static const char *open_error(void)
{
	return errno == ESPIPE ? "it is neither a file nor a device" :
				 strerror(errno);
}

/* Opens PATH for output; NULL with a reason. */
static struct sink *sink_open(struct shell *s, char *path,
			      const char *template, const char **why)
{
	const char *mode = json_string_value(option(s, "output", "mode"));
	bool append = mode && !strcmp(mode, "append");
	struct sink *k = calloc(1, sizeof(*k));
	struct stat st;

	if (!k || !path) {
		free(k);
		*why = strerror(ENOMEM);
		return NULL;
	}
	*why = NULL;
	k->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
		     O_NOCTTY | O_NONBLOCK, 0666);
	if (k->fd < 0 || check_kind(k->fd, &st) < 0)
		*why = open_error();
	else if (S_ISREG(st.st_mode) && !append) {
		/* whoever came second would cut off what the first wrote */
		if (s->spec->nnodes == 1 || own_file(template))
			*why = ftruncate(k->fd, 0) < 0 ? strerror(errno) : NULL;
		else if (!job_file(template))
			*why = "one file for several nodes: put {{id}}, "
			       "{{node.id}} or {{taskid}} into its name, or "
			       "set output.mode=append";
	}
	if (*why) {
		if (k->fd >= 0)
			close(k->fd);
		free(k);
		return NULL;
	}
	k->path = path;
	k->next = s->sinks;
	s->sinks = k;
	return k;
}

static double wall_clock(void)
{
	struct timeval tv;

	gettimeofday(&tv, NULL);
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

static int redirect_one(struct shell *s, struct task *t, int which)
{
	json_t *o = to_file(s, which);
	const char *template, *why;
	char *name, *path;
	struct sink *k;

	if (!o)
		return 0;
	template = json_string_value(json_object_get(o, "path"));
	name = template_fill(s, t, template);
	path = whole_path(s, name);
	for (k = s->sinks; k && path && strcmp(k->path, path); k = k->next)
		;
	if (!k) {
		k = sink_open(s, path, template, &why);
		path = k ? NULL : path;
	}
	free(path);
	if (!k) {
		refuse(s, t, which, name, why);
		free(name);
		return -1;
	}
	t->sink[which] = k;
	t->label[which] = json_is_true(json_object_get(o, "label")) ||
		json_integer_value(json_object_get(o, "label")) > 0;
	s->spoken = true;
	if (output_encode_redirect(&s->output, which == OUT ? OUTPUT_STDOUT :
				   OUTPUT_STDERR, (unsigned)t->rank,
				   wall_clock(), name) < 0 && errno == ENOMEM)
		abort();
	free(name);
	return 0;
}

int redirect_open(struct shell *s, struct task *t)
{
	return redirect_one(s, t, OUT) < 0 ? -1 : redirect_one(s, t, ERR);
}

int redirect_input(struct shell *s, const struct task *t)
{
	json_t *o = to_file(s, IN);
	char *name, *path;
	struct stat st;
	int fd;

	name = template_fill(s, t, json_string_value(json_object_get(o,
								"path")));
	path = whole_path(s, name);
	fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
		  : -1;
	if (fd < 0 || check_kind(fd, &st) < 0) {
		refuse(s, t, IN, name, open_error());
		if (fd >= 0)
			close(fd);
		fd = -1;
	} else {
		fcntl(fd, F_SETFL, O_RDONLY);
	}
	free(path);
	free(name);
	return fd;
}

bool redirected_input(const struct shell *s)
{
	return to_file(s, IN) != NULL;
}

/* ---- writing ---- */

static void failed(struct shell *s, const struct sink *k)
{
	char *note;

	if (asprintf(&note, "cannot write %.400s: %s", k->path,
		     strerror(errno)) < 0)
		note = NULL;
	shell_fail(s, note, 1 << 8);
}

static void put(struct shell *s, struct sink *k, const char *data, size_t len)
{
	while (k->fd >= 0 && len) {
		ssize_t n = write(k->fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			failed(s, k);
			close(k->fd);
			k->fd = -1;
			return;
		}
		data += n;
		len -= (size_t)n;
	}
}

void redirect_write(struct shell *s, struct task *t, int which,
		    const char *data, size_t len)
{
	struct sink *k = t->sink[which];
	struct wire_buf b;
	char label[16];

	if (!t->label[which]) {
		put(s, k, data, len);
		return;
	}
	snprintf(label, sizeof(label), "%d: ", t->rank);
	wire_buf_init(&b);
	while (len) {
		const char *lf = memchr(data, '\n', len);
		size_t n = lf ? (size_t)(lf + 1 - data) : len;

		if ((!t->midline[which] &&
		     wire_buf_add(&b, label, strlen(label)) < 0) ||
		    wire_buf_add(&b, data, n) < 0)
			abort();	/* out of memory: a piece is small */
		t->midline[which] = !lf;
		data += n;
		len -= n;
	}
	put(s, k, b.data, b.len);
	wire_buf_free(&b);
}

void redirect_end(struct shell *s, struct task *t, int which)
{
	if (t->midline[which])
		put(s, t->sink[which], "\n", 1);
	t->midline[which] = false;
}

void redirect_close(struct shell *s)
{
	struct sink *k;

	while ((k = s->sinks)) {
		s->sinks = k->next;
		/* some file systems say only now that there is no room */
		if (k->fd >= 0 && close(k->fd) < 0)
			failed(s, k);
		free(k->path);
		free(k);
	}
}
