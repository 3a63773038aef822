#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ctguard and the real limit. That is one for the whole host and can be changed only in its first network
# namespace, out of the sandbox: so "make check" leaves this alone. By hand, as root, on a host whose
# own table is nearly empty: CTKIT_BIN=$PWD/build bats tests/host/limit.bats
# The limit moves by less than one percent, upwards, and is put back after each test.

bats_require_minimum_version 1.5.0
load ../system/lib
LIMIT=/proc/sys/net/nf_conntrack_max

setup() {
	[ -w "$LIMIT" ] || skip "not root in the first network namespace"
	# The lock of all that change it.
	exec 8>/run/lock/ctkit-nf_conntrack_max
	flock -w 300 8 || skip "something else changes the limit for too long"
	[ "$(cat /proc/sys/net/netfilter/nf_conntrack_count)" -lt 100 ] || skip "this host's table is in use"
	not_ours
	before=$(cat "$LIMIT")
	raised=$((before + 2000))
	cd "$BATS_TEST_TMPDIR" || return
	chmod 711 .
	guard=
}

teardown() {
	[ -n "${before:-}" ] || return 0
	[ -z "$guard" ] || kill -KILL "$guard" 2>/dev/null || true
	echo "$before" >"$LIMIT"
	conntrack -D -p udp --dport 7777 >/dev/null 2>&1 || true
	not_ours
}

# Nothing here takes a service out.
not_ours() {
	! nft list table inet ctkit 2>/dev/null
}

limit_is() {
	[ "$(cat "$LIMIT")" -eq "$1" ]
}

# guard OPTION...: acts at 1 % of the limit; the only service that it may take out has no entries.
guard() {
	printf 'horizon = 0s\nengage-at = 1%%\nrelease-at = 0.995%%\nservice "udp/9" { force = yes }\n' >conf
	printf '%s\n' "${conf:-}" >>conf
	background ctguard run --json -c conf --control place/socket "$@" 8>&-
	guard=$pid
	wait_until 10 grep -q guarding "$guard.err"
}

# fill: entries that are 1 % of the limit, and less of the raised one.
fill() {
	ctfill -P 7777 -d 127.0.0.1 -t 60 $((before / 100 + 2)) >/dev/null
}

happened() {
	grep -q "\"event\":\"$1\"" "$guard.out"
}

order() {
	ctguard --control place/socket "$@"
}

state_is() {
	[ "$(order status -j | jq -r .state)" = "$1" ]
}

@test "the limit is raised when the table fills, and set back by stop" {
	mkdir place
	conf="raise-limit-to = $raised" guard
	state_is watching
	limit_is "$before"
	fill
	wait_until 10 happened raise
	limit_is "$raised"
	jq -r 'select(.event == "raise") | .why' "$guard.out" | grep -q "the limit may be $raised: up to 1 MiB more memory"
	state_is watching
	[ "$(order status -j | jq .limit)" -eq "$raised" ]
	order stop
	wait_until 5 ended "$guard"
	limit_is "$before"
	happened lower
}

@test "a user with CAP_NET_ADMIN alone may raise it; SIGTERM leaves it raised" {
	mkdir place
	chown nobody place
	conf="raise-limit-to = $raised" guard --user nobody
	fill
	wait_until 10 limit_is "$raised"
	kill -TERM "$guard"
	wait_until 5 ended "$guard"
	limit_is "$raised"
}

@test "whoever changes the limit after the guard has the last word" {
	mkdir place
	conf="raise-limit-to = $raised" guard
	fill
	wait_until 10 limit_is "$raised"
	echo $((before + 3000)) >"$LIMIT"
	order stop
	wait_until 5 ended "$guard"
	limit_is $((before + 3000))
	grep -q "left the limit alone: it is not $raised any more" "$guard.err"
	not happened lower
}

@test "a limit that is lowered under the guard is noticed, and one that is raised relieves it" {
	mkdir place
	echo "$raised" >"$LIMIT"
	guard
	fill
	elapse 1500
	state_is watching
	echo "$before" >"$LIMIT"
	wait_until 10 happened helpless
	echo "$raised" >"$LIMIT"
	wait_until 10 happened relieved
	state_is watching
}

@test "a rehearsal raises nothing" {
	mkdir place
	conf="raise-limit-to = $raised" guard --dry-run
	fill
	wait_until 10 happened raise
	limit_is "$before"
}

not() {
	! "$@"
}
