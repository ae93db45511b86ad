/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzer of the reader of dumps. The first byte says in pieces of how many
 * bytes it is fed, the second (odd) that the first line is left out. In pieces
 * and in one, it gives the same items and ends the same way. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/dump_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	unsigned items;
	size_t keys, values;	/* bytes */
	int end;
};

static void take(struct outcome *o, const struct dump_item *item)
{
	volatile char last = 0;

	o->items++;
	if (item->key) {
		o->keys += strlen(item->key);
		if (strlen(item->key) > DUMP_KEY_MAX && item->kind != DUMP_BEGIN)
			abort();
	}
	if (item->target)
		o->keys += strlen(item->target);
	if (item->len)
		last = ((const char *)item->data)[item->len - 1];
	(void)last;
	o->values += item->len;
}

static struct outcome feed(const char *data, size_t size, size_t piece,
			   int start)
{
	struct dump_reader *r = dump_reader_create();
	struct outcome o = { 0 };
	struct dump_item item;
	size_t at = 0, used;
	int rc = 0;

	if (start)
		dump_reader_start(r);
	while (at < size && rc >= 0) {
		size_t len = size - at < piece ? size - at : piece;

		rc = dump_read(r, data + at, len, &used, &item);
		if (used > len || (!rc && used != len))
			abort();
		at += used;
		if (rc > 0)
			take(&o, &item);
	}
	o.end = rc < 0 ? -2 : dump_read_end(r);
	if (o.end && strncmp(dump_reader_why(r), "line ", 5))
		abort();
	dump_reader_destroy(r);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 2;
	struct outcome whole, parts;

	if (size < 2)
		return 0;
	whole = feed(text, size - 2, size, data[1] & 1);
	parts = feed(text, size - 2, 1 + data[0], data[1] & 1);
	if (whole.items != parts.items || whole.keys != parts.keys ||
	    whole.values != parts.values || whole.end != parts.end)
		abort();
	return 0;
}
