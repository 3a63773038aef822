#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# One ctguard for many network namespaces. It runs outside of those that it is to guard.

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

echoes() { # NAME
	background on "$1" ctserve echo=udp/9000
	wait_until 30 grep -q serving "$pid.err"
}

load_site() { # NAME COUNT
	background on "client-$1" ctload flows udp/10.77.0.1:9000 --count "$2" --rate 10k --duration 2m --window 1000 \
		--source 10.78.0.0/16 -j -q
}

@test "two that are flooded at once are each held by their own rule, and a third is let alone" {
	for name in red blue calm; do
		site $name
		echoes $name
	done
	everywhere -m 127.0.0.1:9912
	load_site red 20k
	red=$pid
	load_site blue 20k
	blue=$pid
	load_site calm 300
	calm=$pid
	wait "$red" "$blue" "$calm"
	[ "$(jq .answered "$red.out")" -eq 20000 ]
	[ "$(jq .answered "$blue.out")" -eq 20000 ]
	[ "$(jq .answered "$calm.out")" -eq 300 ]
	wait_until 30 told red reclaim
	wait_until 30 told blue reclaim
	is_out red
	is_out blue
	[ "$(entries red)" -lt 3000 ]
	[ "$(entries blue)" -lt 3000 ]
	# Not even a table of ours is there.
	not on calm nft list table inet ctkit
	not table_here
	not told calm engage
	[ "$(entries calm)" -ge 300 ]
	[ "$(order status -j | jq -c '[.state, ([.tables[] | select(.state == "engaged") | .netns] | sort)]')" = \
		'["engaged",["blue","red"]]' ]
	curl -s 127.0.0.1:9912/metrics >page
	promtool check metrics <page
	grep -q 'ctkit_guard_untracked{netns="red",service="udp/9000"} 1' page
	grep -q 'ctkit_guard_untracked{netns="calm",service="udp/9000"} 0' page
	grep -q 'ctkit_conntrack_drop_total{netns="blue"} 0' page
}

table_here() {
	nft list table inet ctkit 2>/dev/null
}

gone() { # DEVICE
	not ip link show "$1" 2>/dev/null
}

@test "one that comes later is guarded, and one that is deleted while engaged is dropped" {
	site red
	everywhere
	site late
	wait_until 60 of_is late .state watching
	engage_in late
	engage_in red
	# A device of a namespace goes with it: only if nobody holds it.
	ip link add v-here type veth peer name v-there netns late
	ip netns del late
	ip netns del client-late
	wait_until 60 told late gone
	wait_until 60 gone v-here
	grep -q "late: this network namespace is gone, and is guarded no longer" "$guard.err"
	not told late lost
	[ "$(order status -j | jq -c '[.tables[] | select(.netns == "late")]')" = '[]' ]
	# The others never noticed.
	of_is red .state engaged
	[ "$(order status -j | jq '[.tables[].errors] | add')" -eq 0 ]
	not grep -q 'cannot' "$guard.err"
	# What has the name next is another.
	order pause
	site late
	wait_until 60 of_is late .state paused
	order resume
	engage_in late
}

@test "Ctrl-C takes the rules away in all of them" {
	site red
	site blue
	everywhere
	engage_in red
	engage_in blue
	kill -INT "$guard"
	wait "$guard"
	is_in red
	is_in blue
	told red withdraw
	told blue withdraw
}

@test "SIGTERM leaves the leases in all of them, and the next guard takes them over" {
	site red
	site blue
	everywhere
	engage_in red
	engage_in blue
	kill -TERM "$guard"
	wait "$guard"
	is_out red
	is_out blue
	everywhere
	told red adopt
	told blue adopt
	of_is red .services[0].untracked true
	of_is blue .services[0].untracked true
	of_is host .services[0].untracked false
}

