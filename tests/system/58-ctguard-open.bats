#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What ctguard does about TCP connections that are open while their service is out of tracking, and that
# would be cut off if it came back.

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

order() {
	ctguard --control socket "$@"
}

of_service() { # FILTER VALUE: whether the status says so of the only service
	[ "$(order status -j | jq -r ".services[0] | $1")" = "$2" ]
}

# hold COUNT: opens connections of feed clients, and has tcp/9000 taken out with them.
hold() {
	background on server ctserve feed=tcp/9000
	wait_until 30 grep -q serving "$pid.err"
	background on client ctload hold tcp/10.77.0.1:9000 --connections "$1" --duration 60s -q
	wait_until 30 opened "$1"
	guard -s tcp/9000 --horizon 0s --engage-at 1% --release-at 0.1% --release-after 100ms
	on server ctfill -p tcp -P 9000 -d 10.77.0.1 -t 600 "$(many)" >/dev/null
	wait_until 30 of_service .untracked_percent 100
	wait_until 30 of_service ".connections == $1" true
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

# talk: a client that talks to the echo server once, again when ./again is there, and writes what came
# of that into ./talk.
talk() {
	background on server ctserve echo=tcp/9000
	wait_until 30 grep -q serving "$pid.err"
	cat >talk.py <<-'PYTHON'
		import os, socket, time
		s = socket.create_connection(("10.77.0.1", 9000), 10)
		s.settimeout(10)
		s.sendall(b"once")
		s.recv(10)
		open("once", "w").close()
		while not os.path.exists("again"): time.sleep(0.05)
		s.settimeout(5)
		s.sendall(b"again")
		try: answer = "alive" if s.recv(10) else "ended"
		except OSError: answer = "cut"
		open("talk.new", "w").write(answer)
		os.rename("talk.new", "talk")
	PYTHON
	background on client /usr/bin/python3 talk.py
	wait_until 30 test -e once
	guard -s tcp/9000 --horizon 0s --engage-at 1% --release-at 0.1% --release-after 1h
	on server ctfill -p tcp -P 9000 -d 10.77.0.1 -t 600 "$(many)" >/dev/null
	wait_until 30 of_service .untracked_percent 100
	wait_until 30 of_service '.connections == 1' true
	# The entry is deleted, so the connection will be a stranger.
	wait_until 30 forgotten
}

# Not what ctfill has added since.
forgotten() {
	[ "$(on server conntrack -L -p tcp --dport 9000 -s 10.77.0.2 2>/dev/null | wc -l)" -eq 0 ]
}

@test "a connection that rules would take for a new one is kept out of tracking, and they would cut it off" {
	on server nft add rule inet firewall input 'tcp flags & (fin|syn|rst|ack) != syn ct state new drop'
	talk
	run order release tcp/9000
	[ "$status" -eq 1 ]
	[[ $output == *"1 open connection would be cut off"* ]]
	order release tcp/9000 --now
	touch again
	wait_until 30 test -e talk
	[ "$(cat talk)" = cut ]
}

@test "a connection that the rules let be picked up in its middle comes back, and lives on" {
	talk
	order release tcp/9000
	of_service .untracked false
	touch again
	wait_until 30 test -e talk
	[ "$(cat talk)" = alive ]
	not forgotten
}

# firewalls: what a host may have, and whether it would cut off a connection that is tracked again: picked
# up in its middle, and where the kernel does not do that.
firewalls() {
	cat <<-'END'
		no no   | chain c { type filter hook input priority 0; ct state established,related accept;
		no yes  | chain c { type filter hook input priority 0; ct state invalid drop;
		no yes  | chain c { type filter hook input priority 0; policy drop; iif lo accept; icmpv6 type != 1 accept; ct state established,related accept; tcp dport 9000 ct state new accept;
		no no   | chain c { type filter hook input priority 0; policy drop; iif lo accept; ct state established,related accept; tcp dport 9000 accept;
		no no   | chain c { type filter hook input priority 0; policy drop; iif lo accept; ct state established,related accept; ip saddr 10.0.0.0/8 tcp dport 9000 accept;
		yes yes | chain c { type filter hook input priority 0; policy drop; iif lo accept; ct state established,related accept; tcp dport 9000 tcp flags & (fin|syn|rst|ack) == syn accept;
		yes no  | chain c { type filter hook prerouting priority -150; ct state new tcp flags & (fin|syn|rst|ack) != syn drop;
		yes no  | chain c { type filter hook input priority 0; ct state new limit rate over 10/second drop;
		yes yes | chain c { type filter hook output priority 0; policy drop; oif lo accept; tcp sport 9000 ct state established,untracked accept;
		no no   | chain c { type filter hook input priority 0; udp dport 9000 ct state new,invalid drop;
		no no   | chain c { type filter hook input priority 0; tcp dport 9001 ct state new,invalid drop;
		no no   | chain c { type nat hook postrouting priority 100; masquerade;
		yes yes | chain c { type filter hook input priority 0; ct direction reply drop; ct status seen-reply accept; tcp dport 9000 tcp flags & syn != syn drop;
	END
}

judged() { # LOOSE YES-OR-NO: whether the guard has come to think so
	on server sysctl -q -w net.netfilter.nf_conntrack_tcp_loose="$1"
	[ "$(order status -j | jq '.services[0].cuts_connections')" = "$([ "$2" = yes ] && echo true || echo false)" ]
}

@test "what rules do to connections in their middle is read from the rules" {
	local loose strict rules
	guard -s tcp/9000 --force
	while read -r loose strict rules; do
		for case in "1 $loose" "0 $strict"; do
			on server sysctl -q -w net.netfilter.nf_conntrack_tcp_loose="${case% *}"
			printf 'table inet t\ndelete table inet t\ntable inet t { %s\n}\n}\n' "${rules#| }" |
				on server nft -f -
			# shellcheck disable=SC2086 # two words
			wait_until 30 judged $case || { echo "$case: $rules"; false; }
		done
	done < <(firewalls)
}

@test "release --now is for nothing else" {
	run ctguard status --now
	[ "$status" -eq 2 ]
	[[ $output == *'--now is for "release" only'* ]]
}
