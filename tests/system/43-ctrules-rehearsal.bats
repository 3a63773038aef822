# SPDX-License-Identifier: GPL-2.0-or-later
# ctrules audit --rehearse: what becomes of real packets in copies of this host.
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell and sets stderr_lines

setup() {
	load lib
	[ -c /dev/net/tun ] || skip "no /dev/net/tun"
	AUDIT=$BATS_TEST_DIRNAME/../audit
	hosts
}

teardown() {
	aftermath
	for name in $(ip netns list | cut -d' ' -f1); do ip netns del "$name"; done
}

# rehearsed SERVICE FIELD: a field of what the rehearsal of the server saw.
rehearsed() {
	on server ctrules audit --rehearse --json "$1" | jq -r ".rehearsal.$2"
}

# zoned: a zone keeps packets tracked, whatever NOTRACK says: that the walk does not judge.
zoned() {
	on server nft -f - <<-'NFT'
		table inet raw {
			chain prerouting {
				type filter hook prerouting priority raw; policy accept;
				iifname "v-server" ct zone set 5
			}
			chain output {
				type filter hook output priority raw; policy accept;
				oifname "v-server" ct zone set 5
			}
		}
	NFT
}

# everything: what a host consists of.
everything() {
	on server sh -c 'nft -s list ruleset; ip -o addr; ip -o link; ip nexthop; ip route show table all
		ip -6 route show table all; ip rule; ip -6 rule; ls /sys/class/net
		conntrack -L -p tcp 2>/dev/null; conntrack -L -p udp 2>/dev/null
		cd /proc/sys/net && grep -rs . ipv4 ipv6 netfilter | grep -vE "ipv4/route/|nf_conntrack_count" | sort'
}

# much: a host with all kinds of interfaces, addresses, routes, policy rules and settings.
much() {
	on server sh -c 'ip link add br0 type bridge && ip link set br0 up && ip addr add 172.17.0.1/16 dev br0
		ip link add eth1 type veth peer name peer1 && ip link set eth1 up # without a carrier
		ip addr add 10.9.0.1/24 dev eth1 noprefixroute && ip -6 addr add fd99::1/64 dev eth1
		sysctl -q -w net.ipv4.conf.eth1.route_localnet=1 net.ipv4.conf.v-server.rp_filter=2 \
			net.netfilter.nf_conntrack_tcp_loose=0 net.netfilter.nf_conntrack_udp_timeout=77 net.ipv4.ip_forward=1
		ip route add default via 10.77.0.2 && ip -6 route add default via fd77::2
		ip nexthop add id 10 via 10.77.0.3 dev v-server && ip nexthop add id 11 via 10.77.0.4 dev v-server
		ip nexthop add id 12 group 10/11 && ip route add 203.0.113.0/24 nhid 12
		ip route add 198.18.0.0/15 nexthop via 10.77.0.3 dev v-server nexthop via 10.77.0.4 dev v-server
		ip route add 10.50.0.0/16 dev eth1 && ip route add blackhole 10.51.0.0/16
		ip rule add fwmark 7 lookup 77 && ip route add blackhole default table 77
		ip rule del pref 0 && ip rule add pref 50 lookup local && ip -6 rule add fwmark 9 lookup 99'
	on server nft -f - <<-'NFT'
		table inet f {
			set timed { type ipv4_addr; flags timeout; timeout 1h; elements = { 10.1.1.1 timeout 5m, 10.1.1.2 }; }
			set seen { type ipv4_addr; size 100; flags dynamic,timeout; timeout 1m; }
			set ranges { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.168.0.0-192.168.5.6 }; }
			map ways { type inet_service : verdict; elements = { 53 : accept, 9000 : jump counted }; }
			counter every { packets 5 bytes 10 }
			quota most { over 10 mbytes used 5 mbytes }
			limit some { rate 10/second }
			ct timeout short {
				protocol udp
				l3proto ip
				policy = { unreplied : 30, replied : 60 }
			}
			chain counted {
				counter name every
				return
			}
			chain input {
				type filter hook input priority 0; policy accept;
				udp dport vmap @ways
				udp dport 9000 add @seen { ip saddr counter }
				ip saddr @timed drop
				ip saddr @ranges counter
				udp dport 9000 quota name most drop
				udp dport 9001 limit name some accept
				meta iif v-server udp dport 9000 ct state established,related accept
			}
			chain forward {
				type filter hook forward priority 0
				udp dport 9000 ct timeout set "short"
			}
		}
		table netdev early {
			chain ingress {
				type filter hook ingress device v-server priority 0
				udp dport 1 drop
			}
		}
	NFT
}

