/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of event logs: an event written again is the same, and is shown on
 * one line whatever its strings hold. */
#include "config.h"

#include <math.h>

#include "proto/eventlog.h"
#include "t/fuzz/fuzz.h"

static void check_line(const struct eventlog_event *event,
		       enum eventlog_time format, struct eventlog_clock *clock)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	must(eventlog_print(file, event, format, clock) == 0);
	fclose(file);
	must(len && strlen(text) == len);
	must(strchr(text, '\n') == text + len - 1);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eventlog_iter it = { .data = (const char *)data, .len = size };
	struct eventlog_clock clock[4] = { { 0 } };
	struct eventlog_event event, again;
	struct proto_error err;
	int rc;

	while ((rc = eventlog_next(&it, &event, &err)) != 0) {
		size_t len;
		char *line;

		if (rc < 0) {
			must(err.text[0]);
			continue;
		}
		for (int f = EVENTLOG_RAW; f <= EVENTLOG_HUMAN; f++)
			check_line(&event, f, &clock[f]);
		line = eventlog_encode(event.timestamp, event.name,
				       event.context, &len);
		must(line && strlen(line) == len);
		/* Less than half a microsecond after 1970 becomes 0. */
		if (event.timestamp >= 1e-6) {
			must(eventlog_decode(line, len, &again, &err) == 0);
			must(!strcmp(event.name, again.name));
			must(fabs(event.timestamp - again.timestamp) < 1e-4);
			must(json_equal(event.context, again.context) ||
			     !json_object_size(event.context));
			eventlog_clear(&again);
		}
		free(line);
		eventlog_clear(&event);
	}
	return 0;
}
