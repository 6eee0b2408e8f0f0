#!/usr/bin/env python3
"""make_capture TS OUT LINK [OPTION…]: a pcap of the TS in datagrams, for tests.

LINK: ethernet vlan qinq raw ipv4 ipv6 sll sll2. Options: rtp, big (big-endian), ns (nanoseconds), six (IPv6),
from=ADDRESS, to=ADDRESS:PORT."""
import ipaddress
import struct
import sys

PACKETS = 7
LINKS = {'ethernet': 1, 'vlan': 1, 'qinq': 1, 'raw': 101, 'ipv4': 228, 'ipv6': 229, 'sll': 113, 'sll2': 276}


def ip(payload, source, destination):
    a, b = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if a.version == 6:
        return struct.pack('>IHBB', 0x60000000, len(payload), 17, 16) + a.packed + b.packed + payload
    head = bytearray(struct.pack('>BBHHHBBH', 0x45, 0, 20 + len(payload), 0, 0, 16, 17, 0) + a.packed + b.packed)
    total = sum(struct.unpack('>10H', head))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    head[10:12] = struct.pack('>H', ~total & 0xffff)
    return bytes(head) + payload


def frame(link, packet):
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86dd
    mac = bytes.fromhex('01005e010101020000000001')
    if link == 'ethernet':
        return mac + struct.pack('>H', kind) + packet
    if link == 'vlan':
        return mac + struct.pack('>HHH', 0x8100, 0x2005, kind) + packet
    if link == 'qinq':
        return mac + struct.pack('>HHHHH', 0x88a8, 7, 0x8100, 5, kind) + packet
    if link == 'sll':
        return struct.pack('>HHH8sH', 0, 1, 6, b'\2\0\0\0\0\1', kind) + packet
    if link == 'sll2':
        return struct.pack('>HHIHBB8s', kind, 0, 2, 1, 0, 6, b'\2\0\0\0\0\1') + packet
    return packet


def main(ts, out, link, *options):
    named = dict(o.split('=', 1) for o in options if '=' in o)
    order = '>' if 'big' in options else '<'
    six = 'six' in options or link == 'ipv6'
    source = named.get('from', 'fd00::1' if six else '10.0.0.1')
    destination, port = named.get('to', 'ff15::1:5000' if six else '239.1.1.1:5000').rsplit(':', 1)
    data = open(ts, 'rb').read()
    with open(out, 'wb') as file:
        magic = 0xa1b23c4d if 'ns' in options else 0xa1b2c3d4
        file.write(struct.pack(order + 'IHHiIII', magic, 2, 4, 0, 0, 65535, LINKS[link]))
        for n, at in enumerate(range(0, len(data), 188 * PACKETS)):
            payload = data[at:at + 188 * PACKETS]
            if 'rtp' in options:
                payload = struct.pack('>BBHII', 0x80, 33, n & 0xffff, n * 90, 1) + payload
            udp = struct.pack('>HHHH', 4000, int(port), 8 + len(payload), 0) + payload
            record = frame(link, ip(udp, source, destination))
            fraction = n % 1000 * (1000000 if 'ns' in options else 1000)
            file.write(struct.pack(order + 'IIII', 1700000000 + n // 1000, fraction, len(record), len(record)) + record)


main(*sys.argv[1:])
