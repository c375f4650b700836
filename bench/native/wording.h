/* What a model server says, in the words of both dialects, as HTTP/1.1 responses. */
#ifndef BENCH_WORDING_H
#define BENCH_WORDING_H

#include "common.h"

#include <stdbool.h>

enum dialect { OPENAI, ANTHROPIC };

void append_plain_answer(struct buffer *out, enum dialect dialect);

void append_model_list(struct buffer *out);

void append_stream_head(struct buffer *out);

/*
 * One step of a stream: 0 opens it, 1 to `tokens` are its tokens, three more close it. False after the last.
 */
bool append_stream_step(struct buffer *out, enum dialect dialect, unsigned step, unsigned tokens);

#endif
