/* SPDX-License-Identifier: Apache-2.0 */
/* Options in batch scripts, see directives.h: Flux RFC 36, with `weir:' or
 * `WEIR:' as well as the tags of that. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/directives.h"
#include "cmd/jobtext.h"
#include "proto/wire.h"

struct reader {
	const char *name;	/* of the script */
	int line;		/* from 1 */
	char *sentinel;		/* what every directive begins with */
	bool over;		/* a line after the directives was seen */
	struct wire_buf text;	/* of the directives, a line each */
	struct word_list *words;
};

/* Length of "# weir:" at the beginning of LINE, or 0. */
static size_t sentinel_len(const char *line, size_t len)
{
	static const char *const tags[] = { "weir:", "WEIR:", "flux:",
					    "FLUX:" };
	size_t at = 0, i;

	while (at < len && !isalnum((unsigned char)line[at]))
		at++;
	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (len - at >= 5 && !memcmp(line + at, tags[i], 5))
			return at + 5;
	return 0;
}

static bool blank(const char *line, size_t len)
{
	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	return len == 0;
}

static void add(struct wire_buf *b, const char *text, size_t len)
{
	if (wire_buf_add(b, text, len) < 0)
		die("out of memory");
}

static void take_line(struct reader *r, const char *line, size_t len)
{
	size_t n = sentinel_len(line, len);

	if (r->sentinel && !n)
		r->over = r->over || !blank(line, len);
	if (!n)
		return;
	if (r->over)
		fail("%s: line %d: a directive after others have ended",
		     r->name, r->line);
	if (!r->sentinel)
		r->sentinel = xasprintf("%.*s", (int)n, line);
	else if (strlen(r->sentinel) != n || memcmp(r->sentinel, line, n))
		fail("%s: line %d: '%.*s' is not '%s', as that of the first "
		     "directive", r->name, r->line, (int)n, line,
		     r->sentinel);
	add(&r->text, line + n, len - n);
	add(&r->text, "\n", 1);
}

/* ---- words, as a shell quotes them ---- */

static const char *quoted(struct reader *r, const char *at,
			  struct wire_buf *word)
{
	char quote = *at;
	const char *end;

	if (!strncmp(at, "\"\"\"", 3)) {	/* over several lines */
		at += 3;
		if (*at == '\n')
			at++;
		end = strstr(at, "\"\"\"");
		if (!end)
			fail("%s: a directive's \"\"\" has no end", r->name);
		add(word, at, end - at);
		return end + 3;
	}
	for (at++; *at && *at != '\n' && *at != quote; at++) {
		if (quote == '"' && *at == '\\' && at[1] &&
		    strchr("\"\\$`", at[1]))
			at++;
		add(word, at, 1);
	}
	if (*at != quote)
		fail("%s: a directive's %c has no end", r->name, quote);
	return at + 1;
}

static const char *take_word(struct reader *r, const char *at)
{
	struct wire_buf word;

	wire_buf_init(&word);
	while (*at && !isspace((unsigned char)*at)) {
		if (*at == '\'' || *at == '"') {
			at = quoted(r, at, &word);
			continue;
		}
		if (*at == '\\' && at[1] && at[1] != '\n')
			at++;
		add(&word, at++, 1);
	}
	add(&word, "", 1);
	word_add(r->words, word.data);
	wire_buf_free(&word);
	return at;
}

static void take_words(struct reader *r, const char *at)
{
	while (*at) {
		if (isspace((unsigned char)*at))
			at++;
		else if (*at == '#')
			at += strcspn(at, "\n");
		else
			at = take_word(r, at);
	}
}

void directives_read(struct word_list *words, const char *script,
		     const char *name)
{
	struct reader r = { .name = name, .words = words };

	wire_buf_init(&r.text);
	while (*script) {
		size_t len = strcspn(script, "\n");

		r.line++;
		take_line(&r, script, len);
		script += len + (script[len] == '\n');
	}
	add(&r.text, "", 1);
	take_words(&r, r.text.data);
	wire_buf_free(&r.text);
	free(r.sentinel);
}
