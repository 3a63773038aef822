#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ctwatch where something is missing or in its way: readers that stall, answers that get lost.

bats_require_minimum_version 1.5.0
load lib
pid= # background's

setup() {
	ip link set lo up
	ip netns add box
	ip -n box link set lo up
	mkfifo "$BATS_TEST_TMPDIR/pipe"
}

teardown() {
	aftermath
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || :
	ip netns del box
}

# into_pipe COMMAND...: in the background, its output into the FIFO, which has fd 5 as its reader.
into_pipe() {
	exec 5<>"$BATS_TEST_TMPDIR/pipe"
	# shellcheck disable=SC2016
	background sh -c 'exec "$@" >"$0"' "$BATS_TEST_TMPDIR/pipe" "$@"
}

says() { # TEXT: on stderr
	grep -q -- "$1" "$BATS_TEST_TMPDIR/$pid.err"
}

is_program() { # PID NAME
	[ "$(cat "/proc/$1/comm")" = "$2" ]
}

@test "a reader that stalls holds up neither the end nor the metrics, and gets whole lines later" {
	into_pipe ip netns exec box ctwatch -j -i 10ms -m 127.0.0.1:9913
	wait_until 30 says "nobody reads the lines: some are skipped"
	on box curl -sf --max-time 10 http://127.0.0.1:9913/metrics | grep -q '^ctkit_conntrack_entries 0$'
	# What comes after the stall is whole, line for line.
	run timeout 10 head -n 200 <&5
	[ "$status" -eq 0 ]
	[ "$(jq -s length <<<"$output")" -eq 200 ]
	kill "$pid"
	wait "$pid"
	exec 5<&-
}

@test "told to stop while its reader stalls, it stops" {
	into_pipe ip netns exec box ctwatch -j -i 10ms
	wait_until 30 says "nobody reads the lines: some are skipped"
	kill "$pid"
	wait "$pid"
	exec 5<&-
}

@test "the last of --count lines arrives whole at a reader that is slow" {
	# A line longer than a pipe takes: of many namespaces.
	for i in $(seq 40); do
		ip netns add "n$i"
		on "n$i" ctfill -n -s "10.0.0.$i" 20
	done
	into_pipe ctwatch -j --netns all --count 2 --top 256 -i 10ms
	wait_until 30 is_program "$pid" ctwatch
	run timeout 10 head -n 2 <&5
	wait "$pid"
	exec 5<&-
	[ "$(jq -c '.tables | length' <<<"$output")" = $'42\n42' ]
	for i in $(seq 40); do
		ip netns del "n$i"
	done
}

@test "a reader that goes ends it in silence, but not who serves metrics" {
	run -0 bash -c 'ip netns exec box ctwatch -i 10ms | head -n 2'
	[ "${#lines[@]}" -eq 2 ]
	# shellcheck disable=SC2016
	background sh -c 'exec ip netns exec box ctwatch -j -i 10ms -m 127.0.0.1:9913 | head -n 1 >/dev/null'
	wait_until 30 says "cannot print lines any more: Broken pipe"
	on box curl -sf --max-time 10 http://127.0.0.1:9913/metrics | grep -q '^ctkit_conntrack_entries 0$'
	[ "$(wc -l <"$BATS_TEST_TMPDIR/$pid.err")" -eq 1 ]
}

@test "a disk that fills up ends the stream with the reason" {
	run -1 on box sh -c 'ctwatch -i 10ms >/dev/full'
	[ "$output" = "ctwatch: cannot write the output: No space left on device" ]
}

@test "an answer that is lost is asked for again, and counted" {
	command -v strace >/dev/null || skip "no strace (package strace)"
	on box ctfill -d 127.0.0.1 -P 9000 30000
	overruns=0
	# Whichever it is of the first 30 answers of 3 lines.
	for nth in $(seq 30); do
		on box env ASAN_OPTIONS=detect_leaks=0 strace -o /dev/null -e trace=recvmsg \
			-e inject=recvmsg:error=ENOBUFS:when="$nth" \
			ctwatch -j --count 3 -i 10ms >"$BATS_TEST_TMPDIR/out"
		jq -es 'length == 3 and all(.[].tables[]; .entries == 30000 and .sampled >= 2000 and
			.services[0].service == "udp/9000" and .counters.insert == 30000)' "$BATS_TEST_TMPDIR/out"
		overruns=$((overruns + $(jq -s '.[2].tables[0].netlink_overruns' "$BATS_TEST_TMPDIR/out")))
	done
	echo "$overruns answers lost were noticed"
	[ "$overruns" -ge 15 ]
}

@test "when answers stay lost, it goes on with what /proc says" {
	command -v strace >/dev/null || skip "no strace (package strace)"
	on box ctfill 1234
	run -0 --separate-stderr on box env ASAN_OPTIONS=detect_leaks=0 strace -o /dev/null -e trace=recvmsg \
		-e inject=recvmsg:error=ENOBUFS ctwatch -j --count 2 -i 10ms
	jq -es 'length == 2 and all(.[].tables[]; .entries == 1234 and .counters.insert == 1234 and .sampled == 0)' <<<"$output"
	jq -es '.[1].tables[0].netlink_overruns > 3' <<<"$output"
}

@test "when answers stay lost, a service that was asked for is said not to be counted" {
	command -v strace >/dev/null || skip "no strace (package strace)"
	on box ctfill 1234
	run -1 --separate-stderr on box env ASAN_OPTIONS=detect_leaks=0 strace -o /dev/null -e trace=recvmsg \
		-e inject=recvmsg:error=ENOBUFS ctwatch -q --once --service tcp/22
	[[ $output == *"1,234 of "* ]]
	[ "$stderr" = "ctwatch: --service: not counted: the kernel's answers were cut short" ]
}

