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
	ip netns del server
	ip netns del client
}

# echo_server PORT: answers UDP on the server host, IPv4 and IPv6.
echo_server() {
	background on server ctserve "echo=udp/$1"
	wait_until 5 grep -q serving "$BATS_TEST_TMPDIR/$pid.err"
}

# guard OPTION...: starts ctguard on the server host; its pid is in $guard.
guard() {
	background on server ctguard run --json "$@"
	guard=$pid
	wait_until 5 grep -q guarding "$BATS_TEST_TMPDIR/$guard.err"
}

# flood TARGET COUNT: new flows at 20,000/s, each answered.
flood() {
	local source=10.78.0.0/16
	[[ $1 == *\[* ]] && source=fd78::/112
	on client ctload flows "$1" --count "$2" --rate 20k --window 1000 --source $source -j -q \
		2>"$BATS_TEST_TMPDIR/ctload.err"
}

event() { # NAME: the first event of that name, as JSON
	jq -c "select(.event == \"$1\")" "$BATS_TEST_TMPDIR/$guard.out" | head -n 1
}

happened() { # NAME: whether there was such an event
	[ -n "$(event "$1")" ]
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
	wait_until 5 happened reclaim
	[ "$(event engage | jq -r .service)" = udp/9000 ]
	untracked "udp . 9000"
	! untracked "udp . 9001"
	# All that came before the rule was deleted, nothing came after.
	[ "$(entries server)" -lt 100 ]
}

@test "the same for a flood over IPv6" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h
	run flood 'udp/[fd77::1]:9000' 20k
	[ "$status" -eq 0 ]
	[ "$(jq .answered <<<"$output")" -eq 20000 ]
	wait_until 5 happened reclaim
	[ "$(entries server)" -lt 100 ]
}

@test "deletes only the entries of the guilty service" {
	echo_server 9000
	on server conntrack -I -p udp -s 192.0.2.1 -d 192.0.2.2 --sport 5000 --dport 53 -t 600
	guard -s udp/9000 --horizon 1h
	flood udp/10.77.0.1:9000 20k
	wait_until 5 happened reclaim
	on server conntrack -L -p udp --dport 53 2>/dev/null | grep -q 192.0.2.1
	[ "$(entries server)" -lt 100 ]
}

@test "does not blame a local service for flows to the same port of another host" {
	background on client ctserve echo=udp/9000
	wait_until 5 grep -q serving "$BATS_TEST_TMPDIR/$pid.err"
	guard -s udp/9000 --horizon 1h
	on server ctload flows udp/10.77.0.2:9000 --count 20k --rate 20k --window 1000 -j -q \
		2>"$BATS_TEST_TMPDIR/ctload.err"
	wait_until 5 happened helpless
	event helpless | jq -r .why | grep -q 'out:udp/9000'
	! happened engage
	! on server nft list table inet ctkit
	[ "$(entries server)" -ge 20000 ]
}

@test "leaves alone flows to the same port of other hosts when it acts" {
	echo_server 9000
	on server conntrack -I -p udp -s 10.77.0.1 -d 192.0.2.2 --sport 40000 --dport 9000 -t 600
	on server conntrack -I -p udp -s 10.77.0.2 -d 192.0.2.3 --sport 40000 --dport 9000 -t 600
	on server conntrack -I -p udp -s fd77::1 -d 2001:db8::1 --sport 40000 --dport 9000 -t 600
	guard -s udp/9000 --horizon 1h
	flood udp/10.77.0.1:9000 20k
	wait_until 5 happened reclaim
	[ "$(event engage | jq -r .service)" = udp/9000 ]
	[ "$(entries server)" -lt 100 ]
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
	wait_until 5 happened reclaim
	[ "$(event engage | jq -r .service)" = udp/9000 ]
	! happened helpless
	[ "$(entries server)" -lt 100 ]
}

@test "gives the service back when the flood is over" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h --release-after 1s
	flood udp/10.77.0.1:9000 20k
	happened engage
	wait_until 10 happened release
	! on server nft list table inet ctkit
}

@test "leaves alone a flood that is nobody's it may touch, and says whose it is" {
	echo_server 9000
	guard -s udp/9001 --horizon 1h
	flood udp/10.77.0.1:9000 20k
	wait_until 5 happened helpless
	event helpless | jq -r .why | grep -q 'udp/9000'
	! on server nft list table inet ctkit
}

@test "acts at the mark when the forecast has no horizon" {
	echo_server 9000
	guard -s udp/9000 --horizon 0s --engage-at 2% --release-at 1%
	flood udp/10.77.0.1:9000 20k
	wait_until 5 happened engage
	event engage | jq -r .why | grep -q 'at the mark'
}

@test "a dry run decides the same and changes nothing" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h --dry-run
	flood udp/10.77.0.1:9000 20k
	wait_until 5 happened engage
	[ "$(event engage | jq .dry_run)" = true ]
	grep -q 'would take udp/9000 out of tracking' "$BATS_TEST_TMPDIR/$guard.err"
	! on server nft list table inet ctkit
	[ "$(entries server)" -ge 20000 ]
}

@test "Ctrl-C takes the rules away" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h
	flood udp/10.77.0.1:9000 20k
	wait_until 5 untracked "udp . 9000"
	kill -INT "$guard"
	wait "$guard"
	! on server nft list table inet ctkit
	grep -q 'gave back udp/9000' "$BATS_TEST_TMPDIR/$guard.err"
}

@test "SIGTERM leaves the leases, and the next guard takes them over" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h --lease 20s
	flood udp/10.77.0.1:9000 20k
	wait_until 5 untracked "udp . 9000"
	kill -TERM "$guard"
	wait "$guard"
	grep -q 'udp/9000: leases run out within 20s' "$BATS_TEST_TMPDIR/$guard.err"
	untracked "udp . 9000"
	guard -s udp/9000 --horizon 1h --lease 20s --release-after 1s
	wait_until 5 happened adopt
	event adopt | jq -r .why | grep -q udp/9000
	wait_until 10 happened release
}

@test "kill -9: the rules end with their lease" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h --lease 3s
	flood udp/10.77.0.1:9000 20k
	wait_until 5 untracked "udp . 9000"
	kill -KILL "$guard"
	wait_until 5 lapsed
}

lapsed() {
	! untracked "udp . 9000"
}

@test "a living guard keeps its rules beyond their lease" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h --lease 3s
	flood udp/10.77.0.1:9000 20k
	wait_until 5 untracked "udp . 9000"
	local until=$((SECONDS + 5))
	wait_until 10 eval "untracked 'udp . 9000' && ((SECONDS > $until))"
	happened engage
	[ "$(grep -c '"event":"engage"' "$BATS_TEST_TMPDIR/$guard.out")" -eq 1 ]
}

@test "says when somebody else took its rules away" {
	echo_server 9000
	guard -s udp/9000 --horizon 1h
	flood udp/10.77.0.1:9000 20k
	wait_until 5 untracked "udp . 9000"
	on server nft delete table inet ctkit
	wait_until 5 happened lost
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
	refused 'only a single local port' run -s out:udp/53
	refused 'given twice' run -s udp/53 -s udp/192.0.2.1:53
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
