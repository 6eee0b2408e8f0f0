#!/usr/bin/env python3
"""Changes the programme of the end-to-end tests: programmes.py changing|growing|csa3 ORIGINAL FILE"""
import sys

PACKET = 188


def crc32(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04c11db7) & 0xffffffff if crc & 0x80000000 else crc << 1
    return crc


def pid_of(packet):
    return (packet[1] & 31) << 8 | packet[2]


def with_section(packet, change):
    """The packet with its section changed, and the CRC right again."""
    section = packet[5:5 + 3 + ((packet[6] & 15) << 8 | packet[7])]
    body = change(bytearray(section[:-4]))
    body[1:3] = (0xb000 | len(body) + 1).to_bytes(2, 'big')
    section = bytes(body) + crc32(body).to_bytes(4, 'big')
    return packet[:5] + section + b'\xff' * (PACKET - 5 - len(section))


def next_version(body):
    body[5] = body[5] & 0xc1 | (((body[5] >> 1) + 1) & 31) << 1
    return body


class Changing:
    """Service 1 gets a new PMT version in the second half: its video moves from PID 0x100 to 0x180."""
    seen = False

    def __call__(self, packet, late):
        if late and pid_of(packet) == 0x1000:
            self.seen = True
            return with_section(packet, lambda body: next_version(body.replace(b'\xe1\x00', b'\xe1\x80')))
        if self.seen and pid_of(packet) == 0x100:
            return packet[:1] + bytes([packet[1] & 0xe0 | 1, 0x80]) + packet[3:]
        return packet


class Growing:
    """Service 2 is not there before the second half."""
    NULL = b'\x47\x1f\xff\x10' + b'\xff' * 184

    def __call__(self, packet, late):
        if late:
            return with_section(packet, next_version) if pid_of(packet) == 0 else packet
        if pid_of(packet) == 0:
            return with_section(packet, lambda body: body[:12])
        return self.NULL if pid_of(packet) in (0x102, 0x103, 0x1001) else packet


class Csa3:
    """Service 1, which was scrambled with DVB-CSA2, is signalled as DVB-CSA3."""

    def __call__(self, packet, late):
        if pid_of(packet) == 0x1000:
            return with_section(packet, lambda body: body.replace(b'\x65\x01\x02', b'\x65\x01\x03'))
        return packet


def main():
    kind, original, file = sys.argv[1:]
    change = {'changing': Changing, 'growing': Growing, 'csa3': Csa3}[kind]()
    data = open(original, 'rb').read()
    with open(file, 'wb') as out:
        for at in range(0, len(data), PACKET):
            out.write(change(data[at:at + PACKET], at > len(data) // 2))


main()
