/* One HTTP/1.1 answer, its framing and the stamps in it (see common.h), read as it arrives. */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include "common.h"
#include "samples.h"

#include <stdbool.h>

enum { HEAD_BYTES = 8192, TAIL_BYTES = 96 };

enum framing { SIZED, CHUNKED, UNTIL_CLOSE };

enum chunk_part { CHUNK_SIZE, CHUNK_SIZE_LF, CHUNK_DATA, CHUNK_DATA_CR, CHUNK_DATA_LF, CHUNK_TRAILER };

enum verdict { MORE, ANSWERED, BROKEN };

struct answer {
    struct samples *delays;     /* takes how long each stamp was under way */
    char head[HEAD_BYTES];
    size_t head_length;
    bool in_body;
    bool closes;                /* the server will close the connection */
    int status;
    enum framing framing;
    size_t left;                /* of a sized body, of a chunk, or of the trailer's line */
    enum chunk_part part;
    unsigned stamps;
    bool disordered;
    uint64_t first_stamp_ns;
    char stamp[STAMP_BYTES + 1];
    size_t stamp_length;
    char tail[TAIL_BYTES];      /* the last bytes of the content */
    size_t tail_length;
};

/* Forgets the last answer and makes ready for the next. */
void answer_expect(struct answer *answer, struct samples *delays);

/* Takes what arrived at `now`. ANSWERED when this was the end; BROKEN when it is not HTTP, or too much of it. */
enum verdict answer_take(struct answer *answer, const char *bytes, size_t length, uint64_t now);

bool answer_ends_with(const struct answer *answer, const char *text);

#endif
