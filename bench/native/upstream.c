/*
 * A model server that answers at once: one thread, one epoll, no parsing beyond what framing needs.
 *
 *     upstream [PORT]        port 0 or none: any free one; the first line on stdout is the port
 *
 * It answers POST .../chat/completions in OpenAI's words and POST .../messages in Anthropic's, plain or as a
 * stream; every other request gets a list of one model. The model's name carries the shape of a stream:
 * "bench-t200-d20000" is 200 tokens with 20,000 microseconds between two of them, "-d0" as fast as they go.
 * Every token is one event, one HTTP chunk and, when paced, one write.
 *
 * Linux 5.11 or newer, for epoll_pwait2: tokens are due to the microsecond.
 */
#define _GNU_SOURCE
#include "wording.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct stream {
    enum dialect dialect;
    unsigned tokens;       /* how many the answer has */
    unsigned step;         /* 0 opens, 1..tokens are tokens, then the closing events */
    uint64_t interval_ns;  /* between two tokens */
    uint64_t due_ns;       /* when the next step is to be sent */
};

struct connection {
    int fd;
    struct buffer in;
    struct buffer out;
    size_t sent;           /* of `out` */
    size_t wanted;         /* length of `in` at which the request will be whole, when that is known */
    bool streaming;
    struct stream stream;
    struct connection *previous, *next; /* among those that stream */
};

struct request {
    enum dialect dialect;
    bool is_post;
    const char *body;
    size_t body_length;
    size_t length;         /* on the wire, head included */
};

static struct connection *streaming_connections;
static int poller;

/* ---- connections ------------------------------------------------------------------------------------------ */

static void list_streaming(struct connection *connection)
{
    connection->streaming = true;
    connection->previous = NULL;
    connection->next = streaming_connections;
    if (streaming_connections)
        streaming_connections->previous = connection;
    streaming_connections = connection;
}

static void unlist_streaming(struct connection *connection)
{
    if (!connection->streaming)
        return;
    connection->streaming = false;
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        streaming_connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
}

static void hang_up(struct connection *connection)
{
    unlist_streaming(connection);
    close(connection->fd);
    free(connection->in.bytes);
    free(connection->out.bytes);
    free(connection);
}

static bool is_blocked(const struct connection *connection)
{
    return connection->sent < connection->out.length;
}

/* Writes what the socket takes. False when the peer is gone. */
static bool flush(struct connection *connection)
{
    while (is_blocked(connection)) {
        ssize_t written = send(connection->fd, connection->out.bytes + connection->sent,
                               connection->out.length - connection->sent, MSG_NOSIGNAL);
        if (written < 0)
            return errno == EAGAIN;
        connection->sent += (size_t)written;
    }
    connection->sent = connection->out.length = 0;
    return true;
}

static void append_step(struct connection *connection)
{
    struct stream *stream = &connection->stream;
    if (!append_stream_step(&connection->out, stream->dialect, stream->step++, stream->tokens))
        unlist_streaming(connection);
}

/* ---- requests --------------------------------------------------------------------------------------------- */

/* Joins the chunks of a body in place. Returns its length on the wire, or 0 while it is incomplete. */
static size_t join_chunks(char *wire, size_t length, size_t *joined)
{
    char *at = wire, *end = wire + length, *probe;
    /* Two passes, so that an incomplete body stays as it is. */
    for (int pass = 0; pass < 2; pass++) {
        *joined = 0;
        for (probe = at;;) {
            char *line_end = memmem(probe, (size_t)(end - probe), "\r\n", 2);
            if (!line_end)
                return 0;
            size_t size = strtoul(probe, NULL, 16);
            char *data = line_end + 2;
            if ((size_t)(end - data) < size + 2)
                return 0;
            if (pass == 1)
                memmove(wire + *joined, data, size);
            *joined += size;
            probe = data + size + 2;
            if (size == 0)
                break;
        }
    }
    return (size_t)(probe - wire);
}

/* Reads one request from the front of `in`. False while it is incomplete. */
static bool read_request(struct connection *connection, struct request *request)
{
    char *wire = connection->in.bytes;
    char *head_end = memmem(wire, connection->in.length, "\r\n\r\n", 4);
    if (!head_end)
        return false;
    char *body = head_end + 4;
    size_t head_length = (size_t)(body - wire), content_length = 0;
    bool chunked = false;
    for (char *line = memchr(wire, '\n', head_length); line && line + 1 < head_end;
         line = memchr(line + 1, '\n', (size_t)(body - line - 1))) {
        if (!strncasecmp(line + 1, "content-length:", 15))
            content_length = strtoul(line + 16, NULL, 10);
        else if (!strncasecmp(line + 1, "transfer-encoding: chunked", 26))
            chunked = true;
    }
    request->is_post = !memcmp(wire, "POST", 4);
    const char *line_end = memchr(wire, '\r', head_length);
    request->dialect = memmem(wire, (size_t)(line_end - wire), "/messages", 9) ? ANTHROPIC : OPENAI;
    request->body = body;
    request->body_length = content_length;
    request->length = head_length + content_length;
    if (chunked) {
        size_t on_wire = join_chunks(body, connection->in.length - head_length, &request->body_length);
        request->length = head_length + on_wire;
        return on_wire > 0;
    }
    connection->wanted = request->length;
    return connection->in.length >= request->length;
}

static bool wants_stream(const struct request *request)
{
    static const char key[] = "\"stream\"";
    const char *end = request->body + request->body_length;
    for (const char *at = request->body; (at = memmem(at, (size_t)(end - at), key, sizeof key - 1));) {
        at += sizeof key - 1;
        while (at < end && (*at == ' ' || *at == ':'))
            at++;
        if (at < end && *at == 't')
            return true;
    }
    return false;
}

