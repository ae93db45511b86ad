/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of numbers by size: 1, 2, 5, 10 ... up to 10^6 units, which are
 * things or, for times, HISTOGRAM_TIME seconds. kvsd(8), Figures. */
#ifndef WEIR_KVSD_HISTOGRAM_H
#define WEIR_KVSD_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BOUNDS	19
#define HISTOGRAM_TIME		1e-5

struct histogram {
	/* [i]: not over bound i and over the one before; the last: over all */
	uint64_t bucket[HISTOGRAM_BOUNDS + 1];
	double sum;		/* in units */
};

/* The number I of the bounds, in units. */
double histogram_bound(int i);
/* UNITS, TIMES times. */
void histogram_add(struct histogram *h, double units, uint64_t times);
void histogram_add_seconds(struct histogram *h, double seconds,
			   uint64_t times);
void histogram_subtract(struct histogram *h, const struct histogram *before);
uint64_t histogram_count(const struct histogram *h);
/* The bound that the fraction P of all does not exceed, in units; 0 of none,
 * twice the last bound if that is over all of them. */
double histogram_quantile(const struct histogram *h, double p);

#endif
