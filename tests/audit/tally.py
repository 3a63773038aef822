# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts how often the audit and the oracle agree."""
import os

# More of those where nothing differs must not be called unsafe or unknown; and more must not be left out.
CAREFUL_MAX = 0.10
SKIPPED_MAX = 0.10

# What the rehearsal sees must be what real traffic does in that share of the cases.
AGREED_MIN = 0.90

GAPS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "known-gaps")


def known_gaps():
    """Where the audit is known to say "safe" though something differs: "NAME SERVICE" a line."""
    with open(GAPS, encoding="utf-8") as file:
        return {tuple(line.split()[:2]) for line in file if line.strip() and line[0] != "#"}


class Tally:
    def __init__(self, audits, random=False, missed_max=0):
        """random: rulesets that nobody would write; too much care with them is no failure. missed_max: the share
        of them, but of a hundred at least, that may be called safe though something differs."""
        self.audits, self.random, self.missed_max = audits, random, missed_max
        self.gaps = known_gaps()
        self.differing = self.others = self.same = self.careful = self.skipped = self.refused = 0
        self.rehearsed = self.agreed = 0
        self.missed, self.wrongs = [], []

    def add(self, name, outcome):
        line = "%s %s: %s" % (name, outcome.service, outcome.word)
        if outcome.rehearsal:
            line += self.add_rehearsal(name, outcome)
        if outcome.word == "same":
            self.same += 1
            if self.audits and outcome.verdict != "safe":
                self.careful += 1
                line += ", but the audit says %s (%s)" % (outcome.verdict, outcome.codes)
        elif outcome.word == "others":
            self.others += 1
        else:
            self.differing += 1
            if self.audits and outcome.verdict == "safe":
                known = (name, outcome.service) in self.gaps
                self.gaps.discard((name, outcome.service))
                line += ", and the audit says safe%s" % (" (a known gap)" if known else "")
                if not known:
                    self.missed.append("%s %s" % (name, outcome.service))
            elif (name, outcome.service) in self.gaps:
                line += "; no gap any more: take it out of known-gaps"
        print(line, flush=True)

    def add_rehearsal(self, name, outcome):
        seen = outcome.rehearsal
        self.rehearsed += 1
        if not seen["done"] or seen["not_copied"]:
            self.wrong("%s %s: not rehearsed: %s %s" % (name, outcome.service, seen["why"],
                                                       seen["not_copied"]))
        differs = seen["difference_count"] > 0
        self.agreed += differs == (outcome.word == "differs")
        if differs and outcome.word == "same":
            self.wrong("%s %s: the rehearsal sees: %s" % (name, outcome.service,
                                                         seen["differences"][0]))
        return ", rehearsed: %s" % ("differs" if differs else "same")

    def skip(self, name, service, why):
        self.skipped += 1
        print("%s %s: skipped: %s" % (name, service, why), flush=True)

    @property
    def tried(self):
        return self.same + self.others + self.differing

    def refuse(self):
        """Another random ruleset that nft does not take, or under which nothing is the same twice."""
        self.refused += 1
        if self.refused > 20 * (1 + self.tried):
            raise RuntimeError("nft takes no rulesets here")

    def wrong(self, text):
        self.wrongs.append(text)
        print("WRONG: " + text, flush=True)

    def close(self):
        """Prints the sum; returns the exit code."""
        failed = bool(self.wrongs)
        print("%d services: %d the same, of %d only others differ, %d differ; %d skipped; "
              "%d not as expected" % (self.tried, self.same, self.others, self.differing, self.skipped,
                                      len(self.wrongs)))
        if self.rehearsed:
            print("the rehearsal: agrees for %d of %d" % (self.agreed, self.rehearsed))
            failed = failed or (not self.random and self.agreed < AGREED_MIN * self.rehearsed)
        if self.audits:
            share = self.careful / self.same if self.same else 0
            print("the audit: %d called safe though they differ; %d of %d not called safe though "
                  "nothing differs (%.1f %%, at most %.0f %%)" % (
                      len(self.missed), self.careful, self.same, 100 * share, 100 * CAREFUL_MAX))
            for name in self.missed:
                print("MISSED: " + name)
            failed = failed or len(self.missed) > self.missed_max * max(100, self.tried) or (share > CAREFUL_MAX and not self.random)
        if self.skipped > SKIPPED_MAX * self.tried or self.tried == 0:
            print("too much was skipped, or nothing was tried")
            failed = True
        return 1 if failed else 0
