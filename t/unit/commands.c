/* SPDX-License-Identifier: Apache-2.0 */
/* The command table: each row has its section in weir-protocol(7), a help
 * text and consistent columns; frames are checked against rows. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire.h"
#include "t/unit/tap.h"

static char *read_page(void)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];
	char *text = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/man/weir-protocol.7",
		 srcdir ? srcdir : ".");
	f = fopen(path, "r");
	if (f && getdelim(&text, &size, '\0', f) < 0) {
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	return text;
}

/* Whether the page has ".It Li WORD" followed by a space or line end. */
static bool described(const char *page, const char *word)
{
	char item[64];
	const char *p = page;

	snprintf(item, sizeof(item), "\n.It Li %s", word);
	while ((p = strstr(p, item))) {
		p += strlen(item);
		if (*p == ' ' || *p == '\n')
			return true;
	}
	return false;
}

static void table(const struct wire_command *rows, int count,
		  const char *page,
		  const struct wire_command *(*find)(const char *))
{
	int i;

	for (i = 0; i < count; i++) {
		const struct wire_command *row = &rows[i];

		ok(row->id == i && find(row->word) == row &&
		   row->positional <= row->positional_max &&
		   (row->payload == WIRE_NONE) == !strstr(row->synopsis,
							  "{N}"),
		   "%s: its columns agree", row->word);
		ok(described(page, row->word), "%s: weir-protocol(7) has it",
		   row->word);
	}
}

static void check_is(const char *line, const char *want)
{
	struct wire_decoder *d = wire_decoder_create(true, 100);
	struct wire_frame *f;
	char text[256] = "fine";
	size_t used;

	wire_decode(d, line, strlen(line), &used, &f);
	if (f)
		wire_command_check(wire_command_find(f->word[1]), f, 2, text,
				   sizeof(text));
	ok(!strncmp(text, want, strlen(want)), "%.*s: %s",
	   (int)strcspn(line, "\n"), line, want);
	if (strncmp(text, want, strlen(want)))
		diag("got %s", text);
	wire_decoder_destroy(d);
}

int main(void)
{
	char *page = read_page();

	if (!ok(page != NULL, "the page can be read"))
		return done();
	table(wire_commands, CMD_COUNT, page, wire_command_find);
	table(wire_operations, OP_COUNT, page, wire_operation_find);
	free(page);

	ok(!wire_command_find("nosuch"), "an unknown command");
	check_is("1 get primary a at=5\n", "fine");
	check_is("1 get primary a=b\n", "fine");
	check_is("1 get primary\n", "get takes 2 arguments, got 1");
	check_is("1 get primary a b\n", "get has no argument 'b'");
	check_is("1 get primary a on=5\n", "get has no argument 'on=5'");
	check_is("1 get primary a a=5\n", "get has no argument 'a=5'");
	check_is("1 get primary a at=5 at=6\n", "get: 'at' stands twice");
	check_is("1 put primary a\n", "put needs a payload");
	check_is("1 ping {1}\nx\n", "ping takes no payload");

	is_int(wire_errnum(wire_code(ENOSPC)), ENOSPC, "error names");
	is_str(wire_code(-1), "EIO", "an unknown number");
	is_int(wire_errnum("ENOSUCH"), EIO, "an unknown name");
	return done();
}
