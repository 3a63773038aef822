# SPDX-License-Identifier: GPL-2.0-or-later
# What NOTRACK breaks that only shows with the right traffic: another address, a port that a client chose,
# a larger packet, a connection that a helper expects. The audit must know of each.

setup() {
	load lib
	ASK=$BATS_TEST_DIRNAME/conversation.py
	pids=()
	hosts
	# An address of the server that no interface has.
	ip -n client route add 10.79.0.0/16 via 10.77.0.1
}

teardown() {
	aftermath
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null && wait "$pid"; done
	for name in $(ip netns list | cut -d' ' -f1); do ip netns del "$name"; done
}

# listens HOST WHAT PORT
listens() {
	background on "$1" "$ASK" "$2" "$3"
	pids+=("$pid")
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$pid.out"
}

# rules: the ruleset on stdin, and no connections.
rules() {
	on server nft -f -
	on server conntrack -F 2>/dev/null
}

# breaks SERVICE HOST ARGUMENT...: the conversation works on that host, and no longer with NOTRACK
# forced; the audit says so.
breaks() {
	local service=$1 host=$2
	shift 2
	run -0 on "$host" "$ASK" "$@"
	[ "$output" = answered ]
	run -4 on server ctrules audit "$service"
	on server ctrules -q --force add "$service"
	on server conntrack -F 2>/dev/null
	run -0 on "$host" "$ASK" "$@"
	[ "$output" != answered ]
}

bats_require_minimum_version 1.5.0

@test "packets for another address that are turned to the service's port" {
	rules <<-'NFT'
		table ip nat {
			chain prerouting {
				type nat hook prerouting priority dstnat;
				ip daddr 10.79.0.99 udp dport 9000 dnat to 10.77.0.1
			}
		}
	NFT
	listens server echo 9000
	breaks udp/9000 client ask 10.79.0.99 9000 5000 10
	on server ctrules flush
	breaks udp/10.77.0.1:9000 client ask 10.79.0.99 9000 5000 10
	# Another address of this host is not the service's.
	run -0 on server ctrules audit udp/127.0.0.1:9000
}

@test "packets of this host for another port that are turned to a remote service" {
	rules <<-'NFT'
		table ip nat {
			chain output {
				type nat hook output priority -100;
				ip daddr 10.77.0.2 udp dport 5353 dnat to 10.77.0.2:53
			}
		}
	NFT
	listens client echo 53
	breaks out:udp/53 server ask 10.77.0.2 5353 5000 10
	run -0 on server ctrules audit out:udp/54
}

@test "a client on this host that chose its port, as those of NTP do" {
	rules <<-'NFT'
		table inet filter {
			chain output {
				type filter hook output priority filter; policy accept;
				udp dport 123 udp sport 1024-65535 accept
				udp dport 123 ct state new,established accept
				udp dport 123 drop
			}
		}
	NFT
	listens client echo 123
	breaks out:udp/123 server ask 10.77.0.2 123 123 10
}

@test "programs that choose the port that they ask from are seen in the table" {
	rules <<-'NFT'
		table inet filter {
			chain input {
				type filter hook input priority filter; policy drop;
				iif lo accept
				meta l4proto { icmp, ipv6-icmp } accept
				ct state established accept
				udp sport 53 udp dport 32768-60999 ct state untracked accept
			}
		}
	NFT
	listens client echo 53
	run -0 on server "$ASK" ask 10.77.0.2 53 40000 10
	[ "$output" = answered ]
	run -0 on server ctrules audit out:udp/53
	[[ $output == *"mind the warnings"*"warning: chosen-port"* ]]
	breaks out:udp/53 server ask 10.77.0.2 53 5000 10
	on server ctrules flush
	run -0 on server "$ASK" ask 10.77.0.2 53 5000 10
	run -4 on server ctrules audit out:udp/53
	[[ $output == *"blocker: live-port"*"1 of its connections in the table come from ports beyond 32768-60999"* ]]
	# The other way round nobody has asked, and nobody has chosen.
	on server conntrack -F 2>/dev/null
	run -0 on client "$ASK" ask 10.77.0.1 53 5000 10
	run -0 on server ctrules audit out:udp/53
}

