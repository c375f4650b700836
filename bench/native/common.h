/*
 * What the upstream and the load generator must agree on: the clock and the stamp that every token carries.
 *
 * A stamp is the text "@SSSS:TTTTTTTTTTTTTTTT": the number of the token in its answer, counted from 1, and the
 * monotonic time at which the upstream sent it, in microseconds (all zeros: not timed). It is ordinary text of
 * the model, so it survives any gateway, also one that translates between dialects, and both programs read the
 * same clock because they run on the same machine.
 */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STAMP_FORMAT "@%04u:%016llu"
#define STAMP_BYTES 22
#define STAMP_COLON 5 /* the position of the colon */

static inline uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

/* Ends the program with the reason, and errno's words for it. */
_Noreturn static inline void die(const char *what)
{
    perror(what);
    exit(1);
}

/* A byte string that grows. */
struct buffer {
    char *bytes;
    size_t length;
    size_t capacity;
};

static inline void buffer_reserve(struct buffer *buffer, size_t more)
{
    if (buffer->length + more <= buffer->capacity)
        return;
    buffer->capacity = (buffer->length + more) * 2;
    buffer->bytes = realloc(buffer->bytes, buffer->capacity);
    if (!buffer->bytes)
        die("realloc");
}

static inline void buffer_append(struct buffer *buffer, const char *bytes, size_t length)
{
    buffer_reserve(buffer, length);
    memcpy(buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
}

/* Drops the first `length` bytes. */
static inline void buffer_drop(struct buffer *buffer, size_t length)
{
    memmove(buffer->bytes, buffer->bytes + length, buffer->length - length);
    buffer->length -= length;
}

#endif
