/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of durations: what is printed reads as nearly the same. */
#include "config.h"

#include <math.h>

#include "proto/duration.h"
#include "t/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), buf[DURATION_SIZE];
	struct proto_error err;
	double seconds, again;

	if (duration_parse(text, &seconds, &err) < 0) {
		must(err.text[0]);
	} else {
		must(seconds >= 0);
		duration_format(seconds, buf);
		/* Rounding to six digits may leave the range of a double. */
		if (duration_parse(buf, &again, NULL) == 0 &&
		    seconds > 1e-300 && isfinite(seconds))
			must(fabs(again - seconds) <= 1e-5 * seconds);
	}
	free(text);
	return 0;
}