@test "orders are for all of them, or for one" {
	site red
	site blue
	everywhere
	engage_in red
	engage_in blue
	wait_until 60 told red reclaim
	wait_until 60 told blue reclaim
	run -0 order release udp/9000 --netns red
	is_in red
	is_out blue
	run -0 order release udp/9000
	[[ $output == *"given back; if the table fills again it is taken out again (blue); it is not out of tracking ("*red* ]]
	is_in blue
	run -1 order release udp/9000
	[[ $output == *": it is not out of tracking" ]]
	run -1 order pause --netns green
	[[ $output == *'"green" is no network namespace that is guarded' ]]
	order pause --netns red
	of_is red .state paused
	of_is blue .state watching
	# So that nothing is done there, and is elsewhere.
	fill_site red
	engage_in blue
	is_in red
	order resume
	wait_until 60 is_out red
	run -0 order status
	[[ $output == *"netns      red: engaged"* ]]
	[ "$(order status -j --netns red | jq -c '[.tables[].netns]')" = '["red"]' ]
	run -1 order status --netns green
	[[ $output == *'"green" is no network namespace that is guarded'* ]]
	run -2 order stop --netns red
}

@test "a service is judged in each of them by what is there" {
	site red
	site blue
	on red nft add rule inet firewall input ct state new udp dport 9000 accept
	on red nft add chain inet firewall input '{ policy drop; }'
	everywhere
	told red verdict
	not told blue verdict
	engage_in blue
	on red ctfill -P 9000 -d 10.77.0.1 -t 600 "$(many)"
	wait_until 60 told red helpless
	is_in red
	run -4 order status
}

# walked_long NAME: rules there that take an audit long.
walked_long() {
	local i j
	{
		echo 'table inet evil {'
		for ((i = 1; i <= 100; i++)); do
			echo "chain c$i {"
			for ((j = 1; j <= 100; j++)); do
				echo "udp dport $((i * 100 + j)) ct state new meta mark set $j ip saddr 10.0.0.$j counter accept"
			done
			echo '}'
		done
		echo 'chain in { type filter hook input priority 0; policy drop'
		for ((i = 1; i <= 100; i++)); do
			echo "meta mark $i jump c$i"
		done
		printf '}\n}\n'
	} >walked
	on "$1" nft -f walked
}

# stirs NAME...: their rulesets change all the time.
stirs() {
	local name
	while sleep 0.1; do
		for name; do
			on "$name" nft 'add table ip stir; delete table ip stir'
		done
	done
}

# spent: CPU time of the guard's loop, in ticks of 10 ms.
spent() {
	awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$guard/task/$guard/stat"
}

@test "rules that take long to audit, and change, do not keep the guard from other namespaces" {
	local before begun passed
	site red
	site evil
	site worse
	walked_long evil
	walked_long worse
	everywhere -s udp/9001 -s udp/9002 -s udp/9003
	background stirs evil worse
	begun=${EPOCHREALTIME/./}
	before=$(spent)
	elapse 4000
	passed=$(((${EPOCHREALTIME/./} - begun) / 10000))
	# A fifth of it at most, and what looks at tables take; it was all of it.
	echo "$(($(spent) - before)) of $passed ticks"
	[ $((2 * ($(spent) - before))) -lt "$passed" ]
	engage_in red
}

@test "where another guard is, it waits until that has gone" {
	site red
	background on red ctguard run --control other -s udp/9000
	other=$pid
	wait_until 60 grep -q guarding "$other.err"
	everywhere
	grep -q "network namespace red is not guarded: another ctguard runs in this network namespace" "$guard.err"
	site blue
	wait_until 60 of_is blue .state watching
	kill -TERM "$other"
	wait_until 60 told red join
	[ "$(grep -c 'red is not guarded' "$guard.err")" -eq 1 ]
	# And the other way round.
	run -1 on red ctguard run -s udp/9000
	[[ $output == *"another ctguard runs in this network namespace"* ]]
}

@test "a reload is for all of them" {
	site red
	site blue
	cat >conf <<-'CONF'
		netns = all
		engage-at = 1%
		release-at = 0.5%
		release-after = 1h
		horizon = 0s
		control = "socket"
		service "udp/9000" { }
	CONF
	background ctguard run -c conf --json
	guard=$pid
	wait_until 60 grep -q guarding "$guard.err"
	engage_in red
	engage_in blue
	sed -i 's/udp.9000/udp\/9001/' conf
	order reload
	wait_until 60 is_in red
	wait_until 60 is_in blue
	wait_until 60 of_is blue '.services[0].service' udp/9001
	sed -i 's/= all/= red/' conf
	run -1 order reload
	[[ $output == *"netns cannot change while the guard runs"* ]]
}

