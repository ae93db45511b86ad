/* SPDX-License-Identifier: Apache-2.0 */
/* weir start: what kvsd may hold and is to keep. With a statedir it stays, in a
 * file of lines "NAME VALUE" in that folder. weir-start(1). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/start.h"
#include "proto/wire.h"

#define FILE_NAME	"limits"
#define NO_LIMIT	"none"	/* as if the option had never been given */

const char *const start_limit_names[START_LIMITS] = {
	"history-versions", "history-time", "namespace-quota-keys",
	"namespace-quota-bytes", "user-quota-keys", "user-quota-bytes",
};

static bool is_value(int i, const char *text)
{
	uint64_t number;
	double seconds;

	if (!strcmp(text, NO_LIMIT))
		return true;
	return (!strcmp(start_limit_names[i], "history-time") ?
		wire_parse_seconds(text, &seconds) :
		wire_parse_u64(text, &number)) == 0;
}

bool start_limits_set(struct start *s, int i, const char *text)
{
	if (!is_value(i, text))
		return false;
	free(s->limit[i]);
	s->limit[i] = xstrdup(text);
	return true;
}

static char *file_of(const struct start *s)
{
	return xasprintf("%s/" FILE_NAME, s->statedir);
}

static bool take_line(struct start *s, char *line)
{
	char *name = strsep(&line, " ");
	int i;

	for (i = 0; i < START_LIMITS; i++)
		if (!strcmp(name, start_limit_names[i]))
			break;
	if (i == START_LIMITS || !line || !is_value(i, line))
		return false;
	return s->limit[i] || start_limits_set(s, i, line);
}

void start_limits_load(struct start *s)
{
	char *path = file_of(s), line[128];
	FILE *file = s->keeps ? fopen(path, "r") : NULL;
	int number = 0;

	/* whether the folder can be one is for kvsd to say */
	if (s->keeps && !file && errno != ENOENT && errno != ENOTDIR)
		die("%s: %s", path, strerror(errno));
	while (file && fgets(line, sizeof(line), file)) {
		size_t len = strcspn(line, "\n");

		number++;
		if (line[len])
			line[len] = '\0';
		else
			line[0] = '\0';	/* cut off */
		if (!take_line(s, line))
			die("%s: line %d is no limit and its value", path,
			    number);
	}
	if (file && ferror(file))
		die("%s: %s", path, strerror(errno));
	if (file)
		fclose(file);
	free(path);
}

static int write_all(const struct start *s, FILE *file)
{
	for (int i = 0; i < START_LIMITS; i++)
		if (s->limit[i] && strcmp(s->limit[i], NO_LIMIT))
			fprintf(file, "%s %s\n", start_limit_names[i],
				s->limit[i]);
	return fflush(file) || fsync(fileno(file)) ? -1 : 0;
}

/* Whole or not at all. */
void start_limits_store(const struct start *s)
{
	char *path = file_of(s), *made = xasprintf("%s.new", path);
	FILE *file = NULL;
	bool any = false;

	for (int i = 0; i < START_LIMITS; i++)
		any = any || s->limit[i];
	if (s->keeps && any) {
		file = fopen(made, "w");
		if (!file || write_all(s, file) < 0 || rename(made, path) < 0)
			warn("%s: %s", path, strerror(errno));
	}
	if (file)
		fclose(file);
	free(made);
	free(path);
}

int start_limits_args(const struct start *s, char **args)
{
	int n = 0;

	for (int i = 0; i < START_LIMITS; i++)
		if (s->limit[i] && strcmp(s->limit[i], NO_LIMIT))
			args[n++] = xasprintf("--%s=%s", start_limit_names[i],
					      s->limit[i]);
	return n;
}

void start_limits_free(struct start *s)
{
	for (int i = 0; i < START_LIMITS; i++)
		free(s->limit[i]);
}
