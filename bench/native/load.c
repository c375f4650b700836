/*
 * A closed-loop HTTP/1.1 load generator: each connection sends its next request when its last is answered.
 *
 *     load --port N --path P --body FILE --connections N (--seconds S | --requests N) --stamps N
 *          [--header 'Name: value']... [--end TEXT]
 *
 * An answer is right when its status is 200, its framing is complete, its stamps (see common.h) are exactly
 * 1, 2, ... N in this order, and TEXT occurs in its last bytes. Prints one JSON object; exits 0 also when
 * answers were wrong: whoever started it judges the counts.
 */
#define _GNU_SOURCE
#include "common.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_BYTES = 8192, TAIL_BYTES = 96, READ_BYTES = 1 << 18, GRACE_S = 30, TOO_MANY_PROBLEMS = 200 };

enum phase { CONNECTING, WAITING, RETIRED };

enum framing { SIZED, CHUNKED, UNTIL_CLOSE };

enum chunk_part { CHUNK_SIZE, CHUNK_SIZE_LF, CHUNK_DATA, CHUNK_DATA_CR, CHUNK_DATA_LF, CHUNK_TRAILER };

enum verdict { MORE, ANSWERED, BROKEN };

struct client {
    int fd;
    enum phase phase;
    size_t sent;                /* of the request */
    /* the answer's head and framing */
    char head[HEAD_BYTES];
    size_t head_length;
    bool in_body;
    bool closes;
    int status;
    enum framing framing;
    size_t left;                /* of a sized body, of a chunk, or of the trailer's line */
    enum chunk_part part;
    /* the answer's content */
    unsigned stamps;
    bool disordered;
    char stamp[STAMP_BYTES + 1];
    size_t stamp_length;
    char tail[TAIL_BYTES];
    size_t tail_length;
    uint64_t began_ns;
    uint64_t first_stamp_ns;
};

struct samples {
    float *us;
    size_t count, capacity;
};

static struct {
    unsigned port, connections, stamps;
    const char *path, *body_file, *end;
    double seconds;
    unsigned long requests;
    struct buffer headers;
} options = {.path = "/", .connections = 1, .stamps = 1, .end = ""};

static struct {
    unsigned long started, in_flight, right, wrong, failed, reconnects, stamps;
    unsigned long by_status[600];
    struct samples latency, first_stamp, stamp_delay;
    char problem[512];
} totals;

static struct buffer request;
static int poller;
static uint64_t stop_starting_ns;

/* ---- figures ---------------------------------------------------------------------------------------------- */

static void sample(struct samples *samples, uint64_t ns)
{
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity ? samples->capacity * 2 : 65536;
        samples->us = realloc(samples->us, samples->capacity * sizeof *samples->us);
        if (!samples->us)
            die("realloc");
    }
    samples->us[samples->count++] = (float)ns / 1000.0f;
}

static int by_size(const void *left, const void *right)
{
    float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

static double quantile(const struct samples *samples, double part)
{
    return samples->count ? samples->us[(size_t)(part * (double)(samples->count - 1))] : 0;
}

static void print_samples(const char *name, struct samples *samples)
{
    if (samples->count)
        qsort(samples->us, samples->count, sizeof *samples->us, by_size);
    printf("\"%s\":{\"count\":%zu,\"p50\":%.1f,\"p99\":%.1f,\"max\":%.1f},", name, samples->count,
           quantile(samples, .5), quantile(samples, .99), quantile(samples, 1));
}

static void print_json_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else
            putchar(isprint((unsigned char)*text) ? *text : ' ');
    }
    putchar('"');
}

static void print_totals(double seconds)
{
    printf("{\"right\":%lu,\"wrong\":%lu,\"failed\":%lu,\"unfinished\":%lu,\"reconnects\":%lu,\"stamps\":%lu,"
           "\"seconds\":%.6f,", totals.right, totals.wrong, totals.failed, totals.in_flight, totals.reconnects,
           totals.stamps, seconds);
    print_samples("latency_us", &totals.latency);
    print_samples("first_stamp_us", &totals.first_stamp);
    print_samples("stamp_delay_us", &totals.stamp_delay);
    printf("\"by_status\":{");
    const char *comma = "";
    for (int status = 0; status < 600; status++)
        if (totals.by_status[status]) {
            printf("%s\"%d\":%lu", comma, status, totals.by_status[status]);
            comma = ",";
        }
    printf("},\"first_problem\":");
    print_json_text(totals.problem);
    printf("}\n");
}

/* ---- the content of an answer ------------------------------------------------------------------------------ */

static void take_stamp(struct client *client, uint64_t now)
{
    unsigned long number = strtoul(client->stamp + 1, NULL, 10);
    uint64_t sent_us = strtoull(client->stamp + STAMP_COLON + 1, NULL, 10);
    if (number != ++client->stamps)
        client->disordered = true;
    if (client->stamps == 1)
        client->first_stamp_ns = now;
    if (sent_us && now > sent_us * 1000)
        sample(&totals.stamp_delay, now - sent_us * 1000);
    totals.stamps++;
}

