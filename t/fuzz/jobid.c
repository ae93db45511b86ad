/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of job ids: what parses means the same in every form. */
#include "config.h"

#include "proto/jobid.h"
#include "t/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum jobid_form forms[] = {
		JOBID_DEC, JOBID_HEX, JOBID_DOTHEX, JOBID_KVS, JOBID_F58,
		JOBID_F58PLAIN, JOBID_EMOJI,
	};
	char *text = fuzz_text(data, size), buf[JOBID_SIZE];
	struct proto_error err;
	uint64_t id, again;

	if (jobid_parse(text, &id, &err) < 0) {
		must(err.text[0]);
	} else {
		for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
			jobid_encode(id, forms[i], buf);
			must(jobid_parse(buf, &again, NULL) == 0);
			must(again == id);
		}
	}
	free(text);
	return 0;
}
