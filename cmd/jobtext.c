/* SPDX-License-Identifier: Apache-2.0 */
/* How the job commands read and write ids, states, signals and users. */
#include "config.h"

#include <langinfo.h>
#include <locale.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>

#include "cmd/common.h"
#include "cmd/jobtext.h"
#include "proto/duration.h"
#include "proto/wire.h"

__attribute__((format(printf, 1, 0)))
static void error_message(const char *fmt, va_list ap)
{
	fflush(stdout);
	fprintf(stderr, "%s: ERROR: ", cmd_name);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void warn_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error_message(fmt, ap);
	va_end(ap);
}

void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error_message(fmt, ap);
	va_end(ap);
	leave(1);
}

bool text_utf8(void)
{
	static int utf8 = -1;

	if (utf8 < 0) {
		setlocale(LC_CTYPE, "");
		utf8 = !getenv("WEIR_F58_FORCE_ASCII") &&
		       !strcmp(nl_langinfo(CODESET), "UTF-8");
	}
	return utf8;
}

const char *text_f58(weir_jobid_t id, char buf[JOBID_SIZE])
{
	return jobid_encode(id, text_utf8() ? JOBID_F58 : JOBID_F58PLAIN, buf);
}

/* ---- states and results ---- */

struct word {
	const char *text;
	int bits;
};

static const struct word states[] = {
	{ "NEW", 1 }, { "DEPEND", 2 }, { "PRIORITY", 4 }, { "SCHED", 8 },
	{ "RUN", 16 }, { "CLEANUP", 32 }, { "INACTIVE", 64 },
	{ "PENDING", STATE_PENDING }, { "RUNNING", STATE_RUNNING },
	{ "ACTIVE", STATE_ACTIVE }, { 0 }
};

static const struct word results[] = {
	{ "COMPLETED", 1 }, { "FAILED", 2 }, { "CANCELED", 4 },
	{ "TIMEOUT", 8 }, { 0 }
};

static const char *name_of(const struct word *w, int bits)
{
	for (; w->text; w++)
		if (w->bits == bits)
			return w->text;
	return NULL;
}

const char *text_state(int bit)
{
	return name_of(states, bit);
}

const char *text_result(int bit)
{
	return name_of(results, bit);
}

int text_states(const char *word, int *state_bits, int *result_bits)
{
	const struct word *w;

	for (w = states; w->text; w++)
		if (!strcasecmp(w->text, word)) {
			*state_bits |= w->bits;
			return 0;
		}
	for (w = results; result_bits && w->text; w++)
		if (!strcasecmp(w->text, word)) {
			*result_bits |= w->bits;
			return 0;
		}
	return -1;
}

/* ---- signals, users, times ---- */

int text_urgency(const char *word)
{
	static const struct word words[] = {
		{ "hold", 0 }, { "default", WEIR_URGENCY_DEFAULT },
		{ "expedite", 31 }, { 0 }
	};
	const struct word *w;
	uint64_t n;

	for (w = words; w->text; w++)
		if (!strcasecmp(w->text, word))
			return w->bits;
	return wire_parse_u64(word, &n) == 0 && n <= 31 ? (int)n : -1;
}

int text_signal(const char *word)
{
	uint64_t n;
	int i;

	if (wire_parse_u64(word, &n) == 0)
		return n > 0 && n < NSIG ? (int)n : 0;
	if (!strncasecmp(word, "SIG", 3))
		word += 3;
	for (i = 1; i < NSIG; i++)
		if (sigabbrev_np(i) && !strcasecmp(sigabbrev_np(i), word))
			return i;
	return 0;
}

int64_t text_user(const char *word)
{
	struct passwd *pw;
	uint64_t n;

	if (!strcmp(word, "all"))
		return -1;
	if (wire_parse_u64(word, &n) == 0 && n < UINT32_MAX)
		return (int64_t)n;
	pw = getpwnam(word);
	if (!pw)
		fail("unknown user %s", word);
	return pw->pw_uid;
}

const char *text_username(uid_t uid)
{
	static uid_t last;
	static char name[64];
	struct passwd *pw;

	if (*name && uid == last)
		return name;
	pw = getpwuid(uid);
	if (pw)
		snprintf(name, sizeof(name), "%s", pw->pw_name);
	else
		snprintf(name, sizeof(name), "%u", (unsigned)uid);
	last = uid;
	return name;
}

double text_duration(const char *word)
{
	struct proto_error error;
	double seconds;

	if (duration_parse(word, &seconds, &error) < 0)
		fail("%s", error.text);
	return seconds;
}

json_t *reply_json(weir_future_t *f)
{
	size_t len;
	const char *data = weir_future_data(f, &len);

	return data ? json_loadb(data, len, 0, NULL) : NULL;
}

double wall_clock(void)
{
	struct timeval tv;

	gettimeofday(&tv, NULL);
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

int text_state_list(const char *text)
{
	char *copy = xstrdup(text), *rest = copy, *word;
	int all = 0;

	while ((word = strsep(&rest, ",")))
		if (text_states(word, &all, NULL) < 0)
			die("invalid state '%s'", word);
	free(copy);
	return all;
}
