# SPDX-License-Identifier: GPL-2.0-or-later
"""A file of the collection: a ruleset, and what is known of it, in comments:

# expect SERVICE same|others|differs: why       others: only flows that clients of the service do not see
# with: ip ... add ...   a command for the server, undone later
# then                   what follows is done after what is before, not together with it
# older                  our own table, for another service, is there before all of it

*.nft is for nft -f; *.ipt for iptables-nft-restore, *.ip6t for ip6tables-nft-restore,
*.ipboth for both."""
import json
import os
import re

from trial import UNASKED, Service, Trial

RESTORE = {".ipt": ["iptables-nft-restore"], ".ip6t": ["ip6tables-nft-restore"],
           ".ipboth": ["iptables-nft-restore", "ip6tables-nft-restore"]}


# The kernel counts what it does not find in its table as a connection for two jiffies, lest it be too
# early to find it there (nf_conncount.c, find_or_evict()).
COUNTING_S = 0.03

LINES_MAX = 8  # of differences that are printed


class Refused(Exception):
    """This kernel, or the tools here, cannot load the ruleset."""


class Ruleset:
    def __init__(self, name, kind, text):
        self.name, self.kind, self.text = name, kind, text
        self.commands = [line.split() for line in re.findall(r"^# with: (.*)$", text, re.M)]
        self.older = bool(re.search(r"^# older$", text, re.M))
        self.expected = re.findall(r"^# expect (\S+) (same|others|differs): (.+)$", text, re.M)

    def load(self, host):
        """Instead of all rules that are there, and of all that the host knows of connections."""
        nft = self.text if self.kind == ".nft" else ""
        try:
            if self.older:
                host.run(["nft", "flush", "ruleset"])
                host.run(["ctrules", "-q", "--force", "add", "udp/7"])
            for number, part in enumerate(re.split(r"^# then$", nft, flags=re.M)):
                flush = "" if number or self.older else "flush ruleset\n"
                host.run(["nft", "-f", "-"], flush + part)
            for command in RESTORE.get(self.kind, ()):
                host.run([command], self.text)
        except (RuntimeError, FileNotFoundError) as error:
            raise Refused(str(error).replace("\n", " ")) from error
        for command in self.commands:
            host.run(command)
        host.forget_connections()

    def unload(self, host):
        """All but the rules, which the next to load takes away."""
        for command in self.commands:
            host.run(["del" if word == "add" else word for word in command])


def read_ruleset(path):
    with open(path, encoding="utf-8") as file:
        name, kind = os.path.splitext(os.path.basename(path))
        return Ruleset(name, kind, file.read())


def sets_of(host, names):
    """What these sets hold, without clocks and counters."""
    facts = set()
    listed = json.loads(host.run(["nft", "-j", "list", "ruleset"]).stdout)
    for item in listed["nftables"]:
        for kind in ("set", "map"):
            one = item.get(kind)
            if not one or one["table"] == "ctkit" or one["name"] not in names:
                continue
            for elem in one.get("elem", ()):
                if isinstance(elem, dict) and "elem" in elem:
                    elem = elem["elem"]["val"]
                facts.add("%s %s" % (one["name"], json.dumps(elem, sort_keys=True)))
    return facts


# What is done amid a pass: none of it, all of it, and what only takes as long.
NOTHING, ADDED, DRY = None, (), ("--dry-run",)


def one_pass(lab, ruleset, service, amid, first=lambda: None):
    """Everything that is seen of the service under the ruleset, and of others. first(): before any packet."""
    host = lab.server

    def between():
        if amid is not NOTHING:
            host.run(["ctrules", "-q", "--force", *amid, "add", service.text])

    lab.renew()
    ruleset.load(host)
    try:
        first()
        counted = re.search(r"ct count|connlimit", ruleset.text)
        facts, others = Trial(lab, service, COUNTING_S if counted else 0).run(between)
        # One that counts connections goes by itself when there is none, some time.
        changed = re.findall(r"(?:add|update|delete) @(\S+) \{(?![^}]*ct count)", ruleset.text)
        if changed:
            facts["sets"] = sets_of(host, changed)
        return facts, others
    finally:
        ruleset.unload(host)


def audit(lab, service, rehearses):
    """What ctrules says: the verdict, the codes of its findings, and what the rehearsal saw."""
    done = lab.server.run(["ctrules", "audit", "--json", service.text] +
                          (["--rehearse"] if rehearses else []), check=False)
    if not done.stdout:
        raise RuntimeError(done.stderr)
    said = json.loads(done.stdout)
    return (said["verdict"], " ".join(sorted({one["code"] for one in said["findings"]})),
            said.get("rehearsal"))


class Outcome:
    def __init__(self, service, lines, others, verdict=None, codes=None, rehearsal=None):
        self.service, self.verdict, self.codes = service, verdict, codes
        self.rehearsal = rehearsal
        self.lines = lines or others
        self.word = "differs" if lines else "others" if others else "same"

    def print_lines(self):
        for line in self.lines[:LINES_MAX]:
            print("    " + line)


def difference(tracked, untracked):
    """Lines that say what differs. Of packets that nobody asked for it is only that they get in untracked."""
    lines = []
    for key in sorted(set(tracked) | set(untracked)):
        a, b = tracked.get(key, set()), untracked.get(key, set())
        if key.startswith(UNASKED):
            a &= b
        if a != b:
            lines.append("%s: tracked: %s; untracked: %s" % (
                key, ", ".join(sorted(a - b)) or "-", ", ".join(sorted(b - a)) or "-"))
    return lines


def compare(lab, ruleset, text, audits=False, twice=False, rehearses=False):
    """Tries the service with and without NOTRACK (twice: without it, but what happens by itself happens)."""
    service, said = Service(text), []

    def first():
        if audits and not said:
            said.extend(audit(lab, service, rehearses))

    tracked, untracked = (one_pass(lab, ruleset, service, amid, first)
                          for amid in (NOTHING, DRY if twice else ADDED))
    return Outcome(text, difference(tracked[0], untracked[0]), difference(tracked[1], untracked[1]), *said)
