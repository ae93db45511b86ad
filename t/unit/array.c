/* SPDX-License-Identifier: Apache-2.0 */
/* What schedd keeps of a job array: read back it is the same, and what cannot
 * be that of this array is refused. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "schedd/array.h"
#include "t/unit/tap.h"

static void is_rest(const struct array *a, const char *want)
{
	char *text;

	ok(array_rest(a, &text) == 0, "the rest is told");
	is_str(text ? text : "none", want, "rest");
	free(text);
}

static void test_same(void)
{
	struct array *a = array_create("7,1-5%2", NULL);
	struct array *b = array_create("1-5,7%2", NULL);
	char *text, *again;

	is_str(a->text, "1-5,7%2", "canonical");
	is_rest(a, "1-5,7");
	a->next = 3;
	idset_set(a->apart, 5);
	a->results[RESULT_FAILED] = 2;
	a->status = 256;
	is_rest(a, "3-4,7");
	text = array_encode(a);
	ok(array_decode(b, text, strlen(text), NULL) == 0, "read back");
	again = array_encode(b);
	is_str(again, text, "the same");
	is_rest(b, "3-4,7");
	free(text);
	free(again);
	a->more = false;
	text = array_encode(a);
	ok(array_decode(b, text, strlen(text), NULL) == 0 && !b->more,
	   "all were made");
	is_rest(b, "none");
	free(text);
	array_destroy(a);
	array_destroy(b);
}

static void test_refused(void)
{
	static const char *const bad[] = {
		"", "[]", "{", "{\"next\":6}", "{\"next\":-2}",
		"{\"next\":99999999999}", "{\"next\":\"1\"}",
		"{\"next\":1,\"apart\":5}", "{\"next\":1,\"apart\":\"5-1\"}",
		"{\"next\":1,\"failed\":-1}", "{\"next\":1,\"failed\":7}",
		"{\"failed\":4,\"completed\":4}", "{\"next\":1,\"status\":[]}",
	};
	struct proto_error err;
	struct array *a;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		a = array_create("1-5,7", NULL);
		errno = 0;
		ok(array_decode(a, bad[i], strlen(bad[i]), &err) < 0 &&
		   errno == EINVAL, "refused: %s", bad[i]);
		array_destroy(a);
	}
	ok(!array_create("5-1", &err) && errno == EINVAL, "no array: %s",
	   err.text);
}

int main(void)
{
	test_same();
	test_refused();
	return done();
}