/* The number that follows `mark` in the model's name. */
static unsigned long shape_number(const struct request *request, const char *mark, unsigned long otherwise)
{
    const char *model = memmem(request->body, request->body_length, "\"model\"", 7);
    if (!model)
        return otherwise;
    char name[96] = {0};
    size_t left = (size_t)(request->body + request->body_length - model) - 7;
    memcpy(name, model + 7, left < sizeof name - 1 ? left : sizeof name - 1);
    char *opening = strchr(name, '"');
    char *closing = opening ? strchr(opening + 1, '"') : NULL;
    if (!closing)
        return otherwise;
    *closing = 0;
    char *found = strstr(opening, mark);
    return found ? strtoul(found + strlen(mark), NULL, 10) : otherwise;
}

static void begin_stream(struct connection *connection, const struct request *request)
{
    uint64_t interval_ns = shape_number(request, "-d", 0) * 1000;
    connection->stream = (struct stream){
        .dialect = request->dialect,
        .tokens = (unsigned)shape_number(request, "-t", 200),
        .interval_ns = interval_ns,
        .due_ns = monotonic_ns() + interval_ns,
    };
    append_stream_head(&connection->out);
    list_streaming(connection);
    append_step(connection);
}

static void answer(struct connection *connection, const struct request *request)
{
    if (!request->is_post)
        append_model_list(&connection->out);
    else if (wants_stream(request))
        begin_stream(connection, request);
    else
        append_plain_answer(&connection->out, request->dialect);
}

/* Answers the requests that are whole; a stream holds back those behind it. False when the peer is gone. */
static bool answer_whole_requests(struct connection *connection)
{
    struct request request;
    while (!connection->streaming && connection->in.length > 0 && read_request(connection, &request)) {
        answer(connection, &request);
        buffer_drop(&connection->in, request.length);
        connection->wanted = 0;
        if (!flush(connection))
            return false;
    }
    return true;
}

/* Reads until the socket is empty (edge-triggered). False when the peer is gone. */
static bool receive(struct connection *connection)
{
    for (;;) {
        size_t missing = connection->wanted > connection->in.length ? connection->wanted - connection->in.length : 0;
        buffer_reserve(&connection->in, missing > 16384 ? missing : 16384);
        ssize_t got = recv(connection->fd, connection->in.bytes + connection->in.length,
                           connection->in.capacity - connection->in.length, 0);
        if (got == 0)
            return false;
        if (got < 0)
            return errno == EAGAIN;
        connection->in.length += (size_t)got;
        if (!answer_whole_requests(connection))
            return false;
    }
}

/* ---- the loop --------------------------------------------------------------------------------------------- */

static void accept_all(int listener)
{
    int one = 1, fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct connection *connection = calloc(1, sizeof *connection);
        if (!connection)
            die("calloc");
        connection->fd = fd;
        struct epoll_event interest = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = connection};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &interest))
            die("epoll_ctl");
    }
}

static void serve(struct connection *connection, uint32_t events)
{
    bool alive = !(events & (EPOLLERR | EPOLLHUP));
    if (alive && (events & EPOLLOUT))
        alive = flush(connection);
    if (alive && (events & (EPOLLIN | EPOLLRDHUP)))
        alive = receive(connection);
    if (!alive)
        hang_up(connection);
}

/* Sends the tokens that are due. A peer that does not read holds up its own stream only. */
static void advance_streams(void)
{
    uint64_t now = monotonic_ns();
    struct connection *next;
    for (struct connection *connection = streaming_connections; connection; connection = next) {
        next = connection->next;
        if (is_blocked(connection) || connection->stream.due_ns > now)
            continue;
        append_step(connection);
        connection->stream.due_ns += connection->stream.interval_ns;
        if (!flush(connection) || (!connection->streaming && !answer_whole_requests(connection)))
            hang_up(connection);
    }
}

/* How long to sleep: until the next token is due, or for ever (NULL). */
static const struct timespec *until_next_token(struct timespec *pause)
{
    uint64_t due = UINT64_MAX, now = monotonic_ns();
    for (struct connection *connection = streaming_connections; connection; connection = connection->next)
        if (!is_blocked(connection) && connection->stream.due_ns < due)
            due = connection->stream.due_ns;
    if (due == UINT64_MAX)
        return NULL;
    uint64_t left = due > now ? due - now : 0;
    *pause = (struct timespec){.tv_sec = (time_t)(left / 1000000000ull), .tv_nsec = (long)(left % 1000000000ull)};
    return pause;
}

static int listen_on(unsigned port)
{
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (listener < 0)
        die("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096))
        die("bind");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(int count, char **arguments)
{
    signal(SIGPIPE, SIG_IGN);
    int listener = listen_on(count > 1 ? (unsigned)strtoul(arguments[1], NULL, 10) : 0);
    poller = epoll_create1(0);
    struct epoll_event interest = {.events = EPOLLIN, .data.ptr = NULL}, ready[256];
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &interest))
        die("epoll");
    for (;;) {
        struct timespec pause;
        int events = epoll_pwait2(poller, ready, 256, until_next_token(&pause), NULL);
        if (events < 0 && errno != EINTR)
            die("epoll_pwait2");
        for (int i = 0; i < events; i++) {
            if (ready[i].data.ptr)
                serve(ready[i].data.ptr, ready[i].events);
            else
                accept_all(listener);
        }
        advance_streams();
    }
}
