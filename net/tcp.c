/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/secret.h"
#include "net/room.h"

#define WAITING_MAX       ((size_t)1024 * 1024) /* bytes for a peer that does not read */
#define FLUSH_MS          2000                  /* for what was written before the close */
#define PEER_END_MS       500                   /* for the peer's own end after ours */
#define KEEPALIVE_SECONDS 60 /* a peer that lost its power is noticed, its channels are freed */

struct pending_write {
    uv_write_t request;
    struct net_tcp *tcp;
    size_t size;
    uint8_t bytes[];
};

struct net_tcp *net__tcp_create(struct net_loop *loop, enum net__tcp_state state)
{
    struct net_tcp *tcp = calloc(1, sizeof(*tcp));

    if (!tcp)
        return NULL;
    tcp->loop = loop;
    tcp->state = state;
    uv_tcp_init(&loop->uv, &tcp->stream);
    uv_timer_init(&loop->uv, &tcp->timer);
    uv_timer_init(&loop->uv, &tcp->refill);
    tcp->stream.data = tcp;
    tcp->timer.data = tcp;
    tcp->refill.data = tcp;
    tcp->users = 3;
    LIST_INSERT_HEAD(&loop->connections, tcp, link);
    return tcp;
}

void net__tcp_forget_user(struct net_tcp *tcp)
{
    if (--tcp->users)
        return;
    net__tls_session_destroy(tcp->session);
    free(tcp);
}

static void on_closed(uv_handle_t *handle)
{
    net__tcp_forget_user(handle->data);
}

void net__tcp_release(struct net_tcp *tcp)
{
    bool resolving = tcp->state == NET__TCP_RESOLVING;

    LIST_REMOVE(tcp, link);
    if (tcp->listener)
        net__listener_forget(tcp->listener);
    tcp->listener = NULL;
    tcp->state = NET__TCP_GONE;
    if (resolving)
        uv_cancel((uv_req_t *)&tcp->resolve); /* a look-up that is under way reports to nobody */
    if (tcp->found)
        uv_freeaddrinfo(tcp->found);
    tcp->found = NULL;
    if (!uv_is_closing((uv_handle_t *)&tcp->stream)) /* between two addresses it is already */
        uv_close((uv_handle_t *)&tcp->stream, on_closed);
    uv_close((uv_handle_t *)&tcp->timer, on_closed);
    uv_close((uv_handle_t *)&tcp->refill, on_closed);
}

int net__tcp_opened(struct net_tcp *tcp, struct sockaddr_storage *peer)
{
    int size = sizeof(*peer);
    int status = uv_tcp_getpeername(&tcp->stream, (struct sockaddr *)peer, &size);

    tcp->failure = 0; /* of an address that was tried before */
    uv_tcp_nodelay(&tcp->stream, 1);
    uv_tcp_keepalive(&tcp->stream, 1, KEEPALIVE_SECONDS);
    if (status == 0)
        net__address_format((struct sockaddr *)peer, tcp->peer);
    return status;
}

void net__tcp_end(struct net_tcp *tcp, int error)
{
    bool unowned = tcp->listener && tcp->state == NET__TCP_SECURING;

    if (tcp->state >= NET__TCP_ENDED)
        return;
    tcp->state = NET__TCP_ENDED;
    tcp->failure = error;
    uv_timer_stop(&tcp->timer);
    uv_read_stop((uv_stream_t *)&tcp->stream);
    if (unowned)
        net__listener_give_up(tcp->listener, tcp);
    else if (tcp->ops.ended)
        tcp->ops.ended(tcp->context, error);
}

static void on_failed(uv_timer_t *timer)
{
    struct net_tcp *tcp = timer->data;

    tcp->loop->events++;
    net__tcp_end(tcp, tcp->failure);
}

void net__tcp_end_later(struct net_tcp *tcp, int error)
{
    tcp->failure = error;
    uv_timer_start(&tcp->timer, on_failed, 0, 0);
}

static void on_room_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    struct net_tcp *tcp = handle->data;

    (void)suggested;
    *room = uv_buf_init((char *)tcp->loop->input, NET__INPUT_MAX);
}

/* TLS says its own goodbye before (RFC 8446, 6.1): an end without it may be somebody else's doing. */
static int meaning_of_end(const struct net_tcp *tcp, ssize_t error)
{
    if (error != UV_EOF)
        return (int)error;
    if (tcp->session)
        return tcp->state == NET__TCP_SECURING ? BASE_E_CLOSED : BASE_E_TRUNCATED;
    return 0;
}

static void on_peer_ended(struct net_tcp *tcp, int error)
{
    tcp->peer_ended = true;
    if (tcp->state != NET__TCP_LINGERING)
        net__tcp_end(tcp, error);
    else if (error < 0 || tcp->shut)
        net__tcp_release(tcp);
    else
        uv_read_stop((uv_stream_t *)&tcp->stream);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *room)
{
    struct net_tcp *tcp = stream->data;

    tcp->loop->events++;
    if (size < 0) {
        on_peer_ended(tcp, meaning_of_end(tcp, size));
        return;
    }
    if (size > 0 && tcp->session && tcp->state < NET__TCP_ENDED)
        net__secure_input(tcp, (const uint8_t *)room->base, (size_t)size);
    else if (size > 0 && tcp->ops.input && net__tcp_may_deliver(tcp))
        tcp->ops.input(tcp->context, (const uint8_t *)room->base, (size_t)size);
    if (size > 0)
        base_secure_zero(room->base, (size_t)size);
}

