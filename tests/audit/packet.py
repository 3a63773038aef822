# SPDX-License-Identifier: GPL-2.0-or-later
"""What is in a packet of IPv4 or IPv6."""
import socket
import struct

UDP, TCP = "udp", "tcp"


def end(address):
    return ("[%s]:%d" if ":" in address[0] else "%s:%d") % address[:2]


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def segment(source, target, sport, dport, flags):
    """A segment of TCP without data."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    head = struct.pack("!HHIIBBHHH", sport, dport, 1000, 2000, 5 << 4, flags, 1024, 0, 0)
    pseudo = socket.inet_pton(family, source) + socket.inet_pton(family, target) + struct.pack(
        "!II", len(head), socket.IPPROTO_TCP)
    return head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:]


def dissect(packet):
    """What a packet is, as far as it must be the same each time: no numbers that the kernel draws."""
    v6 = packet[0] >> 4 == 6
    if len(packet) < (40 if v6 else 20):
        return None
    header = 40 if v6 else (packet[0] & 15) * 4
    number = packet[6] if v6 else packet[9]
    hops = packet[7] if v6 else packet[8]
    size = 16 if v6 else 4
    start = 8 if v6 else 12
    family = socket.AF_INET6 if v6 else socket.AF_INET
    source = socket.inet_ntop(family, packet[start:start + size])
    target = socket.inet_ntop(family, packet[start + size:start + 2 * size])
    service = (packet[0] & 15) << 4 | packet[1] >> 4 if v6 else packet[1]
    rest = packet[header:]
    seen = {"source": source, "target": target, "ports": None, "proto": None, "fact": None}
    if number in (socket.IPPROTO_UDP, socket.IPPROTO_TCP) and len(rest) >= 8:
        seen["proto"] = UDP if number == socket.IPPROTO_UDP else TCP
        seen["ports"] = struct.unpack_from("!HH", rest)
        what = seen["proto"] if number == socket.IPPROTO_UDP else tcp_kind(rest)
        if what:
            seen["fact"] = "%s %s > %s hops %d%s" % (
                what, end((source, seen["ports"][0])), end((target, seen["ports"][1])), hops,
                " tos %#x" % service if service else "")
    elif number == (58 if v6 else 1) and len(rest) >= 8 and rest[0] in (
            (1, 2, 3, 4) if v6 else (3, 11, 12)):
        about = dissect(bytes(rest[8:]))
        seen["fact"] = "icmp %d/%d %s > %s about %s" % (
            rest[0], rest[1], source, target,
            about and about["ports"] and "%s > %s" % (end((about["source"], about["ports"][0])),
                                                     end((about["target"], about["ports"][1]))))
    return seen


def tcp_kind(segment):
    """What matters of a segment; when others are sent is a question of time."""
    if len(segment) < 20:
        return None
    flags = segment[13]
    if flags & 4:
        return "rst"
    if flags & 2:
        return "syn-ack" if flags & 16 else "syn"
    return "data" if len(segment) > (segment[12] >> 4) * 4 else None
