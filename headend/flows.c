/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where ECM streams play: PIDs that neither the stream nor another ECM or EMM stream uses. */
#include "headend/follower_room.h"

#define ECM_PID_FIRST 0x1F00 /* below what DVB and ATSC streams keep for tables near the end */

static bool is_emm_pid(const struct headend_follower *follower, uint16_t pid)
{
    for (unsigned i = 0; i < follower->cat_count; i++)
        if (follower->cat[i].emm_pid == pid)
            return true;
    return false;
}

static bool is_free(const struct headend_follower *follower, uint16_t pid, uint16_t flow)
{
    return headend__is_scramblable(pid) && !headend__has_pid(follower->referenced, pid) &&
           !headend__has_pid(follower->occupied, pid) &&
           follower->next.pids[pid].verdict == HEADEND_UNREFERENCED &&
           (!follower->flow_of_pid[pid] || follower->flow_of_pid[pid] == flow + 1) &&
           !is_emm_pid(follower, pid);
}

static uint16_t choose(const struct headend_follower *follower, const struct headend_signal *signal)
{
    uint16_t pid = follower->flows[signal->flow].pid;

    if (pid && is_free(follower, pid, signal->flow))
        return pid;
    if (is_free(follower, signal->wanted_pid, signal->flow))
        return signal->wanted_pid;
    for (pid = ECM_PID_FIRST; pid >= TS_PID_FIRST; pid--)
        if (is_free(follower, pid, signal->flow))
            return pid;
    return 0;
}

static void set_pid(struct headend_follower *follower, uint16_t flow, uint16_t pid)
{
    uint16_t before = follower->flows[flow].pid;

    if (before == pid)
        return;
    if (before)
        follower->flow_of_pid[before] = 0;
    if (pid)
        follower->flow_of_pid[pid] = (uint16_t)(flow + 1);
    follower->flows[flow].pid = pid;
}

static void forget_unused(struct headend_follower *follower)
{
    for (unsigned i = 0; i < HEADEND_FLOWS_MAX; i++)
        follower->flows[i].used = false;
    for (unsigned i = 0; i < follower->count; i++)
        for (unsigned n = 0; n < follower->services[i].signal_count; n++)
            follower->flows[follower->services[i].signals[n].flow].used = true;
    for (unsigned i = 0; i < HEADEND_FLOWS_MAX; i++)
        if (!follower->flows[i].used)
            set_pid(follower, (uint16_t)i, 0);
}

void headend__flows_place(struct headend_follower *follower)
{
    forget_unused(follower);
    for (unsigned i = 0; i < follower->count; i++) {
        const struct headend__service *service = &follower->services[i];

        for (unsigned n = 0; headend__is_signalled(follower, i) && n < service->signal_count; n++)
            set_pid(follower, service->signals[n].flow, choose(follower, &service->signals[n]));
    }
}

uint16_t headend_follower_flow_pid(const struct headend_follower *follower, uint16_t flow)
{
    return flow < HEADEND_FLOWS_MAX ? follower->flows[flow].pid : 0;
}
