#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ctwatch against real traffic through real rules: translated, forwarded, in, out and picked up in
# the middle, in both families; conntrack(8) and ss are the oracles.

load lib
pid= # background's

# A router "gate" between "inside" (10.1.0.2, fd01::2) and "outside" (10.2.0.2, fd02::2).
setup() {
	for host in inside gate outside; do
		ip netns add "$host"
		on "$host" sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
		ip -n "$host" link set lo up
	done
	cable inside 1
	cable outside 2
	on gate sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	# What the router serves is in a network of its own.
	ip -n gate addr add 10.9.0.1/32 dev lo
	ip -n gate addr add fd09::1/128 dev lo
	tracked gate
	wait_until 30 uplink inside
	wait_until 30 uplink outside
}

teardown() {
	aftermath
	for host in inside gate outside; do
		ip netns del "$host"
	done
}

cable() { # HOST NET
	ip -n gate link add "to-$1" type veth peer name uplink netns "$1"
	ip -n gate addr add "10.$2.0.1/24" dev "to-$1"
	ip -n gate addr add "fd0$2::1/64" dev "to-$1" nodad
	ip -n gate link set "to-$1" up
	ip -n "$1" addr add "10.$2.0.2/24" dev uplink
	ip -n "$1" addr add "fd0$2::2/64" dev uplink nodad
	ip -n "$1" link set uplink up
	ip -n "$1" route add default via "10.$2.0.1"
	ip -n "$1" route add default via "fd0$2::1"
}

uplink() { # HOST
	ip -n "$1" link show uplink | grep -q 'state UP'
}

# nat PREROUTING POSTROUTING OUTPUT: the rules of the router's table inet nat.
nat() {
	on gate nft -f - <<-NFT
		table inet nat {
			chain pre {
				type nat hook prerouting priority dstnat
				$1
			}
			chain post {
				type nat hook postrouting priority srcnat
				$2
			}
			chain out {
				type nat hook output priority -100
				$3
			}
		}
	NFT
}

# flows HOST ADDRESS PORT COUNT [SOURCE-PORT]: datagrams, each a flow: from another port, or, from that port, to the
# ports that follow.
flows() {
	on "$1" python3 - "${@:2}" <<-'PYTHON'
		import socket, sys
		address, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
		family = socket.AF_INET6 if ":" in address else socket.AF_INET
		for i in range(count):
		    with socket.socket(family, socket.SOCK_DGRAM) as s:
		        if len(sys.argv) > 4:
		            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		            s.bind(("::" if ":" in address else "0.0.0.0", int(sys.argv[4])))
		        s.sendto(b"x", (address, port + (i if len(sys.argv) > 4 else 0)))
	PYTHON
}

listens() { # HOST udp|tcp ADDRESS PORT
	background on "$1" listen "${@:2}"
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$pid.out"
	listeners+=("$pid")
}

watched() {
	on gate ctwatch --once --json --top 100 >"$BATS_TEST_TMPDIR/out"
	[ "${#listeners[@]}" -eq 0 ] || kill "${listeners[@]}"
	jq -c '.tables[0].services[] | [.service, .direction, .entries, .nat, .process]' "$BATS_TEST_TMPDIR/out"
	on gate conntrack -L 2>/dev/null
}

# shows SERVICE DIRECTION ENTRIES NAT PROCESS
shows() {
	jq -e --arg s "$1" --arg d "$2" --argjson n "$3" --argjson t "$4" --argjson p "${5:-null}" \
		'[.tables[0].services[] | select(.service == $s and .direction == $d)]
		| length == 1 and (.[0] | .entries == $n and .nat == $t and .process == $p)' "$BATS_TEST_TMPDIR/out"
}

