# SPDX-License-Identifier: GPL-2.0-or-later
"""Three hosts, each a network namespace: "server", whose ruleset is tried, "client", on its eth0, and
"backend", on its br0. One process holds sockets in all of them, and knows without waiting
when nothing is under way any more: see Lab.settle().

Needs to be run in tests/sandbox, as root there."""
import ctypes
import os
import selectors
import socket
import struct
import subprocess

CLIENT, SERVER, BACKEND = "client", "server", "backend"

# What each host is called by its neighbours, IPv4 and IPv6. The client also owns two networks.
ADDRESS = {
    (SERVER, "eth0"): ("10.77.0.1", "fd77::1"),
    (CLIENT, "eth0"): ("10.77.0.2", "fd77::2"),
    (SERVER, "br0"): ("172.17.0.1", "fd17::1"),
    (BACKEND, "eth0"): ("172.17.0.2", "fd17::2"),
}
OTHER_CLIENT = ("10.78.0.5", "fd78::5")
ROUTER = ("10.78.0.9", "fd78::9")

ETH_P_ALL = 0x0003
ETH_P_FENCE = 0x88B5  # for local experiments
PATIENCE_S = 5
MTU, MTU_MIN, MTU_RESERVE = 1500, 1280, 50  # of Ethernet, of IPv6, for one run

_libc = ctypes.CDLL(None, use_errno=True)


def enter(fd):
    if _libc.setns(fd, 0x40000000):
        raise OSError(ctypes.get_errno(), "cannot enter a network namespace")


def isolate():
    """From now on namespaces of this process have names of their own."""
    if _libc.unshare(0x20000):  # CLONE_NEWNS
        raise OSError(ctypes.get_errno(), "cannot make a mount namespace")
    for command in ("mount --make-rprivate /", "mount -t tmpfs tmpfs /run/netns"):
        subprocess.run(command.split(), check=True)


class Host:
    def __init__(self, name):
        self.name = name
        subprocess.run(["ip", "netns", "add", name], check=True)
        self.fd = os.open("/run/netns/" + name, os.O_RDONLY | os.O_CLOEXEC)

    def run(self, argv, text=None, check=True):
        """Runs a command there. Raises if it fails; returns the finished process otherwise."""
        done = subprocess.run(argv, input=text, text=True, capture_output=True, check=False,
                              preexec_fn=lambda: enter(self.fd))
        if check and done.returncode:
            raise RuntimeError("%s: %s" % (" ".join(argv[:4]), done.stderr.strip()))
        return done

    def set(self, name, value):
        with Inside(self), open("/proc/sys/" + name, "w", encoding="ascii") as file:
            file.write(value)

    def forget_connections(self):
        """Empties its tables of connections and of those that are expected."""
        sock = self.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)  # NETLINK_NETFILTER
        for subsystem in (1, 2):  # NFNL_SUBSYS_CTNETLINK, _EXP; delete all of any family
            sock.send(struct.pack("IHHII", 20, subsystem << 8 | 2, 5, 0, 0) + bytes(4))
            sock.recv(4096)
        sock.close()

    def socket(self, *kind):
        with Inside(self):
            sock = socket.socket(*kind)
        sock.setblocking(False)
        return sock


class Inside:
    """The calling thread is in that namespace."""

    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def __init__(self, host):
        self.host = host

    def __enter__(self):
        enter(self.host.fd)

    def __exit__(self, *_):
        enter(self.home)


# TCP acknowledges at once, so that what is not acknowledged yet is no question of time.
SETUP = {
    SERVER: """
        link add eth0 type veth peer name eth0 netns client
        link add br0 type veth peer name eth0 netns backend
        addr add 10.77.0.1/24 dev eth0
        addr add fd77::1/64 dev eth0 nodad
        addr add 172.17.0.1/16 dev br0
        addr add fd17::1/64 dev br0 nodad
        link set lo up
        link set eth0 up
        link set br0 up
        route replace 10.77.0.0/24 dev eth0 proto kernel scope link src 10.77.0.1 quickack 1
        route replace fd77::/64 dev eth0 proto kernel metric 256 quickack 1
        route replace 172.17.0.0/16 dev br0 proto kernel scope link src 172.17.0.1 quickack 1
        route replace fd17::/64 dev br0 proto kernel metric 256 quickack 1
        route add 10.78.0.0/16 via 10.77.0.2 quickack 1
        route add fd78::/64 via fd77::2 quickack 1
        """,
    CLIENT: """
        addr add 10.77.0.2/24 dev eth0
        addr add fd77::2/64 dev eth0 nodad
        link set lo up
        link set eth0 up
        route replace 10.77.0.0/24 dev eth0 proto kernel scope link src 10.77.0.2 quickack 1
        route replace fd77::/64 dev eth0 proto kernel metric 256 quickack 1
        route add local 10.78.0.0/16 dev lo
        route add local fd78::/64 dev lo
        route add default via 10.77.0.1 quickack 1
        route add default via fd77::1 quickack 1
        """,
    BACKEND: """
        addr add 172.17.0.2/16 dev eth0
        addr add fd17::2/64 dev eth0 nodad
        link set lo up
        link set eth0 up
        route replace 172.17.0.0/16 dev eth0 proto kernel scope link src 172.17.0.2 quickack 1
        route replace fd17::/64 dev eth0 proto kernel metric 256 quickack 1
        route add default via 172.17.0.1 quickack 1
        route add default via fd17::1 quickack 1
        """,
}

