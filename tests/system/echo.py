#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""echo.py serve PORT: echoes UDP and TCP, IPv4 and IPv6, at whatever address is brought here; says "ready".
echo.py ask udp|tcp ADDRESS PORT COUNT [SOURCE-PORT [SOURCE]]: COUNT new flows, one after the other;
prints how many were answered. SOURCE may be an address that the host does not have.
echo.py repeat ADDRESS PORT SOURCE-PORT: one UDP flow that asks until it is told to stop (SIGTERM);
then prints how often it asked."""
import selectors
import signal
import socket
import sys

TIMEOUT_S = 2
IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75  # linux/in.h, linux/in6.h


def serve(port):
    selector = selectors.DefaultSelector()
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        sock = socket.socket(socket.AF_INET6, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
        # Replies leave from the address that was asked, whichever of the host's it is.
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        sock.bind(("::", port))
        if kind == socket.SOCK_STREAM:
            sock.listen(64)
        selector.register(sock, selectors.EVENT_READ, kind)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            sock = key.fileobj
            if key.data == socket.SOCK_DGRAM:
                data, extra, _, address = sock.recvmsg(2048, 256)
                extra = [(level, kind, info[:16] + bytes(4)) for level, kind, info in extra]
                sock.sendmsg([data], extra, 0, address)
                continue
            peer, _ = sock.accept()
            with peer:
                peer.settimeout(TIMEOUT_S)
                try:
                    peer.sendall(peer.recv(2048))
                except OSError:
                    pass


def ask_once(kind, address, port, source_port, source, kept):
    v6 = ":" in address
    with socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, kind) as sock:
        sock.settimeout(TIMEOUT_S)
        if source:
            level = socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP
            sock.setsockopt(level, IPV6_TRANSPARENT if v6 else IP_TRANSPARENT, 1)
        if source_port or source:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((source, source_port))
        elif kind == socket.SOCK_DGRAM:
            kept.append(sock.dup())  # the next is given another port
        try:
            sock.connect((address, port))
            sock.sendall(b"hello")
            return sock.recv(2048) == b"hello"
        except OSError:
            return False


def repeat(address, port, source_port):
    told = []
    signal.signal(signal.SIGTERM, lambda *_: told.append(True))
    asked = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(TIMEOUT_S)
        sock.bind(("", source_port))
        sock.connect((address, port))
        while not told:
            sock.send(b"hello")
            sock.recv(2048)
            asked += 1
    print(asked, flush=True)
    sys.exit(0)


def main():
    if sys.argv[1] == "repeat":
        repeat(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    kind = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}[sys.argv[2]]
    source_port = int(sys.argv[6]) if len(sys.argv) > 6 else 0
    source = sys.argv[7] if len(sys.argv) > 7 else ""
    kept = []
    print(sum(ask_once(kind, sys.argv[3], int(sys.argv[4]), source_port, source, kept)
              for _ in range(int(sys.argv[5]))))


main()
