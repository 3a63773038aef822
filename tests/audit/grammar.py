# SPDX-License-Identifier: GPL-2.0-or-later
"""Random rulesets: what a firewall could say about a service, sensible or not."""
import random
import re

PORTS = (9000, 9000, 9000, 9001, 53, 80, 8080)
SERVICES = ("udp/9000", "udp/9000", "tcp/9000", "udp/9000-9001", "udp/10.77.0.1:9000", "tcp/[fd77::1]:9000",
            "out:udp/9000", "out:tcp/9000", "out:udp/53", "out:tcp/80", "out:udp/10.77.0.2:9000",
            "udp/32000-60000", "tcp/40000-50000", "out:udp/40000-50000", "out:tcp/40000-50000")
# What untracked answers look like, more or less.
ANSWERS = ("", "", "udp dport 32768-60999 ", "udp dport 1024-65535 ", "tcp dport 32768-60999 ",
           "tcp flags & (syn|ack) != syn ", "tcp flags & (fin|syn|rst|ack) != syn ")
STATES = ("new", "established", "related", "invalid", "untracked")
MARKS = (0, 1, 2)
# The first four have nothing in common.
SUBNETS = ("10.77.0.0/24", "10.78.0.5", "172.17.0.0/16", "127.0.0.0/8", "10.0.0.0/8", "10.77.0.1")
SUBNETS6 = ("fd77::/64", "fd78::5", "fd17::/64", "::1", "fd77::1")

# Words of which nft takes but one kind in a rule.
PROTOCOLS = ((r"\bip6 |\bicmpv6 ", r"\bip |\bicmp "),
             (r"\btcp ", r"\budp ", r"\bicmp ", r"\bicmpv6 "))
IN, OUT = ("ingress", "prerouting", "input"), ("output", "postrouting")
PRIORITIES = (-320, -300, -299, -250, -190, -150, 0, 0, 0, 0, 0, 10, 50)

# What makes a route, and so what a look-up of one says, depend on the mark.
POLICY_ROUTES = ("fwmark 1 lookup main pref 50", "from 10.77.0.1 to 10.77.0.0/16 lookup main pref 51",
                 "to 10.78.0.0/16 fwmark 2 unreachable pref 60", "fwmark 2 to 10.77.0.0/16 unreachable pref 61")

# Few, so that they run out early and at the same packet each time.
PACKETS, CONNECTIONS, BYTES = (1, 3, 5, 12), (1, 2, 3), (100, 300, 1000)


def fit(parts):
    """Without those that nft does not take together with what stands before."""
    fitting = []
    for part in parts:
        rule = " ".join(fitting + [part])
        if all(sum(bool(re.search(kind, rule)) for kind in kinds) < 2 for kinds in PROTOCOLS):
            fitting.append(part)
    return fitting


