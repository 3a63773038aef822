# SPDX-License-Identifier: GPL-2.0-or-later
"""Random rulesets: what a firewall could say about a service, sensible or not."""
import random

PORTS = (9000, 9000, 9000, 9001, 53, 80, 8080)
SERVICES = ("udp/9000", "udp/9000", "tcp/9000", "udp/9000-9001", "udp/10.77.0.1:9000", "tcp/[fd77::1]:9000",
            "out:udp/9000", "out:tcp/9000", "out:udp/53", "out:tcp/80", "out:udp/10.77.0.2:9000",
            "udp/32000-60000", "tcp/40000-50000")
# What untracked answers look like, more or less.
ANSWERS = ("", "", "udp dport 32768-60999 ", "udp dport 1024-65535 ", "tcp dport 32768-60999 ",
           "tcp flags & (syn|ack) != syn ", "tcp flags & (fin|syn|rst|ack) != syn ")
STATES = ("new", "established", "related", "invalid", "untracked")
MARKS = (0, 1, 2)
SUBNETS = ("10.77.0.0/24", "10.0.0.0/8", "10.78.0.5", "172.17.0.0/16", "127.0.0.0/8", "10.77.0.1")
SUBNETS6 = ("fd77::/64", "fd78::5", "fd17::/64", "::1", "fd77::1")
IN, OUT = ("prerouting", "input"), ("output", "postrouting")


class Grammar:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.service = self.pick(SERVICES)

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

    def match(self, hook, family):
        kinds = [lambda: "%s %s %s" % (self.pick(("udp", "tcp", "th")), self.pick(("dport", "dport", "sport")),
                                       self.ports()),
                 self.state, self.state, self.state,
                 lambda: self.device(hook),
                 lambda: "meta l4proto %s" % self.pick(("udp", "tcp", "{ udp, tcp }", "{ icmp, ipv6-icmp }")),
                 lambda: "ct direction %s" % self.pick(("original", "reply")),
                 lambda: "ct mark %d" % self.pick(MARKS),
                 lambda: "meta mark %d" % self.pick(MARKS),
                 lambda: "ct status & %s == %s" % self.pick((("dnat", "dnat"), ("snat", "0"), ("assured", "0"))),
                 # Not "th": what is there of an ICMP error is its checksum, which is another each time.
                 lambda: "%s dport %s32768-60999" % (self.pick(("udp", "tcp")), self.pick(("", "!= "))),
                 lambda: "ct original proto-dst %s" % self.pick(PORTS),
                 lambda: "tcp flags & (fin|syn|rst|ack) %s syn" % self.pick(("==", "!="))]
        if family != "ip6":
            kinds += [lambda: "ip %s %s" % (self.pick(("saddr", "daddr")), self.pick(SUBNETS)),
                      lambda: "icmp type %s" % self.pick(("destination-unreachable", "time-exceeded"))]
        if family != "ip":
            kinds += [lambda: "ip6 %s %s" % (self.pick(("saddr", "daddr")), self.pick(SUBNETS6)),
                      lambda: "icmpv6 type %s" % self.pick(("destination-unreachable", "packet-too-big"))]
        if hook in ("prerouting", "input"):
            kinds += [lambda: "fib daddr type local"]
        return self.pick(kinds)()

    def vmap(self, chains):
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
            verdicts.append("reject")
        return self.pick(verdicts)

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
        effects = ["counter", "meta mark set %d" % self.pick(MARKS), "ct mark set %d" % self.pick(MARKS),
                   "meta mark set ct mark"]
        if hook in ("prerouting", "output") and priority <= -250:
            effects += ["notrack"]
        return self.pick(effects)

    def rule(self, hook, family, priority, kind, chains):
        if self.chance(0.12) and kind != "nat":
            return self.vmap(chains)
        matches = [self.match(hook, family) for _ in range(self.pick((0, 1, 1, 2, 2, 3)))]
        if kind == "nat" or self.chance(0.2):
            action = self.effect(hook, family, priority, kind)
        else:
            action = self.verdict(hook, chains, kind)
        if action == "drop" and not matches:
            matches = [self.match(hook, family)]
        return " ".join(matches + [action])

    def chain(self, number, family):
        hook = self.pick(("input", "input", "input", "output", "output", "prerouting", "postrouting"))
        kind, policy = "filter", self.pick(("accept", "accept", "drop"))
        priority = self.pick((-320, -300, -299, -250, -190, -150, 0, 0, 0, 10, 50))
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
        head = "type %s hook %s priority %d; policy %s;" % (kind, hook, priority, policy)
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

    def ruleset(self):
        lines = []
        for number in range(self.pick((1, 1, 2, 2, 3))):
            family = self.pick(("inet", "inet", "inet", "ip", "ip6"))
            lines += ["table %s t%d {" % (family, number)] + self.chain(number, family) + ["}"]
        return lines
