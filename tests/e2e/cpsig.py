#!/usr/bin/env python3
"""A laboratory C(P)SIG, apart from the codec that it tries: prints its port, then a JSON line per event. It enables
triggers, and asks for the PID of an ECM stream, private data in the PMT and the CAT, what is to be refused, and a table.
Once it has heard of a moved PID and a changed service it hangs up, lets the (P)SIG come back,
and takes the private data of the CAT away again.

cpsig.py SUPER_CAS_ID ECM_ID SERVICE PMT_DATA CAT_DATA: numbers, and data as hexadecimal digits"""
import json
import socket
import struct
import sys
import time

super_cas_id, ecm_id, service = (int(a, 0) for a in sys.argv[1:4])
pmt_data, cat_data = (bytes.fromhex(a) for a in sys.argv[4:6])
server = socket.create_server(('127.0.0.1', 0))
server.settimeout(30)


def say(**event):
    print(json.dumps(event), flush=True)



class Peer:
    def __init__(self):
        self.socket, _ = server.accept()
        self.socket.settimeout(30)
        self.transaction = 0

    def read(self, size):
        data = b''
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def receive(self):
        version, kind, size = struct.unpack('>BHH', self.read(5))
        body, values = self.read(size), {}
        while body:
            tag, length = struct.unpack('>HH', body[:4])
            values.setdefault(tag, []).append(body[4:4 + length])
            body = body[4 + length:]
        if kind == 0x303:  # channel_test
            self.send(0x302)
        if kind in (0x318, 0x31B):
            say(event={0x318: 'service_change', 0x31B: 'trigger'}[kind],
                service=[int.from_bytes(v, 'big') for v in values.get(0x120, [])],
                change=[v.hex() for v in values.get(0x110, [])])
        return version, kind, values

    def send(self, kind, *parameters):
        body = b''.join(struct.pack('>HH', tag, len(v)) + v for tag, v in ((0x103, self.channel), *parameters))
        self.socket.sendall(struct.pack('>BHH', 3, kind, len(body)) + body)

    def set_up(self):
        version, kind, values = self.receive()
        assert kind == 0x301, hex(kind)
        self.channel = values[0x103][0]
        say(event='channel', version=version, custom_cas_id=values[0x102][0].hex())
        self.send(0x302)
        kind = 0
        while kind != 0x311:
            _, kind, values = self.receive()
        self.stream = values[0x104][0]
        say(event='stream', id=self.stream.hex(), transport_stream_id=[v.hex() for v in values.get(0x127, [])],
            original_network_id=[v.hex() for v in values.get(0x11B, [])])
        self.send(0x312, (0x104, self.stream), (0x129, struct.pack('>I', 4)))

    def ask(self, kind, *parameters):
        self.transaction += 1
        mine = struct.pack('>H', self.transaction)
        self.send(kind, (0x104, self.stream), (0x126, mine), *parameters)
        while True:
            _, got, values = self.receive()
            if got == kind + 1 and values.get(0x126) == [mine]:
                return values

    def insert(self, name, *parameters):
        say(event=name, status=self.ask(0x31E, *parameters)[0x106][0].hex())


def flow_pid(peer):
    for _ in range(100):  # until the service is signalled
        values = peer.ask(0x320, (0x112, b'\1'), (0x10E, struct.pack('>H', ecm_id)))
        if 0x10F in values:
            return int.from_bytes(values[0x10F][0], 'big')
        time.sleep(0.05)
    return 0


def descriptor(data, system=super_cas_id >> 16):
    return 0x105, bytes([9, 4 + len(data)]) + struct.pack('>HH', system, 0xFFFF) + data


service_id = (0x120, struct.pack('>H', service))
print(server.getsockname()[1], flush=True)
first = Peer()
first.set_up()
say(event='pid', pid=flow_pid(first))
time.sleep(1)  # of the stream with the private data of the configuration
first.insert('pmt', service_id, descriptor(pmt_data))
first.insert('cat', (0x11C, cat_data))
first.insert('other_service', (0x120, b'\x77\x77'), descriptor(pmt_data))
first.insert('other_cas', service_id, descriptor(pmt_data, 0x1234))
first.insert('too_long', service_id, descriptor(bytes(65)))
first.insert('component', (0x10B, b'\0\1'), descriptor(pmt_data))
say(event='table', sections=[v.hex() for v in first.ask(0x31C, (0x125, b'\2'), service_id).get(0x119, [])])
told = set()
while not told >= {0x318, 0x31B}:
    told.add(first.receive()[1])
first.socket.close()
second = Peer()
second.set_up()
second.insert('taken_back', (0x11C, b''))
try:
    while True:
        second.receive()
except (EOFError, OSError):
    say(event='end')