int net__tcp_read(struct net_tcp *tcp)
{
    return uv_read_start((uv_stream_t *)&tcp->stream, on_room_wanted, on_read);
}

void net__tcp_ready(struct net_tcp *tcp)
{
    tcp->state = NET__TCP_OPEN;
    uv_timer_stop(&tcp->timer);
    net__tcp_read_or_not(tcp);
    if (tcp->listener)
        net__listener_take(tcp->listener, tcp);
    else if (tcp->ops.connected)
        tcp->ops.connected(tcp->context);
}

void net_tcp_set_ops(struct net_tcp *tcp, const struct net_tcp_ops *ops, void *context)
{
    tcp->ops = *ops;
    tcp->context = context;
    tcp->owned = true;
    net__tcp_read_or_not(tcp);
}

static void on_written(uv_write_t *request, int status)
{
    struct pending_write *written = request->data;
    struct net_tcp *tcp = written->tcp;

    tcp->loop->events++;
    base_secure_zero(written->bytes, written->size);
    free(written);
    if (status < 0 && status != UV_ECANCELED)
        net__tcp_end(tcp, status);
}

static int write_later(struct net_tcp *tcp, const uint8_t *bytes, size_t size)
{
    struct pending_write *pending = malloc(sizeof(*pending) + size);
    uv_buf_t piece;
    int status;

    if (!pending)
        return -ENOMEM;
    pending->tcp = tcp;
    pending->size = size;
    pending->request.data = pending;
    memcpy(pending->bytes, bytes, size);
    piece = uv_buf_init((char *)pending->bytes, (unsigned)size);
    status = uv_write(&pending->request, (uv_stream_t *)&tcp->stream, &piece, 1, on_written);
    if (status < 0) {
        base_secure_zero(pending->bytes, size);
        free(pending);
    }
    return status;
}

int net__tcp_send(struct net_tcp *tcp, const uint8_t *bytes, size_t size)
{
    uv_buf_t piece = {.base = (void *)bytes, .len = size}; /* libuv only reads it */
    int sent;

    /* A failure here is met again, and reported, by the write that is queued. */
    sent = uv_try_write((uv_stream_t *)&tcp->stream, &piece, 1);
    sent = sent < 0 ? 0 : sent;
    return (size_t)sent == size ? 0 : write_later(tcp, bytes + sent, size - (size_t)sent);
}

int net_tcp_write(struct net_tcp *tcp, const uint8_t *bytes, size_t size)
{
    size_t waiting = uv_stream_get_write_queue_size((const uv_stream_t *)&tcp->stream);
    size_t weight = tcp->session ? net__secure_size(size) : size;

    if (tcp->state != NET__TCP_OPEN || tcp->failure)
        return -ENOTCONN;
    if (size > WAITING_MAX || weight > WAITING_MAX || waiting > WAITING_MAX - weight)
        return -ENOBUFS;
    if (size == 0)
        return 0;
    return tcp->session ? net__secure_write(tcp, bytes, size) : net__tcp_send(tcp, bytes, size);
}

static void on_lingered(uv_timer_t *timer)
{
    net__tcp_release(timer->data);
}

static void on_shut(uv_shutdown_t *request, int status)
{
    struct net_tcp *tcp = request->handle->data;

    tcp->loop->events++;
    if (tcp->state == NET__TCP_GONE)
        return;
    tcp->shut = true;
    if (status < 0 || tcp->peer_ended)
        net__tcp_release(tcp);
    else
        uv_timer_start(&tcp->timer, on_lingered, PEER_END_MS, 0);
}

/* A socket closed with unread input resets the connection and may take our last words with it: so the end of
 * our side is sent, and the peer's is read up to its own. */
static void linger(struct net_tcp *tcp)
{
    if (tcp->session && tcp->failure == 0)
        net__secure_close(tcp);
    tcp->state = NET__TCP_LINGERING;
    if (uv_shutdown(&tcp->shutdown, (uv_stream_t *)&tcp->stream, on_shut) < 0) {
        net__tcp_release(tcp);
        return;
    }
    if (!tcp->peer_ended)
        net__tcp_read(tcp); /* may be reading already; where it cannot, the timer ends the wait */
    uv_update_time(&tcp->loop->uv);
    uv_timer_start(&tcp->timer, on_lingered, FLUSH_MS, 0);
}

/* A failed TLS session tells the peer why; a failed connection tells nothing. */
static bool has_last_words(const struct net_tcp *tcp)
{
    return tcp->state == NET__TCP_OPEN ||
           (tcp->state == NET__TCP_ENDED && (tcp->failure == 0 || tcp->session));
}

void net_tcp_close(struct net_tcp *tcp)
{
    if (!tcp || tcp->state >= NET__TCP_LINGERING)
        return;
    if (has_last_words(tcp))
        linger(tcp);
    else
        net__tcp_release(tcp);
}

const char *net_tcp_peer(const struct net_tcp *tcp)
{
    return tcp->peer;
}

const char *net_tcp_trouble(const struct net_tcp *tcp)
{
    const char *why = tcp->session ? net__tls_session_why(tcp->session) : "";

    return why[0] ? why : base_error_text(tcp->failure);
}
