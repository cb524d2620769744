#include "net/client.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/assert.h"

#define RETRY_FIRST_MS 10
#define RETRY_LAST_MS 500
/* A connection that was silent for longer is looked at before it is written to. */
#define SILENCE_MS 1000

int64_t hf_client_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void hf_client_set_error(struct holdfast *hf, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(hf->error, sizeof hf->error, format, arguments);
    va_end(arguments);
}

/* ------------------------------------------------------------------ address */

static bool is_port(const char *text)
{
    const size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 5 || text[digits] != '\0') {
        return false;
    }
    const long port = strtol(text, NULL, 10);
    return port >= 1 && port <= 65535;
}

bool hf_client_set_address(struct holdfast *hf, const char *address)
{
    const char *host = address;
    size_t host_bytes;
    const char *rest;

    if (address[0] == '[') {
        host = address + 1;
        const char *bracket = strchr(host, ']');
        if (bracket == NULL) {
            return false;
        }
        host_bytes = (size_t)(bracket - host);
        rest = bracket + 1;
    } else {
        rest = strchr(address, ':');
        if (rest != NULL && strchr(rest + 1, ':') != NULL) {
            return false; /* an IPv6 address without brackets: which colon is the port's? */
        }
        host_bytes = rest == NULL ? strlen(address) : (size_t)(rest - address);
        rest = address + host_bytes;
    }
    if (rest[0] != '\0' && rest[0] != ':') {
        return false;
    }
    const char *port = rest[0] == ':' ? rest + 1 : NULL;
    if (port != NULL && !is_port(port)) {
        return false;
    }
    if (host_bytes == 0) {
        host = "127.0.0.1";
        host_bytes = strlen(host);
    }
    if (host_bytes >= sizeof hf->host) {
        return false;
    }
    memcpy(hf->host, host, host_bytes);
    hf->host[host_bytes] = '\0';
    (void)snprintf(hf->port, sizeof hf->port, "%s", port == NULL ? "4653" : port);
    return true;
}

/* ------------------------------------------------------------------ connect */

/* Wait for `events` on the socket. False: the time is over, or the wait failed. */
static bool wait_for(int fd, short events, int64_t deadline_ms)
{
    for (;;) {
        const int64_t left_ms = deadline_ms - hf_client_now_ms();
        if (left_ms <= 0) {
            errno = ETIMEDOUT;
            return false;
        }
        struct pollfd waited = {.fd = fd, .events = events};
        const int count = poll(&waited, 1, (int)(left_ms > 60000 ? 60000 : left_ms));
        if (count > 0) {
            return true;
        }
        if (count < 0 && errno != EINTR) {
            return false;
        }
    }
}

static void set_socket_options(const struct holdfast *hf, int fd)
{
    /* None of these is needed to work; a failure costs latency or a late notice of a dead peer. */
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
#ifdef TCP_USER_TIMEOUT
    const unsigned silent_ms = hf->options.request_timeout_ms;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent_ms, sizeof silent_ms);
#else
    (void)hf;
#endif
}

/* One address of the host. Returns the socket, or -1 with errno. */
static int connect_one(const struct holdfast *hf, const struct addrinfo *info, int64_t deadline_ms)
{
    const int fd = socket(info->ai_family, info->ai_socktype, info->ai_protocol);
    if (fd < 0) {
        return -1;
    }
    const int flags = fcntl(fd, F_GETFL);
    int failure = 0;
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
        failure = errno;
    } else {
        set_socket_options(hf, fd);
        if (connect(fd, info->ai_addr, info->ai_addrlen) != 0) {
            failure = errno;
        }
        if (failure == EINPROGRESS || failure == EINTR) {
            failure = 0;
            socklen_t failure_bytes = sizeof failure;
            if (!wait_for(fd, POLLOUT, deadline_ms) ||
                getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &failure_bytes) != 0) {
                failure = errno;
            }
        }
    }
    if (failure != 0) {
        (void)close(fd);
        errno = failure;
        return -1;
    }
    return fd;
}

static bool open_socket(struct holdfast *hf, int64_t deadline_ms)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    const int lookup = getaddrinfo(hf->host, hf->port, &hints, &list);

    if (lookup != 0) {
        hf_client_set_error(hf, "could not look up host \"%s\": %s", hf->host,
                            lookup == EAI_SYSTEM ? strerror(errno) : gai_strerror(lookup));
        return false;
    }
    for (const struct addrinfo *info = list; info != NULL && hf->fd < 0; info = info->ai_next) {
        hf->fd = connect_one(hf, info, deadline_ms);
    }
    if (hf->fd < 0) {
        hf_client_set_error(hf, "could not connect to \"%s\" port %s: %s", hf->host, hf->port,
                            strerror(errno));
    }
    freeaddrinfo(list);
    return hf->fd >= 0;
}

/* ------------------------------------------------------------------ hello */

static bool send_hello(struct holdfast *hf, uint64_t correlation)
{
    const size_t place = hf_frame_begin(&hf->out);
    hf_hello_put(&hf->out, hf_text_of(hf->name));
    const struct hf_frame frame = {
        .operation = HF_ASK_HELLO, .count = 1, .correlation = correlation};
    if (hf_frame_end(&hf->out, place, &frame) != HF_OK) {
        hf_client_set_error(hf, "out of memory");
        return false;
    }
    return true;
}

