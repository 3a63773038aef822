# SPDX-License-Identifier: GPL-2.0-or-later
# What ctrules audit says is to be done: pasted into a shell, it does it.

setup() {
	load lib
	RULESETS=$BATS_TEST_DIRNAME/../audit/rulesets
	one_host server
}

teardown() {
	for name in $(ip netns list | cut -d' ' -f1); do ip netns del "$name"; done
}

# one_host NAME: a host with the interfaces and addresses that the rulesets speak of.
one_host() {
	ip netns add "$1"
	ip -n "$1" link set lo up
	for link in 'eth0 10.77.0.1/24 fd77::1/64' 'br0 172.17.0.1/16 fd17::1/64'; do
		read -r name four six <<<"$link"
		ip -n "$1" link add "$name" type veth peer name "$name-peer"
		ip -n "$1" link set "$name-peer" up
		ip -n "$1" addr add "$four" dev "$name"
		ip -n "$1" addr add "$six" dev "$name" nodad
		ip -n "$1" link set "$name" up
	done
}

# rules FILE: loads one of the collection; fails if this kernel, or nft, cannot.
rules() {
	on server nft flush ruleset
	case $1 in
	*.nft) on server nft -f "$1" ;;
	*.ipt | *.ipboth) on server iptables-nft-restore <"$1" ;;&
	*.ip6t | *.ipboth) on server ip6tables-nft-restore <"$1" ;;
	esac
}

# commands SERVICE: the fixes that are commands, a line each.
commands() {
	on server ctrules audit "$1" --json |
		jq -r '.findings[].fix | sub("^keep .*; or, if it is not to be translated: "; "") |
			select(test("^(nft|iptables|ip6tables) "))'
}

# mend SERVICE: pastes what is to be pasted until there is nothing, but not for ever.
mend() {
	local round fixes fix
	for round in 1 2 3 4 5; do
		fixes=$(commands "$1")
		[ -n "$fixes" ] || return 0
		while read -r fix; do
			on server bash -c "$fix" </dev/null || { echo "$1: cannot paste: $fix"; return 1; }
		done <<<"$fixes"
	done
	echo "$1: there is no end of: $fixes"
	return 1
}

bats_require_minimum_version 1.5.0

# all_to_paste SERVICE: whether there is a command for all that is found.
all_to_paste() {
	on server ctrules audit "$1" --json |
		jq -e '[.findings[] | select(.severity != "info") | .fix | sub("^keep .*; or, if it is not to be translated: "; "") |
			select(test("^(nft|iptables|ip6tables) ") | not)] == []' >/dev/null
}

@test "every fix of every ruleset can be pasted, is not asked for again, and makes it safe" {
	local file service all tried=0 safe=0
	for file in "$RULESETS"/*; do
		for service in $(sed -n 's/^# expect \(\S*\) differs: .*/\1/p' "$file"); do
			rules "$file" 2>/dev/null || continue
			all=0
			all_to_paste "$service" || all=$?
			mend "$service" || { echo "in $file"; return 1; }
			tried=$((tried + 1))
			case ${file##*/} in
			# Whom it lets in passes by the rules behind it, which say more than the one that asks.
			fib-and-state.* | ct-bytes.* | ct-mark-drops.* | option-removed.*) continue ;;
			esac
			[ "$all" -eq 0 ] || continue
			on server ctrules -q audit "$service" >/dev/null || { echo "$service of $file is not safe"; return 1; }
			safe=$((safe + 1))
		done
	done
	[ "$tried" -gt 40 ]
	[ "$safe" -gt 25 ]
}

# input LINES: a chain with these rules behind those that every server has.
input() {
	on server nft -f - <<-NFT
		flush ruleset
		table inet filter {
			chain input {
				type filter hook input priority filter; policy drop;
				iif lo accept
				meta l4proto { icmp, ipv6-icmp } accept
				$1
			}
		}
	NFT
}

