#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The guard takes out only what the audit finds safe on the ruleset of that moment.

bats_require_minimum_version 1.5.0
load lib
load ctguard

setup() {
	hosts
	tracked server
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	aftermath
	ip netns del server
	ip netns del client
}

# needs_tracking: from now on replies pass only because they are tracked.
needs_tracking() {
	on server nft -f - <<-'NFT'
		table inet strict {
			chain output {
				type filter hook output priority filter; policy drop;
				ct state established,related accept
			}
		}
	NFT
}

verdict_of() { # SERVICE WORDS: whether the last verdict has these words
	jq -r "select(.event == \"verdict\" and .service == \"$1\") | .why" "$guard.out" | tail -n 1 | grep -q "$2"
}

@test "an unsafe service stays tracked, whatever fills the table, and it is said why" {
	needs_tracking
	guard
	wait_until 30 verdict_of udp/9000 'unsafe'
	verdict_of udp/9000 'replies pass because they are tracked'
	fill
	wait_until 30 happened helpless
	not untracked
	not happened engage
	[ "$(state '.services[0] | .verdict, .lease_seconds_left' | xargs)" = "unsafe null" ]
	order status | grep -q 'udp/9000  tracked  MAY NOT GO, it is unsafe: state: replies pass because'
}

@test "what becomes unsafe while it is out is given back at once" {
	guard
	engage
	[ "$(state '.services[0] | .verdict, .lease_seconds_left > 20' | xargs)" = "safe true" ]
	needs_tracking
	wait_until 30 not untracked
	wait_until 30 verdict_of udp/9000 'unsafe'
	wait_until 30 happened release
	[[ $(event release | jq -r .why) == *"because it is not safe any more" ]]
}

@test "what becomes safe again can be taken out again" {
	needs_tracking
	guard
	wait_until 30 verdict_of udp/9000 'unsafe'
	on server nft delete table inet strict
	wait_until 30 verdict_of udp/9000 'safe to take out again'
	engage
}

@test "an address that is translated makes unsafe only the service it is about" {
	on server nft -f - <<-'NFT'
		table ip nat {
			chain prerouting {
				type nat hook prerouting priority dstnat;
				udp dport 9000 dnat to 10.77.0.2
			}
		}
	NFT
	guard
	wait_until 30 verdict_of udp/9000 'unsafe'
	not verdict_of udp/9001 'unsafe'
	engage 9001
	not untracked 9000
}

@test "what lives translated is not taken out, though no rule says so" {
	guard
	on server ctfill -P 9000 -d 10.77.0.1 -t 600 -n 10
	# It is looked for when rules have changed: those may have made it.
	on server nft add table inet another
	wait_until 30 verdict_of udp/9000 'some of its connections in the table are translated'
	not verdict_of udp/9001 'unsafe'
	engage 9001
	not untracked 9000
	on server conntrack -D -p udp --dport 9000 >/dev/null 2>&1
	on server nft delete table inet another
	wait_until 30 verdict_of udp/9000 'safe to take out again'
	engage
}

@test "its own changes of rules are no reason to audit, and harm no verdict" {
	guard --lease 3s
	engage
	elapse 2500
	untracked
	[ "$(events verdict)" -eq 0 ]
}

@test "--force and force = yes override the audit" {
	needs_tracking
	guard --force
	engage
	order stop
	wait_until 30 ended "$guard"
	printf 'service "udp/9002" { force = yes }\nservice "udp/9003" { }\n' >conf
	guard -c conf
	wait_until 30 verdict_of udp/9003 'unsafe'
	not verdict_of udp/9002 'unsafe'
	engage 9002
}

@test "as much of an unsafe service as of a safe one does not shield that" {
	needs_tracking
	fill
	printf 'service "udp/9002" { force = yes }\n' >conf
	guard -c conf
	wait_until 30 happened helpless
	engage 9002
}

@test "a budget is armed only for what is safe" {
	printf 'service "udp/9002" { budget = 1k }\n' >conf
	needs_tracking
	guard -c conf
	wait_until 30 verdict_of udp/9002 'unsafe'
	not grep -q 9002 <(on server nft list table inet ctkit 2>/dev/null)
	on server nft delete table inet strict
	wait_until 30 eval 'on server nft list table inet ctkit 2>/dev/null | grep -q 9002'
	needs_tracking
	wait_until 30 eval '! on server nft list table inet ctkit 2>/dev/null | grep -q 9002'
}

@test "a rehearsal audits too" {
	needs_tracking
	guard --dry-run
	wait_until 30 verdict_of udp/9000 'unsafe'
	fill
	wait_until 30 happened helpless
	not happened engage
}

@test "tables of iptables-legacy that come while something is out are noticed, also as another user" {
	[ -r /proc/net/ip_tables_names ] || skip "this kernel has no iptables-legacy"
	mkdir place
	chmod 711 .
	chown nobody place
	# To list a table makes it; empty it is nothing.
	on server ip6tables-legacy -t mangle -L -n >/dev/null
	guard --user nobody --control place/socket --release-after 1h
	engage
	[ "$(events verdict)" -eq 0 ]
	# That is no change of the nft ruleset.
	on server ip6tables-legacy -t mangle -A FORWARD -j DROP
	wait_until 30 verdict_of udp/9000 'legacy: iptables-legacy has tables here'
	wait_until 30 not untracked
}
