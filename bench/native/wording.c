/* What a model server says, in the words of both dialects. */
#include "wording.h"

#include <stdarg.h>

#define ANSWER_TEXT \
    "@0001:0000000000000000 This answer stands in for what a model says to a small question. It is a plain " \
    "paragraph, long enough to look like one and short enough that copying it costs nothing worth measuring."

#define OPENAI_PLAIN \
    "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1741569952,\"model\":\"bench\"," \
    "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"" ANSWER_TEXT "\"," \
    "\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}]," \
    "\"usage\":{\"prompt_tokens\":19,\"completion_tokens\":90,\"total_tokens\":109," \
    "\"prompt_tokens_details\":{\"cached_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":0}}," \
    "\"system_fingerprint\":\"fp_bench\"}"

#define ANTHROPIC_PLAIN \
    "{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench\"," \
    "\"content\":[{\"type\":\"text\",\"text\":\"" ANSWER_TEXT "\"}],\"stop_reason\":\"end_turn\"," \
    "\"stop_sequence\":null,\"usage\":{\"input_tokens\":19,\"cache_creation_input_tokens\":0," \
    "\"cache_read_input_tokens\":0,\"output_tokens\":90}}"

#define MODEL_LIST \
    "{\"object\":\"list\",\"data\":[{\"id\":\"bench\",\"object\":\"model\",\"owned_by\":\"bench\"}]}"

#define OPENAI_CHUNK \
    "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1741569952," \
    "\"model\":\"bench\",\"system_fingerprint\":\"fp_bench\","
#define OPENAI_DELTA OPENAI_CHUNK "\"choices\":[{\"index\":0,\"delta\":"
#define OPENAI_DELTA_END ",\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n"

#define STREAM_HEAD \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n" \
    "Transfer-Encoding: chunked\r\n\r\n"

static void append_chunk(struct buffer *out, const char *format, ...)
{
    char event[2048], size[16];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(event, sizeof event, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof event) {
        fprintf(stderr, "an event is too long\n");
        exit(1);
    }
    buffer_append(out, size, (size_t)sprintf(size, "%x\r\n", (unsigned)length));
    buffer_append(out, event, (size_t)length);
    buffer_append(out, "\r\n", 2);
}

static void append_json(struct buffer *out, const char *body)
{
    char head[128];
    int length = snprintf(head, sizeof head,
                          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                          strlen(body));
    buffer_append(out, head, (size_t)length);
    buffer_append(out, body, strlen(body));
}

static void append_openai_step(struct buffer *out, unsigned step, unsigned tokens)
{
    if (step == 0)
        append_chunk(out, OPENAI_DELTA "{\"role\":\"assistant\",\"content\":\"\"}" OPENAI_DELTA_END);
    else if (step <= tokens)
        append_chunk(out, OPENAI_DELTA "{\"content\":\"" STAMP_FORMAT " \"}" OPENAI_DELTA_END, step,
                     (unsigned long long)(monotonic_ns() / 1000));
    else if (step == tokens + 1)
        append_chunk(out, OPENAI_DELTA "{},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":null}\n\n");
    else if (step == tokens + 2)
        append_chunk(out, OPENAI_CHUNK "\"choices\":[],\"usage\":{\"prompt_tokens\":19,\"completion_tokens\":%u,"
                                              "\"total_tokens\":%u}}\n\n", tokens, tokens + 19);
    else
        append_chunk(out, "data: [DONE]\n\n");
}

static void append_anthropic_step(struct buffer *out, unsigned step, unsigned tokens)
{
    if (step == 0) {
        append_chunk(out,
                     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_bench\","
                     "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"bench\",\"content\":[],"
                     "\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":19,"
                     "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":1}}}\n\n");
        append_chunk(out, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,"
                                 "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
                                 "event: ping\ndata: {\"type\":\"ping\"}\n\n");
    } else if (step <= tokens) {
        append_chunk(out,
                     "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
                     "\"delta\":{\"type\":\"text_delta\",\"text\":\"" STAMP_FORMAT " \"}}\n\n",
                     step, (unsigned long long)(monotonic_ns() / 1000));
    } else if (step == tokens + 1) {
        append_chunk(out,
                     "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n");
    } else if (step == tokens + 2) {
        append_chunk(out,
                     "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\","
                     "\"stop_sequence\":null},\"usage\":{\"output_tokens\":%u}}\n\n", tokens);
    } else {
        append_chunk(out, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    }
}

void append_plain_answer(struct buffer *out, enum dialect dialect)
{
    append_json(out, dialect == OPENAI ? OPENAI_PLAIN : ANTHROPIC_PLAIN);
}

void append_model_list(struct buffer *out)
{
    append_json(out, MODEL_LIST);
}

void append_stream_head(struct buffer *out)
{
    buffer_append(out, STREAM_HEAD, sizeof STREAM_HEAD - 1);
}

bool append_stream_step(struct buffer *out, enum dialect dialect, unsigned step, unsigned tokens)
{
    if (dialect == OPENAI)
        append_openai_step(out, step, tokens);
    else
        append_anthropic_step(out, step, tokens);
    if (step < tokens + 3)
        return true;
    buffer_append(out, "0\r\n\r\n", 5);
    return false;
}
