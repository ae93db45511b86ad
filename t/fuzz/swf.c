/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of traces, of both formats: what is accepted is in order and in
 * range. Copies are left out, for speed. */
#include "config.h"

#include "cmd/sim.h"
#include "t/fuzz/fuzz.h"

static void check(struct trace *t, const struct proto_error *err)
{
	must(t || err->text[0]);
	for (size_t i = 0; t && i < t->count; i++) {
		const struct trace_job *job = &t->jobs[i];

		must(job->submit >= 0 && job->run >= -1);
		must(job->jobspec || (job->procs > 0 && job->duration > 0));
		must(i == 0 || t->jobs[i - 1].submit <= job->submit);
	}
	trace_destroy(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct proto_error err = { "" };

	check(trace_from_swf(text, size, &err), &err);
	if (!memmem(data, size, "count", 5)) {
		err.text[0] = '\0';
		check(trace_parse(text, size, &err), &err);
	}
	return 0;
}
