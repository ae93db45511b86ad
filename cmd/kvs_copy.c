/* SPDX-License-Identifier: Apache-2.0 */
/* weir kvs copy and move: one transaction, in which kvsd refers to what is
 * there. weir-kvs(1). */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cmd/common.h"
#include "cmd/kvs.h"

/* The server's text names the operation; people know the keys. */
void kvs_copy_refused(weir_future_t *f, const char *src, const char *dst)
{
	const char *text = weir_future_strerror(f);
	const char *ns = strstr(text, ": namespace ");

	if (!strncmp(text, "namespace ", 10))
		die("%s: %s", dst, text);
	if (ns)
		die("%s: %s", src, ns + 2);
	if (weir_future_error(f) == ENOENT)
		die("%s: %s", src, strerror(ENOENT));
	die("%s", text);
}

static int copy_or_move(int argc, char **argv, bool move)
{
	static const struct option longs[] = {
		{ "src-namespace", required_argument, NULL, 'S' },
		{ "dst-namespace", required_argument, NULL, 'D' },
		{ "at", required_argument, NULL, 'a' },
		{ 0 }
	};
	const char *src_ns = NULL, *dst_ns = NULL, *at = NULL;
	weir_txn_t *txn = weir_txn_create();
	const char *src, *dst;
	weir_future_t *f;
	weir_t *h;
	int c;

	while ((c = next_option(argc, argv, "S:D:a:", longs, "weir-kvs"))
	       != -1) {
		if (c == 'S')
			src_ns = optarg;
		else if (c == 'D')
			dst_ns = optarg;
		else if (c == 'a')
			at = kvs_at(optarg);
	}
	if (argc - optind != 2 || (move && at))
		verb_usage();
	src = argv[optind];
	dst = argv[optind + 1];
	src_ns = kvs_ns_name(src_ns);
	dst_ns = kvs_ns_name(dst_ns);
	if (move)
		weir_txn_move(txn, dst, src, src_ns);
	else
		weir_txn_copy(txn, dst, src, src_ns, at);
	h = open_instance(0);
	f = made(weir_kvs_commit(h, dst_ns, txn, 0), dst);
	if (weir_future_get(f) < 0)
		kvs_copy_refused(f, src, dst);
	weir_future_destroy(f);
	weir_txn_destroy(txn);
	weir_close(h);
	return 0;
}

int kvs_copy(int argc, char **argv)
{
	return copy_or_move(argc, argv, false);
}

int kvs_move(int argc, char **argv)
{
	return copy_or_move(argc, argv, true);
}
