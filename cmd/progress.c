/* SPDX-License-Identifier: Apache-2.0 */
/* A bar for many jobs. See progress.h. */
#include "config.h"

#include <stdio.h>
#include <unistd.h>

#include "cmd/jobtext.h"
#include "cmd/progress.h"

#define BAR "##############################"

void progress_begin(struct progress *p, const char *what, bool rate)
{
	*p = (struct progress){ .shown = isatty(STDERR_FILENO), .rate = rate,
				.what = what, .start = wall_clock() };
	if (!p->shown)
		fprintf(stderr, "weir: WARNING: stderr is not a tty. "
			"Ignoring --progress option\n");
}

void progress_show(const struct progress *p, int n, int count, int failures)
{
	int width = sizeof(BAR) - 1;
	int filled = count ? (int)((long long)n * width / count) : width;
	double elapsed = wall_clock() - p->start;

	if (!p->shown)
		return;
	fprintf(stderr, "\r%d of %d %s, %d failed |%.*s%*s| %3d%%", n, count,
		p->what, failures, filled, BAR, width - filled, "",
		count ? (int)(100LL * n / count) : 100);
	if (p->rate && elapsed > 0)
		fprintf(stderr, " %.1f job/s", n / elapsed);
	if (n == count)
		fputc('\n', stderr);
}
