/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/eis_queue.h"

#include <errno.h>
#include <stdlib.h>

static int make_room(struct cmd_eis_queue *queue)
{
    size_t room = queue->room ? 2 * queue->room : 64;
    struct cmd_eis_entry *entries;

    if (queue->count < queue->room)
        return 0;
    entries = realloc(queue->entries, room * sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    queue->entries = entries;
    queue->room = room;
    return 0;
}

int cmd_eis_queue_add(struct cmd_eis_queue *queue, enum cmd_eis_request kind, uint16_t scg_id)
{
    if (make_room(queue) < 0)
        return -ENOMEM;
    queue->entries[queue->count++] = (struct cmd_eis_entry){.kind = kind, .scg_id = scg_id};
    return 0;
}

void cmd_eis_queue_clear(struct cmd_eis_queue *queue)
{
    free(queue->entries);
    *queue = (struct cmd_eis_queue){0};
}

void cmd_eis_queue_note_sent(struct cmd_eis_queue *queue, size_t index)
{
    struct cmd_eis_entry *entry = &queue->entries[index];

    entry->sent = true;
    entry->answered = entry->kind == CMD_EIS_RESET;
    queue->under_way += !entry->answered;
}

struct cmd_eis_entry *cmd_eis_queue_find(struct cmd_eis_queue *queue, bool about_scg, uint16_t scg_id)
{
    for (size_t i = 0; i < queue->count; i++) {
        struct cmd_eis_entry *entry = &queue->entries[i];
        bool names_scg = entry->kind <= CMD_EIS_TEST;

        if (entry->sent && !entry->answered && names_scg == about_scg && entry->scg_id == scg_id)
            return entry;
    }
    return NULL;
}

void cmd_eis_queue_note_answered(struct cmd_eis_queue *queue, struct cmd_eis_entry *entry)
{
    entry->answered = true;
    queue->under_way--;
}

void cmd_eis_queue_forget_answered(struct cmd_eis_queue *queue)
{
    size_t kept = 0;

    for (size_t i = 0; i < queue->count; i++) {
        if (!queue->entries[i].answered)
            queue->entries[kept++] = queue->entries[i];
    }
    queue->count = kept;
}

void cmd_eis_queue_begin_again(struct cmd_eis_queue *queue)
{
    for (size_t i = 0; i < queue->count; i++)
        queue->entries[i].sent = queue->entries[i].answered;
    queue->under_way = 0;
}
