/* Reads one HTTP/1.1 answer as it arrives, in pieces of any size (RFC 9112). */
#define _GNU_SOURCE
#include "answer.h"

#include <ctype.h>
#include <strings.h>

/* ---- content ---------------------------------------------------------------------------------------------- */

static void take_stamp(struct answer *answer, uint64_t now)
{
    unsigned long number = strtoul(answer->stamp + 1, NULL, 10);
    uint64_t sent_us = strtoull(answer->stamp + STAMP_COLON + 1, NULL, 10);
    if (number != ++answer->stamps)
        answer->disordered = true;
    if (answer->stamps == 1)
        answer->first_stamp_ns = now;
    if (sent_us && now > sent_us * 1000)
        sample(answer->delays, now - sent_us * 1000);
}

/* Finds stamps byte by byte, so that one may be cut anywhere between two reads. */
static void find_stamps(struct answer *answer, const char *at, const char *end, uint64_t now)
{
    while (at < end) {
        if (answer->stamp_length == 0) {
            at = memchr(at, '@', (size_t)(end - at));
            if (!at)
                return;
        } else if (answer->stamp_length == STAMP_COLON ? *at != ':' : !isdigit((unsigned char)*at)) {
            answer->stamp_length = 0; /* not a stamp; this byte may begin one */
            continue;
        }
        answer->stamp[answer->stamp_length++] = *at++;
        if (answer->stamp_length == STAMP_BYTES) {
            take_stamp(answer, now);
            answer->stamp_length = 0;
        }
    }
}

static void keep_tail(struct answer *answer, const char *bytes, size_t length)
{
    if (length >= TAIL_BYTES) {
        memcpy(answer->tail, bytes + length - TAIL_BYTES, TAIL_BYTES);
        answer->tail_length = TAIL_BYTES;
        return;
    }
    size_t kept = answer->tail_length + length > TAIL_BYTES ? TAIL_BYTES - length : answer->tail_length;
    memmove(answer->tail, answer->tail + answer->tail_length - kept, kept);
    memcpy(answer->tail + kept, bytes, length);
    answer->tail_length = kept + length;
}

static void take_content(struct answer *answer, const char *bytes, size_t length, uint64_t now)
{
    find_stamps(answer, bytes, bytes + length, now);
    keep_tail(answer, bytes, length);
}

/* ---- framing ---------------------------------------------------------------------------------------------- */

static void read_head(struct answer *answer)
{
    answer->status = atoi(answer->head + 9);
    answer->framing = UNTIL_CLOSE;
    for (char *line = strstr(answer->head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        char *header = line + 2;
        if (!strncasecmp(header, "content-length:", 15)) {
            answer->framing = SIZED;
            answer->left = strtoul(header + 15, NULL, 10);
        } else if (!strncasecmp(header, "transfer-encoding: chunked", 26)) {
            answer->framing = CHUNKED;
        } else if (!strncasecmp(header, "connection: close", 17)) {
            answer->closes = true;
        }
    }
    answer->in_body = true;
    if (answer->framing == CHUNKED)
        answer->left = 0;
}

/* Takes bytes up to the end of the head. Returns how many, or 0 when the head is too long. */
static size_t take_head(struct answer *answer, const char *bytes, size_t length)
{
    size_t before = answer->head_length, room = HEAD_BYTES - 1 - before;
    size_t taken = length < room ? length : room;
    memcpy(answer->head + before, bytes, taken);
    answer->head_length += taken;
    char *end = memmem(answer->head, answer->head_length, "\r\n\r\n", 4);
    if (!end)
        return answer->head_length < HEAD_BYTES - 1 ? taken : 0;
    taken = (size_t)(end + 4 - answer->head) - before;
    *end = 0;
    if (!strncmp(answer->head + 9, "100", 3))
        answer->head_length = 0; /* an interim response; the final one follows */
    else
        read_head(answer);
    return taken;
}

static size_t hex_value(char digit)
{
    return (size_t)(isdigit((unsigned char)digit) ? digit - '0' : (digit | 32) - 'a' + 10);
}

/* Takes one byte of the framing around chunks. */
static enum verdict take_chunk_framing(struct answer *answer, char byte)
{
    switch (answer->part) {
    case CHUNK_SIZE:
        if (isxdigit((unsigned char)byte))
            answer->left = answer->left * 16 + hex_value(byte);
        else if (byte == '\r')
            answer->part = CHUNK_SIZE_LF;
        else
            return BROKEN;
        return MORE;
    case CHUNK_SIZE_LF:
        answer->part = answer->left ? CHUNK_DATA : CHUNK_TRAILER;
        return byte == '\n' ? MORE : BROKEN;
    case CHUNK_DATA_CR:
        answer->part = CHUNK_DATA_LF;
        return byte == '\r' ? MORE : BROKEN;
    case CHUNK_DATA_LF:
        answer->part = CHUNK_SIZE;
        return byte == '\n' ? MORE : BROKEN;
    case CHUNK_TRAILER:
        if (byte == '\r')
            return MORE;
        if (byte != '\n') {
            answer->left++;
            return MORE;
        }
        if (answer->left == 0)
            return ANSWERED;
        answer->left = 0;
        return MORE;
    case CHUNK_DATA:
        break;
    }
    return BROKEN;
}

static size_t take_data(struct answer *answer, const char *bytes, size_t length, uint64_t now)
{
    size_t taken = length < answer->left ? length : answer->left;
    take_content(answer, bytes, taken, now);
    answer->left -= taken;
    return taken;
}

static enum verdict take_chunked(struct answer *answer, const char *bytes, size_t length, uint64_t now)
{
    const char *end = bytes + length;
    while (bytes < end) {
        if (answer->part == CHUNK_DATA) {
            bytes += take_data(answer, bytes, (size_t)(end - bytes), now);
            if (answer->left == 0)
                answer->part = CHUNK_DATA_CR;
            continue;
        }
        enum verdict verdict = take_chunk_framing(answer, *bytes++);
        /* Nothing was asked for yet, so nothing may follow. */
        if (verdict != MORE)
            return verdict == ANSWERED && bytes < end ? BROKEN : verdict;
    }
    return MORE;
}

void answer_expect(struct answer *answer, struct samples *delays)
{
    memset(answer, 0, sizeof *answer);
    answer->delays = delays;
}

enum verdict answer_take(struct answer *answer, const char *bytes, size_t length, uint64_t now)
{
    while (!answer->in_body) {
        size_t taken = take_head(answer, bytes, length);
        if (taken == 0)
            return BROKEN;
        bytes += taken;
        length -= taken;
        if (length == 0 && !answer->in_body)
            return MORE;
    }
    if (answer->framing == CHUNKED)
        return take_chunked(answer, bytes, length, now);
    if (answer->framing == UNTIL_CLOSE) {
        take_content(answer, bytes, length, now);
        return MORE;
    }
    size_t taken = take_data(answer, bytes, length, now);
    if (taken < length)
        return BROKEN;
    return answer->left == 0 ? ANSWERED : MORE;
}

bool answer_ends_with(const struct answer *answer, const char *text)
{
    return !text[0] || memmem(answer->tail, answer->tail_length, text, strlen(text));
}
