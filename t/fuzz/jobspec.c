/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of jobspecs, in JSON and in YAML: what is accepted keeps the promises
 * of jobspec.h and reads the same after being written again. */
#include "config.h"

#include "proto/jobspec.h"
#include "proto/yaml_json.h"
#include "t/fuzz/fuzz.h"

static void check(const struct jobspec *s)
{
	long long cores = (long long)s->nslots * s->slot.cores;
	long long gpus = (long long)s->nslots * s->slot.gpus;

	must(s->nnodes >= 0 && s->nslots > 0 && s->slot.tasks > 0);
	must(s->ntasks >= 1);
	if (!s->canonical) {
		must(s->slot.cores > 0);
		must(s->nnodes == 0 || s->nslots % s->nnodes == 0);
		must(s->ntasks <= s->nslots && s->ntasks >= s->nnodes);
	}
	must(cores <= JOBSPEC_COUNT_MAX && gpus <= JOBSPEC_COUNT_MAX);
	must(s->duration >= 0 && s->duration <= JOBSPEC_DURATION_MAX);
	must(s->argc > 0 && s->argv[0][0] && !s->argv[s->argc]);
	must(s->name && (!s->cwd || s->cwd[0] == '/'));
}

static void again(const struct jobspec *s)
{
	char *text = json_dumps(s->json, JSON_COMPACT);
	struct proto_error err = { "" };
	struct jobspec *t;

	must(text);
	t = jobspec_parse(text, strlen(text), &err);
	must(t && t->nslots == s->nslots && t->ntasks == s->ntasks);
	must(json_equal(t->json, s->json));
	jobspec_destroy(t);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proto_error err = { "" };
	struct jobspec *s = jobspec_parse((const char *)data, size, &err);
	json_t *yaml;

	if (s) {
		check(s);
		again(s);
		jobspec_destroy(s);
	} else {
		must(err.text[0]);
	}
	yaml = yaml_to_json((const char *)data, size, &err);
	s = yaml ? jobspec_from_json(yaml, &err) : NULL;
	if (s) {
		check(s);
		again(s);
		jobspec_destroy(s);
	} else {
		must(err.text[0]);
	}
	json_decref(yaml);
	return 0;
}
