#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ctguard against the real kernel, with real floods. The table is never filled here (that
# is what the demonstration is for): a high horizon makes the guard act early.

load lib

setup() {
	hosts
	tracked server
}

teardown() {
	aftermath
	ip netns del server
	ip netns del client
}

# echo_server PORT: answers UDP on the server host, IPv4 and IPv6.
echo_server() {
	background on server ctserve "echo=udp/$1"
	wait_until 30 grep -q serving "$BATS_TEST_TMPDIR/$pid.err"
}

# guard OPTION...: starts ctguard on the server host; its pid is in $guard.
guard() {
	background on server ctguard run --json "$@"
	guard=$pid
	wait_until 30 grep -q guarding "$BATS_TEST_TMPDIR/$guard.err"
}

# flood TARGET COUNT: new flows at 20,000/s, each answered.
flood() {
	local source=10.78.0.0/16
	[[ $1 == *\[* ]] && source=fd78::/112
	on client ctload flows "$1" --count "$2" --rate 20k --duration 2m --window 1000 --source $source -j -q \
		2>"$BATS_TEST_TMPDIR/ctload.err"
}

event() { # NAME: the first event of that name, as JSON
	jq -c "select(.event == \"$1\")" "$BATS_TEST_TMPDIR/$guard.out" | head -n 1
}

happened() { # NAME: whether there was such an event
	[ -n "$(event "$1")" ]
}

few_left() {
	[ "$(entries server)" -lt 100 ]
}

untracked() { # SERVICE as nft writes it: whether it is out of tracking
	on server nft list map inet ctkit in_services 2>/dev/null | grep -q "$1 timeout"
}

@test "takes the flooded service out, and not the other one that is allowed" {
	echo_server 9000
	guard -s udp/9001 -s udp/9000 --horizon 1h
	run flood udp/10.77.0.1:9000 40k
	[ "$status" -eq 0 ]
	[ "$(jq .answered <<<"$output")" -eq 40000 ]
	wait_until 30 happened reclaim
	[ "$(event engage | jq -r .service)" = udp/9000 ]
	untracked "udp . 9000"
	! untracked "udp . 9001" || false
	# All that came before the rule was deleted, nothing came after.
	wait_until 30 few_left
}

@test "the same for a flood over IPv6" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h
	run flood 'udp/[fd77::1]:9000' 20k
	[ "$status" -eq 0 ]
	[ "$(jq .answered <<<"$output")" -eq 20000 ]
	wait_until 30 happened reclaim
	wait_until 30 few_left
}

@test "takes out a range of ports, and flows to a remote service, and is named as who holds them" {
	echo_server 9000
	guard -s udp/8999-9001 -s out:udp/9100 --horizon 1h
	flood udp/10.77.0.1:9000 20k
	wait_until 30 happened reclaim
	[ "$(event engage | jq -r .service)" = udp/8999-9001 ]
	[ "$(on server ctrules list -j | jq -c '.services[] | [.service, .active, .holder]')" = \
		"[\"udp/8999-9001\",true,{\"program\":\"ctguard\",\"pid\":$guard}]" ]
	wait_until 30 few_left
	background on client ctserve echo=udp/9100
	wait_until 30 grep -q serving "$BATS_TEST_TMPDIR/$pid.err"
	on server ctload flows udp/10.77.0.2:9100 --count 20k --rate 20k --window 1000 -j -q \
		2>"$BATS_TEST_TMPDIR/ctload.err"
	wait_until 30 remote_is_out
}

remote_is_out() {
	on server ctrules list -j |
		jq -e '.services[] | select(.service == "out:udp/9100" and .active)' >/dev/null
}

@test "deletes only the entries of the guilty service" {
	echo_server 9000
	on server conntrack -I -p udp -s 192.0.2.1 -d 192.0.2.2 --sport 5000 --dport 53 -t 600
	guard -s udp/9000 --horizon 1h
	flood udp/10.77.0.1:9000 20k
	wait_until 30 happened reclaim
	on server conntrack -L -p udp --dport 53 2>/dev/null | grep -q 192.0.2.1
	wait_until 30 few_left
}

