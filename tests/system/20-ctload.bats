#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2030,SC2031 # each test is a subshell
# ctload against ctserve and against servers that misbehave.

bats_require_minimum_version 1.5.0

setup() {
	load lib
	hosts
}

# settled HOST: whether all its IPv6 addresses can be used. Neighbours of addresses that only a
# route makes local are asked for from the link-local one, which duplicate address
# detection holds back for a second.
settled() {
	[ -z "$(ip -n "$1" -6 addr show tentative)" ]
}

teardown() {
	aftermath
	ip netns del server
	ip netns del client
}

# serve SERVICE=LISTENER...: ctserve on the server host.
serve() {
	background ip netns exec server ctserve "$@"
	wait_until 30 grep -q serving "$BATS_TEST_TMPDIR/$pid.err"
}

# python_server PROGRAM: a server in python that prints "ready".
python_server() {
	background ip netns exec server /usr/bin/python3 -u -c "$1"
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$pid.out"
}

# result FILTER: what jq finds in the last line of $output.
result() {
	jq -r "$1" <<<"${lines[-1]}"
}

# load_json ARGUMENTS...: ctload on the client host, its result in $output.
load_json() {
	run --separate-stderr on client ctload "$@" --json
}

# load_all ARGUMENTS...: the same, again if it says that something held it up at the end of its time.
load_all() {
	local attempt
	for attempt in {1..10}; do
		load_json "$@"
		[ "$(result .complete)" != true ] || break
	done
}

@test "flows are new ones: each has an entry of its own in the server's table" {
	tracked server
	serve echo=udp/9000
	load_json flows udp/10.77.0.1:9000 --count 5000 --rate 20k --window 200 --wait 30s --source 10.78.0.0/24
	[ "$status" -eq 0 ]
	[ "$(result '.sent, .answered, .lost' | xargs)" = "5000 5000 0" ]
	[ "$(entries server)" -eq 5000 ]
}

@test "flows over IPv6 come from every address of a prefix" {
	wait_until 30 settled client
	tracked server
	serve echo=udp/9000
	load_json flows 'udp/[fd77::1]:9000' --count 3000 --rate 20k --window 200 --wait 30s --source fd78::/64
	[ "$status" -eq 0 ]
	[ "$(result '.sent, .answered' | xargs)" = "3000 3000" ]
	on server conntrack -L -f ipv6 -p udp -o extended 2>/dev/null |
		grep -o 'src=fd78:[^ ]*' | sort -u >"$BATS_TEST_TMPDIR/sources"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/sources")" -eq 3000 ]
}

@test "flows without a source use a port each" {
	tracked server
	serve echo=udp/9000
	load_json flows udp/10.77.0.1:9000 --count 1000 --rate 5k --window 200 --wait 30s
	[ "$status" -eq 0 ]
	[ "$(result .answered)" -eq 1000 ]
	[ "$(entries server)" -eq 1000 ]
}

@test "TCP flows are handshakes, and a refused one is not lost" {
	tracked server
	serve echo=tcp/9000
	load_json flows tcp/10.77.0.1:9000 --count 1000 --rate 5k --wait 30s --source 10.78.0.0/28
	[ "$status" -eq 0 ]
	[ "$(result '.sent, .answered, .lost, .refused' | xargs)" = "1000 1000 0 0" ]
	[ "$(on server conntrack -L -p tcp 2>/dev/null | wc -l)" -eq 1000 ]
	load_json flows tcp/10.77.0.1:9001 --count 100 --rate 5k --wait 30s
	[ "$status" -eq 0 ]
	[ "$(result '.sent, .answered, .lost, .refused, .errors.ECONNREFUSED' | xargs)" = "100 0 0 100 100" ]
}