@test "flows in, out and through are told apart, in both families" {
	listeners=()
	listens gate udp :: 9000
	flows inside 10.1.0.1 9000 5
	flows inside fd01::1 9000 4
	flows gate 10.2.0.2 53 3
	flows gate fd02::2 53 3
	flows inside 10.2.0.2 123 2
	flows inside fd02::2 123 2
	on inside python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.sendto(bytes.fromhex("0800f7ff00000000"), ("10.2.0.2", 0))
s.recv(64)'
	watched
	shows udp/9000 in 9 false '"listen"'
	shows out:udp/53 out 6 false
	shows udp/123 forward 4 false
	jq -e '.tables[0] | .services | map(.entries) | add == ($e | tonumber)' \
		--arg e "$(on gate conntrack -L 2>/dev/null | wc -l)" "$BATS_TEST_TMPDIR/out"
	jq -e '[.tables[0].states[] | select(.state == "icmp replied")] | length == 1' "$BATS_TEST_TMPDIR/out"
	jq -e '[.tables[0].sources[] | .prefix] | index("10.1.0.0/24") and index("fd01::/64")' "$BATS_TEST_TMPDIR/out"
}

# all FROM HOST ADDRESS...: a datagram to port 5353 of each, by the interface that has the address FROM.
all() {
	on "$2" python3 - "$1" "${@:3}" <<-'PYTHON'
		import socket, sys
		for address in sys.argv[2:]:
		    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
		        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
		        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(sys.argv[1]))
		        s.bind((sys.argv[1], 0))
		        s.sendto(b"x", (address, 5353))
	PYTHON
}

@test "what comes by multicast or broadcast is its listener's, and what goes out so is not" {
	listeners=()
	listens gate udp :: 5353
	all 10.1.0.2 inside 224.0.0.1 255.255.255.255 10.1.0.255
	on inside python3 -c 'import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.sendto(b"x", ("ff02::1", 5353, 0, socket.if_nametoindex("uplink")))'
	all 10.2.0.1 gate 224.0.0.1
	on gate ctwatch --once --service udp/5353 >"$BATS_TEST_TMPDIR/counted"
	watched
	shows udp/5353 in 4 false '"listen"'
	shows out:udp/5353 out 1 false
	grep 'udp/5353, 4 of 5 live entries' "$BATS_TEST_TMPDIR/counted"
	jq -e '[.tables[0].processes[] | select(.process == "listen") | .entries] == [4]' "$BATS_TEST_TMPDIR/out"
}

@test "what is sent on to another host is forwarded, by the port that was asked for" {
	listeners=()
	nat 'udp dport 80 meta nfproto ipv4 dnat ip to 10.2.0.2:8080; udp dport 80 meta nfproto ipv6 dnat ip6 to [fd02::2]:8080' '' ''
	flows inside 10.1.0.1 80 5
	flows inside fd01::1 80 4
	watched
	shows udp/80 forward 9 true
}

@test "what is redirected to a local socket is that socket's" {
	listeners=()
	listens gate udp :: 8080
	listens gate udp 127.0.0.1 8081
	nat 'udp dport 80 redirect to :8080' '' 'ip daddr 10.2.0.2 udp dport 81 dnat ip to 127.0.0.1:8081'
	flows inside 10.1.0.1 80 5
	flows inside fd01::1 80 4
	flows gate 10.2.0.2 81 3
	watched
	shows udp/8080 in 9 true '"listen"'
	shows udp/127.0.0.1:8081 in 3 true '"listen"'
}

@test "masqueraded flows are forwarded ones, and their source is who sent them" {
	listeners=()
	nat '' 'oifname "to-outside" masquerade' ''
	flows inside 10.2.0.2 53 5
	flows inside fd02::2 53 4
	flows gate 10.2.0.2 53 3
	watched
	shows udp/53 forward 9 true
	shows out:udp/53 out 3 false
	jq -e '[.tables[0].sources[] | select(.prefix == "10.1.0.0/24") | .entries] == [5]' "$BATS_TEST_TMPDIR/out"
	jq -e '[.tables[0].sources[] | select(.prefix == "fd01::/64") | .entries] == [4]' "$BATS_TEST_TMPDIR/out"
}

