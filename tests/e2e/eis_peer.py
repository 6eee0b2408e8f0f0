#!/usr/bin/env python3
"""EISs on sockets, for tests: what a live headend answers to SCG_provisions. Shares no code with the project."""
import random
import socket
import struct
import sys
import time

ALPHA, BETA = 0x5CA10001, 0x5CA20002
PROVISION, STATUS, ERROR, LIST, LISTED, RESET = 0x408, 0x40A, 0x40B, 0x40C, 0x40D, 0x406


def tlv(kind, value):
    return struct.pack('>HH', kind, len(value)) + value


def u16(kind, *values):
    return b''.join(tlv(kind, struct.pack('>H', value)) for value in values)


def group(cas, ecm_id, criteria=b'\1', changed=False):
    return tlv(5, u16(9, ecm_id) + tlv(8, struct.pack('>I', cas)) + tlv(10, criteria) + tlv(16, bytes([changed])))


def at(seconds):
    """An activation_time so many seconds from now."""
    t = time.time() + seconds
    g = time.gmtime(t)
    return tlv(11, struct.pack('>HBBBBBB', g.tm_year, g.tm_mon, g.tm_mday, g.tm_hour, g.tm_min, g.tm_sec, int(t * 100) % 100))


class Eis:
    def __init__(self, port, channel):
        self.channel, self.reference = channel, 0
        self.socket = socket.create_connection(('127.0.0.1', port), 10)
        self.stream = self.socket.makefile('rb')
        self.send(0x401)
        assert self.answer()[0] == 0x403, 'no channel_status'

    def send(self, kind, body=b''):
        body = u16(1, self.channel) + body
        self.socket.sendall(struct.pack('>BHH', 4, kind, len(body)) + body)

    def answer(self):
        """(message_type, {parameter: [values]}), tests passed over."""
        while True:
            _, kind, size = struct.unpack('>BHH', self.stream.read(5))
            body, at_, values = self.stream.read(size), 0, {}
            while at_ < size:
                tag, length = struct.unpack('>HH', body[at_:at_ + 4])
                values.setdefault(tag, []).append(int.from_bytes(body[at_ + 4:at_ + 4 + length], 'big'))
                at_ += 4 + length
            if kind != 0x402:
                return kind, values
            self.send(0x403)

    def provide(self, scg_id, body=b'', stream=1, network=0xff01):
        """The error_status, 0 for none; a warning with the SCG_status that follows it."""
        self.reference += 1
        self.send(PROVISION, u16(6, scg_id) + u16(15, stream) + u16(22, network) + tlv(7, struct.pack('>I', self.reference)) + body)
        kind, values = self.answer()
        if kind == STATUS:
            return 0
        error = values[0x7000][0]
        if error == 0xD:
            assert self.answer()[0] == STATUS, 'a warning without a status'
        return error

    def scgs(self):
        self.send(LIST)
        return self.answer()[1].get(6, [])

    def wait_for(self, scgs, seconds=15):
        """Until the SCS has these SCGs and no other."""
        until = time.monotonic() + seconds
        while self.scgs() != scgs:
            assert time.monotonic() < until, f'{self.scgs()} are there, not {scgs}'
            time.sleep(0.1)

    def wait_for_effect(self, scg_id, seconds=15):
        """Until nothing is pending for the SCG."""
        until = time.monotonic() + seconds
        while True:
            self.send(0x409, u16(6, scg_id))
            if self.answer()[1][12] == [0]:
                return
            assert time.monotonic() < until, f'SCG {scg_id} stays pending'
            time.sleep(0.1)


tests = 0


def check(name, got, wanted=0):
    global tests
    tests += 1
    if got == wanted:
        print(f'ok {tests} - {name}')
    else:
        print(f'not ok {tests} - {name}\n# got {got:#x}, expected {wanted:#x}')


