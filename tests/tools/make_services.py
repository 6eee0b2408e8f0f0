#!/usr/bin/env python3
"""make_services CAPTURE: many services in many transport streams, for a live headend: a capture that never ends, at its pace.

Each stream is a UDP flow to 239.1.1.N:5000, with a PAT, a PMT and a video PID per service, and null packets."""
import argparse
import struct
import time

from make_stream import Stream, pat, pmt

NULL = b'\x47\x1f\xff\x10' + b'\xff' * 184


def second(services, rate, number):
    """A second of one stream: tables twice, `rate` packets per service and second, a null packet beside each."""
    stream = Stream()
    for half in range(2):
        stream.sections(0, pat([(n + 1, 0x1000 + n) for n in range(services)]))
        for n in range(services):
            stream.sections(0x1000 + n, pmt(n + 1, 0x100 + n, [(0x1b, 0x100 + n, b'')]))
        for k in range(rate // 2):
            for n in range(services):
                stream.content(0x100 + n, number + k)
                stream.packets.append(NULL)
    return stream.packets


def frame(payload, stream):
    """Ethernet, IPv4, UDP around it; pcap record without its time."""
    udp = struct.pack('>HHHH', 4000, 5000, 8 + len(payload), 0) + payload
    head = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(udp), 0, 0, 16, 17, 0, b'\x0a\0\0\1', bytes([239, 1, 1, stream + 1]))
    total = sum(struct.unpack('>10H', head))
    total = ~((total & 0xffff) + (total >> 16)) & 0xffff
    head = head[:10] + struct.pack('>H', total) + head[12:]
    data = bytes([1, 0, 0x5e, 1, 1, stream + 1]) + b'\x02\0\0\0\0\1\x08\0' + head + udp
    return struct.pack('<II', len(data), len(data)) + data


def frames(streams, services, rate):
    """A second of all streams, interleaved: lists of frames, one per datagram of each stream."""
    packets = second(services, rate, 0)
    packets += [NULL] * (-len(packets) % 7)
    rounds = []
    for at in range(0, len(packets), 7):
        payload = b''.join(packets[at:at + 7])
        rounds.append([frame(payload, stream) for stream in range(streams)])
    return rounds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('capture', help='a FIFO')
    parser.add_argument('--streams', type=int, default=16)
    parser.add_argument('--services', type=int, default=63, help='of each stream')
    parser.add_argument('--rate', type=int, default=4, help='packets per service and second')
    parser.add_argument('--seconds', type=float, default=60)
    options = parser.parse_args()
    rounds = frames(options.streams, options.services, options.rate)
    with open(options.capture, 'wb', buffering=1 << 16) as out:
        out.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        begin, number, burst = time.monotonic(), 0, max(1, len(rounds) // 50)
        while number < options.seconds * len(rounds):
            now = time.monotonic() - begin
            stamp = struct.pack('<II', int(now), int(now % 1 * 1e6))
            for one in rounds[number % len(rounds)]:
                out.write(stamp + one)
            number += 1
            if number % burst == 0:
                out.flush()
                time.sleep(max(0, number / len(rounds) - (time.monotonic() - begin)))


if __name__ == '__main__':
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        pass
