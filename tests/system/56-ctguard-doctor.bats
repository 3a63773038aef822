#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ctguard doctor in situations that are real.

bats_require_minimum_version 1.5.0
load lib
load ctguard
pid= # background's

setup() {
	hosts
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	# A process that is left behind keeps its network namespace.
	[ -z "$pid" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null || true
	aftermath
	ip netns del server
	ip netns del client
}

# fill_table PERCENT: of what the server host's table may have.
fill_table() {
	on server ctfill -P 9000 -d 10.77.0.1 -t 600 $(($(cat /proc/sys/net/netfilter/nf_conntrack_max) * $1 / 100))
}

# doctor OPTION...: what it finds on the server host, in ./found.
doctor() {
	on server ctguard doctor -j "$@" >found
}

# finding CODE: its severity and what it says.
finding() {
	jq -r ".findings[] | select(.code == \"$1\") | .severity + \": \" + .what" found
}

@test "it tells whether connections are tracked, and what turned it on" {
	doctor
	[ "$(finding inactive)" = "warning: connections are not tracked here" ]
	tracked server
	doctor
	[ "$(finding active)" = "info: connections are tracked because of: ct in table inet firewall, chain input" ]
	[ -z "$(finding inactive)" ]
	on server nft add table ip nat
	on server nft add chain ip nat post '{ type nat hook postrouting priority 100; }'
	on server nft add rule ip nat post masquerade
	doctor
	[[ $(finding active) == *"masq in table ip nat, chain post"* ]]
}

@test "it names rules of others that untrack, and not ctkit's own" {
	tracked server
	on server ctrules -q --force add udp/53
	doctor
	[ -z "$(finding untracked-by-others)" ]
	on server nft add table ip raw
	on server nft add chain ip raw pre '{ type filter hook prerouting priority -300; }'
	on server nft add rule ip raw pre udp dport 53 notrack
	doctor
	[ "$(finding untracked-by-others)" = \
		"warning: other rules untrack too: notrack in table ip raw, chain pre" ]
}

@test "it judges the services that may be taken out, and who listens" {
	tracked server
	on server nft add table ip nat
	on server nft add chain ip nat pre '{ type nat hook prerouting priority -100; }'
	on server nft add rule ip nat pre udp dport 9000 dnat to 10.77.0.9
	background on server ctserve echo=udp/9001
	wait_until 30 grep -q serving "$pid.err"
	run ! doctor -s udp/9000
	[[ $(finding service-unsafe) == "problem: udp/9000 may be taken out, and would break untracked" ]]
	jq -r '.findings[] | select(.code == "service-unsafe") | .why' found | grep -q 'udp dport 9000 dnat'
	[[ $(finding service-safe) == *"udp/9001 listens, and can be untracked safely"* ]]
	doctor -s udp/9001
	[[ $(finding service-safe) == *"udp/9001 may be taken out, and can be untracked safely"* ]]
}

@test "it tells a table that is nearly full, and timeouts that are far off" {
	tracked server
	on server sysctl -q -w net.netfilter.nf_conntrack_udp_timeout=600
	doctor
	[[ $(finding fill) == "info: 0 of "* || $(finding fill) == "info: "[0-9]" of "* ]]
	[ "$(finding timeout-long)" = "warning: nf_conntrack_udp_timeout is 600 s, the default is 30 s" ]
	fill_table 60
	doctor
	[[ $(finding fill) == "warning: "* || $(finding fill) == "problem: "* ]]
}

@test "it tells whether a guard runs, and whether its configuration is good" {
	tracked server
	doctor
	[ "$(finding guard)" = "info: no ctguard guards this network namespace" ]
	[ -z "$(finding config)" ]
	echo 'service "udp/9000" { }' >conf
	background on server ctguard run -c conf --control socket
	wait_until 30 grep -q guarding "$pid.err"
	doctor -c conf
	[ "$(finding guard)" = "info: a ctguard guards this network namespace" ]
	[ "$(finding config)" = "info: the configuration is good" ]
	# It did not take the guard's place, nor its socket.
	ctguard --control socket status >/dev/null
	echo 'lease = never' >>conf
	run ! doctor -c conf
	[[ $(finding config) == 'problem: conf:2: lease: "never"'* ]]
}

@test "it looks in another network namespace, and there alone" {
	tracked server
	on server sysctl -q -w net.netfilter.nf_conntrack_udp_timeout=600
	for which in server /run/netns/server; do
		ctguard doctor -j --netns "$which" >found
		[ "$(finding active)" = "info: connections are tracked because of: ct in table inet firewall, chain input" ]
		[[ $(finding timeout-long) == *"is 600 s"* ]]
	done
	ctguard doctor -j --netns client >found
	[ -n "$(finding inactive)" ]
	[ -z "$(finding timeout-long)" ]
	# Where the configuration says, unless that is said.
	printf '%s\n' 'netns = client' 'service "udp/9000" { }' >conf
	ctguard doctor -j -c conf >found
	[ -n "$(finding inactive)" ]
	ctguard doctor -j -c conf --netns server >found
	[ -z "$(finding inactive)" ]
	run -1 ctguard doctor --netns nope
	[[ $output == *'"nope": there is no such name in /run/netns' ]]
	run -2 ctguard doctor --netns .
	run -3 setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin ctguard doctor --netns server
	[[ $output == *'"server": entering it needs CAP_SYS_ADMIN' ]]
}

# finding_of NETNS CODE: as finding, of one of all.
finding_of() {
	jq -r ".findings[] | select(.netns == \"$1\" and .code == \"$2\") | .severity + \": \" + .what" found
}

@test "it looks in all network namespaces, and says where what is so" {
	ip link set lo up
	tracked server
	on server sysctl -q -w net.netfilter.nf_conntrack_udp_timeout=600
	background on server ctguard run -s udp/9000 --control socket
	wait_until 30 grep -q guarding "$pid.err"
	on server nft add table ip nat
	on server nft add chain ip nat pre '{ type nat hook prerouting priority -100; }'
	on server nft add rule ip nat pre udp dport 9000 dnat to 10.77.0.9
	ctguard doctor -j --netns all -s udp/9000 >found
	[ "$(jq -c '[.problems, .namespaces, .namespaces_left_out]' found)" = "[0,3,0]" ]
	[[ $(finding_of server timeout-long) == "warning: "*"is 600 s"* ]]
	[ -z "$(finding_of client timeout-long)" ]
	[[ $(finding_of client inactive) == "info: "* ]]
	[[ $(finding_of server guard) == "info: a ctguard guards"* ]]
	[[ $(finding_of client guard) == "info: no ctguard guards"* ]]
	[[ $(finding_of server service-unsafe) == "warning: udp/9000 may be taken out"* ]]
	[[ $(finding_of client service-safe) == "info: udp/9000 may be taken out"* ]]
	[ "$(jq '[.findings[] | select(.code == "capabilities")] | length' found)" -eq 1 ]
	[ "$(jq -r '[.findings[].severity] | unique_by(.) | length' found)" -eq 2 ]
	[ "$(jq -r '.findings[0].severity' found)" = warning ]
	run -0 ctguard doctor --netns all
	[[ $output == *"nf_conntrack_udp_timeout=30"*"         in:  server"* ]]
	[[ $output == *"in 3 network namespaces" ]]
	# What is wrong in one is wrong.
	fill_table 85
	run ! doctor_of_all
	[[ $(finding_of server fill) == "problem: "* ]]
	[ "$(jq -r '.findings[0].netns' found)" = server ]
}

doctor_of_all() {
	ctguard doctor -j --netns all >found
}

@test "what it may not enter it leaves out, and says so" {
	ip link set lo up
	run -0 --separate-stderr setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin ctguard doctor -j --netns all
	[[ $stderr == *"2 network namespaces are left out: entering them needs CAP_SYS_ADMIN"* ]]
	[ "$(jq -c '[.namespaces, .namespaces_left_out]' <<<"$output")" = "[1,2]" ]
	jq -r '.findings[].what' <<<"$output" | grep -q "there is no CAP_SYS_ADMIN"
	run -3 setpriv --bounding-set=-net_admin --inh-caps=-net_admin ctguard doctor --netns all
	[[ $output == *"no CAP_NET_ADMIN in this network namespace"* ]]
}

@test "it reads what the next boot would set" {
	mkdir -p sysctl.d modules-load.d
	echo 'net.netfilter.nf_conntrack_max = 77' >sysctl.d/x.conf
	mount --bind sysctl.d /etc/sysctl.d || skip "cannot mount here"
	# The limit belongs to the first network namespace; there doctor reads its files.
	if [ -e /proc/sys/net/nf_conntrack_max ]; then
		ctguard doctor -j >found || true
		[[ $(finding limit-differs) == *"/etc/sysctl.d/x.conf sets 77" ]]
	else
		doctor
		[ -z "$(finding limit-differs)" ]
	fi
	umount /etc/sysctl.d
}

@test "for people it says what, why and what to do" {
	tracked server
	on server sysctl -q -w net.netfilter.nf_conntrack_udp_timeout=600
	run on server ctguard doctor
	[ "$status" -eq 0 ]
	[[ $output == *"warning  nf_conntrack_udp_timeout is 600 s, the default is 30 s (timeout-long)"* ]]
	[[ $output == *"         fix: sysctl -w net.netfilter.nf_conntrack_udp_timeout=30"* ]]
	[[ $output == *"0 problems, 1 warning" ]]
	on server sh -c 'ctguard doctor | grep "fix: sysctl -w net.netfilter.nf_conntrack_udp" | sed "s/.*fix: //" | sh -e'
	doctor
	[ -z "$(finding timeout-long)" ]
}

@test "without CAP_NET_ADMIN it says so and exits 3" {
	run on server setpriv --bounding-set=-net_admin --inh-caps=-net_admin ctguard doctor
	[ "$status" -eq 3 ]
	[[ $output == *CAP_NET_ADMIN* ]]
	run ctguard doctor now
	[ "$status" -eq 2 ]
}
