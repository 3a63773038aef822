#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Shows a connection-tracking table overflow under a flood, and hold with ctguard.

Two hosts, each a network namespace: "server" runs ctserve behind a stateful firewall,
"client" floods it with new flows. A bystander on the server asks the client questions
whose answers come a second later through "ct state established accept": an evicted entry
is a lost answer. The same load runs twice, without and with ctguard.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time

SERVER, CLIENT = "10.77.0.1", "10.77.0.2"
SERVICE_PORT, BYSTANDER_PORT = 9000, 5300
FLOOD_SOURCES = "10.78.0.0/16"
FLOOD_SECONDS = 8       # the flood lasts this long, whatever the table's size
OVERFILL = 1.6          # new flows, as a multiple of what the table holds
FASTEST_RATE = 100_000  # flows/s that two small cores can still serve
QUESTIONS_PER_SECOND = 200
SETTLE_SECONDS = 2      # quiet time before the flood
RELEASE_SECONDS = 3     # what ctguard waits before it gives the service back

FIREWALL = f"""
table inet firewall {{
    chain input {{
        type filter hook input priority filter; policy drop;
        iifname "lo" accept
        ct state established,related accept
        meta l4proto {{ 1, 58 }} accept comment "ICMP, ICMPv6"
        udp dport {SERVICE_PORT} accept
    }}
}}
"""


class Failure(Exception):
    """One sentence about what kept the demonstration from running."""


class Lab:
    """The two hosts and every process that was started on them."""

    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.processes = []

    def program(self, name):
        return os.path.join(self.build, name)

    def sh(self, *command, **options):
        result = subprocess.run(command, capture_output=True, text=True, **options)
        if result.returncode:
            raise Failure(f"{' '.join(command)}: {result.stderr.strip()}")
        return result.stdout

    def on(self, host, *command):
        return ["ip", "netns", "exec", host, *command]

    def start(self, host, *command, **options):
        process = subprocess.Popen(self.on(host, *command), text=True, **options)
        self.processes.append(process)
        return process

    def open(self):
        for host in "server", "client":
            self.sh("ip", "netns", "add", host)
            self.sh("ip", "-n", host, "link", "set", "lo", "up")
        self.sh(*"ip -n server link add eth0 type veth peer name eth0 netns client".split())
        for host, address in ("server", SERVER), ("client", CLIENT):
            self.sh("ip", "-n", host, "addr", "add", address + "/24", "dev", "eth0")
            self.sh("ip", "-n", host, "link", "set", "eth0", "up")
        self.sh(*f"ip -n client route add local {FLOOD_SOURCES} dev lo".split())
        self.sh(*f"ip -n server route add {FLOOD_SOURCES} via {CLIENT}".split())
        self.sh(*self.on("server", "nft", "-f", "-"), input=FIREWALL)

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []
        for host in "server", "client":
            subprocess.run(["ip", "netns", "del", host], stderr=subprocess.DEVNULL, check=False)


def paint(line, fill):
    """Red from the mark on, where the fill reaches it: a full table should not look calm."""
    if os.environ.get("NO_COLOR") or fill < 0.8:
        return line
    return f"\x1b[31m{line}\x1b[0m"


class Monitor:
    """Reads ctwatch's stream of JSON lines, draws the live line and keeps the history."""

    def __init__(self, lab, title):
        self.title = title
        self.tty = sys.stdout.isatty()
        self.process = lab.start("server", lab.program("conntrack/ctwatch"), "--json",
                                 "--interval", "100ms", stdout=subprocess.PIPE)
        self.start = time.monotonic()
        self.history = []
        self.peak = self.drop = self.early_drop = 0
        self.first_counters = None
        self.printed = 0
        self.buffer = ""

    def watch(self, until):
        """Follows the stream until the condition holds; calls it at least ten times a second."""
        stream = self.process.stdout.fileno()
        while not until():
            ready, _, _ = select.select([stream], [], [], 0.05)
            if not ready:
                continue
            data = os.read(stream, 65536).decode()
            if not data:
                raise Failure("ctwatch ended early")
            self.buffer += data
            *lines, self.buffer = self.buffer.split("\n")
            for line in lines:
                self.take(json.loads(line)["tables"][0])

    def watch_for(self, seconds):
        end = time.monotonic() + seconds
        self.watch(lambda: time.monotonic() >= end)

    def take(self, table):
        counters = table["counters"]
        self.first_counters = self.first_counters or counters
        self.drop = counters["drop"] - self.first_counters["drop"]
        self.early_drop = counters["early_drop"] - self.first_counters["early_drop"]
        self.peak = max(self.peak, table["entries"])
        elapsed = time.monotonic() - self.start
        self.history.append((elapsed, table["entries"], self.early_drop, self.drop))
        self.draw(elapsed, table)

    def draw(self, elapsed, table):
        if not self.tty and elapsed - self.printed < 1:
            return
        self.printed = elapsed
        fill = table["entries"] / table["limit"]
        full = round(24 * min(1, fill))
        top = table["services"][0] if table["services"] else None
        who = f"{top['service']} {100 * top['share']:.0f} %" if top else "-"
        line = (f"{self.title:15} {elapsed:5.1f} s [{'#' * full}{'.' * (24 - full)}] {100 * fill:5.1f} %"
                f" {table['entries']:>8,} entries  evicted {self.early_drop:>7,}"
                f"  dropped {self.drop:>6,}  {who}")
        if self.tty:
            width = shutil.get_terminal_size().columns
            print("\r" + paint(line[:width - 1].ljust(width - 1), fill), end="", flush=True)
        else:
            print(line, flush=True)

    def end_line(self):
        if self.tty:
            print()


