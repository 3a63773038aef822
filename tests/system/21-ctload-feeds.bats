#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # tests are subshells; $pid and $server come from lib
# ctload hold over UDP: against ctserve, on bad ways, and against servers that misbehave.
bats_require_minimum_version 1.5.0
load lib
load ctserve

# load_json ARGUMENTS...: ctload on the client host, its result in $output.
load_json() {
	run --separate-stderr on client ctload "$@" --json
}

result() { # FILTER
	jq -r "$1" <<<"${lines[-1]}"
}

# hold ARGUMENTS...: holds feeds of port 9000 in the background; its pid is in $holder.
hold() {
	background on client ctload hold --json udp/10.77.0.1:9000 "$@"
	holder=$pid
}

opened() { # [COUNT]
	wait_until 60 grep -q "opened ${1:-50} " "$BATS_TEST_TMPDIR/$holder.err"
}

# ends STATUS: waits for it; its result is in $lines.
ends() {
	local status=0
	wait "$holder" || status=$?
	[ "$status" -eq "$1" ]
	mapfile -t lines <"$BATS_TEST_TMPDIR/$holder.out"
}

@test "feeds open, have their chunks, and are cancelled, over IPv4 and IPv6" {
	hosts
	wait_until 30 settled
	serve_on server -w 2 -i 100ms feed=udp/9000
	for target in '10.77.0.1:9000 --source 10.78.0.0/28' '[fd77::1]:9000 --source fd78::/124'; do
		# shellcheck disable=SC2086 # words
		load_json hold udp/$target --connections 500 --rate 5k --duration 1s --wait 60s
		[ "$status" -eq 0 ]
		[ "$(result '.opened, .failed, .closed_early, .unexpected, .duplicates' | xargs)" = "500 0 0 0 0" ]
		[ "$(result '.chunks + .lost >= 500 and .fed <= 500 and .open_seconds > 0.09')" = true ]
		wait_until 30 counter_is subscribers -eq 0
	done
	[ "$(counter subscriptions)" -eq 1000 ]
	[ "$(counter frames_bad)" -eq 0 ]
}

# Neighbours of addresses that only a route makes local are asked for from the link-local one.
settled() {
	[ -z "$(ip -n client -6 addr show tentative)" ]
}

@test "leases are renewed, however seldom there is a chunk" {
	hosts
	for interval in 100ms 1h; do
		serve_on server -w 1 -i $interval feed=udp/9000
		load_json hold udp/10.77.0.1:9000 --connections 20 --duration 13s --lease 6s
		[ "$status" -eq 0 ]
		[ "$(result '.opened, .closed_early, .restarted' | xargs)" = "20 0 0" ]
		stop
		[ "$(counter subscriptions)" -eq 20 ]
	done
}

@test "what is lost on the way is counted, and what opens a feed is asked for again" {
	hosts
	serve_on server -w 1 -i 20ms feed=udp/9000
	on client nft -f - <<-'NFT'
		table inet bad {
			counter lost { }
			chain input {
				type filter hook input priority filter
				udp sport 9000 @th,64,48 0x4368756e6b20 numgen inc mod 7 == 0 counter name lost drop
				udp sport 9000 @th,64,48 0x63746b697420 numgen inc mod 2 == 0 drop
			}
		}
	NFT
	load_json hold udp/10.77.0.1:9000 --connections 50 --duration 2s --wait 60s
	[ "$status" -eq 0 ]
	[ "$(result '.opened, .failed' | xargs)" = "50 0" ]
	lost=$(result .lost)
	dropped=$(on client nft -j list counter inet bad lost | jq '.nftables[1].counter.packets')
	# What was dropped at the very end is not known to be lost.
	[ "$lost" -gt 100 ]
	[ $((lost + $(result .overruns))) -le $((dropped + $(result .overruns) * 2)) ]
	[ $((lost + 2 * 50)) -ge "$dropped" ]
	[ "$(result '.restarted, .duplicates, .unexpected' | xargs)" = "0 0 0" ]
}