@test "the rate is exact" {
	serve discard=udp/9000
	local attempt
	for attempt in {1..10}; do
		load_json flows udp/10.77.0.1:9000 --count 20k --rate 10k --source 10.78.0.0/16 --wait 10ms
		[ "$status" -eq 0 ]
		[ "$(result .late)" -gt 0 ] || break
	done
	# A machine that is busy may hold the sender up; then it says so, and there is nothing to judge.
	[ "$(result .late)" -eq 0 ] || skip "the sender was held up by other work, each of ten times"
	[ "$(result '.rate > 9900 and .rate < 10100')" = true ]
}

@test "answers that do not come are lost, those that come twice count once" {
	python_server '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 1 << 22)
s.bind(("10.77.0.1", 9000))
print("ready")
n = 0
while True:
    data, peer = s.recvfrom(2048)
    n += 1
    if n % 2 == 0:
        s.sendto(data, peer)
        s.sendto(data, peer)
        s.sendto(bytes([data[0] ^ 1]) + data[1:], peer)
'
	load_json flows udp/10.77.0.1:9000 --count 400 --rate 5k --wait 5s --source 10.78.0.0/22
	[ "$status" -eq 0 ]
	[ "$(result '.sent, .answered, .lost' | xargs)" = "400 200 200" ]
	[ "$(result '.duplicates, .unexpected' | xargs)" = "200 200" ]
	load_all echo udp 10.77.0.1:9000 --rate 800 --duration 500ms --wait 5s
	[ "$status" -eq 0 ]
	[ "$(result '.sent, .received, .lost' | xargs)" = "400 200 200" ]
	[ "$(result '.duplicates, .unexpected' | xargs)" = "200 200" ]
}

@test "a window bounds what is unanswered" {
	python_server '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.77.0.1", 9000))
s.settimeout(0.2)
print("ready")
n = 0
try:
    while True:
        s.recvfrom(2048)
        n += 1
except TimeoutError:
    pass
'
	# Nothing answers: 10 flows, then 10 more each time that those are given up.
	load_json flows udp/10.77.0.1:9000 --count 50 --rate 100k --window 10 --wait 300ms
	[ "$status" -eq 0 ]
	[ "$(result '.sent, .lost' | xargs)" = "50 50" ]
	[ "$(result '.seconds > 1.1 and .seconds < 15')" = true ]
}

@test "a time limit ends a run that would take longer, and says so" {
	serve echo=udp/9000
	load_json flows udp/10.77.0.1:9000 --count 1M --rate 1k --duration 500ms --wait 30s --source 10.78.0.0/16
	[ "$status" -eq 0 ]
	[ "$(result .complete)" = false ]
	[ "$(result '(.sent >= 450 or .late > 0) and .sent <= 502 and .sent == .answered')" = true ]
	[[ $stderr == *"time was over"* ]]
}

@test "what cannot be sent is an error by its name and not a loss" {
	serve echo=udp/9000
	on client nft -f - <<-'NFT'
		table inet deny {
			chain output {
				type filter hook output priority filter
				ip saddr 10.78.0.0/31 drop
			}
		}
	NFT
	load_json flows udp/10.77.0.1:9000 --count 1000 --rate 10k --window 100 --wait 30s --source 10.78.0.0/30
	[ "$status" -eq 0 ]
	[ "$(result '.sent, .answered, .lost, .errors.EPERM' | xargs)" = "500 500 0 500" ]
	load_all echo udp 10.77.0.1:9000 --flows 4 --rate 1k --duration 1s --wait 30s --source 10.78.0.0/30
	[ "$(result '.sent, .received, .lost, .errors.EPERM' | xargs)" = "500 500 0 500" ]
	load_json flows udp/10.77.0.1:9000 --count 100 --rate 10k --source 10.78.0.0/31
	[ "$status" -eq 1 ]
	[ "$(result '.sent, .errors.EPERM' | xargs)" = "0 100" ]
}

