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
#include "answer.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 18, GRACE_S = 30, TOO_MANY_PROBLEMS = 200 };

enum phase { CONNECTING, WAITING, RETIRED };

struct client {
    int fd;
    enum phase phase;
    size_t sent;                /* of the request */
    uint64_t began_ns;
    struct answer answer;
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

/* ---- requests --------------------------------------------------------------------------------------------- */

static void note_problem(const struct client *client, const char *what)
{
    if (!totals.problem[0])
        snprintf(totals.problem, sizeof totals.problem, "%s: status %d, %u stamps, ends with: %.*s", what,
                 client->answer.status, client->answer.stamps, (int)client->answer.tail_length, client->answer.tail);
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
    answer_expect(&client->answer, &totals.stamp_delay);
    if (connect(client->fd, (struct sockaddr *)&address, sizeof address) && errno != EINPROGRESS)
        die("connect");
    struct epoll_event interest = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = client};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, client->fd, &interest))
        die("epoll_ctl");
}

static void begin_request(struct client *client)
{
    if (!may_start()) {
        retire(client);
        return;
    }
    answer_expect(&client->answer, &totals.stamp_delay);
    client->sent = 0;
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
    return client->answer.status == 200 && client->answer.stamps == options.stamps && !client->answer.disordered &&
           answer_ends_with(&client->answer, options.end);
}

static void finish(struct client *client, uint64_t now)
{
    totals.in_flight--;
    totals.stamps += client->answer.stamps;
    if (client->answer.status >= 0 && client->answer.status < 600)
        totals.by_status[client->answer.status]++;
    if (is_right(client)) {
        totals.right++;
        sample(&totals.latency, now - client->began_ns);
        sample(&totals.first_stamp, client->answer.first_stamp_ns - client->began_ns);
    } else {
        note_problem(client, client->answer.disordered ? "stamps out of order" : "not the answer that was expected");
        totals.wrong++;
    }
    if (client->answer.closes && may_start()) {
        close(client->fd);
        connect_client(client);
    } else {
        begin_request(client);
    }
}

/* ---- the loop --------------------------------------------------------------------------------------------- */

static void peer_closed(struct client *client, uint64_t now)
{
    if (client->answer.in_body && client->answer.framing == UNTIL_CLOSE) {
        client->answer.closes = true;
        finish(client, now);
    } else if (client->answer.head_length == 0) {
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
        enum verdict verdict = answer_take(&client->answer, scratch, (size_t)got, now);
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
