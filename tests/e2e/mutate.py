#!/usr/bin/env python3
"""SimulCrypt peers that mean no good, for tests: a proxy that spoils what one side says, and floods."""
import argparse
import random
import socket
import struct
import sys
import threading
import time


def address(text):
    host, port = text.rsplit(':', 1)
    return host, int(port)


def messages(sock):
    """Whole SimulCrypt messages, until the end."""
    data = b''
    while piece := sock.recv(65536):
        data += piece
        while len(data) >= 5 and len(data) >= 5 + (size := struct.unpack('>H', data[3:5])[0]):
            yield data[:5 + size]
            data = data[5 + size:]


def spoil(message, chance):
    """What leaves for a message: as it is, spoilt, twice, not at all, or half of it with others behind."""
    kind = chance.randrange(12)
    body = bytearray(message)
    if kind < 6:
        return message
    if kind < 9:
        for _ in range(chance.randint(1, 3)):
            body[chance.randrange(1, len(body))] = chance.choice((0, 1, 0x7f, 0x80, 0xff, chance.randrange(256)))
        return bytes(body)
    return (message * 3, b'', message[:len(message) // 2])[kind - 9]


def pump(source, sink, chance):
    try:
        for message in messages(source):
            sink.sendall(spoil(message, chance) if chance else message)
    except OSError:
        pass
    for sock in (source, sink):
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def proxy(options):
    server = socket.create_server(('127.0.0.1', 0), backlog=100)
    print(f'127.0.0.1:{server.getsockname()[1]}', flush=True)
    for number in range(100000):
        client, _ = server.accept()
        try:
            target = socket.create_connection(address(options.connect))
        except OSError:
            client.close()
            continue
        chance = random.Random(f'{options.seed} {number}')
        for source, sink, spoilt in ((client, target, options.requests), (target, client, options.answers)):
            threading.Thread(target=pump, args=(source, sink, chance if spoilt else None), daemon=True).start()


def noise(chance):
    """Random bytes, or what begins as a message does."""
    body = chance.randbytes(chance.randrange(2000))
    kind = chance.choice((0x01, 0x11, 0x101, 0x111, 0x201, 0x401, 0x402, 0x403, 0x404, 0x405, 0x211, 0x0e, 0x412))
    return body if chance.randrange(3) == 0 else struct.pack('>BHH', chance.randrange(6), kind, len(body)) + body


def flood(options):
    """Connections and datagrams of noise, some hundred a second, until it is ended."""
    chance = random.Random(options.seed)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    kept = []
    while True:
        for target in options.flood:
            try:
                sock = socket.create_connection(address(target), timeout=1)
                sock.setblocking(False)
                for _ in range(chance.randrange(5)):
                    sock.send(noise(chance))
                kept.append(sock)
            except OSError:
                pass
        if options.flood_udp:
            for _ in range(20):
                udp.sendto(noise(chance)[:1400], address(options.flood_udp))
        while len(kept) > 10:
            kept.pop(chance.randrange(len(kept))).close()
        time.sleep(.02)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seed', required=True)
    parser.add_argument('--connect', help='HOST:PORT to be a proxy of; tells its own address')
    parser.add_argument('--requests', action='store_true', help='spoil what clients say')
    parser.add_argument('--answers', action='store_true', help='spoil what the server says')
    parser.add_argument('--flood', nargs='+', help='HOST:PORT of servers')
    parser.add_argument('--flood-udp', help='HOST:PORT')
    options = parser.parse_args()
    (proxy if options.connect else flood)(options)


sys.exit(main())