@test "public, documentation and unspecified targets are refused" {
	for target in 8.8.8.8 192.0.2.1 100.64.0.1 0.0.0.0 '[2001:db8::1]' '[::]' '[::ffff:8.8.8.8]'; do
		run --separate-stderr on client ctload flows "udp/$target:53" --count 1
		[ "$status" -eq 2 ]
		[ -z "$output" ]
		[[ $stderr == *"--allow-public"* ]]
	done
	# Allowed, it is tried: there is no route from here.
	load_json flows udp/192.0.2.1:53 --count 1 --allow-public
	[ "$status" -eq 1 ]
	[ "$(result .errors.ENETUNREACH)" -eq 1 ]
}

@test "a source that is not local is refused before anything is sent" {
	for source in 10.99.0.0/16 fd99::/64; do
		target=10.77.0.1
		[ "$source" = 10.99.0.0/16 ] || target='[fd77::1]'
		run --separate-stderr on client ctload flows "udp/$target:9000" --source "$source"
		[ "$status" -eq 1 ]
		[[ $stderr == *"ip route add local $source"* ]]
	done
}

@test "bad command lines are refused with the value and the cause" {
	while IFS='|' read -r arguments words; do
		# shellcheck disable=SC2086 # a list of words
		run --separate-stderr ctload $arguments
		echo "ctload $arguments: $status $stderr"
		[ "$status" -eq 2 ]
		[ -z "$output" ]
		[[ $stderr == *"$words"* ]]
	done <<-'CASES'
		|which mode
		bogus|"bogus" is not a mode
		echo|whom to load
		echo sctp 127.0.0.1:9|"sctp" is not udp or tcp
		echo udp 127.0.0.1:9 more|"more"
		echo udp tcp/127.0.0.1:9|is not udp
		echo udp 127.0.0.1:9 --rate 1 --window 1|not both
		echo udp 127.0.0.1:9 --size 23|"23" is out of range
		echo udp 127.0.0.1:9 --count 1|count
		echo udp 127.0.0.1:9 --processes 0|"0" is out of range
		echo udp 127.0.0.1:9 --processes 3 --flows 2|3 processes want as many --flows at least, not 2
		echo udp 127.0.0.1:9 --processes 3 --flows 3 --window 2|3 processes want a --window of as many at least, not 2
		flows 127.0.0.1:9|lacks its protocol
		flows udp/9000|lacks an address
		flows udp/localhost:9|"udp/localhost:9"
		flows udp/127.0.0.1:9-10|"udp/127.0.0.1:9-10"
		flows udp/127.0.0.1:9 --count 0|"0" is out of range
		flows udp/127.0.0.1:9 --count 64513|64512
		flows udp/127.0.0.1:9 --rate many|"many" is not a count
		flows udp/127.0.0.1:9 --wait 2h|"2h" is out of range
		flows udp/127.0.0.1:9 --source 10.0.0.1/8|"10.0.0.1/8"
		flows udp/127.0.0.1:9 --source fd00::/64|not both IPv4
		hold udp/127.0.0.1:9 --path-prefix /foo/|/foo/
		hold udp/127.0.0.1:9 --lease 5m1s|lease
		hold sctp/127.0.0.1:9|sctp
		hold 127.0.0.1:9 --connections 1M|ip_local_port_range
		hold 127.0.0.1:9 --path-prefix test|"test"
		hold 127.0.0.1:9 --bogus|bogus
	CASES
}

@test "an echo brings back every message, over UDP and TCP, IPv4 and IPv6" {
	wait_until 30 settled client
	serve echo=udp/9000 echo=tcp/9000
	for proto in udp tcp; do
		for target in 10.77.0.1:9000 '[fd77::1]:9000'; do
			load_all echo $proto "$target" --rate 2k --duration 500ms --wait 30s --flows 10 --size 1000
			[ "$status" -eq 0 ]
			[ "$(result '.sent, .received, .lost' | xargs)" = "1000 1000 0" ]
			[ "$(result '.latency_us | .p50 > 0 and .p50 <= .p99 and .p99 <= .p99_9 and .p99_9 <= .max')" = true ]
		done
		load_json echo $proto 10.77.0.1:9000 --window 20 --duration 500ms --wait 30s --size 20k
		[ "$(result '.sent == .received and .received > 20')" = true ]
	done
}