ROUTES6 = ("fd77::/64 dev eth0 proto kernel metric 256 quickack 1",
           "fd17::/64 dev br0 proto kernel metric 256 quickack 1", "fd78::/64 via fd77::2 quickack 1")

# Errors are never limited in number, and nobody asks around for neighbours.
SETTINGS = {
    "net/ipv4/icmp_ratelimit": "0",
    "net/ipv4/icmp_ratemask": "0",
    "net/ipv6/icmp/ratelimit": "0",
    "net/ipv6/icmp/ratemask": "\n",
    "net/ipv6/conf/all/accept_dad": "0",
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv6/conf/default/router_solicitations": "0",
    "net/ipv4/ip_forward": "1",
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
    "net/ipv6/bindv6only": "1",
}

class Lab:
    """The hosts, and what their sockets wait for."""

    def __init__(self, number=0):
        """number: of this lab, if there are several."""
        # One processor, one queue: what is sent first arrives first.
        processors = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {processors[number % len(processors)]})
        self.hosts = {name: Host(name) for name in (SERVER, CLIENT, BACKEND)}
        self.server, self.client, self.backend = self.hosts.values()
        self.selector = selectors.EpollSelector()
        self.busy = False
        self.fence = 0
        self.returned = set()
        self.mtu = MTU
        self.watcher = lambda host, meta, packet: None
        for host in self.hosts.values():
            for name, value in SETTINGS.items():
                host.set(name, value)
        for name, script in SETUP.items():
            self.hosts[name].run(["ip", "-batch", "-"], "".join(
                line.strip() + "\n" for line in script.splitlines()))
        self._introduce()
        self.cables = [self._cable(*ends) for ends in (
            (SERVER, "eth0"), (CLIENT, "eth0"), (SERVER, "br0"), (BACKEND, "eth0"))]
        for host in self.hosts.values():
            self._tap(host)

    def _introduce(self):
        """Neighbours know each other for good."""
        cables = (((SERVER, "eth0"), (CLIENT, "eth0")), ((SERVER, "br0"), (BACKEND, "eth0")))
        for pair in cables:
            for here, there in (pair, pair[::-1]):
                mac = self._mac(*there)
                for address in ADDRESS[there]:
                    self.hosts[here[0]].run(["ip", "neigh", "replace", address, "lladdr", mac,
                                             "dev", here[1], "nud", "permanent"])

    def _mac(self, name, device):
        words = self.hosts[name].run(["ip", "-o", "link", "show", "dev", device]).stdout.split()
        return words[words.index("link/ether") + 1]

    def _cable(self, name, device):
        return self.hosts[name].socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0), device

    def _tap(self, host):
        sock = host.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)

        def readable(_):
            data, meta = sock.recvfrom(2048)
            if meta[1] == ETH_P_FENCE:
                if meta[2] != socket.PACKET_OUTGOING and int.from_bytes(data[:4], "big") == self.fence:
                    self.returned.add((host.name, meta[0]))
            elif meta[1] in (0x0800, 0x86DD):
                self.busy = True
                self.watcher(host.name, meta, data)

        self.watch(sock, readable, counts=False)

    def watch(self, sock, handler, events=selectors.EVENT_READ, counts=True):
        """handler(events) is called when the socket is ready; counts: something has happened."""
        self.selector.register(sock, events, (handler, counts))

    def smaller_mtu(self):
        """One that nobody has been told of before."""
        self.mtu -= 1
        return self.mtu

    def renew(self):
        """To be called now and then when nothing is under way: forgets paths, if there are few MTUs left."""
        if self.mtu > MTU_MIN + MTU_RESERVE:
            return
        self.mtu = MTU
        self.server.set("net/ipv4/route/flush", "1")
        # What was learnt about a route of IPv6 goes with it.
        self.server.run(["ip", "-6", "-batch", "-"], "".join(
            "route %s %s\n" % (verb, route) for route in ROUTES6 for verb in ("del", "add")))

    def forget(self, sock):
        try:
            self.selector.unregister(sock)
        except (KeyError, ValueError):
            pass
        sock.close()

    def _handle_all(self, timeout=0):
        while True:
            ready = self.selector.select(timeout)
            if not ready:
                return
            timeout = 0
            for key, events in ready:
                handler, counts = key.data
                self.busy |= counts
                handler(events)

    def settle(self):
        """Returns when nothing is under way between the hosts. After what was sent before, a frame is
        sent through each cable; when all have arrived and nothing else has happened meanwhile,
        nothing will. A ruleset cannot stop the frames: they are seen before any hook."""
        while True:
            self.busy = False
            self._handle_all()
            self.fence += 1
            self.returned.clear()
            for sock, device in self.cables:
                sock.sendto(self.fence.to_bytes(4, "big"),
                            (device, ETH_P_FENCE, 0, 0, b"\xff" * 6))
            for _ in range(100):
                if len(self.returned) == len(self.cables):
                    break
                self._handle_all(PATIENCE_S / 100)
            else:
                raise RuntimeError("the cables between the hosts lose frames")
            self._handle_all()
            if not self.busy:
                return