# seen: the same of a host and of its copy, but for clocks and what is not asked of a cable.
seen() {
	nft list ruleset | sed -E 's/ expires [0-9a-z]+//g'
	ip -o -f inet addr
	ip -o -f inet6 addr | sed 's/ nodad//'
	ip nexthop
	ip -4 route show table all | sed 's/ linkdown//'
	ip -6 route show table main | sed 's/ linkdown//' | sort
	ip rule
	ip -6 rule
	cd /proc/sys/net || return
	grep -s . ipv4/ip_forward ipv4/conf/*/{rp_filter,route_localnet,forwarding} netfilter/nf_conntrack_{tcp_loose,udp_timeout} |
		grep -v default
}

bats_require_minimum_version 1.5.0

@test "a rehearsal sees what differs, and nothing where nothing does" {
	[ "$(rehearsed udp/9000 difference_count)" = 0 ]
	on server nft -f "$AUDIT/rulesets/stateful-firewall.nft"
	[ "$(rehearsed udp/9000 difference_count)" -gt 0 ]
	[ "$(rehearsed tcp/9000 difference_count)" -gt 0 ]
	[ "$(rehearsed out:udp/53 difference_count)" -gt 0 ]
	run -4 on server ctrules audit --rehearse udp/9000
	[[ $output == *"rehearsed with "*" conversations: "*" differences, the first 8 of them:"*"
  only tracked: the service gets the request of 10.77.0.2:"*" to 10.77.0.1:9000
"* ]]
	# What only errors do is a warning, as in the walk.
	on server nft flush ruleset
	on server nft -f "$AUDIT/rulesets/invalid-drop.nft"
	run -4 on server ctrules audit --rehearse udp/9000
	[[ $output == *"warning: rehearsal"*"only tracked: the service gets the ICMP error \"packet too big\" (2/0) about its answer to the request of "* ]]
	[[ $output != *blocker* ]]
	# A connection is told of each: one after the other, whatever was acknowledged when.
	run rehearsed out:tcp/10.77.0.2:80 'differences[]'
	[ "$(grep -c ' fails: Connection refused, after ICMP errors$' <<<"$output")" = 2 ]
	[ "$(grep -c ' fails: No route to host, after ICMP errors$' <<<"$output")" = 2 ]
	# What was open before is in the table still.
	run rehearsed tcp/10.77.0.1:9000 'differences[]'
	[ "$(grep -cE '^only tracked: a connection of the service from 10\.77\.0\.2:[0-9]+ fails: ' <<<"$output")" = 2 ]
	[ "${#lines[@]}" = 2 ]
	on server nft flush ruleset
	on server nft -f "$AUDIT/rulesets/untracked-and-errors-accepted.nft"
	[ "$(rehearsed udp/9000 difference_count)" = 0 ]
	[ "$(rehearsed tcp/9000 difference_count)" = 0 ]
	[ "$(rehearsed tcp/9000 conversations)" -gt 10 ]
}

@test "many addresses leave room for what begins after NOTRACK" {
	on server bash -c 'for i in {1..60}; do ip addr add "10.88.$i.1/24" dev v-server; done'
	on server nft -f "$AUDIT/rulesets/stateful-firewall.nft"
	[ "$(rehearsed tcp/9000-9100 difference_count)" -gt 100 ]
	[[ "$(rehearsed tcp/9000-9100 'not_copied[]')" == *" conversations: there are too many addresses" ]]
	[ "$(rehearsed out:tcp/443 difference_count)" -gt 50 ]
	[ "$(rehearsed out:tcp/443 'not_copied | length')" = 0 ]
}

@test "what nobody asked for is tried" {
	on server nft -f "$AUDIT/rulesets/unasked-in-by-port.nft"
	run rehearsed out:udp/53 'differences[]'
	[[ $output == *"only untracked: a packet that nobody asked for gets in to port 22, as from 198.51.100.77:53"* ]]
	[[ $output != *"only tracked"* ]]
	run rehearsed out:tcp/443 'differences[]'
	[[ $output == *"only untracked: a SYN that nobody asked for gets in: 10.77.0.1:22 sends a TCP SYN-ACK to 10.77.0.2:443"* ]]
	# Six ports, of two addresses, from near and far; fewer if answers may come to two of them.
	[ "$(rehearsed out:udp/53 difference_count)" = 24 ]
	on server sysctl -qw net.ipv4.ip_local_port_range='1024 60999'
	[ "$(rehearsed out:udp/53 difference_count)" = 16 ]
	on server sysctl -qw net.ipv4.ip_local_port_range='32768 60999'
	# No wider than answers look, whoever sends them.
	on server nft -f - <<-NFT
		flush ruleset
		include "$AUDIT/rulesets/unasked-no-wider.nft"
	NFT
	[ "$(rehearsed out:udp/53 difference_count)" = 0 ]
	[ "$(rehearsed out:tcp/443 difference_count)" = 0 ]
	# What no longer gets in is not what is looked for.
	on server nft insert rule inet filter input 'tcp dport 22 tcp flags & (syn|ack) == syn ct state new accept'
	[ "$(rehearsed out:tcp/443 difference_count)" = 0 ]
}

@test "programs that are given ports of a range are played" {
	on server nft -f "$AUDIT/rulesets/range-given-ports.nft"
	run rehearsed udp/40000-41000 'differences[]'
	[[ $output == *"only tracked: the request of "*" to "*":7003 is answered"* ]]
	[ "$(rehearsed tcp/40000-41000 difference_count)" -gt 0 ]
	[ "$(rehearsed udp/40000 difference_count)" = 0 ]
	on server sysctl -qw net.ipv4.ip_local_reserved_ports=40000-41000
	[ "$(rehearsed udp/40000-41000 difference_count)" = 0 ]
	run -0 on server ctrules audit --rehearse udp/40000-41000
}

@test "what programs here ask others is played where rules turn it to the service" {
	on server nft 'table ip n { chain out { type nat hook output priority -100
		oifname "v-server" tcp dport { 80, 8080 } redirect to :9000; }; }'
	[ "$(rehearsed tcp/9001 difference_count)" -eq 0 ]
	[[ $(rehearsed tcp/9000 'differences[]') == *"the request of 10.77.0.1:"*" to 10.77.0.2:80 "* ]]
	on server nft flush ruleset
	on server iptables-nft -t nat -A OUTPUT -o v-server -p udp -m multiport --dports 53,80 -j REDIRECT --to-ports 9000
	[[ $(rehearsed udp/9000 'differences[]') == *"the request of 10.77.0.1:"*" to 10.77.0.2:53 "* ]]
}

@test "what the walk leaves unknown is settled" {
	zoned
	run -5 on server ctrules audit udp/9000
	run -0 on server ctrules audit --rehearse udp/9000
	[[ $output == "udp/9000: safe: "* ]]
}

@test "what depends on an order of chains that cannot be seen is not settled" {
	local rule='type filter hook input priority 0; policy accept; udp dport 9000'
	on server nft "table inet one { }; table inet two { chain input { $rule meta mark 1 drop; }; }"
	on server nft "table inet one { chain input { $rule ct state untracked meta mark set 1; }; }"
	run -5 on server ctrules audit udp/9000
	run -5 on server ctrules audit --rehearse udp/9000
	[[ $output == *" 0 differences"* ]]
}

@test "near hosts are played for addresses at both ends of a network, and of tunnels" {
	on server sh -c 'ip addr add 10.88.0.252/24 dev v-server && ip addr add 10.89.0.0/31 dev v-server
		ip addr add 10.90.0.1 peer 10.90.0.9 dev v-server'
	on server nft 'table inet f { chain input { type filter hook input priority 0; policy accept;
		ip saddr { 10.88.0.0/24, 10.89.0.1, 10.90.0.9 } ct state established,new accept
		ip saddr { 10.88.0.0/24, 10.89.0.1, 10.90.0.9 } drop; }; }'
	for address in 10.88.0.252 10.89.0.0 10.90.0.1; do
		[[ $(rehearsed udp/$address:9000 'differences[]') == *"only tracked: the service gets the request of 10."*" to $address:9000"* ]]
	done
}

@test "names of interfaces are any bytes" {
	on server sh -c 'ip link add "$1" type veth peer name other && ip link set "$1" up && ip link set other up
		ip addr add 10.95.0.1/24 dev "$1"' sh $'w\e\xff'
	on server nft 'table inet f { chain output { type filter hook output priority 0; policy drop;
		ct state established accept; }; }'
	run -4 on server ctrules audit --rehearse udp/10.95.0.1:9000
	not grep -q $'\e' <<<"$output"
	run -4 on server ctrules audit --rehearse --json udp/10.95.0.1:9000
	[[ $(jq -r '.rehearsal.differences[]' <<<"$output") == *" by w??"* ]]
	jq -e '.rehearsal | (.differences | length) == ([8, .difference_count] | min)' <<<"$output"
}

@test "an interface with an MTU that a copy cannot have is up all the same, and named" {
	on server sh -c 'ip tuntap add tun0 mode tun && ip link set tun0 up mtu 65535 && ip addr add 10.93.0.1/24 dev tun0' ||
		skip "no tun devices with such an MTU"
	[ "$(rehearsed udp/9000 'not_copied[]')" = "interface tun0: its MTU of 65535" ]
}

@test "rules of iptables-nft, sets, maps, routes and policy rules are copied" {
	command -v iptables-nft-restore >/dev/null || skip "no iptables-nft"
	on server iptables-nft-restore <"$AUDIT/rulesets/like-ufw-limit.ipboth"
	[ "$(rehearsed tcp/22 done)" = true ]
	[ "$(rehearsed tcp/22 difference_count)" -gt 0 ]
	on server nft flush ruleset
	for file in verdict-map-ports concatenated-intervals connlimit like-fw4 like-kube-proxy; do
		on server nft -f "$AUDIT/rulesets/$file.nft"
		[ "$(rehearsed udp/9999 done)" = true ]
		[ "$(rehearsed udp/9999 'not_copied | length')" = 0 ]
		on server nft flush ruleset
	done
	# Replies are routed by a mark that comes of the connection.
	on server ip rule add fwmark 7 lookup 77
	on server ip route add blackhole default table 77
	on server nft -f - <<-'NFT'
		table inet mangle {
			chain prerouting {
				type filter hook prerouting priority mangle; policy accept;
				udp dport 9000 ct mark set 7
			}
			chain output {
				type route hook output priority mangle; policy accept;
				udp sport 9000 meta mark set ct mark
			}
		}
	NFT
	[ "$(rehearsed udp/9000 difference_count)" -gt 0 ]
	[ "$(rehearsed udp/9001 difference_count)" = 0 ]
}

@test "a copy is like the host" {
	much
	on server bash -c "$(declare -f seen); seen" >"$BATS_TEST_TMPDIR/host"
	on server "$CTKIT_BIN/tests/tools/replica" bash -c "$(declare -f seen); seen" >"$BATS_TEST_TMPDIR/copy"
	diff "$BATS_TEST_TMPDIR/host" "$BATS_TEST_TMPDIR/copy"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/host")" -gt 100 ]
	[ "$(rehearsed udp/9000 'not_copied | length')" = 0 ]
	# Bound to an address of its own, a range of ports, and to others.
	[ "$(rehearsed udp/127.0.0.1:9000 conversations)" = 3 ]
	[ "$(rehearsed udp/10000-20000 conversations)" -gt 60 ]
	[ "$(rehearsed out:tcp/443 conversations)" -gt 10 ]
}

@test "nothing of the host itself is touched" {
	much
	on server nft -f "$AUDIT/rulesets/like-docker.nft"
	before=$(everything)
	background on server nft monitor
	rules=$pid
	background on server ip monitor link address route rule
	wait_until 30 grep -q . "/proc/$pid/net/netlink"
	run on server ctrules audit --rehearse tcp/8080
	[ "$status" -eq 4 ]
	diff <(echo "$before") <(everything)
	# Who listens would have heard of the address and the table as well.
	on server ip addr add 10.99.99.1/32 dev lo
	on server nft add table inet last
	wait_until 30 grep -q 10.99.99.1 "$BATS_TEST_TMPDIR/$pid.out"
	wait_until 30 grep -q last "$BATS_TEST_TMPDIR/$rules.out"
	! grep -vE '10\.99\.99\.1|valid_lft' "$BATS_TEST_TMPDIR/$pid.out" || false
	! grep -vE '^(add table inet last|# new generation .*)$' "$BATS_TEST_TMPDIR/$rules.out" || false
}

# spaces: how many network namespaces there are that processes are in.
spaces() {
	readlink /proc/[0-9]*/ns/net 2>/dev/null | sort -u | wc -l
}