@test "latency counts from the time when a message should have been sent" {
	# Stands still for 300 ms: a closed loop would hide that, an open one must show it.
	python_server '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 1 << 22)
s.bind(("10.77.0.1", 9000))
print("ready")
n = 0
while True:
    data, peer = s.recvfrom(2048)
    n += 1
    if n == 100:
        time.sleep(0.3)
    s.sendto(data, peer)
'
	load_all echo udp 10.77.0.1:9000 --rate 1k --duration 1s --wait 30s
	[ "$status" -eq 0 ]
	[ "$(result .received)" -eq 1000 ]
	# The 300 messages of the pause waited 150 ms on average: a share of 30 % of all.
	[ "$(result '.latency_us.p90 > 150000 and .latency_us.max >= 290000')" = true ]
}

@test "a sender that was held up says so, and does not hide it in the latency" {
	serve echo=udp/9000
	background ip netns exec client ctload echo udp 10.77.0.1:9000 --rate 1k --duration 5s --wait 30s --json
	wait_until 60 has_line "$BATS_TEST_TMPDIR/$pid.err" received
	# the process that sends, not the one that reports
	sender=$(pgrep -P "$pid")
	kill -STOP "$sender"
	elapse 300
	kill -CONT "$sender"
	wait "$pid"
	# Sent at once when it went on: all came back fast, but up to 300 ms after they were due.
	run cat "$BATS_TEST_TMPDIR/$pid.out"
	[ "$(result '.sent == .received and (.sent == 5000 or .complete == false)')" = true ]
	[ "$(result '.late > 200 and .latency_us.max > 290000')" = true ]
	has_line "$BATS_TEST_TMPDIR/$pid.err" "could not keep the rate"
}

@test "a TCP server that changes what it echoes is found out" {
	python_server '
import socket
s = socket.create_server(("10.77.0.1", 9000))
print("ready")
while True:
    c, _ = s.accept()
    while data := c.recv(65536):
        c.sendall(bytes(b ^ 1 for b in data))
'
	load_json echo tcp 10.77.0.1:9000 --rate 100 --duration 500ms --wait 100ms
	[ "$(result '.received, .unexpected' | xargs)" = "0 1" ]
	[ "$(result '.sent == .lost and .sent > 0')" = true ]
}

@test "feeds are held by as many processes as descriptors ask for" {
	serve -i 250ms feed=tcp/8080
	run --separate-stderr on client bash -c '
		ulimit -n 500
		ctload hold 10.77.0.1:8080 --connections 2000 --rate 4k --duration 3s --wait 60s --json'
	[ "$status" -eq 0 ]
	[ "$(result '.asked, .opened, .failed, .closed_early' | xargs)" = "2000 2000 0 0" ]
	[ "$(result '.processes >= 4')" = true ]
	[ "$(result '.chunks >= 2000')" = true ]
	[ "$(result .fed)" = 2000 ]
	[ "$(result '.open_seconds > 0.4')" = true ]
}

@test "feeds come from every source address, IPv4 and IPv6" {
	wait_until 30 settled client
	serve feed=tcp/8080
	background ip netns exec client ctload hold 10.77.0.1:8080 --connections 64 --duration 300s --source 10.78.0.0/28
	v4=$pid
	background ip netns exec client ctload hold '[fd77::1]:8080' --connections 64 --duration 300s --source fd78::/124
	wait_until 30 feeds_of server 128
	on server ss -Htn state established sport = :8080 |
		awk '{ sub(/:[0-9]+$/, "", $4); print $4 }' | sort | uniq -c >"$BATS_TEST_TMPDIR/peers"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/peers")" -eq 32 ]
	[ "$(awk '{ print $1 }' "$BATS_TEST_TMPDIR/peers" | sort -u)" -eq 4 ]
	kill "$pid" "$v4"
}

