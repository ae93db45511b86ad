/* SPDX-License-Identifier: Apache-2.0 */
/* Differences as libweir asks for and takes them, against a scripted
 * server. */
#include "config.h"

#include <string.h>

#include "libclient/weir.h"
#include "t/unit/fake.h"

static weir_t *open_fake(const struct fake_step *steps, int flags)
{
	struct weir_error error;
	weir_t *h;

	fake_start(steps);
	h = weir_open_as(fake_path, flags, "t", NULL, &error);
	if (!h) {
		ok(false, "open: %s", error.text);
		exit(1);
	}
	return h;
}

static void words(void)
{
	static const struct fake_step steps[] = {
		ACCEPT,
		EXPECT("0 diff w a%20b at=1 to-ns=v to-key=c to=@s recursive=1\n"
		       "1 diff - .\n- cancel 1\n- cancel 0\n"), END
	};
	static const struct weir_kvs_place from = { "w", "a b", "1" },
		to = { "v", "c", "@s" }, here = { NULL, NULL, NULL };
	weir_t *h = open_fake(steps, 0);
	weir_future_t *f[2];

	ok(!weir_kvs_diff(h, &here, NULL, 2) && errno == EINVAL,
	   "an unknown flag");
	f[0] = weir_kvs_diff(h, &from, &to, WEIR_DIFF_RECURSIVE);
	f[1] = weir_kvs_diff(h, &here, NULL, 0);
	/* what nobody waits for is canceled */
	weir_future_destroy(f[1]);
	weir_future_destroy(f[0]);
	is_int(weir_flush(h, -1), 0, "flush");
	weir_close(h);
	fake_done("words");
}

static char told[512];

static void tell(const struct weir_kvs_change *c)
{
	size_t len = strlen(told);

	snprintf(told + len, sizeof(told) - len, "%s[%s]%s:%ju>%s:%ju ",
		 c->what, c->key, c->was, (uintmax_t)c->was_size, c->is,
		 (uintmax_t)c->is_size);
}

static const struct fake_step pages_steps[] = {
	ACCEPT, EXPECT("0 diff - .\n"),
	SEND("0 more version=3 to-version=5\n0 more {52}\n"
	     "added none 0 dir 2 x%20y\nchanged value 1 link 2 %2E\n\n"
	     "0 more {0}\n\n0 more {24}\n"
	     "removed link 3 none 0 z\n\n0 ok entries=3\n"), END
};
#define PAGES_TOLD "added[x y]none:0>dir:2 changed[.]value:1>link:2 | | " \
	"removed[z]link:3>none:0 | "

static void take_page(weir_future_t *f)
{
	struct weir_kvs_change c;
	int r;

	while ((r = weir_kvs_diff_next(f, &c)) == 1)
		tell(&c);
	strcat(told, r ? "? " : "| ");
}

static void blocking(void)
{
	static const struct weir_kvs_place here;
	weir_t *h = open_fake(pages_steps, 0);
	weir_future_t *f = weir_kvs_diff(h, &here, NULL, 0);
	struct weir_kvs_change c;

	told[0] = '\0';
	is_int(weir_kvs_diff_next(f, &c), 0, "the first page has no change");
	is_str(weir_future_option(f, "to-version"), "5", "but versions");
	for (weir_future_next(f); !weir_future_get(f); weir_future_next(f))
		take_page(f);
	is_str(told, PAGES_TOLD, "each change, page by page");
	ok(weir_future_error(f) == ENODATA &&
	   !strcmp(weir_future_option(f, "entries"), "3"), "and the end");
	ok(weir_kvs_diff_next(f, &c) < 0 && errno == ENODATA,
	   "where there is no more");
	weir_future_destroy(f);
	weir_close(h);
	fake_done("pages");
}

static void on_page(weir_future_t *f, void *arg)
{
	if (weir_future_error(f))
		weir_stop(weir_future_handle(f));
	else
		take_page(f);
}

static void continued(void)
{
	static const struct weir_kvs_place here;
	weir_t *h = open_fake(pages_steps, 0);
	weir_future_t *f = weir_kvs_diff(h, &here, NULL, 0);

	told[0] = '\0';
	weir_future_then(f, -1, on_page, NULL);
	weir_run(h);
	is_str(told, "| " PAGES_TOLD, "the same for a continuation");
	weir_future_destroy(f);
	weir_close(h);
	fake_done("continuation");
}

static void malformed(void)
{
	static const struct fake_step steps[] = {
		ACCEPT, EXPECT("0 diff - .\n"),
		SEND("0 more {6}\nadded \n0 more {21}\nadded none x dir 2 k\n\n"
		     "0 more {22}\nadded none 0 dir -2 k\n\n"
		     "0 more {23}\nadded none 0 dir 2 %GG\n\n"
		     "0 more {23}\nadded none 0 dir 2 k z\n\n"
		     "0 more {21}\nadded  none 0 dir 2 k\n0 ok entries=0\n"),
		END
	};
	static const struct weir_kvs_place here;
	weir_t *h = open_fake(steps, 0);
	weir_future_t *f = weir_kvs_diff(h, &here, NULL, 0);
	struct weir_kvs_change c;
	int n = 0;

	for (; !weir_future_get(f); weir_future_next(f), n++)
		ok(weir_kvs_diff_next(f, &c) < 0 && errno == EPROTO,
		   "malformed: %s", (char *)weir_future_data(f, NULL));
	is_int(n, 6, "all of them");
	weir_future_destroy(f);
	weir_close(h);
	fake_done("malformed pages");
}

static void reconnected(void)
{
	static const struct fake_step steps[] = {
		ACCEPT, EXPECT("0 diff - .\n"), CLOSE,
		ACCEPT, EXPECT("0 diff - .\n"), SEND("0 more version=1\n"),
		CLOSE, ACCEPT, EXPECT("0 ping\n"), SEND("0 ok\n"), END
	};
	static const struct weir_kvs_place here;
	weir_t *h = open_fake(steps, WEIR_O_RECONNECT);
	weir_future_t *f = weir_kvs_diff(h, &here, NULL, 0);

	is_int(weir_future_get(f), 0, "nothing had come: it is asked again");
	weir_future_next(f);
	ok(weir_future_get(f) < 0 && errno == ECONNRESET,
	   "lost in the middle: %s", weir_future_strerror(f));
	ok(!strstr(weir_future_strerror(f), "not known"),
	   "which has changed nothing");
	weir_future_destroy(f);
	f = weir_request(h, "ping", NULL, NULL, 0);
	is_int(weir_future_get(f), 0, "the next connection does");
	weir_future_destroy(f);
	weir_close(h);
	fake_done("a lost connection");
}

int main(void)
{
	words();
	blocking();
	continued();
	malformed();
	reconnected();
	return done();
}
