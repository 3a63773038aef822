#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What can go wrong around a guard, with the real kernel. After each fault no rule of a guard outlives
# its lease without a guard that lives, no flow of another service was harmed, and the journal
# tells what happened.

bats_require_minimum_version 1.5.0
load lib
load ctguard

setup() {
	hosts
	tracked server
	cd "$BATS_TEST_TMPDIR"
	# A flow of a service that no guard here may touch.
	on server conntrack -I -p tcp --state ESTABLISHED -s 192.0.2.1 -d 10.77.0.1 --sport 5000 --dport 22 \
		-t 6000 2>/dev/null
}

teardown() {
	on server conntrack -L -p tcp --dport 22 2>/dev/null | grep -q 192.0.2.1
	ip netns del server
	ip netns del client
}

@test "what another tool's flush of the ruleset took away is put back within a second" {
	guard
	engage
	fill 9001
	wait_until 10 untracked 9001
	on server nft flush ruleset
	wait_until 10 untracked 9000
	wait_until 10 untracked 9001
	wait_until 10 happened restore
	[ "$(event lost | jq -r .why)" = \
		"udp/9000 is tracked again: another tool replaced the ruleset" ]
	state_is engaged
	not happened stand-down
}

@test "the same when the new ruleset comes with it, and when scripts flush twice" {
	guard
	engage
	printf '%s\n' 'flush ruleset' 'table inet firewall {' 'chain input {' \
		'type filter hook input priority filter; ct state established accept' '}' '}' >new.nft
	for round in 1 2 3; do
		on server nft -f new.nft
		wait_until 10 eval "[ \"\$(events restore)\" -ge $round ]"
		wait_until 10 untracked
	done
	on server nft flush ruleset
	wait_until 10 eval '[ "$(events restore)" -ge 4 ]'
	on server nft flush ruleset
	wait_until 10 eval '[ "$(events restore)" -ge 5 ]'
	untracked
	not happened stand-down
}

@test "our table deleted on purpose: the guard stands down until resume" {
	guard -m 127.0.0.1:9912
	engage
	on server nft delete table inet ctkit
	wait_until 10 happened stand-down
	state_is "standing down"
	order status | grep -q '^state      standing down'
	[ "$(on server curl -s http://127.0.0.1:9912/metrics | awk '$1 == "ctkit_guard_standing_down" { print $2 }')" = 1 ]
	fill
	elapse 1500
	not table_exists
	not happened restore
	order resume
	wait_until 10 untracked
	state_is engaged
}

@test "a flush that comes while it stands down brings nothing back" {
	guard
	engage
	on server nft delete table inet ctkit
	wait_until 10 happened stand-down
	on server nft flush ruleset
	elapse 1000
	not table_exists
	not happened restore
}

@test "an element deleted, or a chain emptied by hand, is one service's: it is tracked, and told" {
	guard --lease 3s
	engage 9000
	engage 9001
	on server nft delete element inet ctkit in_services '{ udp . 9000 }'
	wait_until 10 happened lost
	[ "$(event lost | jq -r .service)" = udp/9000 ]
	event lost | jq -r .why | grep -q 'taken away by somebody else'
	on server nft flush chain inet ctkit in_udp_9001
	wait_until 10 eval '[ "$(events lost)" -eq 2 ]'
	state_is watching
	# What was left of them ends with its lease.
	wait_until 10 eval '! table_exists | grep -q "timeout.*expires"'
	not happened stand-down
}

@test "rulesets that others reload all the time are in nobody's way" {
	guard
	background on server sh -c 'while :; do nft add table ip busy; nft delete table ip busy; done'
	local busy=$pid
	engage 9000
	engage 9001
	order release udp/9000
	elapse 1000
	kill "$busy"
	untracked 9001
	[ "$(events engage)" -eq 2 ]
	not happened lost
	not happened restore
}
