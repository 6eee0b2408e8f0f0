#!/usr/bin/env python3
"""damage_simulcrypt KIND IN OUT [ARGUMENT]: a scrambled stream with something wrong in it, or with a second CAS, for judge_simulcrypt.sh.

Packets stay where they are: what is taken away becomes a null packet, unless the kind says otherwise.
"""
import struct
import sys

ECM_A = 0x500
NULL = b'\x47\x1f\xff\x10' + b'\xff' * 184


def pid(packet):
    return (packet[1] & 31) << 8 | packet[2]


def scrambled(packets):
    return [i for i, p in enumerate(packets) if p[3] & 0x80]


def middle(packets):
    found = scrambled(packets)
    return found[len(found) // 2]


def cp_of(packet):
    return int.from_bytes(packet[5 + 8:5 + 10], 'big')


def parity_changes(packets):
    at = scrambled(packets)
    return [b for a, b in zip(at, at[1:]) if (packets[a][3] ^ packets[b][3]) & 0x40]


def no_ecm(packets, argument):
    """The ECMs that bring the CW of CP 2 are never on air."""
    return [NULL if pid(p) == ECM_A and cp_of(p) in (1, 2) else p for p in packets]


def own_ecm(packets, argument):
    """CP 1 goes without its own ECM; the ones around it bring its CW and the next."""
    return [NULL if pid(p) == ECM_A and cp_of(p) == 1 else p for p in packets]


def late_ecm(packets, argument):
    """The first ECM with the CW of CP 2 comes a second after it has begun."""
    late = parity_changes(packets)[1] + 2000  # packets: one second at 3 Mbit/s
    return [NULL if pid(p) == ECM_A and (cp_of(p) == 1 or cp_of(p) == 2 and i < late) else p
            for i, p in enumerate(packets)]


def clear(packets, argument):
    """One packet leaves in clear: its original, from the file in the argument."""
    at = middle(packets)
    original = open(argument, 'rb').read()
    same = [original[i:i + 188] for i in range(0, len(original), 188) if pid(original[i:i + 188]) == pid(packets[at])]
    packets[at] = same[sum(pid(p) == pid(packets[at]) for p in packets[:at])]
    return packets


def lost(packets, argument):
    """One packet is missing, and nothing stands in its place."""
    del packets[middle(packets)]
    return packets


def lost_table(packets, argument):
    """A packet of the PAT is missing."""
    at = [i for i, p in enumerate(packets) if pid(p) == 0]
    del packets[at[len(at) // 2]]
    return packets


def black(packets, argument):
    at = middle(packets)
    return [NULL if at < i < at + 400 and p[3] & 0x80 else p for i, p in enumerate(packets)]


def black_start(packets, argument):
    last = scrambled(packets)[300]
    return [NULL if i < last and p[3] & 0x80 else p for i, p in enumerate(packets)]


def bit(packets, argument):
    """One bit of a scrambled payload."""
    at = middle(packets)
    packets[at] = packets[at][:100] + bytes([packets[at][100] ^ 1]) + packets[at][101:]
    return packets


def swapped(packets, argument):
    """Two packets of a component change places."""
    at = middle(packets)
    other = next(i for i in scrambled(packets) if i > at and pid(packets[i]) == pid(packets[at]))
    packets[at], packets[other] = packets[other], packets[at]
    return packets


def wrong_parity(packets, argument):
    """A packet says the other parity: the CW of that one does not open it."""
    at = middle(packets)
    packets[at] = packets[at][:3] + bytes([packets[at][3] ^ 0x40]) + packets[at][4:]
    return packets


def wrong_cw(packets, argument):
    """The second half is taken from a stream with other CWs."""
    other = open(argument, 'rb').read()
    at = middle(packets)
    return packets[:at] + [other[i * 188:i * 188 + 188] if packets[i][3] & 0x80 else packets[i]
                           for i in range(at, len(packets))]


def reserved(packets, argument):
    at = middle(packets)
    packets[at] = packets[at][:3] + bytes([packets[at][3] & 0x3f | 0x40]) + packets[at][4:]
    return packets


def fewer_ecms(packets, argument):
    """Two seconds without an ECM in the middle of a crypto-period; its CW is known."""
    at = parity_changes(packets)[1] + 1000
    return [NULL if pid(p) == ECM_A and at < i < at + 4000 else p for i, p in enumerate(packets)]


def crc32(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04c11db7) & 0xffffffff if crc & 0x80000000 else crc << 1
    return crc.to_bytes(4, 'big')


def with_descriptor(packet, system, ecm_pid):
    start = 5 + packet[4]
    size = 3 + ((packet[start + 1] & 15) << 8 | packet[start + 2])
    section = bytearray(packet[start:start + size - 4])
    info = (section[10] & 15) << 8 | section[11]
    section[12 + info:12 + info] = struct.pack('>BBHH', 9, 4, system, 0xe000 | ecm_pid)
    section[10:12] = struct.pack('>H', 0xf000 | info + 6)
    section[1:3] = struct.pack('>H', 0xb000 | len(section) + 1)
    section += crc32(section)
    return (packet[:start] + bytes(section) + b'\xff' * 188)[:188]


def second_cas(packets, argument):
    """The ECMs of a stream with the same CWs: a CAS of its own on the PID after the first one's."""
    path, shift = argument.split(',')
    other = open(path, 'rb').read()
    system = int.from_bytes(next(other[i + 9:i + 11] for i in range(0, len(other), 188)
                                 if (other[i + 1] & 31) << 8 | other[i + 2] == ECM_A + 1), 'big')
    ecms = {i + int(shift): other[i * 188:i * 188 + 188] for i in range(len(packets))
            if pid(other[i * 188:i * 188 + 188]) == ECM_A + 1}
    result = []
    for i, packet in enumerate(packets):
        if pid(packet) == 0x1000 and packet[1] & 0x40:
            packet = with_descriptor(packet, system, ECM_A + 1)
        result.append(packet)
        if i in ecms:
            result.append(ecms[i])
    return result


def main(kind, source, out, argument=''):
    data = open(source, 'rb').read()
    packets = [data[i:i + 188] for i in range(0, len(data), 188)]
    with open(out, 'wb') as file:
        file.write(b''.join(globals()[kind](packets, argument)))


main(*sys.argv[1:])
