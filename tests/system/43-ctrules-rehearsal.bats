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
	for name in $(ip netns list | cut -d' ' -f1); do ip netns del "$name"; done
}

# rehearsed SERVICE FIELD: a field of what the rehearsal of the server saw.
rehearsed() {
	on server ctrules audit --rehearse --json "$1" | jq -r ".rehearsal.$2"
}

# everything: what a host consists of.
everything() {
	on server sh -c 'nft -s list ruleset; ip -o addr; ip route; ip -6 route; ip rule; ls /sys/class/net; conntrack -L 2>/dev/null'
}

bats_require_minimum_version 1.5.0

@test "a rehearsal sees what differs, and nothing where nothing does" {
	[ "$(rehearsed udp/9000 difference_count)" = 0 ]
	on server nft -f "$AUDIT/rulesets/stateful-firewall.nft"
	[ "$(rehearsed udp/9000 difference_count)" -gt 0 ]
	[ "$(rehearsed tcp/9000 difference_count)" -gt 0 ]
	[ "$(rehearsed out:udp/53 difference_count)" -gt 0 ]
	run -4 on server ctrules audit --rehearse udp/9000
	[[ $output == *"rehearsed with "*" conversations: "*" differences"*"only tracked: the service gets new"* ]]
	on server nft flush ruleset
	on server nft -f "$AUDIT/rulesets/untracked-and-errors-accepted.nft"
	[ "$(rehearsed udp/9000 difference_count)" = 0 ]
	[ "$(rehearsed tcp/9000 difference_count)" = 0 ]
	[ "$(rehearsed tcp/9000 conversations)" -gt 10 ]
}

@test "what the walk leaves unknown is settled" {
	# A zone keeps packets tracked, whatever NOTRACK says.
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
	run -5 on server ctrules audit udp/9000
	run -0 on server ctrules audit --rehearse udp/9000
	[[ $output == "udp/9000: safe: "* ]]
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

@test "nothing of the host itself is touched" {
	on server nft -f "$AUDIT/rulesets/like-docker.nft"
	before=$(everything)
	run on server ctrules audit --rehearse tcp/8080
	[ "$status" -eq 4 ]
	[ "$(everything)" = "$before" ]
	[ "$(entries server)" -eq 0 ]
}

@test "who may not make namespaces is told so, and still gets the audit" {
	run -0 --separate-stderr on server setpriv --bounding-set -sys_admin --inh-caps -sys_admin \
		ctrules audit --rehearse udp/9000
	[[ $output == "udp/9000: safe: "* ]]
	[[ $stderr == "ctrules: not rehearsed: cannot make a network namespace: "*"(it takes CAP_SYS_ADMIN)" ]]
	run -2 --separate-stderr on server ctrules --rehearse list
	[[ $stderr == 'ctrules: --rehearse is not for command "list"'* ]]
}
