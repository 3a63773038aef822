#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What ctguard does about TCP connections that are open while their service is out of tracking, and that
# would be cut off if it came back.

load lib

setup() {
	hosts
	tracked server
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	ip netns del server
	ip netns del client
}

# guard OPTION...: starts ctguard on the server host; its pid is in $guard.
guard() {
	background on server ctguard run --json --control socket "$@"
	guard=$pid
	wait_until 10 grep -q guarding "$guard.err"
}

order() {
	ctguard --control socket "$@"
}

of_service() { # FILTER VALUE: whether the status says so of the only service
	[ "$(order status -j | jq -r ".services[0] | $1")" = "$2" ]
}

# hold COUNT: opens connections of feed clients, and has tcp/9000 taken out with them.
hold() {
	background on server ctserve feed=tcp/9000
	wait_until 5 grep -q serving "$pid.err"
	background on client ctload hold tcp/10.77.0.1:9000 --connections "$1" --duration 60s -q
	wait_until 10 opened "$1"
	guard -s tcp/9000 --horizon 0s --engage-at 1% --release-at 0.1% --release-after 100ms
	on server ctfill -p tcp -P 9000 -d 10.77.0.1 -t 600 4000 >/dev/null
	wait_until 10 of_service .untracked_percent 100
	wait_until 10 of_service ".connections == $1" true
}

opened() { # COUNT
	[ "$(on server ss -Htn state established sport = 9000 | wc -l)" -eq "$1" ]
}

# drop_strangers: the kernel takes up no connection in its middle, and a rule drops what it does not know.
drop_strangers() {
	on server sysctl -q -w net.netfilter.nf_conntrack_tcp_loose=0
	on server nft add rule inet firewall input meta l4proto tcp ct state invalid drop
}

@test "open connections that would be cut off keep their service out, until release --now" {
	drop_strangers
	hold 50
	# Much longer than it would take to come back.
	elapse 1000
	run order release tcp/9000
	[ "$status" -eq 1 ]
	[[ $output == *"50 open connections would be cut off"*"release --now"* ]]
	of_service .untracked_percent 100
	run order release tcp/9000 --now
	[ "$status" -eq 0 ]
	[[ $output == *"given back; 50 open connections cannot be tracked again"* ]]
	of_service .untracked false
	[[ $(jq -r 'select(.event == "release") | .why' "$guard.out") == *"by order; 50 open connections"* ]]
}

@test "release --now is for nothing else" {
	run ctguard status --now
	[ "$status" -eq 2 ]
	[[ $output == *'--now is for "release" only'* ]]
}
