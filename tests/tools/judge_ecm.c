/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ecmg/ecm.h"
#include "judge.h"

#define CAS_ID_AT 4  /* docs/ecm-format.md, table 1 */
#define ECM_LEAST 48 /* bytes */

static int key_of_cas(const struct judge *judge, uint32_t super_cas_id)
{
    for (unsigned i = 0; i < judge->key_count; i++)
        if (judge->keys[i].super_cas_id == super_cas_id)
            return (int)i;
    return -1;
}

static void forget_word(struct judge_word *word)
{
    cipher_key_destroy(word->key);
    base_secret_clear(&word->cw);
    word->key = NULL;
}

/* The newest stands first; one that comes again keeps its place in time. */
static int take_word(struct judge *judge, struct judge_stream *stream, unsigned parity,
                     const struct base_secret *cw, uint16_t cp_number)
{
    struct judge_word *words = stream->words[parity];
    struct cipher *cipher = judge->ciphers[judge->services[stream->service].algorithm];
    int status;

    if (cw->size == 0 || base_secret_equal(&words[0].cw, cw))
        return 0;
    forget_word(&words[JUDGE_WORDS - 1]);
    memmove(words + 1, words, (JUDGE_WORDS - 1) * sizeof(*words));
    words[0] =
        (struct judge_word){.cw = *cw, .cp_number = cp_number, .since = judge->now, .period = JUDGE_NONE};
    status = cipher_key_create(&words[0].key, cipher);
    return status < 0 ? status : cipher_key_set(words[0].key, cw->bytes, cw->size);
}

/* CP_number's own CW has its parity; the other one is taken to be the next. */
static int take_words(struct judge *judge, struct judge_stream *stream, const struct ecmg_ecm *ecm)
{
    unsigned odd = ecm->cp_number & 1;
    const struct base_secret *cws[2] = {&ecm->even, &ecm->odd};
    int status = take_word(judge, stream, odd, cws[odd], ecm->cp_number);

    return status < 0 ? status : take_word(judge, stream, !odd, cws[!odd], (uint16_t)(ecm->cp_number + 1));
}

static int note_ecm(struct judge *judge, struct judge_stream *stream, const struct ecmg_ecm *ecm, bool opened)
{
    struct judge_ecm *last = stream->ecm_count ? &stream->ecms[stream->ecm_count - 1] : NULL;

    if (stream->ecm_count == stream->ecm_room) {
        size_t room = stream->ecm_room ? 2 * stream->ecm_room : 64;
        struct judge_ecm *ecms = realloc(stream->ecms, room * sizeof(*ecms));

        if (!ecms)
            return -ENOMEM;
        last = last ? ecms + stream->ecm_count - 1 : NULL;
        stream->ecms = ecms;
        stream->ecm_room = room;
    }
    if (last && last->opened && opened)
        stream->cp_jumps += (uint16_t)(ecm->cp_number - last->cp_number) > 1;
    stream->ecms[stream->ecm_count++] = (struct judge_ecm){
        .cp_number = ecm->cp_number, .opened = opened, .from = judge->now, .to = judge->now, .copies = 1};
    return 0;
}

static int open_ecm(struct judge *judge, struct judge_stream *stream, const uint8_t *section, size_t size)
{
    struct ecmg_ecm ecm = {0};
    int status = -ENOENT;

    if (size >= ECM_LEAST)
        stream->key = key_of_cas(judge, base_load_u32(section + CAS_ID_AT));
    if (size >= ECM_LEAST && stream->key >= 0)
        status = ecmg_ecm_open(&judge->keys[stream->key].secret, section, size, &ecm);
    stream->refused += status < 0;
    if (note_ecm(judge, stream, &ecm, status == 0) < 0)
        status = -ENOMEM;
    if (status == 0)
        status = take_words(judge, stream, &ecm);
    ecmg_ecm_clear(&ecm);
    return status == -ENOMEM ? status : 0;
}

static void count_copy(struct judge *judge, struct judge_stream *stream)
{
    uint64_t gap = judge->now - stream->last_time;

    if (stream->sections++) {
        stream->gap_sum += gap;
        stream->gap_longest = gap > stream->gap_longest ? gap : stream->gap_longest;
    }
    stream->last_time = judge->now;
}

static void take_ecm(struct judge *judge, struct judge_stream *stream, const uint8_t *section, size_t size)
{
    bool repeated = size == stream->last_size && !memcmp(section, stream->last, size);

    count_copy(judge, stream);
    if (repeated && stream->ecm_count) {
        stream->ecms[stream->ecm_count - 1].to = judge->now;
        stream->ecms[stream->ecm_count - 1].copies++;
        return;
    }
    stream->same_table_id += stream->last_size && stream->last[0] == section[0];
    memcpy(stream->last, section, size);
    stream->last_size = size;
    judge->error = judge->error ? judge->error : open_ecm(judge, stream, section, size);
}

static void take_section(void *context, uint16_t pid, const uint8_t *section, size_t size)
{
    struct judge *judge = context;

    if ((section[0] & 0xFE) != 0x80)
        return;
    for (unsigned i = 0; i < judge->stream_count; i++)
        if (judge->streams[i]->ecm_pid == pid)
            take_ecm(judge, judge->streams[i], section, size);
}

int judge_ecm_start(struct judge *judge)
{
    int status = ts_demux_create(&judge->demux, take_section, judge);

    for (unsigned i = 0; i < judge->stream_count && status == 0; i++)
        status = ts_demux_add(judge->demux, judge->streams[i]->ecm_pid);
    for (unsigned i = 0; i < judge->service_count && status == 0; i++) {
        enum cipher_algorithm algorithm = judge->services[i].algorithm;

        if (!judge->ciphers[algorithm])
            status = cipher_create(&judge->ciphers[algorithm], algorithm, NULL);
    }
    return status;
}

void judge_ecm_feed(struct judge *judge, const uint8_t *packet)
{
    ts_demux_feed(judge->demux, packet);
}

static void clear_stream(struct judge_stream *stream)
{
    for (unsigned i = 0; i < 2 * JUDGE_WORDS; i++)
        forget_word(&stream->words[i / JUDGE_WORDS][i % JUDGE_WORDS]);
    free(stream->ecms);
    free(stream);
}

void judge_ecm_clear(struct judge *judge)
{
    for (unsigned i = 0; i < judge->stream_count; i++)
        clear_stream(judge->streams[i]);
    for (unsigned i = 0; i < CIPHER_ALGORITHMS; i++)
        cipher_destroy(judge->ciphers[i]);
    ts_demux_destroy(judge->demux);
}
