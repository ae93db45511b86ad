/* SPDX-License-Identifier: Apache-2.0 */
/* Plug-ins that schedd must not take: BAD says which of them this is. */
#include "libclient/weir-plugin.h"

#define BAD_ABI		1	/* of another time */
#define BAD_NAME	2
#define BAD_SIZE	3
#define BAD_SCHEME	4	/* one that schedd has itself */
#define BAD_TWICE	5	/* the name of the probe */

static const char *const schemes[] = { "afterok", 0 };

static enum weir_plugin_verdict depend(void *self,
				       const struct weir_plugin_job *job,
				       const char *scheme, const char *value)
{
	return WEIR_PLUGIN_YES;
}

WEIR_PLUGIN_EXPORT const struct weir_plugin weir_plugin = {
	.abi = WEIR_PLUGIN_ABI + (BAD == BAD_ABI),
	.size = BAD == BAD_SIZE ? 8 : sizeof(struct weir_plugin),
	.name = BAD == BAD_NAME ? "no name" : BAD == BAD_TWICE ? "probe" :
		"bad",
	.schemes = BAD == BAD_SCHEME ? schemes : 0,
	.depend = depend,
};