@test "a server that ends says so, and one that is killed is missed" {
	hosts
	# Each learns that nobody is there any more.
	on server sysctl -q -w net.ipv4.icmp_ratelimit=0
	on server sysctl -q -w net.ipv4.icmp_msgs_per_sec=10000 net.ipv4.icmp_msgs_burst=1000 2>/dev/null || true
	serve_on server -w 1 -i 100ms feed=udp/9000
	hold --connections 50 --duration 60s
	opened
	stop
	ends 0
	[ "$(result '.opened, .closed_early' | xargs)" = "50 50" ]
	[ "$(result '.errors | length')" -eq 0 ]
	serve_on server -w 1 -i 100ms feed=udp/9000
	hold --connections 20 --duration 60s --lease 6s
	opened 20
	# At once: a worker that outlives its supervisor says goodbye.
	local all
	all="$server $(workers | xargs)"
	# shellcheck disable=SC2086 # words
	kill -STOP $all
	# shellcheck disable=SC2086
	kill -9 $all
	ends 0
	[ "$(result '.opened, .closed_early, .errors.ECONNREFUSED' | xargs)" = "20 20 20" ]
	load_json hold udp/10.77.0.1:9000 --connections 10
	[ "$status" -eq 1 ]
	[ "$(result '.opened, .failed, .errors.ECONNREFUSED' | xargs)" = "0 10 10" ]
}

@test "a server that does not answer is given up" {
	hosts
	on server nft 'table inet deaf { chain input { type filter hook input priority filter; udp dport 9000 drop; }; }'
	load_json hold udp/10.77.0.1:9000 --connections 10 --wait 1s
	[ "$status" -eq 1 ]
	[ "$(result '.opened, .failed, .errors.ETIMEDOUT' | xargs)" = "0 10 10" ]
}

@test "feeds go on when the server is started again within their leases" {
	hosts
	serve_on server -w 1 -i 50ms feed=udp/9000
	hold --connections 50 --duration 300s --lease 30s
	opened
	# shellcheck disable=SC2046 # words
	kill -9 "$server" $(workers)
	serve_on server -w 1 -i 50ms feed=udp/9000
	wait_until 90 counter_is subscribers -eq 50
	wait_until 30 counter_is chunks_sent -gt 500
	kill -INT "$holder"
	ends 130
	[ "$(result '.opened, .closed_early, .restarted' | xargs)" = "50 0 50" ]
	wait_until 30 counter_is subscribers -eq 0
}

@test "who is refused has failed" {
	hosts
	serve_on server -w 1 --per-source 10 -i 100ms feed=udp/9000
	load_json hold udp/10.77.0.1:9000 --connections 25 --duration 500ms --wait 60s
	[ "$status" -eq 0 ]
	[ "$(result '.opened, .failed, .errors.EUSERS' | xargs)" = "10 15 15" ]
}

@test "only what a feed says counts, once, and nothing makes a client answer without end" {
	hosts
	background on server /usr/bin/python3 -u -c '
import os, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.77.0.1", 9000))
s.settimeout(60)
print("ready")
hello, peer = s.recvfrom(2000)
assert hello == b"ctkit hello".ljust(63) + b"\n", hello
say = lambda text: s.sendto(text, peer)
say(b"ctkit cookie 0123456789ABCDEF\n")
say(b"ctkit cookie 0123456789abcdef\n")
line = s.recv(2000)
assert line == b"ctkit subscribe 0123456789abcdef 300 /test/0\n", line
say(b"ctkit welcomes you! Your Id: /test/0\n")
for number in (1, 2, 2, 5, 4, 4, 6, 3, 10):
    say(b"Chunk %d for id /test/0\n" % number)
strange = [b"", b"\n", b"x" * 9000, b"Chunk 0 for id /test/0\n", b"Chunk 7 for id /test/1\n", b"Chunk 7 for id /test/00\n",
           b"Chunk 99999 for id /test/0\n", b"Chunk %d for id /test/0\n" % 2**64, b"Chunk 7 for id /test/0", b"ctkit hello\n",
           b"ctkit subscribe 0123456789abcdef 1 /test/0\n", b"ctkit end", hello, b"ctkit refused\n\n"]
strange.remove(b"ctkit end")
for text in strange + [os.urandom(100) for _ in range(20)]:
    say(text)
for _ in range(100):
    say(b"ctkit cookie 0123456789abcdef\n")
print("said")
line = s.recv(2000)
assert line == b"ctkit cancel 0123456789abcdef\n", line
print("cancelled", len(strange))
'
	local python=$pid
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$python.out"
	hold --connections 1 --duration 60s --lease 300s
	wait_until 60 grep -q said "$BATS_TEST_TMPDIR/$python.out"
	wait_until 30 grep -q "chunks 7" "$BATS_TEST_TMPDIR/$holder.err"
	kill -INT "$holder"
	ends 130
	wait "$python"
	grep -q 'cancelled 13' "$BATS_TEST_TMPDIR/$python.out"
	# 7, 8 and 9 are lost.
	[ "$(result '.chunks, .lost, .duplicates, .restarted, .closed_early' | xargs)" = "7 3 2 0 0" ]
	# 13 that are strange, 20 of chance, a cookie in capitals, and 100 that nobody asked for.
	[ "$(result .unexpected)" -eq 134 ]
}