@test "a fix lets in no more than the rule and those before it did" {
	# Only a SYN from there opens a connection.
	input "tcp dport 22 ip saddr 10.77.0.0/24 tcp flags & (fin|syn|rst|ack) == syn accept
		ct state established,related accept"
	[ "$(commands tcp/22)" = \
		"nft insert rule inet filter input handle 6 'tcp dport 22 tcp flags & (syn|ack) != syn ct state untracked accept'" ]
	mend tcp/22
	run -0 on server ctrules audit tcp/22
	# What is measured once would be measured each time.
	input "ct state established,related accept
		udp dport 53 limit rate 10/second accept"
	run -4 on server ctrules audit udp/53 --json
	[[ $(jq -r '.findings[0].fix' <<<"$output") == "keep udp/53 tracked: "* ]]
	# What there is no room for, or no words of "ct state", only the rule itself can say.
	input "ip saddr { $(seq -f '10.%g.0.0/16, ' 0 2 254) } udp dport 53 ct state { established, new } accept"
	run -4 on server ctrules audit udp/53 --json
	[[ $(jq -r '.findings[0].fix' <<<"$output") == 'put a copy of the rule in front of it, with "udp dport 53 ct state untracked" '* ]]
	[[ $(jq -r '.findings[0].rule' <<<"$output") == "ip saddr { 10.0.0.0/16, "*" ..." ]]
	input "ip saddr 10.0.0.0/8 ct state vmap { established : accept, new : accept }"
	run -4 on server ctrules audit udp/53 --json
	[[ $(jq -r '.findings[0].fix' <<<"$output") == 'put a copy of the rule in front of it, with "udp dport 53 ct state untracked" '* ]]
}

@test "a fix takes a rule's comment for no words of it" {
	input 'ct state established,new accept comment "do not drop the port of ssh"'
	[ "$(commands udp/53)" = "nft insert rule inet filter input handle 5 udp dport 53 ct state untracked accept" ]
	mend udp/53
	run -0 on server ctrules audit udp/53
}

