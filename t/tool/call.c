/* SPDX-License-Identifier: Apache-2.0 */
/* For shell tests: call [-s] SERVICE.METHOD [PAYLOAD] prints the reply, or
 * "CODE: text" on standard error and ends with status 1. With -s the reply
 * is a stream, a line each; its good end is ENODATA. $WEIR_URI says where. */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "libclient/weir.h"
#include "proto/wire.h"

static void print(weir_future_t *f)
{
	size_t len = 0;
	const char *data = weir_future_data(f, &len);

	printf("%.*s\n", (int)len, data ? data : "");
}

static int call(weir_t *h, const char *method, const char *payload,
		bool stream)
{
	weir_future_t *f = weir_rpc(h, method, payload,
				    payload ? strlen(payload) : 0, -1);
	int e = f ? 0 : errno;

	while (f && !e) {
		if (weir_future_get(f) < 0) {
			e = errno;
			break;
		}
		print(f);
		if (!stream)
			break;
		weir_future_next(f);
	}
	if (stream && e == ENODATA)
		e = 0;
	if (e)
		fprintf(stderr, "%s: %s\n", wire_code(e),
			f ? weir_future_strerror(f) : "");
	weir_future_destroy(f);
	return e != 0;
}

int main(int argc, char **argv)
{
	bool stream = argc > 1 && !strcmp(argv[1], "-s");
	struct weir_error error;
	weir_t *h;
	int r;

	argc -= stream;
	argv += stream;
	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: call [-s] SERVICE.METHOD [PAYLOAD]\n");
		return 2;
	}
	h = weir_open(NULL, 0, &error);
	if (!h) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	r = call(h, argv[1], argv[2], stream);
	weir_close(h);
	return r;
}