# feeds_of HOST N: whether N connections to its port 8080 are established.
feeds_of() {
	[ "$(on "$1" ss -Htn state established sport = :8080 | wc -l)" -eq "$2" ]
}

@test "what the server sent is what the client counted" {
	python_server '
import socket, threading
s = socket.create_server(("10.77.0.1", 8080), backlog=200)
print("ready")
def feed(c):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += c.recv(1024)
    assert head.startswith(b"GET /test/") and b"\r\nHost: 10.77.0.1:8080\r\n" in head
    c.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    text = b"welcome\nChunk 1\nChunk 2\nnot a Chunk\nChunk 3\n"
    for i in range(0, len(text), 5):
        part = text[i:i + 5]
        for byte in b"%x\r\n%s\r\n" % (len(part), part):
            c.sendall(bytes([byte]))
    c.recv(1)
while True:
    threading.Thread(target=feed, args=(s.accept()[0],), daemon=True).start()
'
	load_json hold 10.77.0.1:8080 --connections 20 --duration 4s --wait 60s
	[ "$status" -eq 0 ]
	# A chunk of 5 bytes is 10 with its framing; the text of 44 bytes makes 8 of them and one of 4.
	[ "$(result '.opened, .chunks, .bytes' | xargs)" = "20 60 $((20 * (47 + 8 * 10 + 9)))" ]
}

@test "feeds that end before their time, fail or are not feeds are told apart" {
	python_server '
import itertools, socket
s = socket.create_server(("10.77.0.1", 8080), backlog=200)
print("ready")
kept = []
for n in itertools.count():
    c, _ = s.accept()
    c.recv(1024)
    if n % 4 == 0:
        c.sendall(b"HTTP/1.1 200 OK\r\n\r\nChunk 1\n")
        kept.append(c)
    elif n % 4 == 1:
        c.sendall(b"HTTP/1.1 200 OK\r\n\r\nChunk 1\n")
        c.close()
    elif n % 4 == 2:
        c.sendall(b"HTTP/1.1 503 Full\r\nContent-Length: 0\r\n\r\n")
        c.close()
    else:
        kept.append(c)
'
	load_json hold 10.77.0.1:8080 --connections 40 --rate 200 --duration 1s --wait 5s
	[ "$status" -eq 0 ]
	[ "$(result '.opened, .failed, .closed_early, .fed, .chunks' | xargs)" = "20 20 10 20 20" ]
	[ "$(result '.errors.EBADMSG, .errors.ETIMEDOUT' | xargs)" = "10 10" ]
	load_json hold 10.77.0.1:8081 --connections 10
	[ "$status" -eq 1 ]
	[ "$(result '.opened, .failed, .errors.ECONNREFUSED' | xargs)" = "0 10 10" ]
}

# has_line FILE PATTERN
has_line() {
	grep -q "$2" "$1"
}

@test "a signal ends a run with the result so far, and its processes with it" {
	serve feed=tcp/8080 echo=udp/9000
	for signal in INT TERM; do
		expected=$((128 + $(kill -l $signal)))
		background ip netns exec client env --default-signal=INT ctload hold 10.77.0.1:8080 --connections 3000 --rate 6k --duration 300s --wait 60s --json
		wait_until 60 has_line "$BATS_TEST_TMPDIR/$pid.err" "opened 3000"
		pgrep -P "$pid" >"$BATS_TEST_TMPDIR/children"
		[ "$(wc -l <"$BATS_TEST_TMPDIR/children")" -ge 1 ]
		kill -$signal "$pid"
		status=0
		wait "$pid" || status=$?
		[ "$status" -eq "$expected" ]
		[ "$(jq '.opened == 3000 and .complete == false' "$BATS_TEST_TMPDIR/$pid.out")" = true ]
		wait_until 30 gone "$BATS_TEST_TMPDIR/children"
	done
	background ip netns exec client env --default-signal=INT ctload flows udp/10.77.0.1:9000 --count 60k --rate 1k --json
	wait_until 60 has_line "$BATS_TEST_TMPDIR/$pid.err" "sent"
	kill -INT "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 130 ]
	[ "$(jq '.sent > 0 and .sent == .answered + .lost + .outstanding' "$BATS_TEST_TMPDIR/$pid.out")" = true ]
}