@test "does not blame a local service for flows to the same port of another host" {
	background on client ctserve echo=udp/9000
	wait_until 30 grep -q serving "$BATS_TEST_TMPDIR/$pid.err"
	guard -s udp/9000 --horizon 1h
	on server ctload flows udp/10.77.0.2:9000 --count 20k --rate 20k --window 1000 -j -q \
		2>"$BATS_TEST_TMPDIR/ctload.err"
	wait_until 30 happened helpless
	event helpless | jq -r .why | grep -q 'out:udp/9000'
	! happened engage || false
	! on server nft list table inet ctkit || false
	[ "$(entries server)" -ge 20000 ]
}

@test "leaves alone flows to the same port of other hosts when it acts" {
	echo_server 9000
	on server conntrack -I -p udp -s 10.77.0.1 -d 192.0.2.2 --sport 40000 --dport 9000 -t 600
	on server conntrack -I -p udp -s 10.77.0.2 -d 192.0.2.3 --sport 40000 --dport 9000 -t 600
	on server conntrack -I -p udp -s fd77::1 -d 2001:db8::1 --sport 40000 --dport 9000 -t 600
	guard -s udp/9000 --horizon 1h
	flood udp/10.77.0.1:9000 20k
	wait_until 30 happened reclaim
	[ "$(event engage | jq -r .service)" = udp/9000 ]
	wait_until 30 few_left
	on server conntrack -L -p udp --dport 9000 2>/dev/null | grep -q 'dst=192.0.2.2'
	on server conntrack -L -p udp --dport 9000 2>/dev/null | grep -q 'dst=192.0.2.3'
	on server conntrack -L -f ipv6 -p udp --dport 9000 2>/dev/null | grep -q 'dst=2001:db8::1'
}

@test "knows an address that came after it was started" {
	guard -s udp/9000 --horizon 1h
	ip -n server addr add 10.77.0.9/24 dev v-server
	ip -n server addr add fd77::9/64 dev v-server nodad
	echo_server 9000
	flood udp/10.77.0.9:9000 20k
	wait_until 30 happened reclaim
	[ "$(event engage | jq -r .service)" = udp/9000 ]
	! happened helpless || false
	wait_until 30 few_left
}

@test "gives the service back when the flood is over" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h --release-after 1s
	flood udp/10.77.0.1:9000 20k
	wait_until 30 happened engage
	wait_until 30 happened release
	# The last packets of the flood may still count: then it comes back in slices.
	wait_until 30 no_rules
}

no_rules() {
	! on server nft list table inet ctkit 2>/dev/null
}

@test "leaves alone a flood that is nobody's it may touch, and says whose it is" {
	echo_server 9000
	guard -s udp/9001 --horizon 1h
	flood udp/10.77.0.1:9000 20k
	wait_until 30 happened helpless
	event helpless | jq -r .why | grep -q 'udp/9000'
	! on server nft list table inet ctkit || false
}

@test "acts at the mark when the forecast has no horizon" {
	echo_server 9000
	guard -s udp/9000 --horizon 0s --engage-at 2% --release-at 1%
	flood udp/10.77.0.1:9000 20k
	wait_until 30 happened engage
	event engage | jq -r .why | grep -q 'at the mark'
}

@test "a dry run decides the same and changes nothing" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h --dry-run
	flood udp/10.77.0.1:9000 20k
	wait_until 30 happened engage
	[ "$(event engage | jq .dry_run)" = true ]
	grep -q 'would take udp/9000 out of tracking' "$BATS_TEST_TMPDIR/$guard.err"
	! on server nft list table inet ctkit || false
	[ "$(entries server)" -ge 20000 ]
}

@test "Ctrl-C takes the rules away" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h
	flood udp/10.77.0.1:9000 20k
	wait_until 30 untracked "udp . 9000"
	kill -INT "$guard"
	wait "$guard"
	! on server nft list table inet ctkit || false
	grep -q 'gave udp/9000 back because the guard ends' "$BATS_TEST_TMPDIR/$guard.err"
}

@test "SIGTERM leaves the leases, and the next guard takes them over" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h --lease 20s
	flood udp/10.77.0.1:9000 20k
	wait_until 30 untracked "udp . 9000"
	kill -TERM "$guard"
	wait "$guard"
	grep -q 'udp/9000: leases run out within 20s' "$BATS_TEST_TMPDIR/$guard.err"
	untracked "udp . 9000"
	guard -s udp/9000 --horizon 1h --lease 20s --release-after 1s
	wait_until 30 happened adopt
	event adopt | jq -r .why | grep -q udp/9000
	wait_until 30 happened release
}