/* Finds stamps byte by byte, so that one may be cut anywhere between two reads. */
static void find_stamps(struct client *client, const char *at, const char *end, uint64_t now)
{
    while (at < end) {
        if (client->stamp_length == 0) {
            at = memchr(at, '@', (size_t)(end - at));
            if (!at)
                return;
        } else if (client->stamp_length == STAMP_COLON ? *at != ':' : !isdigit((unsigned char)*at)) {
            client->stamp_length = 0; /* not a stamp; this byte may begin one */
            continue;
        }
        client->stamp[client->stamp_length++] = *at++;
        if (client->stamp_length == STAMP_BYTES) {
            take_stamp(client, now);
            client->stamp_length = 0;
        }
    }
}

static void keep_tail(struct client *client, const char *bytes, size_t length)
{
    if (length >= TAIL_BYTES) {
        memcpy(client->tail, bytes + length - TAIL_BYTES, TAIL_BYTES);
        client->tail_length = TAIL_BYTES;
        return;
    }
    size_t kept = client->tail_length + length > TAIL_BYTES ? TAIL_BYTES - length : client->tail_length;
    memmove(client->tail, client->tail + client->tail_length - kept, kept);
    memcpy(client->tail + kept, bytes, length);
    client->tail_length = kept + length;
}

static void take_content(struct client *client, const char *bytes, size_t length, uint64_t now)
{
    find_stamps(client, bytes, bytes + length, now);
    keep_tail(client, bytes, length);
}

/* ---- requests --------------------------------------------------------------------------------------------- */

static void note_problem(const struct client *client, const char *what)
{
    if (!totals.problem[0])
        snprintf(totals.problem, sizeof totals.problem, "%s: status %d, %u stamps, ends with: %.*s", what,
                 client->status, client->stamps, (int)client->tail_length, client->tail);
}

/* Sends what the socket takes. False when the connection broke. */
static bool send_request(struct client *client)
{
    while (client->sent < request.length) {
        ssize_t written = send(client->fd, request.bytes + client->sent, request.length - client->sent, MSG_NOSIGNAL);
        if (written < 0)
            return errno == EAGAIN;
        client->sent += (size_t)written;
    }
    return true;
}

static bool may_start(void)
{
    if (options.requests)
        return totals.started < options.requests;
    return monotonic_ns() < stop_starting_ns;
}

static void retire(struct client *client)
{
    close(client->fd);
    client->phase = RETIRED;
}

static void connect_client(struct client *client)
{
    int one = 1;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (client->fd < 0)
        die("socket");
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)options.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    client->phase = CONNECTING;
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        die("connect");
    struct epoll_event interest = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = client};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, client->fd, &interest))
        die("epoll_ctl");
}

static void forget_answer(struct client *client)
{
    int fd = client->fd;
    memset(client, 0, sizeof *client);
    client->fd = fd;
}

static void begin_request(struct client *client)
{
    if (!may_start()) {
        retire(client);
        return;
    }
    forget_answer(client);
    client->phase = WAITING;
    client->began_ns = monotonic_ns();
    totals.started++;
    totals.in_flight++;
    send_request(client); /* if it broke, the poller says so next */
}

static void fail(struct client *client, const char *what)
{
    note_problem(client, what);
    totals.failed++;
    if (client->phase == WAITING)
        totals.in_flight--;
    close(client->fd);
    if (totals.failed < TOO_MANY_PROBLEMS && may_start())
        connect_client(client);
    else
        client->phase = RETIRED;
}

static bool is_right(const struct client *client)
{
    return client->status == 200 && client->stamps == options.stamps && !client->disordered &&
           (!options.end[0] || memmem(client->tail, client->tail_length, options.end, strlen(options.end)));
}

static void finish(struct client *client, uint64_t now)
{
    totals.in_flight--;
    if (client->status >= 0 && client->status < 600)
        totals.by_status[client->status]++;
    if (is_right(client)) {
        totals.right++;
        sample(&totals.latency, now - client->began_ns);
        sample(&totals.first_stamp, client->first_stamp_ns - client->began_ns);
    } else {
        note_problem(client, client->disordered ? "stamps out of order" : "not the answer that was expected");
        totals.wrong++;
    }
    if (client->closes && may_start()) {
        close(client->fd);
        connect_client(client);
    } else {
        begin_request(client);
    }
}

/* ---- framing ---------------------------------------------------------------------------------------------- */

