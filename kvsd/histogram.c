/* SPDX-License-Identifier: Apache-2.0 */
/* Counts of numbers by size: see histogram.h. */
#include "config.h"

#include "kvsd/histogram.h"

static const double bounds[HISTOGRAM_BOUNDS] = {
	1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4,
	1e5, 2e5, 5e5, 1e6
};

double histogram_bound(int i)
{
	return bounds[i];
}

void histogram_add(struct histogram *h, double units, uint64_t times)
{
	int i = 0;

	while (i < HISTOGRAM_BOUNDS && units > bounds[i])
		i++;
	h->bucket[i] += times;
	h->sum += units * times;
}

void histogram_add_seconds(struct histogram *h, double seconds, uint64_t times)
{
	histogram_add(h, seconds / HISTOGRAM_TIME, times);
}

void histogram_subtract(struct histogram *h, const struct histogram *before)
{
	for (int i = 0; i <= HISTOGRAM_BOUNDS; i++)
		h->bucket[i] -= before->bucket[i];
	h->sum -= before->sum;
}

uint64_t histogram_count(const struct histogram *h)
{
	uint64_t n = 0;

	for (int i = 0; i <= HISTOGRAM_BOUNDS; i++)
		n += h->bucket[i];
	return n;
}

double histogram_quantile(const struct histogram *h, double p)
{
	uint64_t count = histogram_count(h), n = 0;

	for (int i = 0; i < HISTOGRAM_BOUNDS && count; i++) {
		n += h->bucket[i];
		if (n >= p * count)
			return bounds[i];
	}
	return count ? 2 * bounds[HISTOGRAM_BOUNDS - 1] : 0;
}