def wait_for(path, text, process, seconds=5):
    """Waits until a program has written text to its log."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with open(path, encoding="utf-8") as log:
            content = log.read()
        if text in content:
            return
        if process.poll() is not None:
            raise Failure(f"{process.args[4]} ended: {content.strip()}")
        time.sleep(0.02)
    raise Failure(f"{process.args[4]} did not say \"{text}\" within {seconds} s")


def start_logged(lab, host, log, ready, *command, **options):
    with open(log, "w", encoding="utf-8") as stderr:
        process = lab.start(host, *command, stderr=stderr, **options)
    if ready:
        wait_for(log, ready, process)
    return process


def read_json_lines(path):
    with open(path, encoding="utf-8") as stream:
        return [json.loads(line) for line in stream if line.strip()]


def start_guard(lab, folder):
    with open(f"{folder}/ctguard.json", "w", encoding="utf-8") as events:
        return start_logged(lab, "server", f"{folder}/ctguard.log", "guarding",
                            lab.program("guard/ctguard"), "run",
                            "-s", f"udp/{SERVICE_PORT}", "-s", "tcp/8080",
                            "--release-after", f"{RELEASE_SECONDS}s", "--json", stdout=events)


def flood_command(lab, count):
    rate = int(count / FLOOD_SECONDS)
    return [lab.program("server/ctload"), "flows", f"udp/{SERVER}:{SERVICE_PORT}",
            "--source", FLOOD_SOURCES, "--count", str(count), "--rate", str(rate),
            "--window", "8000", "--json", "--quiet"]


def run_once(lab, folder, count, guarded):
    """The whole load once. Returns what happened as a dictionary."""
    name = "with" if guarded else "without"
    lab.open()
    start_logged(lab, "server", f"{folder}/ctserve-{name}.log", "serving",
                 lab.program("server/ctserve"), f"echo=udp/{SERVICE_PORT}", "--workers", "4")
    lab.start("client", lab.program("tests/tools/bystander"), "answer", CLIENT,
              str(BYSTANDER_PORT), "1s")
    guard = start_guard(lab, folder) if guarded else None
    monitor = Monitor(lab, f"{name} ctguard")
    bystander = lab.start("server", lab.program("tests/tools/bystander"), "ask", CLIENT,
                          str(BYSTANDER_PORT), str(QUESTIONS_PER_SECOND), "60s",
                          stdout=subprocess.PIPE)
    monitor.watch_for(SETTLE_SECONDS)
    rule = watch_rules(lab, folder) if guarded else None
    flood = lab.start("client", *flood_command(lab, count), stdout=subprocess.PIPE)
    monitor.watch(lambda: flood.poll() is not None)
    monitor.watch_for(RELEASE_SECONDS + 3)
    bystander.send_signal(signal.SIGTERM)
    monitor.watch(lambda: bystander.poll() is not None)
    monitor.watch_for(0.3)
    monitor.end_line()
    if guard:
        guard.send_signal(signal.SIGINT)
        guard.wait(timeout=5)
    if rule:
        rule.wait(timeout=5)
    result = {"monitor": monitor, "bystander": json.loads(bystander.stdout.read()),
              "flood": json.loads(flood.stdout.read())}
    if guarded:
        result["events"] = read_json_lines(f"{folder}/ctguard.json")
        # What the guard saw between two of the monitor's readings counts as well.
        monitor.peak = max([monitor.peak] + [e.get("entries", 0) for e in result["events"]])
    with open(f"{folder}/{name}.tsv", "w", encoding="utf-8") as table:
        table.write("# seconds\tentries\tearly_drop\tdrop\n")
        for row in monitor.history:
            table.write("%.3f\t%d\t%d\t%d\n" % row)
    lab.close()
    return result


def watch_rules(lab, folder):
    """Keeps nft's listing of the guard's table from the moment it appears."""
    script = (f'until nft list table inet ctkit >"{folder}/ruleset.nft" 2>/dev/null;'
              ' do sleep 0.05; done')
    return lab.start("server", "timeout", "30", "sh", "-c", script)


def first_event(result, name):
    return next((event for event in result.get("events", []) if event["event"] == name), None)


def lost_answers(result):
    return result["bystander"]["lost"] + result["bystander"]["refused"]


def table_rows(without, with_guard):
    engage = first_event(with_guard, "engage")
    reaction = f"{1000 * engage['seconds']:.1f} ms" if engage else "never"

    def flood(result):
        return f"{result['flood']['answered']:,} of {result['flood']['sent']:,}"

    def answers(result):
        return f"{lost_answers(result):,} of {result['bystander']['asked']:,}"

    def each(describe):
        return describe(without), describe(with_guard)

    return [
        ("peak entries", *each(lambda r: f"{r['monitor'].peak:,}")),
        ("early_drop (flows evicted)", *each(lambda r: f"{r['monitor'].early_drop:,}")),
        ("drop (packets dropped)", *each(lambda r: f"{r['monitor'].drop:,}")),
        ("flood flows answered", *each(flood)),
        ("bystander answers lost", *each(answers)),
        ("time from trigger to rule", "-", reaction),
    ]


def print_table(rows):
    print(f"\n{'':28}{'without ctguard':>22}{'with ctguard':>22}")
    for row in rows:
        print(f"{row[0]:28}{row[1]:>22}{row[2]:>22}")


def print_chart(folder, limit):
    columns = min(100, shutil.get_terminal_size((80, 24)).columns)
    settings = f"folder='{folder}'; limit={limit}; columns={columns}; rows=22"
    here = os.path.dirname(os.path.abspath(__file__))
    result = subprocess.run(["gnuplot", "-e", settings, os.path.join(here, "chart.gp")],
                            capture_output=True, text=True, check=False)
    if result.returncode:
        raise Failure(f"gnuplot: {result.stderr.strip()}")
    print(result.stdout)


def print_guard_story(folder):
    print("what ctguard said:")
    with open(f"{folder}/ctguard.log", encoding="utf-8") as log:
        for line in log:
            print("  " + line.rstrip())
    print("\nits rules, as nft listed them during the flood:")
    with open(f"{folder}/ruleset.nft", encoding="utf-8") as rules:
        for line in rules:
            print("  " + line.rstrip())


def judge(without, with_guard):
    """What went wrong, as sentences; empty if the demonstration shows what it should."""
    wrong = []
    lost = with_guard["flood"]["sent"] - with_guard["flood"]["answered"]
    if not first_event(with_guard, "engage"):
        wrong.append("ctguard never engaged")
    if with_guard["monitor"].early_drop or with_guard["monitor"].drop:
        wrong.append("with ctguard the table overflowed")
    if lost_answers(with_guard):
        wrong.append("with ctguard the bystander lost answers")
    if lost or with_guard["flood"]["errors"]:
        wrong.append(f"with ctguard {lost} flows of the flood were not answered")
    if not without["monitor"].early_drop + without["monitor"].drop:
        wrong.append("without ctguard the table did not overflow: nothing was shown")
    return wrong


def plan_flood():
    """How many new flows it takes; fails where this machine's table is too large to fill in time."""
    with open("/proc/sys/net/netfilter/nf_conntrack_max", encoding="ascii") as value:
        limit = int(value.read())
    count = int(limit * OVERFILL)
    if count > FASTEST_RATE * FLOOD_SECONDS:
        most = int(FASTEST_RATE * FLOOD_SECONDS / OVERFILL)
        raise Failure(f"nf_conntrack_max is {limit:,}: this demonstration fills at most {most:,}")
    return limit, count


def demonstrate(build):
    folder = os.path.join(build, "demo")
    os.makedirs(folder, exist_ok=True)
    limit, count = plan_flood()
    print(f"The table holds {limit:,} entries. {count:,} new UDP flows come within {FLOOD_SECONDS} s"
          f" to udp/{SERVICE_PORT}.\nThe server itself asks {QUESTIONS_PER_SECOND} questions a second;"
          " their answers come 1 s later.\n")
    lab = Lab(build)
    try:
        without = run_once(lab, folder, count, guarded=False)
        with_guard = run_once(lab, folder, count, guarded=True)
    finally:
        lab.close()
    print_chart(folder, limit)
    print_guard_story(folder)
    print_table(table_rows(without, with_guard))
    print(f"\nchart: {folder}/report.svg")
    wrong = judge(without, with_guard)
    for sentence in wrong:
        print(f"demo: {sentence}", file=sys.stderr)
    return 1 if wrong else 0


def main():
    try:
        return demonstrate(sys.argv[1])
    except (Failure, OSError) as failure:
        print(f"\ndemo: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
