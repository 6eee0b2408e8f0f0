#!/usr/bin/env python3
"""Transport streams as datagrams, for tests: sends them, writes them into captures, and judges what came back. Shares
no code with the project."""
import argparse
import json
import socket
import struct
import sys
import time

PACKET = 188
COUNTS = (1, 7, 3, 6, 2, 5, 4)  # odd datagrams, in turn


def cut(path, odd):
    """The file's packets in datagrams of seven, or of one to seven."""
    data = open(path, 'rb').read()
    at = turn = 0
    while at < len(data):
        size = (COUNTS[turn % len(COUNTS)] if odd else 7) * PACKET
        yield data[at:at + size]
        at += size
        turn += 1


def with_rtp(payloads):
    # Begins close to the wrap, so that every run goes over it.
    for n, payload in enumerate(payloads):
        yield struct.pack('>BBHII', 0x80, 33, (65000 + n) & 0xffff, n * 1000 & 0xffffffff, 0x5CA1AB1E) + payload


def datagrams(options):
    """As they are due: at --mbit, with the --pause."""
    payloads = cut(options.file, options.odd)
    begun, sent = time.monotonic(), 0
    for payload in with_rtp(payloads) if options.rtp else payloads:
        due = begun + sent * 8 / (options.mbit * 1e6)
        if options.pause and due - begun >= options.pause[0]:
            begun += options.pause[1]
            due += options.pause[1]
            options.pause = None
        time.sleep(max(0, due - time.monotonic()))
        yield payload
        sent += len(payload)


def sender(options):
    """What sends one payload: a UDP socket, or for VLAN tags (which few kernels here have devices for) raw frames."""
    if options.vlan:
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        raw.bind((options.interface, 0))
        tag = struct.pack('>HH', 0x8100, options.vlan)
        return lambda payload: raw.send(frame(payload, options.address, options.port, tag))
    family = socket.AF_INET6 if ':' in options.address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, options.interface.encode())
    return lambda payload: sock.sendto(payload, (options.address, options.port))


def send(options):
    send_one = sender(options)
    for payload in datagrams(options):
        send_one(payload)


def checksum(data):
    data += b'\0' * (len(data) % 2)
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def frame(payload, address, port, tag=b''):
    """Ethernet, IPv4, UDP; the sender is 10.0.0.1, the address a multicast group."""
    addresses = socket.inet_aton('10.0.0.1') + socket.inet_aton(address)
    udp = struct.pack('>HHHH', 4000, port, 8 + len(payload), 0)
    total = checksum(addresses + struct.pack('>BBH', 0, 17, 8 + len(payload)) + udp + payload)
    udp = udp[:6] + struct.pack('>H', total or 0xffff)
    ip = struct.pack('>BBHHHBBH', 0x45, 0, 28 + len(payload), 0, 0x4000, 8, 17, 0) + addresses
    ip = ip[:10] + struct.pack('>H', checksum(ip)) + ip[12:]
    mac = b'\x01\x00\x5e' + bytes([socket.inet_aton(address)[1] & 0x7f]) + socket.inet_aton(address)[2:]
    return mac + b'\x02\0\0\0\0\x01' + tag + b'\x08\0' + ip + udp + payload


def groups(options):
    """The multicast groups that get each datagram: the address and those that follow it."""
    first, last = options.address.rsplit('.', 1)
    return [f'{first}.{int(last) + n}' for n in range(options.copies)]


def write(options):
    """Into a capture: a FIFO, for net_pcap reads as fast as it can, and a headend needs time to find its tables."""
    with open(options.capture, 'wb', buffering=0) as out:
        out.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for n, payload in enumerate(datagrams(options)):
            for address in groups(options):
                bytes_ = frame(payload, address, options.port)
                out.write(struct.pack('<IIII', n // 1000, n % 1000 * 1000, len(bytes_), len(bytes_)) + bytes_)


class Judge:
    """What was on the wire."""

    def __init__(self, options):
        self.pids, self.ecm_pid = options.pid, options.ecm_pid
        self.result = {'datagrams': 0, 'packets': 0, 'clear': 0, 'scrambled': 0, 'nulls': 0, 'runs': [], 'ecms': [],
                       'unannounced': 0}
        self.announced = set()

    def protected(self, packet, now):
        control = packet[3] >> 6
        if not packet[3] & 0x10:
            return
        self.result['clear' if control == 0 else 'scrambled'] += 1
        runs = self.result['runs']
        if not runs or runs[-1]['control'] != control:
            runs.append({'control': control, 'begin': now, 'end': now, 'packets': 0})
            # The ECM of a crypto-period goes before its first packet; ours tell parity by table_id 0x80 and 0x81.
            self.result['unannounced'] += control > 1 and control not in self.announced
            self.announced.clear()
        runs[-1]['end'] = now
        runs[-1]['packets'] += 1

    def ecm(self, packet, now):
        table = packet[5 + packet[4]] if packet[1] & 0x40 else None
        self.result['ecms'].append({'time': now, 'table': table})
        if table in (0x80, 0x81):
            self.announced.add(table - 0x80 + 2)

    def datagram(self, now, payload):
        for at in range(0, len(payload), PACKET):
            packet = payload[at:at + PACKET]
            assert len(packet) == PACKET and packet[0] == 0x47, 'not a TS packet'
            pid = (packet[1] & 31) << 8 | packet[2]
            self.result['packets'] += 1
            self.result['nulls'] += pid == 0x1fff
            if pid in self.pids:
                self.protected(packet, now)
            elif pid == self.ecm_pid:
                self.ecm(packet, now)
        self.result['datagrams'] += 1


def judge(options):
    """Reads lines of time, port and payload, as tshark prints them."""
    verdict = Judge(options)
    begun = None
    for line in sys.stdin:
        now, port, payload = line.split('\t')[:3]
        if port != options.port:
            continue
        begun = begun or float(now)
        verdict.datagram(float(now) - begun, bytes.fromhex(payload.strip())[12 if options.rtp else 0:])
    json.dump(verdict.result, sys.stdout, indent=1)
    print()


def pause(text):
    return tuple(float(part) for part in text.split(':'))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    for name, function in (('send', send), ('write', write)):
        command = commands.add_parser(name)
        command.set_defaults(function=function)
        command.add_argument('file')
        command.add_argument('address')
        command.add_argument('port', type=int)
        command.add_argument('--odd', action='store_true', help='one to seven TS packets in a datagram')
        command.add_argument('--rtp', action='store_true')
        command.add_argument('--mbit', type=float, default=6)
        command.add_argument('--pause', type=pause, help='AFTER:SECONDS')
        if function is send:
            command.add_argument('--interface', default='sl-tx')
            command.add_argument('--vlan', type=int)
        else:
            command.add_argument('--capture', required=True)
            command.add_argument('--copies', type=int, default=1, help='to as many multicast groups, each the next one')
    command = commands.add_parser('judge')
    command.set_defaults(function=judge)
    command.add_argument('port')
    command.add_argument('--pid', type=int, action='append', default=[])
    command.add_argument('--ecm-pid', type=int, default=-1)
    command.add_argument('--rtp', action='store_true')
    options = parser.parse_args()
    options.function(options)


main()
