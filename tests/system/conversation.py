#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""conversation.py echo PORT: echoes UDP over IPv4, from the address that was asked; says "ready".
conversation.py ask ADDRESS PORT SOURCE-PORT BYTES...: a datagram of each size, one after the other;
says "answered" if all were, else why not.
conversation.py ftp PORT: answers PASV on port 21 of 10.77.0.1 with that port, where it listens too.
conversation.py passive ADDRESS: says "answered" if it can connect to the port that PASV names there."""
import re
import socket
import sys

IP_PKTINFO = 8  # linux/in.h
TIMEOUT_S = 2


def echo(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    sock.bind(("0.0.0.0", int(port)))
    print("ready", flush=True)
    while True:
        data, extra, _, peer = sock.recvmsg(4096, 256)
        # ipi_spec_dst is what leaves as the source.
        extra = [(level, kind, bytes(4) + info[8:12] + bytes(4)) for level, kind, info in extra]
        try:
            sock.sendmsg([data], extra, 0, peer)
        except PermissionError:
            pass  # the client will miss it


def ask(address, port, source, *sizes):
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(TIMEOUT_S)
    sock.bind(("", int(source)))
    sock.connect((address, int(port)))
    for size in sizes:
        sock.send(bytes(int(size)))
        sock.recv(4096)


def listener(port):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("10.77.0.1", port))
    sock.listen(8)
    return sock


def ftp(port):
    control, data = listener(21), listener(int(port))
    print("ready", flush=True)
    while data:
        peer, _ = control.accept()
        # The helper believes only what begins a line (nf_conntrack_ftp.c).
        peer.sendall(b"220 hello\r\n")
        peer.recv(100)
        peer.sendall(b"227 Entering Passive Mode (10,77,0,1,%d,%d)\r\n" % divmod(int(port), 256))


def passive(address):
    control = socket.create_connection((address, 21), TIMEOUT_S)
    control.recv(100)
    control.sendall(b"PASV\r\n")
    high, low = re.search(rb"(\d+),(\d+)\)", control.recv(100)).groups()
    socket.create_connection((address, int(high) * 256 + int(low)), TIMEOUT_S).close()


if __name__ == "__main__":
    asks = sys.argv[1] in ("ask", "passive")
    try:
        globals()[sys.argv[1]](*sys.argv[2:])
        print("answered")
    except OSError as error:
        if not asks:
            raise
        print(error)