def refusals(one, two):
    first, second = u16(14, 1), u16(14, 2)
    check('a service is provided', one.provide(1, first + group(ALPHA, 1)))
    check('another channel cannot have it', two.provide(1, first + group(ALPHA, 9)), 0x10)
    check('nor its ECM_id', two.provide(1, second + group(ALPHA, 1)), 0x10)
    check('nor can the channel itself by another name of the stream', one.provide(2, first + group(ALPHA, 9), network=0), 0x10)
    check('an SCG more than max_scg is refused', [one.provide(2, second + group(ALPHA, 2)), one.provide(3, u16(13, 257) + group(BETA, 3))][1], 0xA)
    check('a stream that is not there is refused', two.provide(1, first + group(ALPHA, 9), stream=9), 0xF)
    check('a service that is not under control is refused', two.provide(1, u16(14, 3) + group(ALPHA, 9)), 0xF)
    check('a component that is not there is refused', two.provide(1, u16(13, 0x1abc) + group(ALPHA, 9)), 0xF)
    check('a component of another service than named is refused', two.provide(1, second + u16(13, 256) + group(ALPHA, 9)), 0xF)
    check('content without an ECM_Group is refused', two.provide(1, first), 0x11)
    check('an ECM_Group without content is refused', two.provide(1, group(ALPHA, 9)), 0x12)
    check('a CAS that is not there is refused', two.provide(1, u16(13, 257) + group(0x5CA90001, 9)), 0x14)
    check('an activation_time that is over is a warning', one.provide(2, at(-5) + second + group(ALPHA, 2)), 0xD)
    one.wait_for_effect(1)
    one.wait_for_effect(2)


def move(one):
    """Service 2 from SCG 2 to SCG 1: named twice, which is once."""
    check('the one SCG gives the service away', one.provide(2, u16(13, 259) + group(ALPHA, 2)))
    check('the other one takes it', one.provide(1, u16(14, 1, 2, 2) + group(ALPHA, 1)))
    one.wait_for_effect(1)
    one.wait_for_effect(2)
    check('a removal', one.provide(2))
    one.wait_for([1])


ANYTHING = {n: (u16(14, 1), u16(14, 2), u16(14, 1, 2), u16(13, 257), u16(14, 1) + u16(13, 256, 257), b'') for n in (1, 2)}
KEEPS_SERVICE_1 = {1: (u16(14, 1), u16(14, 1, 2)), 2: (u16(14, 2), b'')}


def storm(one, contents, seed, count):
    """Definitions that replace each other at any moment of a crypto-period."""
    chance, begun = random.Random(seed), time.monotonic()
    for _ in range(count):
        scg_id = chance.choice((1, 2))
        content = chance.choice(contents[scg_id])
        groups = b''.join(group(cas, scg_id, bytes([chance.randrange(3)]), chance.random() < .3)
                          for cas in (ALPHA, BETA) if chance.random() < .7) or group(ALPHA, scg_id)
        rate = tlv(20, struct.pack('>H', chance.choice((5, 5, 7))))
        when = at(chance.random() * 2) if chance.random() < .2 else b''
        error = one.provide(scg_id, rate + when + content + groups if content else b'')
        assert error in (0, 9, 0xD, 0x10), hex(error)
        time.sleep(chance.random() * .06)
    check('all of a storm is answered', 0)
    assert time.monotonic() - begun < 60


def end(one):
    one.provide(2)
    until = time.monotonic() + 15
    # What the other SCG has becomes free with its last ECM.
    while (error := one.provide(1, u16(14, 1, 2) + group(ALPHA, 1))) == 0x10 and time.monotonic() < until:
        time.sleep(0.2)
    check('the storm ends in an SCG of both services', error)
    one.wait_for([1])
    one.wait_for_effect(1)


def disconnect(two):
    two.socket.sendall(b'\xff' * 40)
    two.socket.close()
    time.sleep(1.5)


def reset(one):
    one.send(RESET)
    one.wait_for([])
    check('channel_reset takes all away', 0)
    one.socket.sendall(b'\4\4\1')
    one.socket.close()
    time.sleep(1.5)


def main():
    what, port, seed, count = sys.argv[1], *map(int, sys.argv[2:5])
    one, two = Eis(port, 1), Eis(port, 2)
    if what == 'anything':
        refusals(one, two)
        move(one)
    else:
        check('a service is provided', one.provide(1, u16(14, 1) + group(ALPHA, 1)))
        one.wait_for_effect(1)
    storm(one, ANYTHING if what == 'anything' else KEEPS_SERVICE_1, seed, count)
    end(one)
    disconnect(two)
    reset(one)


if __name__ == '__main__':
    main()