@test "no fix gives a shell names to do" {
	on server nft -j -f - <<-'JSON'
		{"nftables": [{"add": {"table": {"family": "inet", "name": "t; exit 9 #"}}},
			{"add": {"chain": {"family": "inet", "table": "t; exit 9 #", "name": "$(exit 9)", "type": "filter",
				"hook": "input", "prio": 0, "policy": "drop"}}},
			{"add": {"rule": {"family": "inet", "table": "t; exit 9 #", "chain": "$(exit 9)", "expr": [{"match":
				{"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "new"]}}, {"accept": null}]}}}]}
	JSON
	run -4 on server ctrules audit udp/53 --json
	[[ $(jq -r '.findings[0].fix' <<<"$output") == "in front of the rule, whose table or chain no command can name, put: "* ]]
	[ -z "$(commands udp/53)" ]
}

@test "a fix in front of a rule that refuses lets in, with no more words than the rule's" {
	on server nft -f - <<-'NFT'
		table inet filter {
			chain input {
				type filter hook input priority filter; policy accept;
				iifname "eth*" udp dport 9000 ct state untracked counter drop
			}
		}
	NFT
	[ "$(commands udp/9000)" = \
		"nft insert rule inet filter input handle 2 'iifname \"eth*\" udp dport 9000 ct state untracked counter accept'" ]
	mend udp/9000
	run -0 on server ctrules audit udp/9000
}

@test "no fix lets packets past the rules after one that refuses" {
	on server nft -f - <<-'NFT'
		table inet filter {
			chain input {
				type filter hook input priority filter; policy accept;
				ct state != { established, related, new } drop
				ip saddr 10.78.0.0/16 drop
			}
		}
	NFT
	run -4 on server ctrules audit udp/9000 --json
	[[ $(jq -r '.findings[] | select(.severity == "blocker") | .fix' <<<"$output" | sort -u) == \
		"keep udp/9000 tracked, or let the rule go by untracked packets of it, too"* ]]
	[ -z "$(commands udp/9000 | grep untracked)" ]
	on server nft flush ruleset
	# Where it is the last, what asks for more than a command can say is to be accepted, too.
	on server iptables-nft -A INPUT -i eth0 -m conntrack ! --ctstate NEW,ESTABLISHED -j DROP
	run -4 on server ctrules audit udp/9000 --json
	[[ $(jq -r '.findings[0].fix' <<<"$output") == "put a copy of rule 1 of chain INPUT "*"--ctstate UNTRACKED -j ACCEPT" ]]
}

@test "where new connections are measured there is nothing to paste" {
	on server nft -f - <<-'NFT'
		table inet filter {
			chain input {
				type filter hook input priority filter; policy drop;
				iif lo accept
				meta l4proto { icmp, ipv6-icmp } accept
				ct state established accept
				tcp dport 22 ct state new limit rate 10/second accept
			}
		}
	NFT
	run -4 on server ctrules audit tcp/22 --json
	[[ $(jq -r '.findings[] | select(.rule | contains("limit")) | .fix' <<<"$output") == "keep tcp/22 tracked: "* ]]
}

@test "what only counts is not measured" {
	on server nft -f - <<-'NFT'
		table inet filter {
			counter names {
			}
			chain input {
				type filter hook input priority filter; policy drop;
				iif lo accept
				meta l4proto { icmp, ipv6-icmp } accept
				udp dport 53 ct state new,established counter name "names" accept
			}
		}
	NFT
	[[ $(commands udp/53) == "nft insert rule inet filter input handle "*" 'udp dport 53 ct state untracked counter name \"names\" accept'" ]]
	mend udp/53
	run -0 on server ctrules audit udp/53
}

# answered FROM PROTO ADDRESS PORT [SOURCE-PORT]: whether one question is answered.
answered() {
	[ "$(on "$1" "$BATS_TEST_DIRNAME/echo.py" ask "$2" "$3" "$4" 1 "${@:5}")" -eq 1 ]
}

# opens_loopback_only: mended, udp/9000's clients on this host are answered untracked; others do
# not get in by sending from the port of its replies.
opens_loopback_only() {
	mend udp/9000
	run -0 on server ctrules audit udp/9000
	on server ctrules add udp/9000
	answered server udp 127.0.0.1 9000
	answered server udp ::1 9000
	not answered client udp 10.77.0.1 9000 9000
	not answered client udp fd77::1 9000 9000
	on server ctrules flush
}

@test "a fix for clients on this host opens nothing to the outside" {
	ip netns del server
	hosts
	background on server "$BATS_TEST_DIRNAME/echo.py" serve 9000
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$pid.out"
	on server nft -f - <<-'NFT'
		table inet filter {
			chain known {
				ct state established accept
			}
			chain input {
				type filter hook input priority filter; policy drop;
				meta l4proto { icmp, ipv6-icmp } accept
				jump known
				ip saddr 127.0.0.1 udp dport 9000 accept
				ip6 saddr ::1 udp dport 9000 accept
			}
			chain output {
				type filter hook output priority filter; policy drop;
				meta l4proto { icmp, ipv6-icmp } accept
				jump known
				oif != lo accept
				udp dport 9000 accept
			}
		}
	NFT
	opens_loopback_only
	run -0 on server nft list chain inet filter known
	[[ $output == *'iif "lo" udp sport 9000 ct state untracked accept'* ]]
	[[ $output == *'oif "lo" udp sport 9000 ct state untracked accept'* ]]
	on server nft flush ruleset
	while read -r tables icmp localhost; do
		on server "$tables-nft" -A INPUT -p "$icmp" -j ACCEPT
		on server "$tables-nft" -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
		on server "$tables-nft" -A INPUT -s "$localhost" -p udp --dport 9000 -j ACCEPT
		on server "$tables-nft" -P INPUT DROP
	done <<-'TABLES'
		iptables icmp 127.0.0.1
		ip6tables ipv6-icmp ::1
	TABLES
	opens_loopback_only
	run -0 on server iptables-nft -S INPUT
	[[ $output == *"-A INPUT -i lo -p udp -m udp --sport 9000 "* ]]
}
