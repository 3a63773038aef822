# SPDX-License-Identifier: GPL-2.0-or-later
"""What becomes of a service's packets: real flows through the server of a lab, and everything that
those who take part, and who watches the cables, see of them. See Trial.run()."""
import errno
import ipaddress
import re
import selectors
import socket
import struct
import time

from lab import ADDRESS, BACKEND, CLIENT, OTHER_CLIENT, ROUTER, SERVER
from packet import TCP, UDP, checksum, dissect, end, segment

KIND = {UDP: socket.SOCK_DGRAM, TCP: socket.SOCK_STREAM}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
LOOPBACK = ("127.0.0.1", "::1")

# Where rules may send packets to: other ports of the server, and a transparent proxy.
ELSEWHERE = (80, 8080, 9000)
TRANSPARENT = 50080
PASSIVE, TFTP = 51210, 40069  # where FTP and TFTP go on
PEER, ASKED = 7001, 7003  # what the client and the backend listen to
OWN = 7002                # and the server
PORTS = {*ELSEWHERE, TRANSPARENT, PASSIVE, TFTP, PEER, ASKED, OWN}
CLIENTS = (32768, 60999)  # the ports that this kernel gives to clients by itself
FLOWS = 4    # of one client at once: more than the rulesets' limits of connections

TCP_REPAIR = 19
IP_RECVERR, IP_PKTINFO, IP_TRANSPARENT, IP_MTU = 11, 8, 19, 14
IPV6_RECVERR, IPV6_RECVPKTINFO, IPV6_PKTINFO, IPV6_TRANSPARENT, IPV6_MTU = 25, 49, 50, 75, 24

# What begins the key of a fact about packets that nobody asked for: only getting in counts.
UNASKED = "unasked: "

# Errors about a packet: type and code; of IPv4 and IPv6 alike. The second says that it is too big.
ERRORS = {4: ((3, 3), (3, 4), (11, 0), (12, 0)), 6: ((1, 4), (2, 0), (3, 0), (4, 0))}
TOO_BIG = 1


class Service:
    """[out:]PROTO/[ADDR:]PORT[-PORT]"""

    def __init__(self, text):
        match = re.fullmatch(r"(out:)?(udp|tcp)/(?:\[?([0-9a-f.:]+?)\]?:)?(\d+)(?:-(\d+))?", text)
        if not match:
            raise ValueError("%s is not a service" % text)
        self.text = text
        self.out = bool(match[1])
        self.proto = match[2]
        self.address = match[3]
        self.port = int(match[4])
        self.last = int(match[5] or match[4])

    def has(self, family):
        return not self.address or ipaddress.ip_address(self.address).version == family


class Flow:
    """Who asks whom; its sockets write down what happens to it."""

    def __init__(self, name, host, proto, source, target):
        self.name, self.host, self.proto = name, host, proto
        self.source, self.target = source, target
        self.family = 6 if ":" in target[0] else 4
        self.sock = None
        self.connected = proto == UDP
        self.asked = 0


def errno_name(err):
    return errno.errorcode.get(err, str(err))


def recvmsg_or_none(sock, flags=0):
    try:
        return sock.recvmsg(2048, 512, flags)
    except OSError as error:
        return error


