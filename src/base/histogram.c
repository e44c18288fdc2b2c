/* SPDX-License-Identifier: BSD-3-Clause */
/* Histogram: see histogram.h. */
#include "base/histogram.h"

#define FIRST_BOUND_US 50

int64_t vd_histogram_bound_us(unsigned bucket)
{
    return (int64_t)FIRST_BOUND_US << bucket;
}

void vd_histogram_add(struct vd_histogram *histogram, int64_t took_us)
{
    unsigned bucket = 0;

    if (took_us < 0)
        took_us = 0;
    while (bucket < VD_HISTOGRAM_BUCKETS && took_us > vd_histogram_bound_us(bucket))
        bucket++;
    histogram->counts[bucket]++;
    histogram->count++;
    histogram->sum_us += took_us;
    if (took_us > histogram->max_us)
        histogram->max_us = took_us;
}

int64_t vd_histogram_quantile_us(const struct vd_histogram *histogram, double share)
{
    double wanted = share * (double)histogram->count;
    uint64_t passed = 0;

    if (histogram->count == 0)
        return 0;
    for (unsigned i = 0; i < VD_HISTOGRAM_BUCKETS; i++) {
        passed += histogram->counts[i];
        if ((double)passed >= wanted)
            return vd_histogram_bound_us(i) < histogram->max_us ? vd_histogram_bound_us(i)
                                                                : histogram->max_us;
    }
    return histogram->max_us;
}
