/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ports: any device that DPDK has a driver for, by its device string. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>

#include "pipeline/internal.h"

static bool find_device(struct pipeline__port *port)
{
    char name[RTE_ETH_NAME_MAX_LEN];

    snprintf(name, sizeof(name), "%.*s", (int)strcspn(port->config.device, ","), port->config.device);
    return !rte_eth_dev_get_port_by_name(name, &port->id);
}

/* PCI devices are there since EAL's start; others are made now. */
static int make_device(struct pipeline__port *port, char why[static 256])
{
    int rc;

    if (find_device(port))
        return 0;
    rc = rte_dev_probe(port->config.device);
    if (!rc && find_device(port))
        return 0;
    /* What probe() returns says little (-1, -EFAULT for a name that no driver has); drivers explain
     * themselves in the log. */
    snprintf(why, 256, "port %s: no device \"%.60s\": %s", port->config.name, port->config.device,
             pipeline__log_reason()[0] ? pipeline__log_reason() : "no such device");
    return -ENODEV;
}

/* Frames are received on what queues there are; they are sent on one of each worker's own, or on one. */
static void choose_queues(const struct pipeline *pipeline, struct pipeline__port *port,
                          const struct rte_eth_dev_info *info)
{
    uint16_t workers = (uint16_t)pipeline->worker_count;

    port->rx_queues = workers < info->max_rx_queues ? workers : info->max_rx_queues;
    port->tx_queues = workers <= info->max_tx_queues ? workers : 1;
}

static void spread_flows(const struct pipeline__port *port, const struct rte_eth_dev_info *info,
                         struct rte_eth_conf *conf)
{
    uint64_t wanted = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP;

    if (port->rx_queues == 1 || !(info->flow_type_rss_offloads & wanted))
        return;
    conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf->rx_adv_conf.rss_conf.rss_hf = info->flow_type_rss_offloads & wanted;
}

static int set_up_queues(struct pipeline *pipeline, const struct pipeline__port *port)
{
    uint16_t rx = PIPELINE_DESCRIPTORS, tx = PIPELINE_DESCRIPTORS;
    int socket = rte_eth_dev_socket_id(port->id);
    int rc = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx, &tx);

    for (uint16_t queue = 0; !rc && queue < port->rx_queues; queue++)
        rc = rte_eth_rx_queue_setup(port->id, queue, rx, (unsigned)socket, NULL, pipeline->pool);
    for (uint16_t queue = 0; !rc && queue < port->tx_queues; queue++)
        rc = rte_eth_tx_queue_setup(port->id, queue, tx, (unsigned)socket, NULL);
    return rc;
}

static int configure(struct pipeline *pipeline, struct pipeline__port *port)
{
    struct rte_eth_conf conf = {0};
    struct rte_eth_dev_info info;
    struct rte_ether_addr mac;
    int rc = rte_eth_dev_info_get(port->id, &info);

    if (rc)
        return rc;
    choose_queues(pipeline, port, &info);
    spread_flows(port, &info, &conf);
    rc = rte_eth_dev_configure(port->id, port->rx_queues, port->tx_queues, &conf);
    if (rc)
        return rc;
    rc = rte_eth_macaddr_get(port->id, &mac);
    if (rc)
        return rc;
    memcpy(port->mac, mac.addr_bytes, sizeof(port->mac));
    return set_up_queues(pipeline, port);
}

int pipeline__create_port(struct pipeline *pipeline, struct pipeline__port *port, char why[static 256])
{
    int rc = make_device(port, why);

    if (rc)
        return rc;
    port->exists = true;
    rc = configure(pipeline, port);
    if (rc)
        snprintf(why, 256, "port %s: %.120s cannot be configured: %s", port->config.name, port->config.device,
                 rte_strerror(-rc));
    return rc;
}

int pipeline__start_port(struct pipeline__port *port, char why[static 256])
{
    int rc = rte_eth_dev_start(port->id);

    if (rc) {
        snprintf(why, 256, "port %s: %.120s does not start: %s", port->config.name, port->config.device,
                 rte_strerror(-rc));
        return rc;
    }
    port->started = true;
    /* Devices without the notion (files) say so; they take every frame anyway. */
    if (port->config.promiscuous)
        (void)rte_eth_promiscuous_enable(port->id);
    return 0;
}

void pipeline__stop_port(struct pipeline__port *port)
{
    if (port->started)
        (void)rte_eth_dev_stop(port->id);
    port->started = false;
}

void pipeline__destroy_port(struct pipeline__port *port)
{
    pipeline__stop_port(port);
    if (port->exists)
        (void)rte_eth_dev_close(port->id);
    port->exists = false;
}
