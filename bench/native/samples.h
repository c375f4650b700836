/* Measured times, and their quantiles. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include "common.h"

struct samples {
    float *us;
    size_t count, capacity;
};

static inline void sample(struct samples *samples, uint64_t ns)
{
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity ? samples->capacity * 2 : 65536;
        samples->us = realloc(samples->us, samples->capacity * sizeof *samples->us);
        if (!samples->us)
            die("realloc");
    }
    samples->us[samples->count++] = (float)ns / 1000.0f;
}

static inline int by_size(const void *left, const void *right)
{
    float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

static inline double quantile(const struct samples *samples, double part)
{
    return samples->count ? samples->us[(size_t)(part * (double)(samples->count - 1))] : 0;
}

/* As a member of a JSON object, with a comma behind it. */
static inline void print_samples(const char *name, struct samples *samples)
{
    if (samples->count)
        qsort(samples->us, samples->count, sizeof *samples->us, by_size);
    printf("\"%s\":{\"count\":%zu,\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f},", name, samples->count,
           quantile(samples, .5), quantile(samples, .99), quantile(samples, 1));
}

#endif
