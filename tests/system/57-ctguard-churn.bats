#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# One ctguard for network namespaces that come and go, and for many of them.

bats_require_minimum_version 1.5.0
load lib
load ctguard
guard=
pid= # background's

setup() {
	ip link set lo up
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	aftermath
	clear_sites
}

# guarded NAME...: whether the guard has these and no others.
guarded() {
	[ "$(order status -j | jq -r '.tables[].netns' | sort)" = "$(printf '%s\n' "$@" | sort)" ]
}

held() { # what the guard holds: descriptors and threads
	echo "$(find "/proc/$guard/fd" -type l | wc -l) $(awk '$1 == "Threads:" { print $2 }' "/proc/$guard/status")"
}

holds() { # DESCRIPTORS THREADS: whether it holds no more; what it reads just now may have been open before
	local now
	read -ra now <<<"$(held)"
	((now[0] <= $1 && now[1] <= $2))
}

@test "namespaces that come and go at any moment leave nothing behind" {
	site red
	everywhere --journal journal --lease 10m
	engage_in red
	wait_until 60 told red reclaim
	before=$(held)
	for i in 1 2 3 4 5 6 7 8; do
		site brief
		# Some are full when they are found, some fill as they go.
		[ $((i % 2)) -eq 0 ] || fill_site brief
		[ $((i % 3)) -eq 0 ] || wait_until 60 guarded host red client-red brief client-brief
		[ $((i % 4)) -ne 0 ] || on brief ctfill -P 9000 -d 10.77.0.1 -t 600 100000 >/dev/null
		ip netns del brief
		ip netns del client-brief
		[ $((i % 3)) -ne 1 ] || background unshare --net true
	done
	wait_until 60 guarded host red client-red
	# shellcheck disable=SC2086 # two words
	wait_until 60 holds $before
	of_is red .state engaged
	is_out red
	[ "$(order status -j | jq '[.tables[].errors] | add')" -eq 0 ]
	# That some table could not be relieved in time is no failure.
	not grep 'cannot [^r]' "$guard.err"
	[ "$(jq -s 'length' journal)" -eq "$(jq -s 'length' "$guard.out")" ]
}

comings() { # how many were told of, one by one
	jq -s '[.[] | select(.event == "join" or .event == "gone")] | length' "$guard.out"
}

@test "many that come and go are told of as a number" {
	everywhere
	names=host
	for i in $(seq 25); do
		ip netns add "n$i"
		names+=" n$i"
	done
	# shellcheck disable=SC2086 # a list of words
	wait_until 60 guarded $names
	[ "$(comings)" -ge 20 ]
	[ "$(comings)" -le 25 ]
	wait_until 60 grep -q '"event":"churn"' "$guard.out"
	grep -q 'network namespaces come and go often: [0-9]* came and 0 went that are not told of one by one' "$guard.err"
	for i in $(seq 25); do
		ip netns del "n$i"
	done
	wait_until 60 guarded host
	[ "$(comings)" -le 25 ]
	# But never in silence while something is out.
	site late
	wait_until 60 guarded host late client-late
	engage_in late
	ip netns del late
	ip netns del client-late
	wait_until 60 told late gone
}

@test "that many have gone is told as a number, too" {
	everywhere
	names=host
	# As many as are told of one by one, or nearly.
	for i in $(seq 18); do
		ip netns add "n$i"
		names+=" n$i"
	done
	# shellcheck disable=SC2086 # a list of words
	wait_until 60 guarded $names
	not happened churn
	for i in $(seq 18); do
		ip netns del "n$i"
	done
	wait_until 60 guarded host
	wait_until 60 happened churn
	grep -q 'come and go often: 0 came and [1-9][0-9]* went' "$guard.err"
}

series_are() { # LABEL...: whether these and no others are the namespaces of the metrics
	[ "$(curl -s 127.0.0.1:9912/metrics | sed -n 's/^ctkit_conntrack_entries{netns="\(.*\)"}.*/\1/p' | sort)" = \
		"$(printf '%s\n' "$@" | sort)" ]
}

@test "one without a name that restarts makes no more series" {
	everywhere -m 127.0.0.1:9912
	for _ in 1 2 3; do
		background unshare -n sleep 600
		sleeper=$pid
		wait_until 30 grep -q sleep "/proc/$sleeper/comm"
		wait_until 60 series_are host sleep
		guarded host "sleep[$sleeper]"
		kill "$sleeper"
		wait_until 60 series_are host
	done
}

@test "its end is told of those where something is out, and of the others as a number" {
	site red
	everywhere
	engage_in red
	kill -TERM "$guard"
	wait "$guard"
	told red stop
	not told client-red stop
	grep -q 'ends; in 2 network namespaces nothing of its is out of tracking' "$guard.err"
	grep -q 'red: ends; udp/9000: leases run out within 30s' "$guard.err"
}

@test "the status of as many services as may be in many namespaces is told" {
	many=()
	for i in $(seq 63); do
		many+=(-s "udp/$((9000 + i))")
	done
	for i in $(seq 60); do
		ip netns add "n$i"
	done
	everywhere "${many[@]}"
	[ "$(order status -j | jq '[.tables[].services[]] | length')" -eq $((61 * 64)) ]
	[ "$(order status -j | wc -c)" -gt $((1 << 20)) ]
}

# helper_in NAME: the thread of the guard that deletes entries there.
helper_in() {
	local inode task
	inode=$(stat -L -c %i "/run/netns/$1")
	for task in "/proc/$guard/task"/*; do
		[ "${task##*/}" = "$guard" ] || [ "$(stat -L -c %i "$task/ns/net")" != "$inode" ] || echo "${task##*/}"
	done
}

@test "one that is deleted while its entries are is dropped, and the others are served meanwhile" {
	site red
	site late
	everywhere
	# Each message takes a second: all of them would take minutes.
	background strace -p "$(helper_in late)" -o calls -e trace=sendto -e inject=sendto:delay_enter=1s
	meddler=$pid
	wait_until 30 grep -q attached "$meddler.err"
	on late ctfill -P 9000 -d 10.77.0.1 -t 600 $(($(cat /proc/sys/net/netfilter/nf_conntrack_max) * 3 / 4)) >/dev/null
	wait_until 60 told late engage
	wait_until 60 grep -q sendto calls
	ip netns del late
	ip netns del client-late
	engage_in red
	wait_until 60 told late gone
	kill "$meddler" 2>/dev/null || true
	wait_until 60 guarded host red client-red
	of_is red .state engaged
	not told late reclaim
}

no_entries() { # NAME
	[ "$(entries "$1")" -eq 0 ]
}

@test "the socket of a guard that was killed is taken over" {
	site red
	everywhere
	# As a rule before all entries are deleted.
	engage_in red
	kill -KILL "$guard"
	wait "$guard" || true
	[ -S socket ]
	run -1 order status
	[[ $output == *'no guard takes orders at "socket"' ]]
	everywhere
	told red adopt
	# What it did not get to is done: of the entries none is left.
	wait_until 60 no_entries red
	of_is red .state engaged
	# But not the one of a guard that lives, wherever that is.
	run -1 ctguard run --control socket -s udp/9000 --netns red
	[[ $output == *socket* || $output == *"another ctguard"* ]]
	ip netns add other
	run -1 ctguard run --control socket -s udp/9000 --netns other
	[[ $output == *socket* ]]
	of_is red .state engaged
}