# child_of PID: sets child to its child that is in a namespace of its own; also if there is none any more.
child_of() {
	child=$(pgrep -P "$1" | head -n 1)
	ended "$1" || { [ -n "$child" ] && [ "$(readlink "/proc/$child/ns/net")" != "$(readlink "/proc/$1/ns/net")" ]; }
}

no_copies() {
	[ "$(spaces)" -eq "$before" ] && ! pgrep -x ctrules >/dev/null
}

@test "killed at any moment it leaves nothing behind" {
	much
	before=$(spaces)
	for signal in KILL INT TERM; do
		for moment in 0 1 20 60 120; do
			background env --default-signal=INT ip netns exec server ctrules audit --rehearse tcp/9000
			if [ "$moment" -gt 0 ]; then
				wait_until 30 child_of "$pid"
				elapse "$moment"
				# A child that does not end by itself any more.
				kill -STOP "${child:-none}" 2>/dev/null || true
			fi
			kill -"$signal" "$pid" 2>/dev/null || true
			wait_until 30 ended "$pid"
			wait_until 30 no_copies
		done
	done
	# A rehearsal that is let alone ends as well.
	on server ctrules audit --rehearse tcp/9000 >/dev/null || [ $? -lt 6 ]
	no_copies
	[ "$(on server sh -c 'ls /sys/class/net | wc -l')" -eq 5 ]
}

