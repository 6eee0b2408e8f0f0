#!/usr/bin/env python3
"""make_stream KIND OUT: small transport streams whose tables do odd things, for tests. One packet is 0.5 ms."""
import struct
import sys

VIDEO = 0x101
TICKS = 13500  # of 27 MHz, per video packet


def crc32(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04c11db7) & 0xffffffff if crc & 0x80000000 else crc << 1
    return crc.to_bytes(4, 'big')


def section(table_id, extension, version, body, number=0, last=0):
    head = struct.pack('>BHHBBB', table_id, 0xb000 | (len(body) + 9), extension, 0xc1 | version << 1, number, last)
    return head + body + crc32(head + body)


def pat(services, version=0):
    return section(0, 1, version, b''.join(struct.pack('>HH', n, 0xe000 | pid) for n, pid in services))


def ca(system, pid):
    return struct.pack('>BBHH', 9, 4, system, 0xe000 | pid)


def pmt(number, pcr, components, version=0, info=b''):
    body = struct.pack('>HH', 0xe000 | pcr, 0xf000 | len(info)) + info
    for stream_type, pid, descriptors in components:
        body += struct.pack('>BHH', stream_type, 0xe000 | pid, 0xf000 | len(descriptors)) + descriptors
    return section(2, number, version, body)


class Stream:
    def __init__(self):
        self.counters, self.packets = {}, []

    def packet(self, pid, payload, start=False, pcr=None):
        counter = self.counters.get(pid, 0)
        self.counters[pid] = counter + 1 & 15
        field = b''
        if pcr is not None:
            base, extension = divmod(pcr % (300 << 33), 300)
            field = b'\x07\x10' + struct.pack('>Q', base << 15 | 0x7e00 | extension)[2:]
        head = struct.pack('>BHB', 0x47, start << 14 | pid, (0x30 if field else 0x10) | counter)
        self.packets.append((head + field + payload)[:188])

    def sections(self, pid, *sections):
        data = b'\0' + b''.join(sections)
        for at in range(0, len(data), 184):
            self.packet(pid, data[at:at + 184] + b'\xff' * 184, at == 0)

    def content(self, pid, number, pcr=None):
        self.packet(pid, bytes(number * 7 + i * 13 + pid & 255 for i in range(184)), False, pcr)


def one_service(stream, number):
    stream.sections(0, pat([(1, 0x100)]))
    stream.sections(0x100, pmt(1, VIDEO, [(0x1b, VIDEO, b'')]))


def returns(stream, number):
    """Service 1 is there from the start, leaves the PAT, and comes back, all within one read-ahead."""
    gone = 300 <= number < 600
    stream.sections(0, pat([(2, 0x200)] if gone else [(1, 0x100), (2, 0x200)], number // 300))
    stream.sections(0x200, pmt(2, 0x1fff, [(3, 0x202, b'')]))
    if not gone:
        stream.sections(0x100, pmt(1, VIDEO, [(0x1b, VIDEO, b'')]))


def begins(stream, number):
    """Far behind the read-ahead a new component takes the PID where ECMs go by default."""
    more = number >= 75000
    stream.sections(0, pat([(1, 0x100)]))
    stream.sections(0x100, pmt(1, VIDEO, [(0x1b, VIDEO, b'')] + [(3, 0x1f00, b'')] * more, int(more)))


def two_cas(stream, number):
    """The component has another CAS's CA_descriptor, as the programme has."""
    stream.sections(0, pat([(1, 0x100)]))
    stream.sections(0x100, pmt(1, VIDEO, [(0x1b, VIDEO, ca(0x1234, 0x302))], 0, ca(0x1234, 0x301)))


def grows(stream, number):
    """The CA_descriptor and scrambling_descriptor push the PMT over the end of its packet."""
    stream.sections(0, pat([(1, 0x100)]))
    stream.sections(0x100, pmt(1, VIDEO, [(0x1b, VIDEO, b'')], 0, b'\x80\x9a' + bytes(154)))


def shared_pid(stream, number):
    """PMTs of three services on one PID, in one packet."""
    stream.sections(0, pat([(n, 0x100) for n in (1, 2, 3)]))
    stream.sections(0x100, *(pmt(n, VIDEO, [(0x1b, VIDEO if n == 1 else 0x100 * n + 1, b'')]) for n in (1, 2, 3)))


# name: tables, other PIDs with content, from which packet on, packets of video
KINDS = {'returns': (returns, [0x202], 0, 1000), 'begins': (begins, [0x1f00], 75000, 80000),
         'occupied': (one_service, [0x1f00], 0, 2000), 'two_cas': (two_cas, [], 0, 2000), 'grows': (grows, [], 0, 2000),
         'shared_pid': (shared_pid, [0x201, 0x301], 0, 2000)}


def main(kind, out):
    tables, others, first, count = KINDS[kind]
    stream = Stream()
    for number in range(count):
        if number % 50 == 0:
            tables(stream, number)
        stream.content(VIDEO, number, number * TICKS if number % 50 == 0 else None)
        if number >= first:
            for pid in others:
                stream.content(pid, number)
    with open(out, 'wb') as file:
        file.write(b''.join(stream.packets))


if __name__ == '__main__':
    main(*sys.argv[1:])