@test "kill -9: the rules end with their lease" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h --lease 3s
	flood udp/10.77.0.1:9000 20k
	wait_until 30 untracked "udp . 9000"
	kill -KILL "$guard"
	wait_until 15 lapsed
}

lapsed() {
	! untracked "udp . 9000" || false
}

@test "a living guard keeps its rules beyond their lease" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h --lease 6s
	flood udp/10.77.0.1:9000 20k
	wait_until 30 untracked "udp . 9000"
	elapse 8000
	untracked "udp . 9000"
	happened engage
	[ "$(grep -c '"event":"engage"' "$BATS_TEST_TMPDIR/$guard.out")" -eq 1 ]
}

@test "says when somebody else took its rules away" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h
	flood udp/10.77.0.1:9000 20k
	wait_until 30 untracked "udp . 9000"
	on server nft delete table inet ctkit
	wait_until 30 happened lost
}

@test "ctrules beside it changes other services, and neither is in the other's way" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h --lease 6s
	flood udp/10.77.0.1:9000 20k
	wait_until 30 happened reclaim
	start=$SECONDS
	for port in $(seq 9100 9400); do
		on server ctrules -q --force add "tcp/$port"
		on server ctrules -q --force add out:udp/1000-2000 --share "$((port % 99 + 1))%"
		on server ctrules -q delete "tcp/$port"
		# Longer than its lease.
		((SECONDS - start < 8)) || break
	done
	[ "$(on server ctrules list -j | jq -c '.services[] | [.service, .active, .holder.program]' | sort)" = \
		"$(printf '["out:udp/1000-2000",true,"ctrules"]\n["udp/9000",true,"ctguard"]')" ]
	[ "$(jq -r .event "$BATS_TEST_TMPDIR/$guard.out" | sort -u | xargs)" = "engage reclaim start" ]
	# What it holds may be taken from it, and stays away.
	on server ctrules delete udp/9000
	wait_until 30 happened lost
	[ "$(on server ctrules list -j | jq -r '.services[].service')" = out:udp/1000-2000 ]
}

@test "a second guard in the same namespace is refused" {
	guard -s udp/9000
	run on server ctguard run -s udp/9001
	[ "$status" -eq 1 ]
	[[ $output == *"another ctguard runs in this network namespace"* ]]
}

@test "a table of the same name that is not ours is left alone" {
	on server nft add table inet ctkit
	run on server ctguard run -s udp/9000
	[ "$status" -eq 1 ]
	[[ $output == *"table inet ctkit"*"not ours"* ]]
}

@test "without CAP_NET_ADMIN it says so and exits 3" {
	run on server setpriv --bounding-set=-net_admin --inh-caps=-net_admin \
		ctguard run -s udp/9000
	[ "$status" -eq 3 ]
	[[ $output == *CAP_NET_ADMIN* ]]
}