/* The server's answer to our hello. False: refused, or not a Holdfast server. */
static bool take_welcome(struct holdfast *hf, const struct hf_frame *frame, uint64_t correlation)
{
    struct hf_items body = hf_items_of(frame->body, frame->body_bytes);
    struct hf_reply reply;
    struct hf_welcome welcome;

    if ((frame->flags & HF_FRAME_REPLY) == 0 || hf_reply_next(&body, &reply) != HF_OK) {
        hf_client_set_error(hf, "\"%s\" port %s does not answer as a Holdfast server", hf->host,
                            hf->port);
        return false;
    }
    if ((frame->flags & HF_FRAME_ERROR) != 0 || reply.outcome != HF_OK) {
        hf_client_set_error(
            hf, "the server refused the connection: %s (%s)", hf_strerror(reply.outcome),
            reply.field == HF_FIELD_NONE ? hf_err_name(reply.outcome) : hf_field_name(reply.field));
        return false;
    }
    if (frame->correlation != correlation || frame->operation != HF_ASK_HELLO ||
        hf_welcome_next(&reply.entries, &welcome) != HF_OK ||
        welcome.frame_bytes_max < HF_FRAME_HEADER_BYTES || welcome.operations_max == 0) {
        hf_client_set_error(hf, "the server's hello cannot be read");
        return false;
    }
    memcpy(hf->server.directory_id, welcome.directory_id, sizeof hf->server.directory_id);
    hf->server.epoch = welcome.epoch;
    hf->server.operations_max = welcome.operations_max;
    hf->server.frame_bytes_max = welcome.frame_bytes_max;
    (void)snprintf(hf->server.version, sizeof hf->server.version, "%.*s",
                   (int)welcome.version.bytes_count, welcome.version.bytes);
    hf->handle_tag = welcome.handle_tag;
    return true;
}

/* Send the hello and wait for the answer. Nothing else is in the buffers yet. */
static bool greet(struct holdfast *hf, int64_t deadline_ms)
{
    const uint64_t correlation = hf->correlation_next++;
    struct hf_frame frame;
    enum hf_field fault;
    size_t frame_bytes;
    bool is_empty;

    if (!send_hello(hf, correlation)) {
        return false;
    }
    for (;;) {
        if (!hf_client_flush(hf)) {
            return false;
        }
        const short events = hf_buffer_count(&hf->out) > 0 ? POLLIN | POLLOUT : POLLIN;
        if (!wait_for(hf->fd, events, deadline_ms)) {
            hf_client_set_error(hf, "the server at \"%s\" port %s did not answer the hello: %s",
                                hf->host, hf->port, strerror(errno));
            return false;
        }
        if (!hf_client_receive(hf, &is_empty)) {
            return false;
        }
        switch (hf_frame_decode(hf_buffer_front(&hf->in), hf_buffer_count(&hf->in),
                                HF_FRAME_BYTES_DEFAULT, HF_FRAME_REPLY | HF_FRAME_ERROR, &frame,
                                &frame_bytes, &fault)) {
        case HF_OK:
            if (!take_welcome(hf, &frame, correlation)) {
                return false;
            }
            hf_buffer_take(&hf->in, frame_bytes);
            return true;
        case HF_TRUNCATED:
            break;
        default:
            hf_client_set_error(hf, "\"%s\" port %s does not answer as a Holdfast server: bad %s",
                                hf->host, hf->port, hf_field_name(fault));
            return false;
        }
    }
}

void hf_client_drop(struct holdfast *hf)
{
    if (hf->fd >= 0) {
        (void)close(hf->fd);
        hf->fd = -1;
    }
    hf->is_feed = false;
    hf_buffer_clear(&hf->in);
    hf_buffer_clear(&hf->out);
}

bool hf_client_connect(struct holdfast *hf, int64_t timeout_ms)
{
    HF_ASSERT(hf->fd == -1);
    HF_ASSERT(hf->entries_count == 0);

    const int64_t deadline_ms = hf_client_now_ms() + timeout_ms;
    if (!open_socket(hf, deadline_ms) || !greet(hf, deadline_ms)) {
        hf_client_drop(hf);
        return false;
    }
    hf->last_heard_ms = hf_client_now_ms();
    return true;
}

/* ------------------------------------------------------------------ again */

/* Has the server closed the connection while nothing was on its way? Asked before a frame is
 * queued, so that "it was idle for too long" does not become an unknown outcome. */
static void look_for_end(struct holdfast *hf)
{
    const int64_t now_ms = hf_client_now_ms();
    if (now_ms - hf->last_heard_ms < SILENCE_MS) {
        return;
    }
    char byte;
    const ssize_t count = recv(hf->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))) {
        hf->last_heard_ms = now_ms;
        return;
    }
    hf_client_set_error(hf, "the server has closed the connection");
    hf_client_drop(hf);
}

bool hf_client_ready(struct holdfast *hf)
{
    if (hf->fd >= 0 && hf->entries_count == 0) {
        look_for_end(hf);
    }
    if (hf->fd >= 0) {
        return true;
    }
    if (hf->options.reconnect_max_ms == 0 || hf->is_processing || hf->is_closing) {
        return false;
    }
    const int64_t deadline_ms = hf_client_now_ms() + hf->options.reconnect_max_ms;
    int pause_ms = RETRY_FIRST_MS;
    for (;;) {
        const int64_t left_ms = deadline_ms - hf_client_now_ms();
        if (left_ms <= 0) {
            return false;
        }
        const int64_t attempt_ms = hf->options.connect_timeout_ms;
        if (hf_client_connect(hf, attempt_ms < left_ms ? attempt_ms : left_ms)) {
            return true;
        }
        const int64_t rest_ms = deadline_ms - hf_client_now_ms();
        if (rest_ms > 0) {
            (void)poll(NULL, 0, (int)(rest_ms < pause_ms ? rest_ms : pause_ms));
        }
        pause_ms = pause_ms * 2 < RETRY_LAST_MS ? pause_ms * 2 : RETRY_LAST_MS;
    }
}
