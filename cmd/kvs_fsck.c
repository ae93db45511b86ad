/* SPDX-License-Identifier: Apache-2.0 */
/* weir kvs fsck: kvsd's own check of a folder that no instance uses.
 * weir-kvs(1). */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/daemons.h"
#include "cmd/kvs.h"

int kvs_fsck(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "repair", no_argument, NULL, 'r' },
		{ 0 }
	};
	char *args[] = { (char *)"kvsd", (char *)"--fsck", NULL, NULL, NULL };
	char *program = program_path("kvsd");
	bool repair = false;

	while (next_option(argc, argv, "r", longs, "weir-kvs") != -1)
		repair = true;
	if (argc - optind != 1)
		usage_error("fsck takes the folder of --statedir");
	args[2] = xasprintf("--statedir=%s", argv[optind]);
	if (repair)
		args[3] = (char *)"--repair";
	execv(program, args);
	die("%s: %s", program, strerror(errno));
}
