/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/pipeline/rig.h"

#include <criterion/criterion.h>
#include <dvbcsa/dvbcsa.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/wire/captures.h"
#include "wire/capture.h"

/* Bytes 3 and 7 are checksums already. */
static const uint8_t cw[8] = {0x01, 0x23, 0x45, 0x69, 0x89, 0xAB, 0xCD, 0x01};
static struct capture_file output;

static void put_number(FILE *file, uint32_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        fputc((int)(value >> 8 * i & 0xFF), file);
}

static void put_file_header(FILE *file)
{
    put_number(file, 0xA1B2C3D4, 4);
    put_number(file, 2, 2);
    put_number(file, 4, 2);
    put_number(file, 0, 4);
    put_number(file, 0, 4);
    put_number(file, 262144, 4);
    put_number(file, 1, 4);
}

static void set_up_stream(struct rig *rig, unsigned n)
{
    struct rig_stream *stream = &rig->streams[n];

    snprintf(stream->config.name, sizeof(stream->config.name), "stream %u", n);
    stream->config.input_address =
        (struct wire_address){.version = 4, .bytes = {239, 1, 1, (uint8_t)(n + 1)}};
    stream->config.input_port_number = (uint16_t)(5000 + n);
    stream->in = calloc(RIG_PACKETS, sizeof(*stream->in));
    stream->out = calloc(RIG_PACKETS, sizeof(*stream->out));
    stream->sequences = calloc(RIG_PACKETS, sizeof(*stream->sequences));
    cr_assert(stream->in && stream->out && stream->sequences);
}

void rig_open(struct rig *rig, unsigned streams)
{
    *rig = (struct rig){.folder = "/tmp/pipeline-XXXXXX", .stream_count = streams};
    cr_assert_not_null(mkdtemp(rig->folder));
    snprintf(rig->in_path, sizeof(rig->in_path), "%s/in.pcap", rig->folder);
    snprintf(rig->out_path, sizeof(rig->out_path), "%s/out.pcap", rig->folder);
    rig->in = fopen(rig->in_path, "wb");
    cr_assert_not_null(rig->in);
    put_file_header(rig->in);
    for (unsigned i = 0; i < streams; i++)
        set_up_stream(rig, i);
    rig->config = (struct pipeline_config){.port_count = 1, .stop_at_end = true};
    rig->config.ports[0] = (struct pipeline_port_config){.name = "files", .promiscuous = true};
    snprintf(rig->config.ports[0].device, sizeof(rig->config.ports[0].device),
             "net_pcap0,rx_pcap=%s,tx_pcap=%s", rig->in_path, rig->out_path);
}

void rig_frame(struct rig *rig, const uint8_t *bytes, size_t size)
{
    put_number(rig->in, 0, 4);
    put_number(rig->in, rig->serial++, 4);
    put_number(rig->in, (uint32_t)size, 4);
    put_number(rig->in, (uint32_t)size, 4);
    cr_assert_eq(fwrite(bytes, 1, size, rig->in), size);
}

/* Every thirteenth protected packet has an adaptation field that leaves few bytes of payload. */
static void make_packet(uint8_t *packet, unsigned number)
{
    make_ts(packet, 1, number);
    packet[1] = 0x01;
    packet[2] = number % 3 ? RIG_PROTECTED & 0xFF : RIG_CLEAR & 0xFF;
    if (number % 13 == 0) {
        packet[3] |= 0x20;
        packet[4] = (uint8_t)(183 - number % 14);
        packet[5] = 0;
    }
}

void rig_datagram(struct rig *rig, unsigned n, unsigned count, struct frame_options options)
{
    struct rig_stream *stream = &rig->streams[n];
    static struct frame frame;
    char destination[32];

    cr_assert_leq(stream->in_count + count, RIG_PACKETS);
    for (unsigned i = 0; i < count; i++)
        make_packet(stream->in[stream->in_count + i], stream->in_count + i);
    snprintf(destination, sizeof(destination), "239.1.1.%u", n + 1);
    options.destination = options.destination ? options.destination : destination;
    options.port = stream->config.input_port_number;
    options.payload = stream->in[stream->in_count];
    options.payload_size = count * 188u;
    frame_make(&frame, &options);
    rig_frame(rig, frame.bytes, frame.size);
    stream->in_count += count;
}

static void prepare_stream(struct rig *rig, unsigned n)
{
    static struct scrambler_plan plan;
    struct keys_grace grace = pipeline_grace(rig->pipeline);
    struct cipher *cipher;
    struct base_secret secret;

    cr_assert_eq(cipher_create(&cipher, CIPHER_DVB_CSA2, NULL), 0);
    cr_assert_eq(keys_slots_create(&rig->streams[n].slots, cipher, &grace), 0);
    cipher_destroy(cipher);
    base_secret_set(&secret, cw, sizeof(cw));
    cr_assert_eq(keys_slots_publish(rig->streams[n].slots, KEYS_SLOT_KEY, 0, 0, 0, &secret), 0);
    scrambler_plan_init(&plan);
    plan.unreferenced = SCRAMBLER_PASS;
    plan.group_count = 1;
    plan.groups[0] = (struct scrambler_group){.slots = rig->streams[n].slots, .algorithm = CIPHER_DVB_CSA2};
    plan.pids[RIG_PROTECTED].action = SCRAMBLER_PROTECT;
    plan.pids[RIG_CLEAR].action = SCRAMBLER_PASS;
    cr_assert_eq(pipeline_set_plan(rig->pipeline, n, &plan), 0);
}

