/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Histogram: how often something took how long, in buckets that double. Adding
 * is a few instructions and takes no memory, so that what happens in every
 * turn can be measured.
 */
#ifndef VD_BASE_HISTOGRAM_H
#define VD_BASE_HISTOGRAM_H

#include <stdint.h>

#define VD_HISTOGRAM_BUCKETS 17

/* A zeroed struct is empty. */
struct vd_histogram {
    uint64_t counts[VD_HISTOGRAM_BUCKETS + 1]; /* by bucket, not cumulative; the last: above all */
    uint64_t count;
    int64_t sum_us;
    int64_t max_us; /* since it was last cleared by its reader */
};

/* One that took so many microseconds; below 0 is 0. */
void vd_histogram_add(struct vd_histogram *histogram, int64_t took_us);

/* The upper bound of a bucket, inclusive, in microseconds: 50, 100, 200, ... 3,276,800. */
int64_t vd_histogram_bound_us(unsigned bucket);

/*
 * The time within which a share of 0..1 of them ended: the bound of the bucket
 * in which it lies; the maximum for those above all; 0 while empty.
 */
int64_t vd_histogram_quantile_us(const struct vd_histogram *histogram, double share);

#endif
