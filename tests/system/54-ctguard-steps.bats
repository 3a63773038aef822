#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The steps of ctguard against the real kernel: slices, what is deleted for them, how they come back,
# budgets. The table is filled by ctfill and the marks are low, so that no flood is needed.

load lib

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

# guard OPTION...: starts ctguard on the server host; its pid is in $guard.
guard() {
	background on server ctguard run --json --control socket "$@"
	guard=$pid
	wait_until 30 grep -q guarding "$guard.err"
}

event() { # NAME FILTER: of the last event of that name
	jq -r "select(.event == \"$1\") | $2" "$guard.out" | tail -n 1
}

happened() { # NAME [COUNT]: whether there were that many such events, or one
	[ "$(grep -c "\"event\":\"$1\"" "$guard.out")" -ge "${2:-1}" ]
}

percent() { # of the first service, by the guard's own word
	ctguard --control socket status -j | jq '.services[0].untracked_percent'
}

share() { # of the first service, by the rules
	on server ctrules list -j | jq -r '.services[0].share // "all"'
}

# fill_to_mark COUNT: entries of udp/9000, half of them IPv6, and 1000 of others.
fill_to_mark() {
	on server ctfill -P 9001 -d 10.77.0.1 -t 600 1000
	on server ctfill -P 9000 -d 10.77.0.1 -t 600 $(($1 / 2))
	on server ctfill -P 9000 -s 2001:db8:1::1 -d fd77::1 -t 600 $(($1 / 2))
}

left() { # PORT: entries to it, of both families
	{ on server conntrack -L -f ipv4 -p udp --dport "$1"
	  on server conntrack -L -f ipv6 -p udp --dport "$1"; } 2>/dev/null | wc -l
}

# send_from_all_ports: a datagram from each of 4000 ports of the client, over IPv4 and IPv6.
send_from_all_ports() {
	on client /usr/bin/python3 - <<-'PYTHON'
		import socket
		for family, own, to in ((socket.AF_INET, '10.77.0.2', '10.77.0.1'),
		                        (socket.AF_INET6, 'fd77::2', 'fd77::1')):
		    for port in range(20000, 24000):
		        with socket.socket(family, socket.SOCK_DGRAM) as s:
		            s.bind((own, port))
		            s.sendto(b'x', (to, 9000))
	PYTHON
}

# Marks as parts of the limit that are so many entries.
marks() { # ENGAGE RELEASE
	local limit
	limit=$(cat /proc/sys/net/netfilter/nf_conntrack_max)
	awk -v l="$limit" -v e="$1" -v r="$2" \
		'BEGIN { printf "--horizon 0s --engage-at %.4f%% --release-at %.4f%%", 100 * e / l, 100 * r / l }'
}

@test "as much of a service goes as is needed, and what is out of it leaves the table" {
	fill_to_mark 40000
	# shellcheck disable=SC2046 # two options
	guard -s udp/9000 $(marks 40000 20000)
	wait_until 30 happened reclaim
	[ "$(event engage .percent)" -ge 60 ]
	[ "$(event engage .percent)" -le 80 ]
	[ "$(percent)" -eq "$(event engage .percent)" ]
	# Exactly the entries of flows that the rules untrack, as the kernel's own hash tells.
	local out=$((40000 * $(percent) / 100)) gone=$((40000 - $(left 9000)))
	((gone > out - 800 && gone < out + 800))
	[ "$(event reclaim .entries_deleted)" -eq "$gone" ]
	[ "$(left 9001)" -eq 1000 ]
	! happened shortfall || false
	[ "$(grep -c '"event":"engage"' "$guard.out")" -eq 1 ]
}

# fill_misleadingly: 1200 entries of udp/9000 where a sample begins, and all others of udp/9001. Which are
# where, only the kernel knows, so both are there first, and then again as they are to be.
fill_misleadingly() {
	on server ctfill -P 9000 -d 10.77.0.1 -t 600 "$(many)"
	on server ctfill -P 9001 -d 10.77.0.1 -t 600 14000
	on server conntrack -L -f ipv4 -p udp 2>/dev/null >all
	awk 'match($0, /src=[^ ]+ dst=[^ ]+ sport=[0-9]+ dport=[0-9]+/) {
		split(substr($0, RSTART, RLENGTH), f, /[ =]/)
		first += f[8] == 9000
		if (f[8] == (first <= 1200 ? 9000 : 9001))
			print "-I -p udp -t 600 -s", f[2], "-d", f[4], "--sport", f[6], "--dport", f[8]
	}' all >wanted
	on server conntrack -F
	on server conntrack -R wanted >/dev/null
	[ "$(left 9000)" -eq 1200 ]
	[ "$(left 9001)" -gt 8000 ]
}

@test "a count that does not fall as projected is told, and the next step follows" {
	fill_misleadingly
	# shellcheck disable=SC2046 # two options
	guard -s udp/9000 -s udp/9001 $(marks 8000 4000)
	wait_until 30 happened shortfall
	[ "$(event shortfall .service)" = udp/9000 ]
	# As many as there are of it, or of a slice of it.
	[[ $(event shortfall .why) =~ ', '([0-9]+)' went; the next step follows' ]]
	((BASH_REMATCH[1] > 600 && BASH_REMATCH[1] <= 1200))
	wait_until 30 happened reclaim 2
	[ "$(event engage .service)" = udp/9001 ]
	[ "$(entries server)" -lt 8000 ]
}

