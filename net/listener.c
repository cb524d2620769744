#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/assert.h"

#define LISTEN_BACKLOG 1024

static void readable_cb(uv_poll_t *poll, int status, int events);

static void watch(struct hf_listener *listener)
{
    /* It fails for a closed socket only. */
    const int status = uv_poll_start(&listener->poll, UV_READABLE, readable_cb);
    HF_ASSERT(status == 0);
}

void hf_listener_tell_short(struct hf_listener *listener, const char *why)
{
    const uint64_t now_ms = uv_now(listener->poll.loop) + 1; /* never 0 */
    char text[160];

    if (listener->told_ms != 0 && now_ms - listener->told_ms < HF_ACCEPT_TOLD_MS) {
        return; /* a flood must not fill the log, too */
    }
    listener->told_ms = now_ms;
    (void)snprintf(text, sizeof text,
                   "could not accept a connection: %s; who is connected is served, others wait",
                   why);
    listener->ops->report(listener->ctx, 'w', text);
}

static void rested_cb(uv_timer_t *timer)
{
    watch(timer->data);
}

static void take_a_rest(struct hf_listener *listener, int error)
{
    hf_listener_tell_short(listener, uv_strerror(-error));
    (void)uv_poll_stop(&listener->poll);
    (void)uv_timer_start(&listener->rest, rested_cb, HF_ACCEPT_REST_MS, 0);
}

static void readable_cb(uv_poll_t *poll, int status, int events)
{
    struct hf_listener *listener = poll->data;

    (void)status; /* accept says more of what is wrong */
    (void)events;
    for (unsigned i = 0; i < HF_ACCEPTS_MAX && listener->is_open; i++) {
        const int accepted = accept(listener->socket, NULL, NULL);
        if (accepted >= 0) {
            (void)fcntl(accepted, F_SETFD, FD_CLOEXEC); /* no harm if not: nothing is executed */
            listener->ops->accepted(listener->ctx, accepted);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            take_a_rest(listener, errno);
            return;
        } /* else one that has gone before it was let in */
    }
}

static int bind_and_listen(int listening, struct sockaddr_storage *address)
{
    const int yes = 1;
    const socklen_t address_bytes = address->ss_family == AF_INET6
                                        ? (socklen_t)sizeof(struct sockaddr_in6)
                                        : (socklen_t)sizeof(struct sockaddr_in);
    socklen_t found_bytes = sizeof *address;

    if (fcntl(listening, F_SETFD, FD_CLOEXEC) != 0 || fcntl(listening, F_SETFL, O_NONBLOCK) != 0 ||
        setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(listening, (const struct sockaddr *)address, address_bytes) != 0 ||
        listen(listening, LISTEN_BACKLOG) != 0 ||
        getsockname(listening, (struct sockaddr *)address, &found_bytes) != 0) {
        return -errno;
    }
    return 0;
}

int hf_listener_open(struct hf_listener *listener, uv_loop_t *loop,
                     struct sockaddr_storage *address, const struct hf_listener_ops *ops, void *ctx)
{
    *listener = (struct hf_listener){.ops = ops, .ctx = ctx};
    listener->socket = socket(address->ss_family, SOCK_STREAM, 0);
    if (listener->socket < 0) {
        return -errno;
    }
    int status = bind_and_listen(listener->socket, address);
    if (status == 0) {
        status = uv_poll_init_socket(loop, &listener->poll, listener->socket);
    }
    if (status != 0) {
        (void)close(listener->socket); /* nothing has come in */
        return status;
    }
    (void)uv_timer_init(loop, &listener->rest);
    listener->poll.data = listener;
    listener->rest.data = listener;
    listener->is_open = true;
    watch(listener);
    return 0;
}

void hf_listener_close(struct hf_listener *listener)
{
    if (!listener->is_open) {
        return;
    }
    listener->is_open = false;
    (void)uv_poll_stop(&listener->poll);
    uv_close((uv_handle_t *)&listener->poll, NULL);
    uv_close((uv_handle_t *)&listener->rest, NULL);
    (void)close(listener->socket); /* who waits in its queue is turned away */
}