@test "keeps no privilege but CAP_NET_ADMIN" {
	guard -s udp/9000
	local name mask
	while read -r name mask; do
		case $name in
		CapPrm: | CapEff:) [ $((16#$mask)) -eq $((1 << 12)) ] ;;
		NoNewPrivs:) [ "$mask" -eq 1 ] ;;
		esac
	done <"/proc/$guard/status"
}

refused() { # WORDS ARGUMENT...: exit 2 with one line that has the words
	local words=$1
	shift
	run ctguard "$@"
	echo "$output"
	[ "$status" -eq 2 ]
	[[ $output == *"$words"* ]]
}

@test "bad command lines are refused with the value and the cause" {
	refused 'no command'
	refused 'unknown command "guard"' guard
	refused 'no service may be taken out' run
	refused 'service "udp/0": the port' run -s udp/0
	refused 'service "sctp/9": want PROTO' run -s sctp/9
	refused 'cannot be taken out: flows from this host to itself' run -s out:udp/127.0.0.1:53
	refused 'cannot be taken out: 0.0.0.0' run -s udp/0.0.0.0:53
	refused 'given twice' run -s udp/53 -s udp/53
	refused '"udp/192.0.2.1:53" overlaps udp/53' run -s udp/53 -s udp/192.0.2.1:53
	refused '"udp/50-60" overlaps udp/53' run -s udp/53 -s udp/50-60
	refused 'engage-at: "80" is not a share' run -s udp/53 --engage-at 80
	refused 'must be below' run -s udp/53 --engage-at 40%
	refused 'lease: "1s" is out of range' run -s udp/53 --lease 1s
	refused 'cannot read "/nonexistent"' run -c /nonexistent
	refused '--nonsense' run --nonsense
	refused '"udp/53" is not wanted' run udp/53
}

@test "a bad configuration is refused with file and line" {
	printf 'lease = 30s\nengage-at = 8O%%\n' >"$BATS_TEST_TMPDIR/bad.conf"
	refused "bad.conf:2: engage-at: \"8O%\"" check-config -c "$BATS_TEST_TMPDIR/bad.conf"
	printf 'service "udp/53" { release-after = 5m }\nnever = { "tcp/22" }\n' \
		>"$BATS_TEST_TMPDIR/good.conf"
	run ctguard check-config -c "$BATS_TEST_TMPDIR/good.conf"
	[ "$status" -eq 0 ]
	[ "$output" = "ok: 1 service" ]
	refused 'under never' check-config -c "$BATS_TEST_TMPDIR/good.conf" -s tcp/22
}

@test "blames who grows, not who has most" {
	echo_server 9000
	# Old entries of the other allowed service: more than the flood brings.
	on server ctfill -P 9001 -d 10.77.0.1 60000
	guard -s udp/9001 -s udp/9000 --horizon 1h
	flood udp/10.77.0.1:9000 20k
	wait_until 30 happened engage
	[ "$(event engage | jq -r .service)" = udp/9000 ]
	[ "$(grep -c '"event":"engage"' "$BATS_TEST_TMPDIR/$guard.out")" -eq 1 ]
}

@test "a service that stays flooded is not given back" {
	echo_server 9000
	# That does not mind a sender that pauses, nor waits until the flood is over.
	guard -s udp/9000 --horizon 1h --release-after 4s --release-at 1%
	flood udp/10.77.0.1:9000 120k
	[ "$(grep -c '"event":"engage"' "$BATS_TEST_TMPDIR/$guard.out")" -eq 1 ]
	! happened release || false
	wait_until 30 happened release
}

@test "expired entries that are still counted are nobody's fault" {
	on server sysctl -q -w net.netfilter.nf_conntrack_udp_timeout=1
	on server ctfill -P 53 -d 10.77.0.1 -t 1 100000
	on server ctfill -P 9000 -d 10.77.0.1 -t 600 2000
	elapse 1100
	[ "$(entries server)" -ge 50000 ] || skip "the kernel has collected them already"
	guard -s udp/9000 --horizon 0s --engage-at 15% --release-at 10%
	wait_until 30 eval '[ "$(entries server)" -lt 50000 ]'
	elapse 1000
	! happened engage || false
	! happened helpless || false
}

@test "what it takes over is refreshed at once" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h --lease 5s
	flood udp/10.77.0.1:9000 20k
	wait_until 30 untracked "udp . 9000"
	kill -KILL "$guard"
	wait "$guard" || true
	guard -s udp/9000 --lease 60s --release-after 60s
	elapse 6000
	untracked "udp . 9000"
	! happened lost || false
}

@test "what a guard of an older version left is taken over, and made as it is made now" {
	on server ctrules -q --force add udp/9000 --lease 5m
	as_older_version server
	for map in in out; do
		on server nft "delete element inet ctkit ${map}_services { udp . 9000 }
			add element inet ctkit ${map}_services { udp . 9000 timeout 5m comment \"ctguard 1\" : jump ${map}_udp_9000 }"
	done
	on server ctrules list | grep ' part .* ctguard 1$'
	guard -s udp/9000 --release-after 60s
	on server nft list chain inet ctkit out_udp_9000 | grep 'fib saddr type local counter'
	on server ctrules list | grep " all .* ctguard $guard\$"
	! happened lost || false
}

@test "a rule without a lease is left to whoever made it" {
	on server ctrules -q --force add udp/9000 --forever
	guard -s udp/9000 --release-after 0s
	grep -q 'left so: udp/9000' "$BATS_TEST_TMPDIR/$guard.err"
	elapse 4000
	kill -INT "$guard"
	wait "$guard"
	[ "$(on server ctrules list -j | jq -c '.services[] | [.service, .lease_seconds_left]')" = '["udp/9000",null]' ]
}

@test "a hung guard does not bring back what has lapsed" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h --lease 3s
	flood udp/10.77.0.1:9000 20k
	wait_until 30 untracked "udp . 9000"
	kill -STOP "$guard"
	wait_until 15 lapsed
	kill -CONT "$guard"
	wait_until 30 happened lost
	lapsed
}