@test "what is deleted is what the kernel does not track, and no more" {
	background on server ctserve discard=udp/9000
	wait_until 30 grep -q serving "$pid.err"
	fill_to_mark 32000
	send_from_all_ports
	[ "$(left 9000)" -eq 40000 ]
	# shellcheck disable=SC2046 # two options
	guard -s udp/9000 $(marks 40000 20000)
	wait_until 30 happened reclaim
	[ "$(percent)" -lt 100 ]
	local kept
	kept=$(left 9000)
	((kept > 5000 && kept < 20000))
	# Whoever has an entry still has it; whoever has none gets none.
	send_from_all_ports
	[ "$(left 9000)" -eq "$kept" ]
}

@test "a budget bounds a service ahead of trouble, outlives the guard, and goes with its rules" {
	printf 'service "udp/9000" { budget = 10 }\n' >conf
	guard -c conf
	[ "$(on server ctrules list -j | jq -r '.services[0].lease_seconds_left')" = null ]
	background on server ctserve discard=udp/9000
	wait_until 30 grep -q serving "$pid.err"
	send_from_all_ports
	# A second's worth at once, and what the time allows that it took.
	[ "$(left 9000)" -lt 1000 ]
	kill -KILL "$guard"
	wait "$guard" || true
	on server ctrules list | grep -q udp/9000
	guard -c conf
	[ "$(ctguard --control socket status -j | jq '.services[0].budget_packets_per_second')" -eq 10 ]
	kill -INT "$guard"
	wait "$guard"
	! on server nft list table inet ctkit || false
	printf 'service "tcp/9000" { budget = 10 }\n' >conf
	run ctguard check-config -c conf
	[ "$status" -eq 2 ]
	[[ $output == *"budget"*udp* ]]
}

@test "budgets that the table cannot hold are told, at the start and before" {
	local limit words
	limit=$(cat /proc/sys/net/netfilter/nf_conntrack_max)
	printf 'service "udp/9000" { budget = %d }\nservice "udp/9001" { budget = 1k }\n' $((limit / 31)) >conf
	words="can be there at once, and the limit is $limit"
	run on server ctguard check-config -c conf
	[ "$status" -eq 0 ]
	[[ $output == *"the budgets together let"*"$words"* ]]
	guard -c conf
	grep -q "$words" "$guard.err"
	run on server ctguard doctor -j -c conf
	[[ $output == *'"budget-large"'*"$words"* ]]
	# With entries that live shorter they fit.
	on server sysctl -q -w net.netfilter.nf_conntrack_udp_timeout=10
	run on server ctguard check-config -c conf
	[ "$status" -eq 0 ]
	[[ $output == "ok: 2 services" ]]
}

@test "what is out comes back in slices when what it would bring is much" {
	fill_to_mark 40000
	# shellcheck disable=SC2046 # two options
	guard -s udp/9000 --release-after 1s $(marks 40000 30000)
	wait_until 30 happened reclaim
	wait_until 30 happened release
	wait_until 30 back
}

back() {
	[ "$(percent)" -eq 0 ]
}

@test "what somebody else has taken out in part is known and left so, but more of it may go" {
	of() { # SERVICE FILTER
		ctguard --control socket status -j | jq -c ".services[] | select(.service == \"$1\") | $2"
	}
	on server ctrules -q add udp/9000 --share 30% --lease 1h
	# shellcheck disable=SC2046 # two options
	guard -s udp/9000 -s udp/9001 --release-after 100ms $(marks 40000 20000)
	[ "$(of udp/9000 '[.untracked_percent, .held]')" = '[30,true]' ]
	# The same when it comes while the guard runs.
	on server ctrules -q add udp/9001 --share 20% --lease 1h
	wait_until 30 happened adopt 2
	[ "$(of udp/9001 '[.untracked_percent, .held]')" = '[20,true]' ]
	run ctguard --control socket release udp/9001
	[ "$status" -eq 1 ]
	fill_to_mark 40000
	wait_until 30 happened engage
	[ "$(event engage .service)" = udp/9000 ]
	[ "$(event engage .percent)" -ge 60 ]
	[ "$(of udp/9000 .held)" = false ]
	[ "$(on server ctrules list -j |
		jq -c '.services[] | select(.service == "udp/9001") | [.share, .lease_seconds_left > 3500]')" = '[0.2,true]' ]
	on server ctrules -q delete udp/9001
	wait_until 30 happened lost
	[[ $(event lost .why) == *"not the guard's, has ended"* ]]
	[ "$(of udp/9001 .untracked)" = false ]
}

@test "somebody else's budget is told as one" {
	on server ctrules -q add udp/9000 --budget 500 --forever
	guard -s udp/9000
	[ "$(ctguard --control socket status -j | jq -c '.services[0] | [.untracked, .held, .budget_packets_per_second]')" = '[false,true,500]' ]
	kill -INT "$guard"
	wait "$guard"
	on server ctrules list | grep -q udp/9000
}

@test "open connections are counted before TCP comes back" {
	background on server ctserve feed=tcp/9000
	wait_until 30 grep -q serving "$pid.err"
	on server ctrules -q --force add tcp/9000 --lease 60s
	background on client ctload hold tcp/10.77.0.1:9000 --connections 50 --duration 60s -q
	guard -s tcp/9000 --release-after 1h
	wait_until 30 counts 50
}

counts() {
	[ "$(ctguard --control socket status -j | jq '.services[0].connections')" = "$1" ] ||
		[ "$(ctguard --control socket status -j | jq '.services[0].connections | floor')" = "$1" ]
}
