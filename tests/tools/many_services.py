#!/usr/bin/env python3
"""Transport streams of many services, at their pace, for as long as is asked: a capture that a FIFO brings to net_pcap.

Each service has a video PID with a PES header in every packet, so that a judge can tell each packet that opens from one that
does not, and a PCR in it. Packets repeat every 6.4 s; counters and PCRs go on."""
import argparse
import fcntl
import os
import socket
import struct
import time

from make_stream import Stream, pmt, section

PACKET = 188
DATAGRAM = 7 * PACKET
SLOTS = 64         # of a round; so many that each PID's continuity_counter comes round, too
SLOT = 0.1         # seconds: each service has a packet in it, each ECM stream room for one
STEPS = 10         # of a slot, each written at once
PAT_PID, SDT_PID, PMT_PID, VIDEO_PID = 0, 0x11, 0x100, 0x200
FRAME_HEAD = 42    # Ethernet, IPv4, UDP
RECORD_HEAD = 16   # pcap
PCR_AT = 6         # in a packet


def make_pat(services):
    return section(0, 1, 0, b''.join(struct.pack('>HH', n, 0xe000 | PMT_PID + n) for n in services))


def make_sdt(services):
    """In sections of 32 services."""
    chunks = [services[at:at + 32] for at in range(0, len(services), 32)]
    for number, chunk in enumerate(chunks):
        body = struct.pack('>HB', 1, 0xff)
        for n in chunk:
            name = b'Service %d' % n
            descriptor = struct.pack('>BBBBB', 0x48, 3 + len(name), 1, 0, len(name)) + name
            body += struct.pack('>HBH', n, 0xfc, 0x8000 | len(descriptor)) + descriptor
        yield section(0x42, 1, 0, body, number, len(chunks) - 1)


def video(stream, number, slot):
    """A packet with PCR, PES header and PTS."""
    pes = bytes.fromhex('000001e00000808005') + bytes([0x21, slot, 1, slot, 1])
    filler = bytes(number * 7 + slot * 3 + i * 13 & 255 for i in range(PACKET))
    stream.packet(VIDEO_PID + number, pes + filler, True, 0)


def make_slot(stream, services, slot, ecms):
    """Its packets: tables, video, and null packets among them."""
    stream.packets = []
    stream.sections(PAT_PID, make_pat(services))
    for n in services[slot % 4::4]:
        stream.sections(PMT_PID + n, pmt(n, VIDEO_PID + n, [(0x1b, VIDEO_PID + n, b'')]))
    if slot % 16 == 0:
        stream.sections(SDT_PID, *make_sdt(services))
        while stream.counters[SDT_PID] % 4:
            stream.packet(SDT_PID, b'\xff' * 184)
    for n in services:
        video(stream, n, slot)
    packets, nulls = stream.packets, [b'\x47\x1f\xff\x10' + b'\xff' * 184] * ecms
    mixed = [(at / len(group), kind, at, p) for kind, group in enumerate((packets, nulls)) for at, p in enumerate(group)]
    mixed = [p for _, _, _, p in sorted(mixed)]
    return mixed + nulls[:1] * (-len(mixed) % (7 * STEPS))


def checksum(data):
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def frame_head(address):
    """IPv4 and UDP without a checksum, from 10.0.0.1 to the multicast group."""
    packed = socket.inet_aton(address)
    ip = struct.pack('>BBHHHBBH', 0x45, 0, 28 + DATAGRAM, 0, 0x4000, 8, 17, 0) + socket.inet_aton('10.0.0.1') + packed
    ip = ip[:10] + struct.pack('>H', checksum(ip)) + ip[12:]
    mac = b'\x01\x00\x5e' + bytes([packed[1] & 0x7f]) + packed[2:] + b'\x02\0\0\0\0\x01'
    return mac + b'\x08\0' + ip + struct.pack('>HHHH', 4000, 5000, 8 + DATAGRAM, 0)


class Step:
    """What is written at once: a few datagrams of each stream."""

    def __init__(self, packets, heads, begin):
        self.data, self.pcrs, self.first = bytearray(), [], []
        size = FRAME_HEAD + DATAGRAM
        at_packet = begin
        for at in range(0, len(packets), 7):
            payload = b''.join(packets[at:at + 7])
            for index, head in enumerate(heads):
                self.data += struct.pack('<IIII', 0, 0, size, size) + head
                if index == 0:
                    self.first.append(len(self.data))
                for n in range(7):
                    if payload[n * PACKET + 3] & 0x20:
                        self.pcrs.append((len(self.data) + n * PACKET + PCR_AT, at_packet + n))
                self.data += payload
            at_packet += 7

    def at_time(self, ticks, ticks_per_packet):
        """The bytes, with PCRs that count from `ticks` (27 MHz)."""
        for at, packet in self.pcrs:
            base, extension = divmod(int(ticks + packet * ticks_per_packet) % (300 << 33), 300)
            pcr = base << 15 | 0x7e00 | extension
            struct.pack_into('>IH', self.data, at, pcr >> 16, pcr & 0xffff)
        return self.data


def make_round(options):
    services = list(range(1, options.services + 1))
    heads = [frame_head(f'239.1.1.{n}') for n in range(1, options.streams + 1)]
    stream, slots = Stream(), []
    for slot in range(SLOTS):
        packets = make_slot(stream, services, slot, options.ecms * options.services + 4)
        share = len(packets) // STEPS
        slots.append((len(packets), [Step(packets[at:at + share], heads, at) for at in range(0, len(packets), share)]))
    return slots


def widen(fifo):
    try:
        fcntl.fcntl(fifo, fcntl.F_SETPIPE_SZ, 1 << 20)
    except OSError:
        pass


class Pace:
    """Waits for what is due, and knows how late it was at worst."""

    def __init__(self):
        self.begun, self.latest = time.monotonic(), 0

    def wait(self, due):
        ahead = self.begun + due - time.monotonic()
        self.latest = max(self.latest, -ahead)
        time.sleep(max(0, ahead))


def play(options, slots, pace):
    with open(options.fifo, 'wb', buffering=0) as out, open(options.copy or os.devnull, 'wb') as copy:
        widen(out)
        out.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        pace.begun = time.monotonic()
        for number in range(int(options.seconds / SLOT)):
            count, steps = slots[number % SLOTS]
            for index, step in enumerate(steps):
                data = step.at_time(number * SLOT * 27e6, SLOT * 27e6 / count)
                pace.wait((number + index / STEPS) * SLOT)
                out.write(data)
                for at in step.first if options.copy else ():
                    copy.write(data[at:at + DATAGRAM])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('fifo')
    parser.add_argument('--streams', type=int, default=16, help='239.1.1.1, 239.1.1.2, …, each port 5000')
    parser.add_argument('--services', type=int, default=63, help='of each stream')
    parser.add_argument('--ecms', type=int, default=2, help='ECM streams of a service, which null packets are for')
    parser.add_argument('--seconds', type=float, default=60)
    parser.add_argument('--copy', help="the first stream's packets, to compare")
    options = parser.parse_args()
    pace = Pace()
    try:
        play(options, make_round(options), pace)
    except BrokenPipeError:
        pass  # the headend has ended
    print(f'{pace.latest * 1000:.0f} ms late at worst')


main()
