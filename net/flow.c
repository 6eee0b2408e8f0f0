/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a connection is read: where there is somebody to read for, who neither paused it nor pays off a debt.
 */
#include "net/room.h"

bool net__tcp_may_deliver(const struct net_tcp *tcp)
{
    return tcp->state == NET__TCP_OPEN && !tcp->paused && tcp->owned;
}

static void on_pump(uv_timer_t *timer)
{
    struct net_tcp *tcp = timer->data;

    tcp->loop->events++;
    net__secure_pump(tcp);
}

/* Input that a session holds already does not come during a call of its owner. */
void net__tcp_read_or_not(struct net_tcp *tcp)
{
    if (tcp->state != NET__TCP_OPEN)
        return;
    if (!net__tcp_may_deliver(tcp)) {
        uv_read_stop((uv_stream_t *)&tcp->stream);
        return;
    }
    net__tcp_read(tcp);
    if (tcp->session && !tcp->failure)
        uv_timer_start(&tcp->timer, on_pump, 0, 0);
}

static void pause_by(struct net_tcp *tcp, unsigned reason)
{
    tcp->paused |= reason;
    net__tcp_read_or_not(tcp);
}

static void resume_by(struct net_tcp *tcp, unsigned reason)
{
    tcp->paused &= ~reason;
    net__tcp_read_or_not(tcp);
}

void net_tcp_pause(struct net_tcp *tcp)
{
    pause_by(tcp, NET__PAUSED_BY_OWNER);
}

void net_tcp_resume(struct net_tcp *tcp)
{
    resume_by(tcp, NET__PAUSED_BY_OWNER);
}

static void on_refilled(uv_timer_t *timer)
{
    struct net_tcp *tcp = timer->data;

    tcp->loop->events++;
    resume_by(tcp, NET__PAUSED_BY_RATE);
}

void net_tcp_limit(struct net_tcp *tcp, uint32_t per_second, uint32_t burst)
{
    net_rate_init(&tcp->rate, per_second, burst, net_loop_now_ms(tcp->loop));
}

void net_tcp_charge(struct net_tcp *tcp, uint32_t count)
{
    uint64_t wait_ms = net_rate_take(&tcp->rate, count, net_loop_now_ms(tcp->loop));

    if (wait_ms == 0 || tcp->state > NET__TCP_OPEN)
        return;
    pause_by(tcp, NET__PAUSED_BY_RATE);
    uv_update_time(&tcp->loop->uv);
    uv_timer_start(&tcp->refill, on_refilled, wait_ms, 0);
}