@test "what cannot be copied is named, and then nothing is settled" {
	zoned
	run -5 on server ctrules audit udp/9000
	run -0 on server ctrules audit --rehearse udp/9000
	if on server ip link add blue type vrf table 10 2>/dev/null; then
		on server ip link set blue up
		[[ $(rehearsed udp/9000 'not_copied[]') == *"interface blue: it has routes of its own (VRF)"* ]]
		run -5 on server ctrules audit --rehearse udp/9000
		on server ip link del blue
	fi
	on server ip link add br0 type bridge
	on server nft -f - <<-'NFT'
		table bridge b {
			chain input {
				type filter hook input priority 0; policy accept;
			}
		}
	NFT
	on server nft add table inet ctkit
	[ "$(rehearsed udp/9000 'not_copied[0]')" = "table inet ctkit, which is not ctrules'" ]
	on server nft delete table inet ctkit
	on server ctrules -q --force add udp/7000
	on server nft 'table inet ctkit { chain foreign { type filter hook input priority 0; policy accept; udp dport 9000 drop; }; }'
	[ "$(rehearsed udp/9000 'not_copied[0]')" = "what somebody else has in table inet ctkit" ]
	on server nft delete table inet ctkit
	[ "$(rehearsed udp/9000 'not_copied[]')" = "a bridge's ports, which rules of family bridge see" ]
	run -5 on server ctrules audit --rehearse udp/9000
	[[ $output == *"not copied: a bridge's ports"* ]]
	[[ $output == *"fared the same; but not all could be copied"* ]]
}