class Grammar:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.service = self.pick(SERVICES)
        self.routes = []
        self.declared = {}  # in the table that is made: name -> its line

    def pick(self, among):
        return self.random.choice(list(among))

    def chance(self, share):
        return self.random.random() < share

    def some(self, among, most=3):
        among = list(dict.fromkeys(among))
        return self.random.sample(among, self.random.randint(1, min(most, len(among))))

    def ports(self):
        if self.chance(0.5):
            return str(self.pick(PORTS))
        if self.chance(0.5):
            first = self.pick(PORTS)
            return "%d-%d" % (first, first + self.pick((0, 1, 100)))
        return "{ %s }" % ", ".join(str(port) for port in self.some(PORTS))

    def state(self):
        states = self.some(STATES)
        return "ct state %s%s" % (self.pick(("", "", "", "!= ")), ",".join(states)
                                  if len(states) == 1 or self.chance(0.5)
                                  else "{ %s }" % ", ".join(states))

    def device(self, hook):
        name = self.pick(("eth0", "br0", "lo", "lo"))
        return "%s %s\"%s\"" % ("iifname" if hook in IN else "oifname", self.pick(("", "!= ")), name)

    def declare(self, name, text):
        self.declared.setdefault(name, "\t%s" % text % name)
        return name

    def address(self, family):
        """(a field, the type of a set of it, values): of IPv6 only where there is nothing else."""
        field = self.pick(("saddr", "saddr", "daddr"))
        return ("ip6 " + field, "ipv6_addr", SUBNETS6) if family == "ip6" else ("ip " + field, "ipv4_addr", SUBNETS)

    def in_set(self, family):
        if self.chance(0.5):
            name = self.declare("ports", "set %%s { type inet_service; elements = { %s }; }" % ", ".join(
                str(port) for port in self.some(PORTS)))
            return "th %s %s@%s" % (self.pick(("dport", "sport")), self.pick(("", "!= ")), name)
        field, kind, among = self.address(family)
        done = self.pick(("", "", "counter; ", self.limit() + "; "))
        name = self.declare("hosts", "set %%s { type %s; flags interval; auto-merge; %selements = { %s }; }" % (
            kind, done, ", ".join(self.some(among))))
        return "%s %s@%s" % (field, self.pick(("", "!= ")), name)

    def seen(self, family):
        """A set that packets change."""
        kind = "ipv6_addr" if family == "ip6" else "ipv4_addr"
        return self.declare("seen", "set %%s { type %s; size %d; %s; }" % (
            kind, self.pick((1, 65535, 65535)),
            self.pick(("flags dynamic", "flags dynamic,timeout", "flags timeout; timeout 1h"))))

    def remember(self, family):
        return "%s @%s { %s saddr }" % (self.pick(("add", "update", "update", "delete")), self.seen(family),
                                        "ip6" if family == "ip6" else "ip")

    def meter(self, family):
        """A limit for each address."""
        kind = "ipv6_addr" if family == "ip6" else "ipv4_addr"
        name = self.declare(self.pick(("each", "each", "other")),
                            "set %%s { type %s; size 65535; flags dynamic; }" % kind)
        return "update @%s { %s saddr %s }" % (name, "ip6" if family == "ip6" else "ip", self.pick((
            self.limit(), "ct count over %d" % self.pick(CONNECTIONS))))

    def limit(self):
        return "limit rate %s1/hour burst %d packets" % (self.pick(("", "over ")), self.pick(PACKETS))

    def exhausted(self, family):
        """What is so only for some packets, or some connections."""
        kinds = [self.limit,
                 lambda: "quota %s %d bytes" % (self.pick(("over", "until")), self.pick(BYTES)),
                 lambda: "ct count over %d" % self.pick(CONNECTIONS),
                 lambda: "limit name \"%s\"" % self.declare("few", "limit %%s { rate 1/hour burst %d packets; }" %
                                                            self.pick(PACKETS)),
                 lambda: "quota name \"%s\"" % self.declare("much", "quota %%s { over %d bytes; }" %
                                                            self.pick(BYTES)),
                 lambda: self.meter(family)]
        return self.pick(kinds)()

    def number(self, family):
        """A hash of an address, or of how many came before."""
        if self.chance(0.3):
            return "numgen inc mod 2 %d" % self.pick((0, 1))
        return "jhash %s saddr mod %d seed 0x1 < %d" % ("ip6" if family == "ip6" else "ip", self.pick((2, 10)),
                                                       self.pick((1, 2, 5)))

    def fib(self):
        if self.chance(0.3):
            return "fib daddr . mark type %slocal" % self.pick(("", "!= "))
        self.routes = self.routes or self.some(POLICY_ROUTES)
        return "fib saddr . mark . iif oif %s" % self.pick(("missing", "exists"))

    def early_match(self):
        """At the ingress hook there is no connection yet."""
        kinds = [lambda: "th %s %s" % (self.pick(("dport", "sport")), self.ports()),
                 lambda: "meta l4proto %s" % self.pick(("udp", "tcp", "{ udp, tcp }")),
                 lambda: "meta mark %d" % self.pick(MARKS),
                 lambda: "%s %s" % self.pick((("ip saddr", self.pick(SUBNETS)), ("ip6 saddr", self.pick(SUBNETS6)))),
                 lambda: self.in_set("inet"),
                 self.limit]
        return self.pick(kinds)()

    def match(self, hook, family):
        if hook == "ingress":
            return self.early_match()
        kinds = [lambda: "%s %s %s" % (self.pick(("udp", "tcp", "th")), self.pick(("dport", "dport", "sport")),
                                       self.ports()),
                 self.state, self.state, self.state,
                 lambda: self.device(hook),
                 lambda: "meta l4proto %s" % self.pick(("udp", "tcp", "{ udp, tcp }", "{ icmp, ipv6-icmp }")),
                 lambda: "ct direction %s" % self.pick(("original", "reply")),
                 lambda: "ct mark %d" % self.pick(MARKS),
                 lambda: "meta mark %d" % self.pick(MARKS),
                 lambda: "ct status & %s == %s" % self.pick((("dnat", "dnat"), ("snat", "0"), ("assured", "0"),
                                                                        ("seen-reply", "0"))),
                 # Not "th": what is there of an ICMP error is its checksum, which is another each time.
                 lambda: "%s dport %s32768-60999" % (self.pick(("udp", "tcp")), self.pick(("", "!= "))),
                 lambda: "%s dport != 1 ct original proto-dst %s" % (self.pick(("tcp", "udp")), self.pick(PORTS)),
                 lambda: "tcp flags & (fin|syn|rst|ack) %s syn" % self.pick(("==", "!="))]
        if family != "ip6":
            kinds += [lambda: "ip %s %s" % (self.pick(("saddr", "daddr")), self.pick(SUBNETS)),
                      lambda: "icmp type %s" % self.pick(("destination-unreachable", "time-exceeded"))]
        if family != "ip":
            kinds += [lambda: "ip6 %s %s" % (self.pick(("saddr", "daddr")), self.pick(SUBNETS6)),
                      lambda: "icmpv6 type %s" % self.pick(("destination-unreachable", "packet-too-big"))]
        if hook in ("prerouting", "input"):
            kinds += [lambda: "fib daddr type local", self.fib,
                      lambda: self.pick(("socket wildcard 1", "socket wildcard 0", "osf name \"unknown\""))]
        kinds += [lambda: self.number(family)]
        kinds += [lambda: self.in_set(family), lambda: self.exhausted(family), lambda: self.exhausted(family),
                  lambda: "ip6 saddr @%s" % self.seen(family) if family == "ip6" else "ip saddr @%s" % self.seen(family)]
        return self.pick(kinds)()

    def vmap(self, chains):
        if self.chance(0.3):
            name = self.declare("verdicts", "map %%s { type inet_service : verdict; elements = { %s }; }" % ", ".join(
                "%d : %s" % (port, self.pick(("accept", "drop", "return"))) for port in self.some(PORTS)))
            return "th %s vmap @%s" % (self.pick(("dport", "sport")), name)
        verdicts = ["accept", "drop", "return"] + ["jump " + chain for chain in chains]
        if self.chance(0.6):
            keys = self.some(STATES)
            return "ct state vmap { %s }" % ", ".join("%s : %s" % (key, self.pick(verdicts)) for key in keys)
        keys = self.some(PORTS)
        return "th %s vmap { %s }" % (self.pick(("dport", "sport")), ", ".join(
            "%d : %s" % (key, self.pick(verdicts)) for key in keys))

    def verdict(self, hook, chains, kind):
        verdicts = ["accept"] * 4 + ["drop"] * 3 + ["return"]
        verdicts += ["%s %s" % (self.pick(("jump", "goto")), chain) for chain in chains] * 2
        if hook == "input" and kind != "nat":
            verdicts += ["reject", "reject with icmpx admin-prohibited", "reject with tcp reset"]
        return self.pick(verdicts)

    def mark_of_map(self, family):
        field, kind, among = self.address(family)
        name = self.declare("marks", "map %%s { type %s : mark; flags interval; elements = { %s }; }" % (
            kind, ", ".join("%s : %d" % (one, self.pick(MARKS)) for one in self.some(among[:4], 2))))
        return "meta mark set %s map @%s" % (field, name)

    def effect(self, hook, family, priority, kind):
        if kind == "nat":
            own = "ip6" if family == "ip6" else "ip"
            inside = {"ip": "172.17.0.2", "ip6": "fd17::2"}[own]
            if hook in ("prerouting", "output"):
                return self.pick(("redirect to :%d" % self.pick(PORTS),
                                  "dnat %s to %s" % ("" if family != "inet" else own, inside)))
            if hook == "postrouting":
                return self.pick(("masquerade", "snat %s to %s" % (
                    "" if family != "inet" else own, {"ip": "10.77.0.1", "ip6": "fd77::1"}[own])))
            return "accept"
        if hook == "ingress":
            return "meta mark set %d" % self.pick(MARKS)
        effects = [self.remember(family), self.remember(family), self.mark_of_map(family), "counter", "meta mark set %d" % self.pick(MARKS), "ct mark set %d" % self.pick(MARKS),
                   "meta mark set ct mark", "reset tcp option %s" % self.pick(("sack-perm", "timestamp"))]
        if hook == "prerouting" and family != "inet":
            # A proxy that is there, and one that is not.
            effects += ["meta l4proto { udp, tcp } tproxy to :%d accept" % self.pick((50080, 44444))]
        if hook in ("prerouting", "output") and priority <= -250:
            effects += ["notrack"]
        return self.pick(effects)

    def rule(self, hook, family, priority, kind, chains):
        if self.chance(0.12) and kind != "nat" and hook != "ingress":
            return self.vmap(chains)
        matches = [self.match(hook, family) for _ in range(self.pick((0, 1, 1, 2, 2, 3)))]
        if kind == "nat" or self.chance(0.2):
            action = self.effect(hook, family, priority, kind)
        else:
            action = self.verdict(hook, chains, kind)
        if action == "drop" and not matches:
            matches = [self.match(hook, family)]
        return " ".join(fit([action] + matches)[1:] + [action])

    def chain(self, number, family, priorities):
        hook = self.pick(("input", "input", "input", "output", "output", "prerouting", "postrouting"))
        kind, policy = "filter", self.pick(("accept", "accept", "drop"))
        priority = self.pick(priorities)
        if self.chance(0.12):
            kind, policy = "nat", "accept"
            priority = {"prerouting": -100, "output": -100, "input": 100, "postrouting": 100}[hook]
        elif hook == "output" and self.chance(0.2):
            kind, priority = "route", -150
        helpers = ["c%d_%d" % (number, i) for i in range(self.pick((0, 0, 1, 2)))]
        lines = []
        for i, name in enumerate(helpers):
            lines += self.body(name, hook, family, priority, kind, helpers[:i], 3)
        answers = None
        if hook == "input" and self.service.startswith("out:") and self.chance(0.4):
            # As firewalls do that know of it.
            answers = "%s%sct state untracked accept" % (
                self.pick(("", "th sport %s " % self.service.rsplit(":")[-1].rsplit("/")[-1])), self.pick(ANSWERS))
        head = "type %s hook %s priority %d; policy %s;"
        if helpers and kind == "filter" and self.chance(0.3):
            # Before or after, and to the same chains.
            lines += self.body("also%d" % number, hook, family, priority, kind, helpers, 2,
                               head % (kind, hook, priority + self.pick((-5, 5)), "accept"))
        head %= (kind, hook, priority, policy)
        return lines + self.body("base%d" % number, hook, family, priority, kind, helpers, 6, head, answers)

    def body(self, name, hook, family, priority, kind, chains, most, head=None, answers=None):
        rules = [self.rule(hook, family, priority, kind, chains)
                 for _ in range(self.random.randint(1, most))]
        if head and "policy drop" in head and self.chance(0.8):
            rules.insert(0, "meta l4proto { icmp, ipv6-icmp } accept")
        if answers:
            rules.insert(self.random.randint(0, len(rules)), answers)
            rules.insert(self.random.randint(0, len(rules)), "ct state established accept")
        return ["\tchain %s {" % name] + (["\t\t" + head] if head else []) + [
            "\t\t" + rule for rule in rules] + ["\t}"]

    def ingress(self, number):
        """A chain where packets come in, before all others: of netdev, or, as of late, of inet."""
        family = self.pick(("netdev", "inet"))
        head = "type filter hook ingress device \"%s\" priority %d; policy accept;" % (
            self.pick(("eth0", "eth0", "br0", "lo")), self.pick((-500, 0)))
        return self.table(family, number, self.body("early", "ingress", family, 0, "filter", [], 3, head))

    def table(self, family, number, chains):
        lines = ["table %s t%d {" % (family, number)] + sorted(self.declared.values()) + chains + ["}"]
        self.declared = {}
        return lines

    def ruleset(self):
        lines, families = [], []
        # Often several chains at the same place.
        priorities = (self.pick(PRIORITIES),) if self.chance(0.25) else PRIORITIES
        if self.chance(0.15):
            lines += self.ingress(9)
        for number in range(self.pick((1, 1, 2, 2, 3))):
            families.append(self.pick(("inet", "inet", "inet", "ip", "ip6")))
            lines += self.table(families[-1], number, self.chain(number, families[-1], priorities))
        if self.chance(0.1):
            # Who comes later comes first, of the same priority.
            lines += ["# then"] + self.table(families[0], 0, self.chain(8, families[0], priorities))
        return ["# with: ip rule add " + route for route in self.routes] + lines
