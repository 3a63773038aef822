#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Deleting a service's entries, by the kernel's filter and by dump; conntrack(8) counts what is left.

load lib
pid= # background's

setup() {
	ip netns add box
}

teardown() {
	ip netns del box
}

# left CONNTRACK-OPTIONS...: how many entries of both families match.
left() {
	{ on box conntrack -L -f ipv4 "$@"; on box conntrack -L -f ipv6 "$@"; } 2>/dev/null | wc -l
}

needs_filter() {
	[ "$(on box reclaim probe)" = filter ] || skip "this kernel cannot delete by filter"
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
	on box conntrack -I -p tcp -s 10.1.1.1 -d 10.2.2.2 --sport 9000 --dport 443 \
		--state ESTABLISHED -t 600 >/dev/null 2>&1
	on box conntrack -I -p udp -s 10.1.1.1 -d 10.2.2.2 --sport 9000 --dport 53 -t 600 >/dev/null 2>&1
	[ "$(entries box)" -eq 8202 ]
}

# only_udp_9000_is_gone WAY
only_udp_9000_is_gone() {
	neighbours
	on box reclaim "$1" udp/9000
	[ "$(left -p udp --dport 9000)" -eq 0 ]
	[ "$(left -p udp --dport 9001)" -eq 2000 ]
	[ "$(left -p udp --dport 53)" -eq 1 ]
	[ "$(left -p tcp)" -eq 4201 ]
	[ "$(entries box)" -eq 6202 ]
}

# only_tcp_9000_is_gone WAY: also what was picked up in the wrong direction, but no client's entry.
only_tcp_9000_is_gone() {
	neighbours
	on box reclaim "$1" tcp/9000
	[ "$(left -p tcp --dport 9000)" -eq 0 ]
	[ "$(left -p tcp --sport 9000)" -eq 1 ]
	[ "$(left -p tcp --dport 443)" -eq 1 ]
	[ "$(left -p tcp --dport 9001)" -eq 2000 ]
	[ "$(left -p udp)" -eq 4001 ]
}

# bound_services_spare_other_addresses WAY
bound_services_spare_other_addresses() {
	for last in 1 2 3; do
		on box ctfill -d 10.200.0.$last 500
		on box ctfill -s 2001:db8:1::1 -d 2001:db8::$last 500
	done
	on box reclaim "$1" udp/10.200.0.2:9000
	[ "$(left -d 10.200.0.2)" -eq 0 ]
	[ "$(entries box)" -eq 2500 ]
	on box reclaim "$1" 'udp/[2001:db8::2]:9000'
	[ "$(left -d 2001:db8::2)" -eq 0 ]
	[ "$(left -d 2001:db8::1)" -eq 500 ]
	[ "$(left -d 2001:db8::3)" -eq 500 ]
	[ "$(entries box)" -eq 2000 ]
}

@test "finding out the way deletes nothing, not even at port 0 or from address 0" {
	on box ctfill -P 0 -s 0.0.0.0 -d 10.0.0.7 100
	on box ctfill -P 9000 100
	run on box reclaim probe
	[ "$status" -eq 0 ]
	[[ $output == filter || $output == dump ]]
	[ "$(entries box)" -eq 200 ]
}

@test "by filter, exactly the service's UDP entries go, of both families" {
	needs_filter
	only_udp_9000_is_gone filter
}

@test "by dump, exactly the service's UDP entries go, of both families" {
	only_udp_9000_is_gone dump
}

@test "by filter, exactly the service's TCP entries go, also picked up ones" {
	needs_filter
	only_tcp_9000_is_gone filter
}

@test "by dump, exactly the service's TCP entries go, also picked up ones" {
	only_tcp_9000_is_gone dump
}

@test "by filter, a service bound to an address spares other addresses" {
	needs_filter
	bound_services_spare_other_addresses filter
}

@test "by dump, a service bound to an address spares other addresses" {
	bound_services_spare_other_addresses dump
}

@test "a range of ports goes whole, its neighbours stay" {
	for port in 9999 10000 15000 20000 20001; do
		on box ctfill -P $port 100
	done
	for way in filter dump; do
		on box ctfill -P 12000 100
		on box reclaim $way udp/10000-20000
		[ "$(entries box)" -eq 200 ]
	done
	[ "$(left -p udp --dport 9999)" -eq 100 ]
	[ "$(left -p udp --dport 20001)" -eq 100 ]
}

@test "where there is nothing to delete that is a success" {
	on box ctfill -P 9001 10
	for way in filter dump; do
		on box reclaim $way udp/9000
		on box reclaim $way 'tcp/[2001:db8::1]:443'
	done
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
	on box ip link set lo up
	on box bash -c 'for i in 1 2 3; do echo x >/dev/udp/127.0.0.1/9000; done'
	[ "$(left -p udp --dport 9000)" -eq 3 ]
	on box reclaim dump udp/9000
	[ "$(left -p udp --dport 9000)" -eq 0 ]
}

@test "by dump, more than a table's worth of batches while others come in" {
	on box ctfill 60000
	background ip netns exec box ctfill -P 9001 60000
	on box reclaim dump udp/9000
	wait "$pid"
	[ "$(left -p udp --dport 9000)" -eq 0 ]
	[ "$(left -p udp --dport 9001)" -eq 60000 ]
}

@test "without CAP_NET_ADMIN nothing is deleted and the reason is said" {
	on box ctfill 10
	for way in "filter udp/9000" "dump udp/9000" probe; do
		# shellcheck disable=SC2086
		run on box setpriv --bounding-set=-all --inh-caps=-all reclaim $way
		[ "$status" -eq 1 ]
		[[ $output == *"Operation not permitted"* ]]
	done
	[ "$(entries box)" -eq 10 ]
}