@test "a reader that goes away does not take the guard with it" {
	echo_server 9000
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	(exec ip netns exec server ctguard run -j -s udp/9000 --horizon 1h \
		>"$BATS_TEST_TMPDIR/pipe" 2>"$BATS_TEST_TMPDIR/err" 3>&-) &
	guard=$!
	head -n 1 "$BATS_TEST_TMPDIR/pipe"
	flood udp/10.77.0.1:9000 20k
	wait_until 30 untracked "udp . 9000"
	wait_until 30 few_left
	kill -INT "$guard"
	wait "$guard"
	grep -q 'events could not be written' "$BATS_TEST_TMPDIR/err"
}

@test "a reader that stalls does not stall the guard" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	(exec ip netns exec server ctguard run -j -s udp/9000 >"$BATS_TEST_TMPDIR/pipe" \
		2>"$BATS_TEST_TMPDIR/err" 3>&-) &
	guard=$!
	exec 9<"$BATS_TEST_TMPDIR/pipe"
	wait_until 30 grep -q guarding "$BATS_TEST_TMPDIR/err"
	# Fill what is left of the pipe.
	dd if=/dev/zero of="$BATS_TEST_TMPDIR/pipe" bs=4096 count=64 oflag=nonblock 2>/dev/null || true
	kill -INT "$guard"
	wait_until 30 ended "$guard"
	exec 9<&-
}

@test "a dry run of two services decides as the real one does" {
	echo_server 9000
	on server ctfill -P 9001 -d 10.77.0.1 -t 600 5000
	guard -s udp/9001 -s udp/9000 --horizon 1h --dry-run
	flood udp/10.77.0.1:9000 60k
	wait_until 30 happened engage
	[ "$(event engage | jq -r .service)" = udp/9000 ]
	[ "$(grep -c '"event":"engage"' "$BATS_TEST_TMPDIR/$guard.out")" -eq 1 ]
	! happened helpless || false
	kill -INT "$guard"
	wait "$guard"
	! grep -q 'gave udp' "$BATS_TEST_TMPDIR/$guard.err" || false
}

@test "a dry run may stand beside a running guard" {
	guard -s udp/9000
	local real=$guard
	guard -s udp/9000 --dry-run --engage-at 60%
	kill -INT "$guard" "$real"
	wait "$guard"
	wait "$real"
}

@test "says so where nothing is tracked" {
	on server nft flush ruleset
	guard -s udp/9000
	wait_until 30 grep -q 'not tracked in this network namespace' "$BATS_TEST_TMPDIR/$guard.err"
}

@test "the command line goes over the file, for services of the file too" {
	printf 'release-after = 1h\nservice "udp/9000" { }\n' >"$BATS_TEST_TMPDIR/conf"
	guard -c "$BATS_TEST_TMPDIR/conf" --release-after 7s --control "$BATS_TEST_TMPDIR/socket"
	[ "$(ctguard --control "$BATS_TEST_TMPDIR/socket" status -j |
		jq '.services[0].release_after_seconds')" -eq 7 ]
}

@test "files that are no configuration are refused, whatever they are" {
	refused 'Is a directory' check-config -c /
	printf '\0\1\377' >"$BATS_TEST_TMPDIR/binary"
	refused 'binary:1: byte 0x00 is not text' check-config -c "$BATS_TEST_TMPDIR/binary"
	printf 'service "udp/53" {\n' >"$BATS_TEST_TMPDIR/short"
	refused "short:3: no such option 'end-of-file'" check-config -c "$BATS_TEST_TMPDIR/short"
	printf 'never = { "tcp/22"' >"$BATS_TEST_TMPDIR/short"
	refused 'short:' check-config -c "$BATS_TEST_TMPDIR/short" -s udp/53
}

@test "without descriptors to spare it says so and does not abort" {
	for limit in 6 8 10 12; do
		run on server timeout 3 prlimit --nofile=$limit ctguard run -s udp/9000
		[ "$status" -eq 1 ] || [ "$status" -eq 124 ]
	done
}
