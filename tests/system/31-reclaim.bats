#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Deleting a service's entries; conntrack(8) counts what is left.

load lib
pid= # background's

setup() {
	ip netns add box
	ip -n box link set lo up
	for last in 1 2 3; do
		ip -n box addr add 10.200.0.$last/32 dev lo
		ip -n box addr add 2001:db8::$last/128 dev lo nodad
	done
}

teardown() {
	aftermath
	ip netns del box
}

# left CONNTRACK-OPTIONS...: how many entries of both families match.
left() {
	{ on box conntrack -L -f ipv4 "$@"; on box conntrack -L -f ipv6 "$@"; } 2>/dev/null | wc -l
}

# Two services of each protocol in both families, and clients that use port 9000 as their own.
neighbours() {
	for proto in udp tcp; do
		for port in 9000 9001; do
			on box ctfill -p $proto -P $port 1000
			on box ctfill -p $proto -P $port -s 2001:db8:1::1 -d 2001:db8::1 1000
		done
	done
	on box ctfill -p tcp -w -P 9000 -s 10.3.0.1 200
	on box ctfill -p udp -w -P 9000 -s 10.3.0.1 200
	on box conntrack -I -p tcp -s 10.1.1.1 -d 10.2.2.2 --sport 9000 --dport 443 \
		--state ESTABLISHED -t 600 >/dev/null 2>&1
	on box conntrack -I -p udp -s 10.1.1.1 -d 10.2.2.2 --sport 9000 --dport 53 -t 600 >/dev/null 2>&1
	[ "$(entries box)" -eq 8402 ]
}

# only_udp_9000_is_gone: also what the service sent first, but no client's entry.
only_udp_9000_is_gone() {
	neighbours
	on box reclaim udp/9000
	[ "$(left -p udp --dport 9000)" -eq 0 ]
	[ "$(left -p udp --sport 9000)" -eq 1 ]
	[ "$(left -p udp --dport 9001)" -eq 2000 ]
	[ "$(left -p udp --dport 53)" -eq 1 ]
	[ "$(left -p tcp)" -eq 4201 ]
	[ "$(entries box)" -eq 6202 ]
}

# only_tcp_9000_is_gone: also what was picked up in the wrong direction, but no client's entry.
only_tcp_9000_is_gone() {
	neighbours
	on box reclaim tcp/9000
	[ "$(left -p tcp --dport 9000)" -eq 0 ]
	[ "$(left -p tcp --sport 9000)" -eq 1 ]
	[ "$(left -p tcp --dport 443)" -eq 1 ]
	[ "$(left -p tcp --dport 9001)" -eq 2000 ]
	[ "$(left -p udp)" -eq 4201 ]
}

# bound_services_spare_other_addresses
bound_services_spare_other_addresses() {
	for last in 1 2 3; do
		on box ctfill -d 10.200.0.$last 500
		on box ctfill -s 2001:db8:1::1 -d 2001:db8::$last 500
	done
	on box reclaim udp/10.200.0.2:9000
	[ "$(left -d 10.200.0.2)" -eq 0 ]
	[ "$(entries box)" -eq 2500 ]
	on box reclaim 'udp/[2001:db8::2]:9000'
	[ "$(left -d 2001:db8::2)" -eq 0 ]
	[ "$(left -d 2001:db8::1)" -eq 500 ]
	[ "$(left -d 2001:db8::3)" -eq 500 ]
	[ "$(entries box)" -eq 2000 ]
}

# strangers PROTO: what other hosts have at port 9000, in both families: flows that this host
# opens to them (4000) and flows that it forwards (4000), also between a prefix's neighbours.
strangers() {
	on box ctfill -p "$1" -s 10.200.0.1 -d 198.51.100.1 1000
	on box ctfill -p "$1" -s 10.200.0.1 -d 10.200.0.4 1000
	on box ctfill -p "$1" -s 2001:db8::1 -d 2001:db8:2::1 1000
	on box ctfill -p "$1" -s 2001:db8::1 -d 2001:db8::4 1000
	on box ctfill -p "$1" -s 10.5.0.1 -d 198.51.100.1 1000
	on box ctfill -p "$1" -s 10.5.0.1 -d 10.79.0.1 1000
	on box ctfill -p "$1" -s 2001:db8:5::1 -d 2001:db8:2::1 1000
	on box ctfill -p "$1" -s 2001:db8:5::1 -d fd78:0:0:1::1 1000
}