@test "where nothing comes through nothing is settled" {
	zoned
	on server nft -f - <<-'NFT'
		table inet filter {
			chain input {
				type filter hook input priority filter; policy accept;
				udp dport 9000 drop
			}
		}
	NFT
	run -5 on server ctrules audit udp/9000
	run -5 on server ctrules audit --rehearse udp/9000
	[[ $output == *"fared the same; but nothing came through to the service"* ]]
}

@test "a ruleset that is larger than a socket takes at once is copied" {
	{
		echo "table inet big {"
		echo "chain input { type filter hook input priority 0;"
		for i in {1..9000}; do
			echo "ip saddr 10.$((i / 250)).$((i % 250)).0/24 tcp dport 80 counter accept"
		done
		echo "ct state established,related accept"
		echo "}"
		echo "}"
	} | on server nft -f -
	[ "$(rehearsed udp/9000 done)" = true ]
	[ "$(rehearsed udp/9000 'not_copied | length')" = 0 ]
}

@test "a host with one family only, or without TAP devices, is not asked for more" {
	on server sysctl -q -w net.ipv6.conf.all.disable_ipv6=1
	[ "$(rehearsed tcp/9000 'not_copied | length')" = 0 ]
	[ "$(rehearsed tcp/9000 conversations)" -gt 5 ]
	on server sysctl -q -w net.ipv6.conf.all.disable_ipv6=0
	on server ip addr flush dev lo
	on server ip -4 addr flush dev v-server
	on server ip addr add ::1/128 dev lo
	on server ip addr add fd77::1/64 dev v-server nodad
	[ "$(rehearsed udp/9000 'not_copied | length')" = 0 ]
	[ "$(rehearsed udp/9000 conversations)" -gt 5 ]
	run -0 --separate-stderr on server ctrules audit --rehearse udp/203.0.113.5:53
	[ "$stderr" = "ctrules: not rehearsed: this host has no address that the service could have" ]
	mount -t tmpfs tmpfs /dev/net
	run -0 --separate-stderr on server ctrules audit --rehearse udp/9000
	umount /dev/net
	[[ $stderr == "ctrules: not rehearsed: cannot make interfaces (with /dev/net/tun): "* ]]
}

@test "who may not make namespaces is told so, and still gets the audit" {
	run -0 --separate-stderr on server setpriv --bounding-set -sys_admin --inh-caps -sys_admin \
		ctrules audit --rehearse udp/9000
	[[ $output == "udp/9000: safe: "* ]]
	[[ $stderr == "ctrules: not rehearsed: cannot make a network namespace: "*"(it takes CAP_SYS_ADMIN)" ]]
	run -2 --separate-stderr on server ctrules --rehearse list
	[[ $stderr == 'ctrules: --rehearse is not for command "list"'* ]]
}