@test "one can be guarded from outside, by name, path or process" {
	site red
	site blue
	background ip netns exec red sleep 600
	wait_until 30 grep -q sleep "/proc/$pid/comm"
	sleeper=$pid
	on blue ctfill -P 9000 -d 10.77.0.1 -t 600 "$(many)"
	for which in red /run/netns/red "$sleeper"; do
		outside --netns "$which"
		engage_in red
		# Its state may be another: what fills the table here goes on when the service is out.
		[ "$(order status -j | jq -c '[.tables[] | [.netns, .services[0].untracked]]')" = "[[\"$which\",true]]" ]
		# It is there, and need not go elsewhere.
		grep -q 'CapEff:	0000000000001000' "/proc/$guard/status"
		kill -INT "$guard"
		wait "$guard"
		is_in red
		is_in blue
	done
	kill "$sleeper"
}

@test "when the one that it guards goes, it says so and ends" {
	site red
	outside --netns red
	engage_in red
	ip netns del red
	wait_until 60 ended "$guard"
	code=0
	wait "$guard" || code=$?
	[ "$code" -eq 1 ]
	told red gone
	grep -q "no network namespace is left to guard" "$guard.err"
}

keeps() { # FIELD: the capabilities of the guard
	awk -v name="$1:" '$1 == name { print $2 }' "/proc/$guard/status"
}

@test "as a user of its own and before others it guards all, and keeps what that takes" {
	site red
	chmod 711 .
	mkdir place
	chown nobody place
	ln -s place/socket socket
	first=
	! chrt -f 10 true || first=--realtime
	everywhere --user nobody --control place/socket --journal place/journal $first
	[ "$(awk '$1 == "Uid:" { print $3 }' "/proc/$guard/status")" -eq 65534 ]
	# NET_ADMIN, SYS_ADMIN, SYS_PTRACE, DAC_READ_SEARCH
	for set in CapEff CapPrm CapBnd; do
		[ "$((16#$(keeps $set)))" -eq $((1 << 12 | 1 << 21 | 1 << 19 | 1 << 2)) ]
	done
	[ "$(keeps NoNewPrivs)" -eq 1 ]
	# Those that come later are found and entered, too, and their threads are no heavier than need be.
	for i in $(seq 12); do
		ip netns add "n$i"
	done
	background unshare --net sleep 600
	wait_until 60 grep -q 'sleep.*is guarded from now on' "$guard.err"
	if [ "$first" ]; then
		chrt -p "$guard" | grep -q SCHED_FIFO
		sanitized || [ "$(keeps VmLck)" -gt 0 ]
		[ "$(keeps VmLck)" -lt 65536 ]
	fi
	engage_in red
	order stop
	wait_until 60 ended "$guard"
	is_in red
}

@test "what is no namespace, or may not be entered, is refused with the reason" {
	site red
	while IFS='|' read -r which code reason; do
		run -"$code" ctguard run --control socket -s udp/9000 --netns "$which"
		[ "$(wc -l <<<"$output")" -eq 1 ]
		[[ $output == *"\"$which\""*"$reason"* ]]
	done <<-'CASES'
		nope|1|there is no such name in /run/netns
		/etc/passwd|1|it is not a network namespace
		4194305|1|there is no such process
		.|2|is no name, path or process
	CASES
	bare=(setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin)
	run -3 "${bare[@]}" ctguard run --control socket -s udp/9000 --netns red
	[[ $output == *'"red": entering it needs CAP_SYS_ADMIN' ]]
	background "${bare[@]}" ctguard run --control socket -s udp/9000 --netns all
	wait_until 30 grep -q "[0-9]* network namespaces are left out: entering them needs CAP_SYS_ADMIN" "$pid.err"
	wait_until 30 grep -q "guarding: udp/9000 in 1 network namespace;" "$pid.err"
	kill -INT "$pid"
	wait "$pid"
}