@test "a later packet that is not as the first was" {
	on server iptables-nft-restore <<-'IPTABLES'
		*filter
		:INPUT DROP [0:0]
		-A INPUT -p icmp -j ACCEPT
		-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
		-A INPUT -p udp --dport 9000 -m length --length 28:60 -j ACCEPT
		COMMIT
	IPTABLES
	listens server echo 9000
	breaks udp/9000 client ask 10.77.0.1 9000 5000 10 500
}

@test "a connection that a helper expects" {
	rules <<-'NFT'
		table inet filter {
			ct helper ftp-standard {
				type "ftp" protocol tcp
			}
			chain prerouting {
				type filter hook prerouting priority filter; policy accept;
				tcp dport 21 ct helper set "ftp-standard"
			}
			chain input {
				type filter hook input priority filter; policy drop;
				meta l4proto { icmp, ipv6-icmp } accept
				tcp dport 21 accept
				ct state established,related accept
			}
		}
	NFT
	listens server ftp 51210
	breaks tcp/51210 client passive 10.77.0.1
}

# guest: a host behind the server, 172.17.0.2, which gets the server's address when it asks the client.
guest() {
	ip netns add guest
	ip -n server link add v-guest type veth peer name eth0 netns guest
	ip -n server addr add 172.17.0.1/16 dev v-guest
	ip -n guest addr add 172.17.0.2/16 dev eth0
	ip -n server link set v-guest up
	ip -n guest link set eth0 up
	ip -n guest route add default via 172.17.0.1
	on server sysctl -qw net.ipv4.ip_forward=1
	rules <<-'NFT'
		table ip nat {
			chain postrouting {
				type nat hook postrouting priority srcnat;
				ip saddr 172.17.0.2 masquerade
			}
		}
	NFT
}

@test "hosts behind this one that ask the same port, as containers ask for names" {
	guest
	listens client echo 53
	breaks out:udp/53 guest ask 10.77.0.2 53 5000 10
	# Beside the connection that was just translated.
	run -4 on server ctrules audit out:udp/53 --json
	[ "$(jq -r '.findings[] | select(.code == "behind") | .severity' <<<"$output")" = blocker ]
	on server conntrack -F 2>/dev/null
	# Who does not forward has nobody behind.
	on server sysctl -qw net.ipv4.ip_forward=0
	run -0 on server ctrules audit out:udp/53
	# An interface may do it for itself.
	on server ctrules flush
	on server sysctl -qw net.ipv4.conf.v-guest.forwarding=1 net.ipv4.conf.v-server.forwarding=1
	breaks out:udp/53 guest ask 10.77.0.2 53 5001 10
}

@test "hosts behind this one over IPv6" {
	guest
	on server ip -6 addr add fd17::1/64 dev v-guest nodad
	on guest ip -6 addr add fd17::2/64 dev eth0 nodad
	on guest ip -6 route add default via fd17::1
	rules <<-'NFT'
		table ip6 nat {
			chain postrouting {
				type nat hook postrouting priority srcnat;
				ip6 saddr fd17::2 oifname v-server masquerade
			}
		}
	NFT
	on server nft delete table ip nat
	run -0 on server ctrules audit out:udp/53
	on server sysctl -qw net.ipv6.conf.all.forwarding=1
	background on client ctserve echo=udp/53
	pids+=("$pid")
	wait_until 30 eval 'on client ss -Huln | grep -q :53'
	breaks out:udp/53 guest ask fd77::2 53 5000 10
}

@test "hosts behind this one that get ports of a range" {
	guest
	listens client echo 7000
	breaks udp/10000-20000 guest ask 10.77.0.2 7000 15000 10
	# Of a single port it is said.
	run -0 on server ctrules audit udp/123 --json
	[ "$(jq -r '.findings[] | select(.code == "behind") | .severity' <<<"$output")" = info ]
}

@test "a mark that the queue of an interface may ask for" {
	rules <<-'NFT'
		table inet mangle {
			chain prerouting {
				type filter hook prerouting priority mangle;
				udp dport 9000 ct mark set 1
			}
			chain output {
				type filter hook output priority mangle;
				meta mark set ct mark
			}
		}
	NFT
	run -0 on server ctrules audit udp/9000
	on server tc qdisc add dev v-server root handle 1: htb || skip "the kernel has no such queue"
	run -4 on server ctrules audit udp/9000
}
