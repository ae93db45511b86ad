/* SPDX-License-Identifier: Apache-2.0 */
/* --taskmap: which task goes on which node of the job, as an option of its
 * shell. weir-submit(1), weir-taskmap(5). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "cmd/submit.h"
#include "proto/hostlist.h"
#include "proto/jobspec.h"
#include "proto/taskmap.h"

#define ACCEPTED "block, cyclic[:N], manual:TASKMAP or hostfile:FILE"

static void check_cyclic(const char *value, const char *given)
{
	char *end;
	long n = strtol(value, &end, 10);

	if (*end || end == value || n < 1 || n > TASKMAP_TASKS_MAX)
		fail("--taskmap: '%s': '%s' is no number from 1 to %d", given,
		     value, TASKMAP_TASKS_MAX);
}

/* The text of the map, to be freed. */
static char *manual(const char *value, const char *given)
{
	struct proto_error error;
	struct taskmap *map = taskmap_decode(value, &error);
	char *text;

	if (!map)
		fail("--taskmap: '%s': %s", given, error.text);
	if (!map->count)
		fail("--taskmap: '%s': the map has no task", given);
	text = taskmap_encode(map);
	taskmap_destroy(map);
	if (!text)
		die("out of memory");
	return text;
}

/* The hosts that a file names, in order: lines of hostlists; to be freed. */
static char *read_hosts(const char *path, const char *given)
{
	struct hostlist *list = hostlist_create();
	FILE *f = fopen(path, "r");
	struct proto_error error;
	char *line = NULL, *text;
	size_t size = 0;
	ssize_t n;
	int number = 0;

	if (!f)
		fail("--taskmap: '%s': %s: %s", given, path, strerror(errno));
	while (list && (n = getline(&line, &size, f)) >= 0) {
		number++;
		text = line + strspn(line, " \t");
		text[strcspn(text, "#\r\n")] = '\0';
		for (n = (ssize_t)strlen(text); n && strchr(" \t",
							    text[n - 1]);)
			text[--n] = '\0';
		if (n && hostlist_decode_append(list, text, &error) < 0)
			fail("--taskmap: '%s': %s: line %d: %s", given, path,
			     number, error.text);
	}
	if (ferror(f))
		fail("--taskmap: '%s': %s: %s", given, path, strerror(errno));
	if (list && !hostlist_count(list))
		fail("--taskmap: '%s': %s names no host", given, path);
	text = list ? hostlist_encode(list) : NULL;
	if (!text)
		die("out of memory");
	free(line);
	fclose(f);
	hostlist_destroy(list);
	return text;
}

json_t *submit_taskmap(const char *given)
{
	const char *colon = strchr(given, ':');
	size_t n = colon ? (size_t)(colon - given) : strlen(given);
	char *scheme = strndup(given, n), *value = NULL;
	json_t *map;

	if (!scheme)
		die("out of memory");
	if (!strcmp(scheme, "block") && !colon) {
		value = xstrdup("");
	} else if (!strcmp(scheme, "cyclic")) {
		value = xstrdup(colon ? colon + 1 : "");
		if (colon)
			check_cyclic(value, given);
	} else if (!strcmp(scheme, "manual") && colon) {
		value = manual(colon + 1, given);
	} else if (!strcmp(scheme, "hostfile") && colon && colon[1]) {
		value = read_hosts(colon + 1, given);
	} else {
		fail("--taskmap: '%s' is not " ACCEPTED, given);
	}
	map = json_pack("{s:s s:s}", "scheme", scheme, "value", value);
	if (!map)
		fail("--taskmap: '%s' is not UTF-8", given);
	free(scheme);
	free(value);
	return map;
}