static void read_head(struct client *client)
{
    client->status = atoi(client->head + 9);
    client->framing = UNTIL_CLOSE;
    for (char *line = strstr(client->head, "\r\n"); line; line = strstr(line + 2, "\r\n")) {
        char *header = line + 2;
        if (!strncasecmp(header, "content-length:", 15)) {
            client->framing = SIZED;
            client->left = strtoul(header + 15, NULL, 10);
        } else if (!strncasecmp(header, "transfer-encoding: chunked", 26)) {
            client->framing = CHUNKED;
        } else if (!strncasecmp(header, "connection: close", 17)) {
            client->closes = true;
        }
    }
    client->in_body = true;
    if (client->framing == CHUNKED)
        client->left = 0;
}

/* Takes bytes up to the end of the head. Returns how many, or 0 when the head is too long. */
static size_t take_head(struct client *client, const char *bytes, size_t length)
{
    size_t before = client->head_length, room = HEAD_BYTES - 1 - before;
    size_t taken = length < room ? length : room;
    memcpy(client->head + before, bytes, taken);
    client->head_length += taken;
    char *end = memmem(client->head, client->head_length, "\r\n\r\n", 4);
    if (!end)
        return client->head_length < HEAD_BYTES - 1 ? taken : 0;
    taken = (size_t)(end + 4 - client->head) - before;
    *end = 0;
    if (!strncmp(client->head + 9, "100", 3))
        client->head_length = 0; /* an interim response; the final one follows */
    else
        read_head(client);
    return taken;
}

/* Takes one byte of the framing around chunks. */
static enum verdict take_chunk_framing(struct client *client, char byte)
{
    switch (client->part) {
    case CHUNK_SIZE:
        if (isxdigit((unsigned char)byte))
            client->left = client->left * 16 + (size_t)(isdigit((unsigned char)byte) ? byte - '0' : (byte | 32) - 'a' + 10);
        else if (byte == '\r')
            client->part = CHUNK_SIZE_LF;
        else
            return BROKEN;
        return MORE;
    case CHUNK_SIZE_LF:
        client->part = client->left ? CHUNK_DATA : CHUNK_TRAILER;
        return byte == '\n' ? MORE : BROKEN;
    case CHUNK_DATA_CR:
        client->part = CHUNK_DATA_LF;
        return byte == '\r' ? MORE : BROKEN;
    case CHUNK_DATA_LF:
        client->part = CHUNK_SIZE;
        return byte == '\n' ? MORE : BROKEN;
    case CHUNK_TRAILER:
        if (byte == '\r')
            return MORE;
        if (byte != '\n') {
            client->left++;
            return MORE;
        }
        if (client->left == 0)
            return ANSWERED;
        client->left = 0;
        return MORE;
    case CHUNK_DATA:
        break;
    }
    return BROKEN;
}

static size_t take_data(struct client *client, const char *bytes, size_t length, uint64_t now)
{
    size_t taken = length < client->left ? length : client->left;
    take_content(client, bytes, taken, now);
    client->left -= taken;
    return taken;
}

static enum verdict take_chunked(struct client *client, const char *bytes, size_t length, uint64_t now)
{
    const char *end = bytes + length;
    while (bytes < end) {
        if (client->part == CHUNK_DATA) {
            bytes += take_data(client, bytes, (size_t)(end - bytes), now);
            if (client->left == 0)
                client->part = CHUNK_DATA_CR;
            continue;
        }
        enum verdict verdict = take_chunk_framing(client, *bytes++);
        /* Nothing was asked for yet, so nothing may follow. */
        if (verdict != MORE)
            return verdict == ANSWERED && bytes < end ? BROKEN : verdict;
    }
    return MORE;
}

static enum verdict take(struct client *client, const char *bytes, size_t length, uint64_t now)
{
    while (!client->in_body) {
        size_t taken = take_head(client, bytes, length);
        if (taken == 0)
            return BROKEN;
        bytes += taken;
        length -= taken;
        if (length == 0 && !client->in_body)
            return MORE;
    }
    if (client->framing == CHUNKED)
        return take_chunked(client, bytes, length, now);
    if (client->framing == UNTIL_CLOSE) {
        take_content(client, bytes, length, now);
        return MORE;
    }
    size_t taken = take_data(client, bytes, length, now);
    if (taken < length)
        return BROKEN;
    return client->left == 0 ? ANSWERED : MORE;
}

/* ---- the loop --------------------------------------------------------------------------------------------- */

static void peer_closed(struct client *client, uint64_t now)
{
    if (client->in_body && client->framing == UNTIL_CLOSE) {
        client->closes = true;
        finish(client, now);
    } else if (client->head_length == 0) {
        /* The server let an idle connection go as the request went out (RFC 9112 9.3.1): ask again. */
        totals.reconnects++;
        totals.in_flight--;
        totals.started--;
        close(client->fd);
        if (totals.reconnects < TOO_MANY_PROBLEMS && may_start())
            connect_client(client);
        else
            client->phase = RETIRED;
    } else {
        fail(client, "closed in the middle of an answer");
    }
}