@test "the source that a rule gives to forwarded flows does not make them the host's own" {
	listeners=()
	nat '' 'oifname "to-outside" meta nfproto ipv4 snat ip to 10.2.0.1' ''
	flows inside 10.2.0.2 53 5
	watched
	shows udp/53 forward 5 true
}

@test "a UDP socket that listens and sends first has its flows counted, for the clients' networks" {
	listeners=()
	listens gate udp :: 9000
	ip -n gate route add 10.4.0.0/24 via 10.2.0.2 src 10.9.0.1
	ip -n outside route add local 10.4.0.0/24 dev lo
	flows gate 10.4.0.2 40000 6 9000
	flows gate 10.4.0.2 40000 1
	watched
	shows udp/9000 in 6 false '"listen"'
	shows out:udp/40000 out 1 false
	jq -e '[.tables[0].sources[] | [.prefix, .entries]] == [["10.4.0.0/24", 6], ["10.9.0.0/24", 1]]' \
		"$BATS_TEST_TMPDIR/out"
}

@test "TCP picked up from an answer is its listener's, in both families" {
	listeners=()
	background on gate ctserve -w 1 -q -i 200ms feed=tcp/8000
	listeners+=("$pid")
	wait_until 30 serves 8000
	background on inside ctload hold --connections 3 --duration 60s 10.9.0.1:8000
	listeners+=("$pid")
	background on inside ctload hold --connections 2 --duration 60s '[fd09::1]:8000'
	listeners+=("$pid")
	wait_until 30 connected 5
	# The server's next chunk makes the new entries.
	on gate conntrack -F 2>/dev/null
	wait_until 30 tracked_tcp 5
	on gate conntrack -L -p tcp 2>/dev/null | grep 'sport=8000 dport=[0-9]* .*sport' | head -1
	on gate ctwatch --once --json >"$BATS_TEST_TMPDIR/out"
	kill "${listeners[@]}"
	shows tcp/8000 in 5 false '"ctserve"'
	jq -e '[.tables[0].sources[] | .prefix] | sort == ["10.1.0.0/24", "fd01::/64"]' "$BATS_TEST_TMPDIR/out"
}

serves() { # PORT
	on gate ss -Hltn "sport = :$1" | grep -q .
}

connected() { # COUNT
	[ "$(on gate ss -Htn state established sport = :8000 | wc -l)" -eq "$1" ]
}

tracked_tcp() { # COUNT
	[ "$(on gate conntrack -L -p tcp 2>/dev/null | wc -l)" -eq "$1" ]
}

# asks HOST ADDRESS PORT FIRST-SOURCE-PORT COUNT: connections from that port and those after it.
asks() {
	on "$1" python3 - "${@:2}" <<-'PYTHON'
		import socket, sys
		address, port, first, count = sys.argv[1], *map(int, sys.argv[2:])
		for i in range(count):
		    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    s.bind(("::" if ":" in address else "0.0.0.0", first + i))
		    s.connect((address, port))
	PYTHON
}

@test "what comes from a port as services have is a client's all the same, if it came first" {
	listeners=()
	listens outside tcp :: 40000
	nat 'tcp dport 32768 dnat ip to 10.2.0.2:40000' '' ''
	asks gate 10.2.0.2 40000 2000 4
	asks gate fd02::2 40000 2000 3
	asks inside 10.2.0.2 40000 2000 2
	asks inside 10.1.0.1 32768 3000 2
	flows inside 10.2.0.2 51820 1 9000
	flows inside fd02::2 51820 1 9000
	watched
	shows out:tcp/40000 out 7 false
	shows tcp/40000 forward 2 false
	shows tcp/32768 forward 2 true
	shows udp/51820 forward 2 false
	jq -e '[.tables[0].sources[] | select(.prefix == "10.1.0.0/24") | .entries] == [5]' "$BATS_TEST_TMPDIR/out"
}