@test "a limit that changes meanwhile is the limit" {
	echo 5000 >"$BATS_TEST_TMPDIR/max"
	# shellcheck disable=SC2016
	background on box unshare --mount sh -c 'mount --bind "$0" /proc/sys/net/netfilter/nf_conntrack_max &&
		exec setpriv --bounding-set=-all --inh-caps=-all ctwatch -j -i 20ms' "$BATS_TEST_TMPDIR/max"
	wait_until 30 grep -q '"limit":5000,' "$BATS_TEST_TMPDIR/$pid.out"
	echo 7000 >"$BATS_TEST_TMPDIR/max"
	wait_until 30 grep -q '"limit":7000,' "$BATS_TEST_TMPDIR/$pid.out"
	kill "$pid"
	wait "$pid"
}

# explained TEXT: whether a report has that line.
explained() {
	run -0 on box ctwatch --once
	echo "$output"
	[[ $output == *"$1"* ]]
}

@test "where nothing is tracked it says what would turn it on, and that does" {
	explained "not active in this network namespace: nothing is tracked
           There are no rules of nf_tables here.
           It comes with the first rule that needs it: nft's ct or nat, iptables'"
	on box nft 'add table inet fw; add chain inet fw in { type filter hook input priority 0; };
		add rule inet fw in counter; add rule inet fw in udp dport 9 drop'
	explained "Of the 2 rules of nf_tables here none needs it."
	on box nft 'add table ip nat { chain post { type nat hook postrouting priority srcnat; oifname "eth9" masquerade; }; }'
	explained "tracking:  active"
	[[ $output != *"It comes with"* ]]
}

@test "entries that were left over hide neither that nothing is tracked nor what would turn it on" {
	on box ctfill 300
	explained "not active in this network namespace: nothing is tracked (entries are left over)
           There are no rules of nf_tables here."
	[[ $output == *"300 of "* ]]
	[ "$(on box ctwatch --once -j | jq .tables[0].active)" = false ]
	run -0 on box ctwatch --count 1
	[[ $output == *"  not active  "* ]]
	on box nft 'add table inet fw; add chain inet fw in { type filter hook input priority 0; };
		add rule inet fw in ct state established accept'
	explained "tracking:  active"
	run -0 on box ctwatch --count 1
	[[ $output != *"active"* ]]
}

@test "rules that need tracking though a probe finds none are named" {
	on box nft 'add table ip6 six; add chain ip6 six in { type filter hook input priority 0; };
		add rule ip6 six in ct state established accept'
	explained "not known: only rules of IPv6 need it (table ip6 six); the probe went over IPv4"
	[ "$(on box ctwatch --once -j | jq .tables[0].active)" = null ]
	on box nft 'delete table ip6 six; add table inet fw; add chain inet fw in { type filter hook input priority 0; };
		add rule inet fw in ct state established accept;
		add table ip raw; add chain ip raw out { type filter hook output priority -300; };
		add rule ip raw out oifname lo notrack'
	explained "not known: rules need it (table inet fw), others exempt packets (table ip raw), maybe those of the probe"
}

@test "iptables' rules that need tracking are found by either tool" {
	command -v iptables-nft iptables-legacy >/dev/null || skip "no iptables-nft or iptables-legacy (package iptables)"
	on box iptables-nft -A INPUT -p udp --dport 9 -j DROP
	explained "Of the 1 rules of nf_tables here none needs it."
	on box iptables-nft -t raw -A OUTPUT -o lo -j CT --notrack
	on box iptables-nft -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
	explained "not known: rules need it (table ip filter), others exempt packets (table ip raw)"
	on box iptables-nft -F
	on box iptables-nft -t raw -F
	on box iptables-legacy -t filter -A INPUT -p udp --dport 9 -j DROP 2>/dev/null || skip "no iptables-legacy in this kernel"
	explained "There are tables of iptables-legacy (ip filter), which are not read here."
}

# counter NAME: what ctwatch tells of a kernel's counter.
counter() {
	jq ".tables[0].counters.$1" "$BATS_TEST_TMPDIR/out"
}

@test "a full table is told as that, and is not asked for room" {
	limit=$(cat /proc/sys/net/netfilter/nf_conntrack_max)
	[ "$limit" -le 300000 ] || skip "filling $limit entries takes too much memory"
	tracked box
	on box ctfill -t 600 "$limit"
	on box ctwatch --once --json >"$BATS_TEST_TMPDIR/out"
	jq -c '.tables[0] | [.entries, .active, .forecast, .counters]' "$BATS_TEST_TMPDIR/out"
	jq -e '.tables[0] | .forecast.outlook == "full" and .forecast.full_in_seconds == 0 and .active == null' "$BATS_TEST_TMPDIR/out"
	[ "$(counter drop)" -eq 0 ]
	[ "$(counter early_drop)" -eq 0 ]
	run on box ctwatch --once
	[[ $output == *"not known: the table is full, and a probe would push out an entry"* ]]
	# Who comes now pushes others out, which shows that it tracks.
	background on box ctwatch -i 200ms --json
	wait_until 30 grep -q '"entries"' "$BATS_TEST_TMPDIR/$pid.out"
	on box python3 -c 'import socket
for i in range(50):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9000))'
	wait_until 30 tells '.active == true'
	kill -INT "$pid"
	wait "$pid"
	# Where that made room for more than came, it is full all the same.
	jq -es 'map(.tables[0] | select(.counters_per_second.early_drop > 0)) | length > 0 and all(.forecast.outlook == "full")' \
		"$BATS_TEST_TMPDIR/$pid.out"
	pid=
}

tells() { # CONDITION: the last line of $pid does
	tail -n 1 "$BATS_TEST_TMPDIR/$pid.out" | jq -e ".tables[0] | $1"
}
