/* SPDX-License-Identifier: Apache-2.0 */
/* --add-file: files that a job brings along, into its request.
 * weir-submit(1), weir-jobspec(5). */
#include "config.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/submit.h"
#include "proto/jobspec.h"

#define PERMS_DEFAULT	0600

/* [NAME[:PERMS]=]ARG; ARG is a path, or what is in the file if it has a line
 * feed. */
struct added {
	char *name;
	int perms;
	const char *arg;
	const char *given;	/* as a whole, for messages */
};

static int perms(const char *text, const char *given)
{
	char *end;
	long n = strtol(text, &end, 8);

	if (*end || end == text || n < 0 || n > 0777)
		fail("--add-file: '%.200s': '%s' are no permissions, must be "
		     "octal, 0 to 0777", given, text);
	return (int)n;
}

/* A path may have an equals sign, too: one before which no slash is ends the
 * name. */
static struct added take_apart(const char *given)
{
	const char *equal = strchr(given, '='), *lf = strchr(given, '\n');
	struct added a = { .perms = PERMS_DEFAULT, .arg = given,
			   .given = given };
	char *colon;

	if (equal && (!lf || equal < lf) &&
	    !memchr(given, '/', (size_t)(equal - given))) {
		a.name = strndup(given, (size_t)(equal - given));
		a.arg = equal + 1;
		colon = a.name ? strrchr(a.name, ':') : NULL;
		if (colon) {
			a.perms = perms(colon + 1, given);
			*colon = '\0';
		}
	} else if (lf) {
		fail("--add-file: '%.200s': data needs a name: "
		     "NAME[:PERMS]=DATA", given);
	} else {
		a.name = strdup(basename(given));
	}
	if (!a.name)
		die("out of memory");
	if (!*a.name || *a.name == '.' || strchr(a.name, '/'))
		fail("--add-file: '%.200s': the name '%s' must be that of a "
		     "file, and not begin with a dot", given, a.name);
	if (!strcmp(a.name, "script") || !strcmp(a.name, "conf.json"))
		fail("--add-file: '%.200s': the name '%s' is reserved", given,
		     a.name);
	return a;
}

static char *read_path(const struct added *a, size_t *len)
{
	FILE *f = fopen(a->arg, "r");
	struct stat st;
	char *data;

	if (!f || fstat(fileno(f), &st) < 0)
		fail("--add-file: '%.200s': %s", a->given, strerror(errno));
	if (!S_ISREG(st.st_mode))
		fail("--add-file: '%.200s': is no regular file", a->given);
	if (st.st_size > JOBSPEC_SIZE_MAX)
		fail("--add-file: '%.200s': has %lld bytes, a request has at "
		     "most %u", a->given, (long long)st.st_size,
		     JOBSPEC_SIZE_MAX);
	data = read_all(f, len);
	fclose(f);
	return data;
}

static json_t *encoded(const char *data, size_t len, int perms)
{
	json_t *text = memchr(data, '\0', len) ? NULL :
		       json_stringn(data, len);
	const char *encoding = "utf-8";
	size_t size;
	char *base64;

	if (!text) {
		size = sodium_base64_encoded_len(len,
				sodium_base64_VARIANT_ORIGINAL);
		base64 = xmalloc(size);
		sodium_bin2base64(base64, size, (const unsigned char *)data,
				  len, sodium_base64_VARIANT_ORIGINAL);
		text = json_string(base64);
		encoding = "base64";
		free(base64);
	}
	return json_pack("{s:i s:o s:s}", "mode", S_IFREG | perms, "data",
			 text, "encoding", encoding);
}

static void add(json_t *files, const char *given)
{
	struct added a = take_apart(given);
	bool literal = strchr(a.arg, '\n');
	size_t len = strlen(a.arg);
	char *data = literal ? xstrdup(a.arg) : read_path(&a, &len);

	if (json_object_get(files, a.name))
		fail("--add-file: '%.200s': there is a file '%s' already",
		     given, a.name);
	if (json_object_set_new(files, a.name,
				encoded(data, len, a.perms)) < 0)
		fail("--add-file: '%.200s': the name is not UTF-8", given);
	free(data);
	free(a.name);
}

/* A name may have dots: it is no path of keys. */
void submit_files(json_t *jobspec, const struct submit_options *o,
		  const char *cc)
{
	json_t *files = json_object();
	int i;

	if (o->script)
		json_object_set_new(files, "script",
				    encoded(o->script, strlen(o->script),
					    0700));
	for (i = 0; i < o->add_file.count; i++) {
		char *given = with_cc(o->add_file.word[i], cc);

		add(files, given);
		free(given);
	}
	if (json_object_size(files))
		jobspec_setattr(jobspec, "files", json_incref(files), NULL);
	json_decref(files);
}