# gone FILE: whether none of the processes that FILE lists runs any more.
gone() {
	local child
	while read -r child; do
		# A zombie has ended; who adopted it has not looked yet.
		! grep -qs '^State:.[^Z]' "/proc/$child/status" || return 1
	done <"$1"
}

@test "children end when their parent is killed" {
	serve feed=tcp/8080
	background ip netns exec client ctload hold 10.77.0.1:8080 --connections 3000 --rate 6k --duration 300s --wait 60s
	wait_until 60 has_line "$BATS_TEST_TMPDIR/$pid.err" "opened 3000"
	pgrep -P "$pid" >"$BATS_TEST_TMPDIR/children"
	kill -KILL "$pid"
	wait_until 30 gone "$BATS_TEST_TMPDIR/children"
}

@test "a process that is killed is missed" {
	serve feed=tcp/8080
	background ip netns exec client ctload hold 10.77.0.1:8080 --connections 3000 --rate 6k --duration 300s --wait 60s
	wait_until 60 has_line "$BATS_TEST_TMPDIR/$pid.err" "opened 3000"
	kill -KILL "$(pgrep -P "$pid" | head -n 1)"
	# Not after a minute: what is left is not the load that was asked for.
	wait_until 60 has_line "$BATS_TEST_TMPDIR/$pid.err" "processes ended before"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 1 ]
	grep -q "1 of . processes ended before their time" "$BATS_TEST_TMPDIR/$pid.err"
}

# said_each_second: a run of two and a half seconds says so far twice, unless it is held up.
said_each_second() {
	run --separate-stderr on client ctload echo udp 10.77.0.1:9000 --rate 100 --duration 2500ms
	[ "$(grep -c 'sent .*received' <<<"$stderr")" -eq 2 ]
}

@test "the processes of an echo keep the rate together, and their counts add up" {
	serve -w 1 echo=udp/9000 echo=tcp/9000
	background on server ctserve -w 1 -j echo=udp/9001 echo=tcp/9001
	counted=$pid
	wait_until 30 grep -q serving "$BATS_TEST_TMPDIR/$counted.err"
	sent=0
	for proto in udp tcp; do
		load_json echo $proto 10.77.0.1:9001 --rate 2k --duration 1s --wait 30s --flows 7 --processes 3 --size 100
		[ "$status" -eq 0 ]
		[ "$(result .processes)" -eq 3 ]
		[ "$(result '.sent == .received and (.sent == 2000 or .complete == false)')" = true ]
		[ "$(result '.latency_us | .p50 > 0 and .p50 <= .p99 and .p99 <= .max')" = true ]
		sent=$((sent + $(result .sent)))
		load_json echo $proto 10.77.0.1:9001 --window 5 --duration 300ms --wait 30s --flows 5 --processes 2 --size 100
		[ "$status" -eq 0 ]
		[ "$(result '.sent == .received and .sent > 0 and .processes == 2')" = true ]
		sent=$((sent + $(result .sent)))
	done
	kill "$counted"
	wait "$counted"
	# what all processes say they sent is what the server has seen
	[ "$(jq '.udp_packets_in * 100 + .tcp_bytes_in' "$BATS_TEST_TMPDIR/$counted.out")" -eq $((sent * 100)) ]
}

@test "an echo is spread over processes as descriptors, flows and the load ask for" {
	serve echo=udp/9000
	run --separate-stderr on client bash -c 'ulimit -n 60; ctload echo udp 10.77.0.1:9000 --flows 100 --rate 200 --duration 1s --wait 30s --json'
	[ "$status" -eq 0 ]
	[ "$(result '.processes == 4 and .sent == .received')" = true ]
	load_json echo udp 10.77.0.1:9000 --flows 100 --rate 200 --duration 100ms --wait 30s
	[ "$(result .processes)" -eq 1 ]
	load_json echo udp 10.77.0.1:9000 --flows 100 --window 100 --duration 100ms --wait 30s
	cpus=$(nproc --all)
	[ "$(result .processes)" -le $((cpus < 100 ? cpus : 100)) ]
	[ "$(result .processes)" -ge $((cpus > 1 ? 2 : 1)) ]
}

