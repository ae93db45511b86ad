/* SPDX-License-Identifier: Apache-2.0 */
/* powercut FOLDER: of what a kvsd that ran with powerloss.so wrote there,
 * nothing that it did not sync is left. Prints how many sectors went. */
#include "config.h"

#include <stdio.h>

#include "t/tool/kvsd_run.h"

int main(int argc, char **argv)
{
	struct kvsd_run run = { .lose_all = true };
	uint64_t seed = 1;
	long undone;

	if (argc != 2) {
		fprintf(stderr, "usage: powercut FOLDER\n");
		return 1;
	}
	run.statedir = argv[1];
	undone = power_loss(&run, true, &seed);
	printf("%ld\n", undone);
	return undone < 0;
}