class Trial:
    """One run of all probes of a service. facts: what was seen, by who or what it is about; others: what
    was seen of flows that are not the service's."""

    def __init__(self, lab, service, pause_s=0):
        """pause_s: to be made between new flows."""
        self.lab, self.service, self.pause_s = lab, service, pause_s
        self.facts, self.others = {}, {}
        self.ports = set(PORTS)
        self.flows, self.listeners, self.conns, self.raws = [], {}, [], []
        self.wire = {}  # (ports, addresses): the last packet that was seen of it
        lab.watcher = self.on_wire

    def note(self, key, fact):
        key, fact = (re.sub(r":(\d\d+)", self.known_port, text) for text in (key, fact))
        self.facts.setdefault(key, set()).add(fact)

    def known_port(self, match):
        """Ports that NAT draws by lot are not to be compared."""
        port = int(match[1])
        known = port in self.ports or self.service.port <= port <= self.service.last
        return ":%d" % port if known else ":*"

    # Who listens.

    def listen(self, host, port, proto, transparent=False):
        for family in FAMILY.values():
            sock = self.lab.hosts[host].socket(family, KIND[proto])
            v6 = family == socket.AF_INET6
            level = socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP
            share(sock)
            if transparent:
                sock.setsockopt(level, IPV6_TRANSPARENT if v6 else IP_TRANSPARENT, 1)
            sock.setsockopt(level, IPV6_RECVERR if v6 else IP_RECVERR, 1)
            who = "%s:%d" % (host, port)
            if proto == UDP:
                sock.setsockopt(level, IPV6_RECVPKTINFO if v6 else IP_PKTINFO, 1)
            sock.bind(("::" if v6 else "0.0.0.0", port))
            self.listeners[(host, port, proto, 6 if v6 else 4)] = sock
            if proto == TCP:
                sock.listen(64)
                self.lab.watch(sock, lambda _, s=sock, w=who: self.on_accept(s, w))
            else:
                self.lab.watch(sock, lambda events, s=sock, w=who: self.on_request(s, w, events))

    def on_errors(self, sock, key):
        """Reads the errors that the kernel has for a socket. Returns whether there was one."""
        found = False
        while True:
            got = recvmsg_or_none(sock, socket.MSG_ERRQUEUE)
            if isinstance(got, OSError):
                break
            found = True
            for _, what, data in got[1]:
                if what not in (IP_RECVERR, IPV6_RECVERR) or len(data) < 16:
                    continue
                err, _, kind, code = struct.unpack_from("IBBB", data)
                self.note(key, "told of %s (ICMP %d/%d) about its packet to %s" % (
                    errno_name(err), kind, code, end(got[3])))
        err = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if err and sock.type == socket.SOCK_STREAM:
            self.note(key, "told of " + errno_name(err))
        return found or err != 0

    def on_request(self, sock, who, events):
        if events & selectors.EVENT_READ == 0 or self.on_errors(sock, who + " errors"):
            return
        got = recvmsg_or_none(sock)
        if isinstance(got, OSError):
            if got.errno != errno.EAGAIN:
                self.note(who + " errors", "read: " + errno_name(got.errno))
            return
        data, extra, _, peer = got
        tag = data.decode(errors="replace").lstrip("\0\1")
        reply, to = [], "?"
        for level, kind, value in extra:
            if kind == IP_PKTINFO and level == socket.IPPROTO_IP:
                to = socket.inet_ntop(socket.AF_INET, value[8:12])
                # The address that was asked is the one that answers.
                reply = [(level, kind, bytes(4) + value[8:12] + bytes(4))]
            elif kind == IPV6_PKTINFO:
                to = socket.inet_ntop(socket.AF_INET6, value[:16])
                reply = [(level, kind, value[:16] + bytes(4))]
        self.note(tag, "%s gets it from %s to %s" % (who, end(peer), to))
        if tag.endswith("."):
            return  # an answer
        try:
            sock.sendmsg([(who + "|" + tag + ".").encode()], reply, 0, peer)
        except OSError as error:
            self.note(tag, "%s cannot answer: %s" % (who, errno_name(error.errno)))
        if who.endswith(":69"):
            self.send_tftp(peer, reply, tag)

    def send_tftp(self, peer, reply, tag):
        """The answer proper comes from another port."""
        other = self.listeners.get((SERVER, TFTP, UDP, 6 if ":" in peer[0] else 4))
        if other:
            try:
                other.sendmsg([("data|" + tag + ".").encode()], reply, 0, peer)
            except OSError as error:
                self.note(tag, "data cannot be sent: " + errno_name(error.errno))

    def on_accept(self, sock, who):
        try:
            conn, peer = sock.accept()
        except OSError:
            return
        conn.setblocking(False)
        abort_at_close(conn)
        v6 = conn.family == socket.AF_INET6
        conn.setsockopt(socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP,
                        IPV6_RECVERR if v6 else IP_RECVERR, 1)
        self.conns.append((conn, who, peer))
        self.lab.watch(conn, lambda events: self.on_data(conn, who, peer))

    def on_data(self, conn, who, peer):
        key = "%s connection from %s" % (who, end(peer))
        try:
            data = conn.recv(2048)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                self.note(key, "read: " + errno_name(error.errno))
            return
        if not data:
            self.lab.selector.unregister(conn)
            return
        tag = data.decode(errors="replace")
        self.note(tag, "%s gets it from %s to %s" % (who, end(peer), conn.getsockname()[0]))
        answer = who + "|" + tag + "."
        if who.endswith(":21"):
            high, low = divmod(PASSIVE, 256)
            answer = "227 Entering Passive Mode (10,77,0,1,%d,%d)\r\n" % (high, low)
        try:
            conn.sendall(answer.encode())
        except OSError as error:
            self.note(tag, "%s cannot answer: %s" % (who, errno_name(error.errno)))

    # Who asks.

    def start(self, flow):
        v6 = flow.family == 6
        sock = flow.sock = flow.host.socket(FAMILY[flow.family], KIND[flow.proto])
        share(sock)
        sock.setsockopt(socket.IPPROTO_IPV6 if v6 else socket.IPPROTO_IP,
                        IPV6_RECVERR if v6 else IP_RECVERR, 1)
        free_bind(sock)
        sock.bind(flow.source)
        self.flows.append(flow)
        if flow.proto == UDP:
            self.lab.watch(sock, lambda events: self.on_answer(flow, events))
            return
        abort_at_close(sock)
        err = sock.connect_ex(flow.target)
        if err and err != errno.EINPROGRESS:
            self.note(flow.name, "cannot connect: " + errno_name(err))
        else:
            self.lab.watch(sock, lambda events: self.on_connected(flow),
                           selectors.EVENT_READ | selectors.EVENT_WRITE)

    def on_connected(self, flow):
        self.lab.selector.unregister(flow.sock)
        err = flow.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if err:
            self.note(flow.name, "not connected: " + errno_name(err))
            return
        self.note(flow.name, "connected")
        flow.connected = True
        self.lab.watch(flow.sock, lambda events: self.on_answer(flow, events))
        if flow.asked == 0:
            self.ask(flow)

    def ask(self, flow):
        if not flow.connected:
            return
        flow.asked += 1
        tag = "%s #%d" % (flow.name, flow.asked)
        try:
            if flow.proto == UDP:
                # What TFTP's helper takes for a read request (nf_conntrack_tftp.c).
                read = b"\0\1" if flow.target[1] == 69 else b""
                flow.sock.sendto(read + tag.encode(), flow.target)
            else:
                flow.sock.sendall(b"PASV\r\n" if flow.target[1] == 21 else tag.encode())
        except OSError as error:
            self.note(tag, "cannot send: " + errno_name(error.errno))

    def on_answer(self, flow, events):
        if flow.proto == UDP and self.on_errors(flow.sock, flow.name):
            return
        try:
            data, peer = flow.sock.recvfrom(2048)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                self.note(flow.name, "read: " + errno_name(error.errno))
            return
        if flow.proto == TCP and not data:
            self.note(flow.name, "closed by the other end")
            self.lab.selector.unregister(flow.sock)
            return
        self.note(flow.name, "answer '%s' from %s" % (
            data.decode(errors="replace").strip(), end(peer) if peer else "there"))

    def begin(self, flows):
        for flow in flows:
            self.start(flow)
            if flow.proto == UDP:
                self.ask(flow)
            if self.pause_s:
                self.lab.settle()
                time.sleep(self.pause_s)
        self.lab.settle()

    # Who watches.

    def on_wire(self, host, meta, packet):
        if host == SERVER:
            return
        seen = dissect(packet)
        if not seen:
            return
        out = meta[2] == socket.PACKET_OUTGOING
        if seen["ports"]:
            self.wire[(host, seen["proto"], seen["source"], seen["target"]) + seen["ports"]] = packet
        if not out and seen["fact"]:
            self.note("cable of the " + host, seen["fact"])

    # ICMP errors about what the server sent, by who got that, as a router on the way would write them.

    def last_of(self, flow):
        """What the server sent last in that flow, or None; its end, the other, and the host that has that."""
        asks = flow.host is self.lab.server
        here, there = (flow.source, flow.target) if asks else (flow.target, flow.source)
        host = BACKEND if there[0] in ADDRESS[BACKEND, "eth0"] else CLIENT
        sent = self.wire.get((host, flow.proto, here[0], there[0], here[1], there[1]))
        return sent, here, there, self.lab.hosts[host]

    def forget(self, flow):
        """The other host loses the connection without a word, and hears of it again: it resets it, without an ACK."""
        ends = [conn for conn, _, peer in self.conns if conn.fileno() >= 0 and peer[:2] == flow.source]
        here, there = (ends[:1] or [None])[0], flow.sock
        if flow.host is self.lab.server:
            here, there = there, here
        if not here or not there or here.fileno() < 0 or there.fileno() < 0:
            return
        there.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        self.lab.forget(there)
        try:
            here.sendall(b"still there?")
        except OSError as error:
            self.note(flow.name, "cannot go on: " + errno_name(error.errno))
        self.lab.settle()

    def complain(self, flow, kind, code, source):
        """Sends the server an error about the packet of the flow that it sent last."""
        sent, here, there, host = self.last_of(flow)
        if not sent:
            return
        v6 = flow.family == 6
        quoted = bytearray(sent)
        header = 40 if v6 else (quoted[0] & 15) * 4
        if flow.proto == TCP:
            # TCP believes only who knows a sequence number in its window (tcp_v4_err()): its end.
            offset = (quoted[header + 12] >> 4) * 4
            number, = struct.unpack_from("!I", quoted, header + 4)
            number += len(quoted) - header - offset + (quoted[header + 13] & 3 != 0)
            struct.pack_into("!I", quoted, header + 4, number & 0xFFFFFFFF)
        too_big = (kind, code) == ERRORS[flow.family][TOO_BIG]
        message = struct.pack("!BBHI", kind, code, 0, self.lab.smaller_mtu() if too_big else 0)
        message += bytes(quoted[:header + 20])
        if not v6:
            message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
        raw = host.socket(
            FAMILY[flow.family], socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
        free_bind(raw)
        raw.bind((source or there[0], 0))
        raw.sendto(message, (here[0], 0))
        raw.close()

    def end_of(self, flow):
        """The server's socket of a connection, and the name of what happens to it."""
        if flow.host is self.lab.server:
            return flow.sock, flow.name
        for conn, who, peer in self.conns:
            if conn.fileno() >= 0 and peer[:2] == flow.source:
                return conn, "%s connection from %s" % (who, end(peer))
        return None, None

    def complain_about(self, flow, number, source):
        kind, code = ERRORS[flow.family][number]
        conn, key = self.end_of(flow) if flow.proto == TCP else (None, None)
        before = mtu_of(conn)
        self.complain(flow, kind, code, source)
        self.lab.settle()
        if conn and self.on_errors(conn, key):
            self.note(key, "told at ICMP %d/%d from %s" % (kind, code, source or "there"))
        if before != mtu_of(conn):
            self.note(key, "path MTU lowered at ICMP %d/%d from %s" % (kind, code, source or "there"))

    # All of it.

    def flow(self, name, host, source, target):
        self.ports.add(source[1])
        return Flow("%s %s IPv%d" % (self.service.proto, name, 6 if ":" in target[0] else 4),
                    self.lab.hosts[host], self.service.proto, source, target)

    def families(self):
        return [v for v in (4, 6) if self.service.has(v)]

    def opening(self, what, number, count=1):
        """The flows from and to everywhere. number: from which source port on."""
        service = self.service
        flows = []
        places = [(CLIENT, ADDRESS[CLIENT, "eth0"], ADDRESS[SERVER, "eth0"], "from outside"),
                  (BACKEND, ADDRESS[BACKEND, "eth0"], ADDRESS[SERVER, "br0"], "from inside"),
                  (SERVER, LOOPBACK, LOOPBACK, "on loopback"),
                  (SERVER, ADDRESS[SERVER, "eth0"], ADDRESS[SERVER, "eth0"], "to itself"),
                  (SERVER, ADDRESS[SERVER, "br0"], ADDRESS[SERVER, "br0"], "to itself, inner"),
                  (CLIENT, OTHER_CLIENT, ADDRESS[SERVER, "eth0"], "from far")]
        if service.out:
            number += CLIENTS[0] - 30000
            places = [(SERVER, there, here, name.replace("from", "to").replace("to itself", "itself"))
                      for _, here, there, name in places]
            places[2] = (SERVER, LOOPBACK, LOOPBACK, "on loopback")
        for host, sources, targets, name in places:
            if what == "old" and not name.endswith(("outside", "loopback")):
                continue  # others come for the first time later
            for family in self.families():
                source, target = sources[family == 6], targets[family == 6]
                if service.address and service.address != target:
                    if service.out or is_loopback(service.address) != is_loopback(target):
                        continue
                    target = service.address
                copies = count if name in ("from outside", "to outside") else 1
                for copy in range(copies):
                    flows.append(self.flow(
                        "%s %s%s" % (what, name, " (%d)" % (copy + 1) if copies > 1 else ""), host,
                        (source, number + len(flows)), (target, service.port)))
        return flows

    def strays(self):
        """Flows to other ports and hosts, which rules may turn to the service, and to the last of its own."""
        port, flows = self.service.port, []
        if self.service.out:
            return flows
        for family in self.families():
            six = family == 6
            outside, here = ADDRESS[CLIENT, "eth0"][six], ADDRESS[SERVER, "eth0"][six]
            inside = ADDRESS[BACKEND, "eth0"][six]
            for index, other in enumerate(ELSEWHERE):
                if other != port:
                    number = 2 * index + six
                    flows += [self.flow("to port %d" % other, CLIENT, (outside, 35020 + number), (here, other)),
                              self.flow("through, to port %d" % other, CLIENT,
                                        (outside, 35040 + number), (inside, other)),
                              self.flow("from here to port %d" % other, SERVER,
                                        (here, 21020 + number), (outside, other))]
            if self.service.last != port:
                flows.append(self.flow("last port", CLIENT, (outside, 35030 + six),
                                       (here, self.service.last)))
        return flows

    def bystanders(self):
        """Flows of others, through this host or to another port, that share a port with the service."""
        port, flows = self.service.port, []
        for family in self.families():
            six = family == 6
            outside, inside = ADDRESS[CLIENT, "eth0"][six], ADDRESS[BACKEND, "eth0"][six]
            here = ADDRESS[SERVER, "eth0"][six]
            flows += [self.flow("through", CLIENT, (outside, 35000 + six), (inside, port)),
                      self.flow("behind, same port", BACKEND, (inside, port), (outside, PEER)),
                      self.flow("behind, to it", BACKEND, (inside, 35010 + six), (outside, port)),
                      self.flow("from its port", CLIENT, (outside, port), (here, OWN))]
        return flows

    def apart(self, flows, also=lambda: None):
        """Tries flows, and notes what is seen of them elsewhere."""
        facts, self.facts = self.facts, self.others
        also()
        self.begin(flows)
        for flow in flows:
            self.lab.forget(flow.sock)
        self.lab.settle()
        self.facts = facts

    def from_range(self, ways):
        """Asks from ports of the service, if that is a range of which clients are given some."""
        service, flows = self.service, []
        first, last = max(service.port, CLIENTS[0]), min(service.last, CLIENTS[1])
        if service.port == service.last or first > last:
            return flows
        for name, host, sources, targets, port in ways:
            for family in self.families():
                source, target = sources[family == 6], targets[family == 6]
                if service.address in (None, source):
                    number = first + (1 + len(flows)) % (last - first + 1)
                    flows.append(self.flow(name, host, (source, number), (target, port)))
        self.begin(flows)
        self.exchange(flows)
        return flows

    def given(self):
        """What programs here ask, whom the kernel gives a port of the service: which of a range it does, and of a single one
        not, as that is taken."""
        outer, inner = ADDRESS[SERVER, "eth0"], ADDRESS[SERVER, "br0"]
        return [] if self.service.out else self.from_range((
            ("given port, to outside", SERVER, outer, ADDRESS[CLIENT, "eth0"], ASKED),
            ("given port, to far", SERVER, outer, OTHER_CLIENT, ASKED),
            ("given port, to inside", SERVER, inner, ADDRESS[BACKEND, "eth0"], ASKED),
            ("given port, to loopback", SERVER, LOOPBACK, LOOPBACK, OWN),
            ("given port, to itself", SERVER, outer, outer, OWN)))

    def askers(self):
        """Hosts that ask this one from a port of an outbound service: of a range that clients use, as most do."""
        outer, inner = ADDRESS[SERVER, "eth0"], ADDRESS[SERVER, "br0"]
        return [] if not self.service.out else self.from_range((
            ("asker from outside", CLIENT, ADDRESS[CLIENT, "eth0"], outer, OWN),
            ("asker from far", CLIENT, OTHER_CLIENT, outer, OWN),
            ("asker from inside", BACKEND, ADDRESS[BACKEND, "eth0"], inner, OWN)))

    def unasked(self):
        """What comes from the remote service's port though this host has not asked. All of it is noted apart, but of
        what does not look like an answer it counts if it gets to who listens."""
        service = self.service
        if not service.out:
            return
        alike, unlike = [], []
        for host, sources, targets, name in (
                (CLIENT, ADDRESS[CLIENT, "eth0"], ADDRESS[SERVER, "eth0"], "outside"),
                (CLIENT, OTHER_CLIENT, ADDRESS[SERVER, "eth0"], "far"),
                (BACKEND, ADDRESS[BACKEND, "eth0"], ADDRESS[SERVER, "br0"], "inside")):
            for family in self.families():
                source, target = sources[family == 6], targets[family == 6]
                if service.address not in (None, source):
                    continue
                for port in sorted({service.port, TRANSPARENT, *ELSEWHERE}):
                    flow = self.flow("unasked from %s to port %d" % (name, port), host,
                                     (source, service.port), (target, port))
                    is_alike = service.proto == UDP and CLIENTS[0] <= port <= CLIENTS[1]
                    (alike if is_alike else unlike).append(flow)
                if service.proto == TCP:
                    self.apart([], lambda: self.amid(host, source, target))
        self.apart(unlike + alike)
        for flow in unlike:
            for key, facts in self.others.items():
                if key.startswith(flow.name):
                    self.facts[UNASKED + key] = {fact for fact in facts if re.match(r"server:\d+ gets it", fact)}

    def amid(self, host, source, target):
        """Segments of no connection; what is answered to them is seen on the cable."""
        v6 = ":" in source
        raw = self.lab.hosts[host].socket(FAMILY[6 if v6 else 4], socket.SOCK_RAW, socket.IPPROTO_TCP)
        free_bind(raw)
        raw.bind((source, 0))
        for port in ELSEWHERE:
            for flags in (0x10, 0x12, 0x04, 0x11):  # ACK, SYN and ACK, RST, FIN and ACK
                raw.sendto(segment(source, target, self.service.port, port, flags), (target, 0))
        raw.close()
        self.lab.settle()

    def own(self):
        """What the service's own socket asks of others, as DNS and NTP servers do."""
        if self.service.out or self.service.proto != UDP:
            return
        for family in self.families():
            sock = self.listeners[(SERVER, self.service.port, UDP, family)]
            target = (ADDRESS[CLIENT, "eth0"][family == 6], ASKED)
            if self.service.address:
                continue
            try:
                sock.sendto(("udp own IPv%d" % family).encode(), target)
            except OSError as error:
                self.note("udp own IPv%d" % family, "cannot send: " + errno_name(error.errno))
        self.lab.settle()

    def gone(self):
        """Clients that do not wait for the answer: their host says so."""
        if self.service.proto != UDP:
            return
        for flow in self.opening("gone", 33000):
            self.start(flow)
            self.ask(flow)
            self.lab.forget(flow.sock)
        self.lab.settle()

    def absent(self):
        """Nobody listens to the service."""
        for host in (SERVER, CLIENT, BACKEND):
            for family in FAMILY:
                sock = self.listeners.pop((host, self.service.port, self.service.proto, family), None)
                if sock:
                    self.lab.forget(sock)
        self.begin(self.opening("nobody listens", 34000))

    def open_listeners(self):
        service = self.service
        ports = {service.port, service.last, OWN, *ELSEWHERE}
        for port in ports:
            self.listen(SERVER, port, service.proto)
        for host in (CLIENT, BACKEND):
            for port in {service.port, PEER, ASKED, *ELSEWHERE}:
                self.listen(host, port, service.proto)
        self.listen(SERVER, TRANSPARENT, service.proto, transparent=True)
        if service.port == 21:
            self.listen(SERVER, PASSIVE, TCP)
        if service.port == 69:
            self.listen(SERVER, TFTP, UDP)

    def passive(self):
        if self.service.port == 21 and not self.service.out:
            source, target = ADDRESS[CLIENT, "eth0"][0], ADDRESS[SERVER, "eth0"][0]
            self.begin([self.flow("passive data", CLIENT, (source, 36000), (target, PASSIVE))])

    def run(self, between):
        """Opens flows, calls between(), and tries everything. Returns the facts, and the others'."""
        try:
            self.open_listeners()
            old = self.opening("old", 31000)
            self.begin(old)
            between()
            self.exchange(old)
            new = self.opening("new", 32000, FLOWS)
            self.begin(new)
            self.exchange(new)
            self.begin(self.strays())
            given = self.given() + self.askers()
            self.unasked()
            self.apart(self.bystanders(), self.own)
            self.passive()
            self.complaints(old + new + given)
            self.forgotten(old + new)
            self.gone()
            self.absent()
            return self.facts, self.others
        finally:
            self.close()

    def complaints(self, flows):
        """Errors about the answers, or about what programs here ask, from who gets that and from a router on the way."""
        for flow in flows:
            if re.search(r"(outside|inside)( \(1\))? IPv", flow.name):
                for number in range(len(ERRORS[4])):
                    self.complain_about(flow, number, None)
            if re.search(r"outside( \(1\))? IPv", flow.name):
                self.complain_about(flow, TOO_BIG, ROUTER[flow.family == 6])

    def forgotten(self, flows):
        for flow in flows:
            if flow.proto == TCP and re.search(r"(outside|inside)( \(1\))? IPv", flow.name):
                self.forget(flow)

    def exchange(self, flows):
        for flow in flows:
            self.ask(flow)
        self.lab.settle()

    def close(self):
        self.lab.watcher = lambda *_: None
        for flow in self.flows:
            self.lab.forget(flow.sock)
        for conn, _, _ in self.conns:
            self.lab.forget(conn)
        for sock in self.listeners.values():
            self.lab.forget(sock)
        self.lab.settle()


def share(sock):
    """A port may be a listener's and, of the same host, a client's."""
    tcp = sock.type == socket.SOCK_STREAM
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT if tcp else socket.SO_REUSEADDR, 1)


def free_bind(sock):
    """IP_FREEBIND, IPV6_FREEBIND: also to addresses that a route alone makes local."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, 78, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, 15, 1)


def abort_at_close(sock):
    """Nothing of it stays behind, not even for a while."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def is_loopback(address):
    return ipaddress.ip_address(address).is_loopback


def mtu_of(sock):
    if sock is None or sock.fileno() < 0:
        return None
    v6 = sock.family == socket.AF_INET6
    try:
        return sock.getsockopt(socket.IPPROTO_IPV6 if v6 else 0, IPV6_MTU if v6 else IP_MTU)
    except OSError:
        return None