void rig_prepare(struct rig *rig, unsigned workers)
{
    struct pipeline_stream_config streams[RIG_STREAMS];
    char why[256];

    if (rig->in)
        cr_assert_eq(fclose(rig->in), 0);
    rig->in = NULL;
    for (unsigned i = 0; i < rig->stream_count; i++)
        streams[i] = rig->streams[i].config;
    rig->config.workers = workers;
    rig->config.stream_count = rig->stream_count;
    rig->config.streams = streams;
    cr_assert_eq(pipeline_create(&rig->pipeline, &rig->config, why), 0, "%s", why);
    for (unsigned i = 0; i < rig->stream_count; i++)
        prepare_stream(rig, i);
}

void rig_start(struct rig *rig)
{
    cr_assert_eq(pipeline_start(rig->pipeline), 0);
}

void rig_wait(struct rig *rig)
{
    for (unsigned i = 0; i < 6000 && !pipeline_finished(rig->pipeline); i++)
        usleep(5000);
    cr_assert(pipeline_finished(rig->pipeline));
}

static int stream_of(const struct rig *rig, const struct wire_datagram *datagram)
{
    for (unsigned i = 0; i < rig->stream_count; i++) {
        const struct pipeline_stream_config *config = &rig->streams[i].config;
        uint16_t port = config->readdress ? config->output_port_number : config->input_port_number;

        if (datagram->flow.destination_port == port)
            return (int)i;
    }
    return -1;
}

static void take_out(struct rig *rig, const uint8_t *bytes, size_t size)
{
    struct wire_datagram datagram;
    struct rig_stream *stream;
    int n;

    rig->frames_out++;
    if (wire_datagram_parse(bytes, size, &datagram) || (n = stream_of(rig, &datagram)) < 0) {
        rig->strange_frames_out++;
        return;
    }
    stream = &rig->streams[n];
    cr_assert_eq(datagram.payload_size % 188, 0);
    cr_assert_leq(stream->out_count + datagram.payload_size / 188u, RIG_PACKETS);
    memcpy(stream->out[stream->out_count], bytes + datagram.payload_offset, datagram.payload_size);
    stream->out_count += datagram.payload_size / 188u;
    stream->sequences[stream->datagrams_out++] = datagram.rtp_sequence;
}

static void read_out(struct rig *rig)
{
    struct wire_capture capture;
    struct wire_capture_record record;
    FILE *file = fopen(rig->out_path, "rb");
    size_t at = 0;
    ptrdiff_t step;

    cr_assert_not_null(file);
    output.size = fread(output.bytes, 1, sizeof(output.bytes), file);
    cr_assert(feof(file), "the output is larger than the test's room");
    fclose(file);
    wire_capture_init(&capture);
    while ((step = wire_capture_next(&capture, output.bytes + at, output.size - at, &record)) > 0) {
        if (record.bytes)
            take_out(rig, record.bytes, record.size);
        at += (size_t)step;
    }
    cr_assert_eq(at, output.size);
}

void rig_stop(struct rig *rig)
{
    pipeline_stop(rig->pipeline);
    pipeline_counters(rig->pipeline, &rig->counters);
    rig_check_balance(rig);
}

void rig_run(struct rig *rig)
{
    rig_start(rig);
    rig_wait(rig);
    rig_stop(rig);
    read_out(rig);
    cr_assert_eq(rig->counters.tx_frames, rig->frames_out);
}

void rig_check_balance(const struct rig *rig)
{
    const struct pipeline_counters *c = &rig->counters;

    cr_assert_eq(c->rx_frames + c->inserted_frames,
                 c->tx_frames + c->drop_not_linear + c->drop_not_udp + c->drop_malformed + c->drop_fragment +
                     c->drop_no_stream + c->drop_not_ts + c->drop_worker_busy + c->drop_tx_full);
}

static unsigned payload_offset(const uint8_t *packet)
{
    return packet[3] & 0x20 ? 5u + packet[4] : 4;
}

static void open_packet(uint8_t *packet)
{
    static struct dvbcsa_key_s *key;

    if (!key) {
        key = dvbcsa_key_alloc();
        dvbcsa_key_set(cw, key);
    }
    cr_assert_eq(packet[3] >> 6, 2, "even parity");
    packet[3] &= 0x3F;
    dvbcsa_decrypt(key, packet + payload_offset(packet), 188 - payload_offset(packet));
}

unsigned rig_compare(struct rig *rig, unsigned n)
{
    struct rig_stream *stream = &rig->streams[n];
    unsigned ecms = 0, next = 0;

    for (unsigned i = 0; i < stream->out_count; i++) {
        uint8_t *packet = stream->out[i];
        unsigned pid = (packet[1] & 0x1Fu) << 8 | packet[2];

        if (pid == RIG_ECM) {
            cr_assert_eq(packet[3] & 15, ecms & 15, "continuity of ECM packet %u", ecms);
            ecms++;
            continue;
        }
        cr_assert_lt(next, stream->in_count);
        if (pid == RIG_PROTECTED)
            open_packet(packet);
        cr_assert_arr_eq(packet, stream->in[next], 188, "stream %u, packet %u", n, next);
        next++;
    }
    cr_assert_eq(next, stream->in_count);
    return ecms;
}

void rig_close(struct rig *rig)
{
    pipeline_destroy(rig->pipeline);
    for (unsigned i = 0; i < rig->stream_count; i++) {
        keys_slots_destroy(rig->streams[i].slots);
        free(rig->streams[i].in);
        free(rig->streams[i].out);
        free(rig->streams[i].sequences);
    }
    if (rig->in)
        fclose(rig->in);
    unlink(rig->in_path);
    unlink(rig->out_path);
    rmdir(rig->folder);
}