# strangers_stay: and the local service's go, also from prefixes that are local as a whole.
strangers_stay() {
	ip -n box route add local 10.78.0.0/16 dev lo
	ip -n box route add local fd78::/64 dev lo
	for proto in udp tcp; do
		strangers $proto
		on box ctfill -p $proto 1000
		on box ctfill -p $proto -d 10.78.1.2 1000
		on box ctfill -p $proto -d 127.0.0.53 -s 127.0.0.1 1000
		on box ctfill -p $proto -s 2001:db8:1::1 -d 2001:db8::3 1000
		on box ctfill -p $proto -s 2001:db8:1::1 -d fd78::1:2 1000
		on box reclaim $proto/9000
		[ "$(left -p $proto)" -eq 8000 ]
		[ "$(left -p $proto -s 10.200.0.1)" -eq 2000 ]
		[ "$(left -p $proto -s 2001:db8::1)" -eq 2000 ]
	done
	# Picked up from another host's service: not ours either.
	on box ctfill -p tcp -w -d 198.51.100.9 -s 10.200.0.1 100
	on box reclaim tcp/9000
	[ "$(entries box)" -eq 16100 ]
}

# only_what_this_host_opens: an outbound service is neither forwarded nor local.
only_what_this_host_opens() {
	strangers udp
	on box ctfill -s 10.200.0.1 1000
	on box ctfill -s 2001:db8:1::1 -d 2001:db8::3 1000
	on box reclaim out:udp/9000
	[ "$(left -s 10.200.0.1)" -eq 1000 ]
	[ "$(left -s 2001:db8::1)" -eq 0 ]
	[ "$(entries box)" -eq 6000 ]
}

@test "exactly the service's UDP entries go, of both families" {
	only_udp_9000_is_gone
}

@test "exactly the service's TCP entries go, also picked up ones" {
	only_tcp_9000_is_gone
}

@test "a service bound to an address spares other addresses" {
	bound_services_spare_other_addresses
}

@test "flows to the same port of other hosts stay" {
	strangers_stay
}

@test "of an outbound service goes what this host opens" {
	only_what_this_host_opens
}

@test "an address that went is nobody's, and one that came is ours" {
	on box ctfill -d 10.200.0.2 100
	on box ctfill -d 10.200.0.4 100
	ip -n box addr del 10.200.0.2/32 dev lo
	ip -n box addr add 10.200.0.4/32 dev lo
	on box reclaim udp/9000
	[ "$(left -d 10.200.0.2)" -eq 100 ]
	[ "$(entries box)" -eq 100 ]
}

@test "many routes of other kinds do not matter" {
	seq 70000 | awk '{ printf "route add blackhole 172.%d.%d.%d/32\n", $1 / 65536, $1 / 256 % 256, $1 % 256 }' |
		ip -n box -batch -
	on box ctfill 100
	on box reclaim udp/9000
	[ "$(entries box)" -eq 0 ]
}

@test "a range of ports goes whole, its neighbours stay" {
	for port in 9999 10000 15000 20000 20001; do
		on box ctfill -P $port 100
	done
	on box ctfill -P 12000 100
	on box reclaim udp/10000-20000
	[ "$(entries box)" -eq 200 ]
	[ "$(left -p udp --dport 9999)" -eq 100 ]
	[ "$(left -p udp --dport 20001)" -eq 100 ]
}

@test "where there is nothing to delete that is a success" {
	on box ctfill -P 9001 10
	on box reclaim udp/9000
	on box reclaim 'tcp/[2001:db8::1]:443'
	[ "$(entries box)" -eq 10 ]
}

@test "entries in a zone are deleted too" {
	on box nft -f - <<-'NFT'
		table inet z {
			chain pre { type filter hook prerouting priority raw; ct zone set 5; }
			chain out { type filter hook output priority raw; ct zone set 5; }
			chain in { type filter hook input priority filter; ct state established accept; }
		}
	NFT
	on box bash -c 'for i in 1 2 3; do echo x >/dev/udp/127.0.0.1/9000; done'
	[ "$(left -p udp --dport 9000)" -eq 3 ]
	on box reclaim udp/9000
	[ "$(left -p udp --dport 9000)" -eq 0 ]
}

@test "more than a table's worth of batches while others come in" {
	on box ctfill 60000
	background ip netns exec box ctfill -P 9001 60000
	on box reclaim udp/9000
	wait "$pid"
	[ "$(left -p udp --dport 9000)" -eq 0 ]
	[ "$(left -p udp --dport 9001)" -eq 60000 ]
}

@test "without CAP_NET_ADMIN nothing is deleted and the reason is said" {
	on box ctfill 10
	run on box setpriv --bounding-set=-all --inh-caps=-all reclaim udp/9000
	[ "$status" -eq 1 ]
	[[ $output == *"Operation not permitted"* ]]
	[ "$(entries box)" -eq 10 ]
}