static void receive(struct client *client, char *scratch)
{
    for (;;) {
        ssize_t got = recv(client->fd, scratch, READ_BYTES, 0);
        uint64_t now = monotonic_ns();
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            peer_closed(client, now);
            return;
        }
        enum verdict verdict = take(client, scratch, (size_t)got, now);
        if (verdict == BROKEN) {
            fail(client, "broken framing");
            return;
        }
        if (verdict == ANSWERED) {
            int before = client->fd;
            finish(client, now);
            if (client->phase != WAITING || client->fd != before)
                return;
        }
    }
}

static void serve(struct client *client, uint32_t events, char *scratch)
{
    if (client->phase == CONNECTING) {
        if (events & (EPOLLERR | EPOLLHUP))
            fail(client, "could not connect");
        else if (events & EPOLLOUT)
            begin_request(client);
        return;
    }
    if (client->phase == WAITING && (events & EPOLLOUT))
        send_request(client);
    if (client->phase == WAITING && (events & ~(uint32_t)EPOLLOUT))
        receive(client, scratch);
}

static bool any_active(const struct client *clients)
{
    for (unsigned i = 0; i < options.connections; i++)
        if (clients[i].phase != RETIRED)
            return true;
    return false;
}

static void run(struct client *clients)
{
    struct epoll_event ready[256];
    char *scratch = malloc(READ_BYTES);
    if (!scratch)
        die("malloc");
    uint64_t began = monotonic_ns();
    uint64_t give_up = began + (uint64_t)((options.seconds + GRACE_S) * 1e9);
    stop_starting_ns = began + (uint64_t)(options.seconds * 1e9);
    for (unsigned i = 0; i < options.connections; i++)
        connect_client(&clients[i]);
    while (any_active(clients) && monotonic_ns() < give_up) {
        int events = epoll_wait(poller, ready, 256, 200);
        if (events < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < events; i++)
            serve(ready[i].data.ptr, ready[i].events, scratch);
    }
    print_totals((double)(monotonic_ns() - began) / 1e9);
}

static void read_file(const char *name, struct buffer *into)
{
    FILE *file = fopen(name, "rb");
    if (!file)
        die(name);
    char block[65536];
    for (size_t got; (got = fread(block, 1, sizeof block, file)) > 0;)
        buffer_append(into, block, got);
    fclose(file);
}

static void compose_request(void)
{
    struct buffer body = {0};
    char head[1024];
    read_file(options.body_file, &body);
    int length = snprintf(head, sizeof head,
                          "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/json\r\n"
                          "Accept: application/json\r\nContent-Length: %zu\r\n",
                          options.path, options.port, body.length);
    buffer_append(&request, head, (size_t)length);
    if (options.headers.length)
        buffer_append(&request, options.headers.bytes, options.headers.length);
    buffer_append(&request, "\r\n", 2);
    buffer_append(&request, body.bytes, body.length);
    free(body.bytes);
}

static void read_options(int count, char **arguments)
{
    static const struct option known[] = {
        {"port", required_argument, NULL, 'p'},     {"path", required_argument, NULL, 'u'},
        {"body", required_argument, NULL, 'b'},     {"connections", required_argument, NULL, 'c'},
        {"seconds", required_argument, NULL, 's'},  {"requests", required_argument, NULL, 'n'},
        {"stamps", required_argument, NULL, 'k'},   {"end", required_argument, NULL, 'e'},
        {"header", required_argument, NULL, 'h'},   {0},
    };
    for (int option; (option = getopt_long(count, arguments, "", known, NULL)) != -1;) {
        switch (option) {
        case 'p': options.port = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'u': options.path = optarg; break;
        case 'b': options.body_file = optarg; break;
        case 'c': options.connections = (unsigned)strtoul(optarg, NULL, 10); break;
        case 's': options.seconds = strtod(optarg, NULL); break;
        case 'n': options.requests = strtoul(optarg, NULL, 10); break;
        case 'k': options.stamps = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'e': options.end = optarg; break;
        case 'h':
            buffer_append(&options.headers, optarg, strlen(optarg));
            buffer_append(&options.headers, "\r\n", 2);
            break;
        default: exit(2);
        }
    }
    if (!options.port || !options.body_file || (!options.requests && options.seconds <= 0)) {
        fprintf(stderr, "load needs --port, --body, and --seconds or --requests\n");
        exit(2);
    }
}

int main(int count, char **arguments)
{
    read_options(count, arguments);
    signal(SIGPIPE, SIG_IGN);
    compose_request();
    poller = epoll_create1(0);
    if (poller < 0)
        die("epoll_create1");
    struct client *clients = calloc(options.connections, sizeof *clients);
    if (!clients)
        die("calloc");
    run(clients);
    return 0;
}
