/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cmd/eis_queue.h: what an EIS wants to ask of an SCS, in order, until it is answered. One thread. Zeroed is
 * empty. */
#ifndef CMD_EIS_QUEUE_H
#define CMD_EIS_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cmd_eis_request {
    CMD_EIS_PROVIDE, /* the SCG of this id, as the configuration has it */
    CMD_EIS_REMOVE,
    CMD_EIS_TEST,
    CMD_EIS_RESET, /* removes all of the channel; never answered */
    CMD_EIS_LIST,
};

struct cmd_eis_entry {
    enum cmd_eis_request kind;
    uint16_t scg_id; /* 0 for CMD_EIS_RESET and CMD_EIS_LIST */
    bool sent, answered;
};

struct cmd_eis_queue {
    struct cmd_eis_entry *entries;
    size_t count, room;
    size_t under_way; /* sent, and not answered */
};

int cmd_eis_queue_add(struct cmd_eis_queue *queue, enum cmd_eis_request kind, uint16_t scg_id); /* -ENOMEM */
void cmd_eis_queue_clear(struct cmd_eis_queue *queue);

void cmd_eis_queue_note_sent(struct cmd_eis_queue *queue, size_t index);
/* The oldest under way about this SCG, or about none (scg_id 0); NULL: nothing like that was asked. Valid
 * until an entry is added or forgotten. */
struct cmd_eis_entry *cmd_eis_queue_find(struct cmd_eis_queue *queue, bool about_scg, uint16_t scg_id);
void cmd_eis_queue_note_answered(struct cmd_eis_queue *queue, struct cmd_eis_entry *entry);
void cmd_eis_queue_forget_answered(struct cmd_eis_queue *queue);
/* Over a new connection: what is not answered is to be sent again. */
void cmd_eis_queue_begin_again(struct cmd_eis_queue *queue);

#endif