@test "an echo that loses a process says so, ends, and counts what that one did" {
	serve echo=udp/9000
	background on client ctload echo udp 10.77.0.1:9000 --rate 500 --flows 4 --processes 2 --duration 300s --wait 30s --json
	wait_until 60 has_line "$BATS_TEST_TMPDIR/$pid.err" received
	kill -KILL "$(pgrep -P "$pid" | head -n 1)"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 1 ]
	has_line "$BATS_TEST_TMPDIR/$pid.err" "1 of 2 processes ended before their time"
	run cat "$BATS_TEST_TMPDIR/$pid.out"
	[ "$(result '.complete == false and .processes == 2')" = true ]
	[ "$(result '.sent == .received + .lost + .outstanding and .sent > 0')" = true ]
}

@test "Ctrl-C ends the processes of an echo, with the result so far" {
	serve echo=udp/9000
	background on client env --default-signal=INT ctload echo udp 10.77.0.1:9000 --rate 500 --flows 4 --processes 2 --duration 300s --wait 30s --json
	wait_until 60 has_line "$BATS_TEST_TMPDIR/$pid.err" received
	pgrep -P "$pid" >"$BATS_TEST_TMPDIR/children"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/children")" -eq 2 ]
	# the parent alone, as by kill; a terminal signals the children, too
	kill -INT "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 130 ]
	[ "$(jq '.sent > 0 and .complete == false and .sent == .received + .lost + .outstanding' "$BATS_TEST_TMPDIR/$pid.out")" = true ]
	[ "$(grep -c 'ended before' "$BATS_TEST_TMPDIR/$pid.err")" -eq 0 ]
	wait_until 30 gone "$BATS_TEST_TMPDIR/children"
}

@test "every second has a line on stderr, but for --quiet" {
	serve echo=udp/9000
	wait_until 60 said_each_second
	run --separate-stderr on client ctload echo udp 10.77.0.1:9000 --rate 100 --duration 1500ms --quiet
	[ "$(grep -c received <<<"$stderr")" -eq 0 ]
}

@test "text and JSON are of the shape that the manual gives" {
	serve echo=udp/9000 feed=tcp/8080
	load_json flows udp/10.77.0.1:9000 --count 10 --wait 30s
	[ "$(result 'keys_unsorted[0], .metainfo.program, .mode' | xargs)" = "metainfo ctload flows" ]
	[ "$(result '[.sent, .answered, .rate, .seconds] | map(type) | unique[]')" = number ]
	[ "$(result '.errors == {}')" = true ]
	run --separate-stderr on client ctload flows udp/10.77.0.1:9000 --count 10 --wait 30s --quiet
	[[ ${lines[0]} == "New flows to udp/10.77.0.1:9000: 10 asked, 1000/s" ]]
	[[ $output == *"Answered     10  (100.00%)"* ]]
	run --separate-stderr on client ctload hold 10.77.0.1:8080 --connections 5 --duration 100ms --quiet
	[[ $output == *"Opened       5  (100.00%"* ]]
	run --separate-stderr on client ctload echo udp 10.77.0.1:9000 --rate 100 --duration 200ms --quiet
	[[ $output == *"Latency      p50 "*" max "* ]]
}

@test "a result that cannot be printed is told" {
	local mode
	for mode in "" --json; do
		run --separate-stderr on client bash -c "ctload flows -q -n 1 --wait 100ms $mode udp/127.0.0.1:9 >/dev/full"
		[ "$status" -eq 1 ]
		[ "$stderr" = "ctload: the run is over, but its result cannot be written: No space left on device" ]
	done
}
