# SPDX-License-Identifier: GPL-2.0-or-later
# ctrules audit: verdicts on real rulesets, and that the fixes it prints make a ruleset safe.
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell and sets stderr_lines

setup() {
	load lib
	one_host server
}

teardown() {
	aftermath
	for name in $(ip netns list | cut -d' ' -f1); do ip netns del "$name"; done
}

# one_host NAME: a namespace with loopback, and an interface that is up.
one_host() {
	ip netns add "$1"
	ip -n "$1" link set lo up
	ip -n "$1" link add eth0 type veth peer name wire
	ip -n "$1" link set wire up
	ip -n "$1" addr add 10.77.0.1/24 dev eth0
	ip -n "$1" link set eth0 up
}

# rules: loads the ruleset on stdin.
rules() {
	on server nft -f -
}

# icmp: rules that let errors through whatever their state.
icmp() {
	echo 'meta l4proto { icmp, ipv6-icmp } accept'
}

# verdict CODE SERVICE: the audit ends with that code and says the same in JSON.
verdict() {
	local -A names=([0]=safe [4]=unsafe [5]=unknown)
	run -"$1" on server ctrules audit "$2"
	[[ ${lines[0]} == "$2: ${names[$1]}: "* ]]
	run -"$1" on server ctrules audit "$2" --json
	[ "$(jq -r .verdict <<<"$output")" = "${names[$1]}" ]
	[ "$(jq -r .service <<<"$output")" = "$2" ]
	[ "$(jq -r .metainfo.program <<<"$output")" = ctrules ]
}

# finding CODE HANDLE FIELD: a field of the finding with that code about the rule.
finding() {
	on server ctrules audit udp/9000 --json |
		jq -er --arg code "$1" --argjson handle "$2" \
			".findings[] | select(.code == \$code and .handle == \$handle) | .$3"
}

# paste_fixes: runs the fixes of all findings as a shell would.
paste_fixes() {
	on server ctrules audit udp/9000 --json |
		jq -r '.findings[].fix | select(startswith("nft ") or startswith("ip"))' |
		while read -r fix; do
			on server sh -c "$fix"
		done
}

bats_require_minimum_version 1.5.0

@test "no rules at all are safe" {
	verdict 0 udp/9000
	verdict 0 tcp/9000
	run -0 on server ctrules audit udp/9000 --json
	[ "$(jq -c .findings <<<"$output")" = '[]' ]
}

@test "a stateful firewall is unsafe, and safe once the fixes are pasted" {
	rules <<-'NFT'
		table inet filter {
			chain input {
				type filter hook input priority filter; policy drop;
				ct state established,related accept
				iif lo accept
				ip saddr 10.0.0.0/8 ct state new udp dport 9000 counter accept
			}
			chain output {
				type filter hook output priority filter; policy drop;
				oif lo accept
				ct state established,related accept
			}
		}
	NFT
	verdict 4 udp/9000
	[ "$(finding state 5 severity)" = blocker ]
	[ "$(finding state 5 rule)" = 'ip saddr 10.0.0.0/8 ct state new udp dport 9000 counter accept' ]
	[ "$(finding state 5 family)" = inet ]
	[ "$(finding state 5 table)" = filter ]
	[ "$(finding state 5 chain)" = input ]
	[ "$(finding state 5 direction)" = requests ]
	# No wider than the rule is.
	[ "$(finding state 5 fix)" = \
		'nft insert rule inet filter input handle 5 ip saddr 10.0.0.0/8 ct state untracked udp dport 9000 counter accept' ]
	[ "$(finding state 7 direction)" = replies ]
	[ "$(finding icmp 3 severity)" = warning ]
	paste_fixes
	verdict 0 udp/9000
	# Nobody gets there, tracked or not.
	verdict 0 tcp/22
}

@test "a stateless accept behind the stateful rule is safe" {
	rules <<-NFT
		table inet filter {
			chain input {
				type filter hook input priority filter; policy drop;
				ct state vmap { established : accept, related : accept, invalid : drop }
				iifname lo accept
				ip saddr 10.0.0.0/8 udp dport { 53, 9000-9010 } accept
				$(icmp)
			}
		}
	NFT
	# ICMP errors are dropped as invalid before they are accepted.
	verdict 4 udp/9000
	run on server ctrules audit udp/9000 --json
	[ "$(jq -c '[.findings[] | select(.severity != "info") | [.code, .severity, .chain]]' <<<"$output")" = '[["icmp","warning","input"]]' ]
	paste_fixes
	verdict 0 udp/9000
}

@test "translation of the service, to it and of its source is unsafe" {
	rules <<-'NFT'
		table ip nat {
			chain prerouting {
				type nat hook prerouting priority dstnat;
				udp dport 9000 dnat to 10.0.0.2
				udp dport 80 redirect to :9001
				udp dport vmap { 9002 : jump docker }
			}
			chain docker {
				dnat to 10.0.0.3
			}
			chain postrouting {
				type nat hook postrouting priority srcnat;
				oifname "eth0" masquerade
			}
		}
	NFT
	for port in 9000 9001 9002; do
		verdict 4 udp/$port
		run on server ctrules audit udp/$port --json
		[ "$(jq -r '.findings[0].code' <<<"$output")" = nat ]
	done
	verdict 0 udp/9003
	verdict 0 tcp/9000
	verdict 0 'udp/[::1]:9000'
	verdict 4 out:udp/53
}

@test "what is untracked already stays as it is" {
	rules <<-NFT
		table inet raw {
			chain prerouting {
				type filter hook prerouting priority raw;
				udp dport 9000 notrack
			}
			chain output {
				type filter hook output priority raw;
				udp dport 9000 notrack
				udp sport 9000 notrack
			}
		}
		table inet filter {
			chain input {
				type filter hook input priority filter; policy drop;
				ct state established,related,untracked accept
				$(icmp)
			}
		}
	NFT
	verdict 0 udp/9000
	[ "$(finding notrack 2 severity 2>/dev/null || finding notrack 3 severity)" = info ]
}

# tables COMMAND...: each an iptables command for IPv4 and, with -6 before it, for IPv6.
tables() {
	local line
	while read -r line; do
		case $line in
		-6*) on server sh -c "ip6tables ${line#-6}" ;;
		?*) on server sh -c "iptables $line" ;;
		esac
	done
}

@test "rules of iptables-nft are understood, and their fixes make them safe" {
	tables <<-'IPTABLES'
		-P INPUT DROP
		-A INPUT -i lo -j ACCEPT
		-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		-A INPUT -p tcp --dport 22 -m conntrack --ctstate NEW -j ACCEPT
		-A INPUT -p udp --dport 9000 -m conntrack --ctstate NEW -j ACCEPT
		-6 -P INPUT DROP
		-6 -A INPUT -m state --state NEW,ESTABLISHED,RELATED -j ACCEPT
		-6 -A INPUT -m conntrack --ctstate INVALID -j DROP
	IPTABLES
	verdict 4 udp/9000
	[ "$(finding state 5 fix)" = \
		'iptables -t filter -I INPUT 4 -p udp --dport 9000 -m conntrack --ctstate UNTRACKED -j ACCEPT' ]
	paste_fixes
	verdict 0 udp/9000
	on server iptables -S INPUT
}

@test "matches of iptables-nft that have no part in tracking are no reason to give up" {
	tables <<-'IPTABLES'
		-P INPUT DROP
		-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
		-A INPUT -p icmp -j ACCEPT
		-A INPUT -i lo -m comment --comment local -j ACCEPT
		-A INPUT -m addrtype --dst-type MULTICAST -j DROP
		-A INPUT -m pkttype --pkt-type broadcast -j DROP
		-A INPUT -m iprange --src-range 10.0.0.1-10.0.0.9 -j DROP
		-A INPUT -m mark --mark 0x10/0xf0 -j DROP
		-A INPUT -m mac --mac-source 02:00:00:00:00:01 -j DROP
		-A OUTPUT -m owner --uid-owner 5 -j DROP
		-A INPUT -p udp -m multiport --dports 53,9000:9010 -m hashlimit --hashlimit-upto 10/sec --hashlimit-name x --hashlimit-mode srcip -j ACCEPT
		-A INPUT -m limit --limit 3/min -j LOG --log-prefix drop
	IPTABLES
	# New packets are limited, later ones not yet.
	verdict 4 udp/9000
	on server iptables -D INPUT 10
	on server iptables -A INPUT -p udp -m multiport --dports 53,9000:9010 -j ACCEPT
	verdict 0 udp/9000
}

@test "NAT, CT, CONNMARK and connlimit of iptables-nft are found" {
	tables <<-'IPTABLES'
		-t nat -A PREROUTING -m addrtype --dst-type LOCAL -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
		-t nat -A PREROUTING -p tcp --dport 81 -j REDIRECT --to-ports 9000
		-t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
		-t raw -A PREROUTING -p tcp --dport 21 -j CT --helper ftp
		-A INPUT -p tcp --syn --dport 25 -m connlimit --connlimit-above 20 -j REJECT
	IPTABLES
	verdict 4 tcp/8080
	verdict 4 tcp/9000
	verdict 4 tcp/21
	verdict 4 tcp/25
	verdict 0 tcp/80
	verdict 0 udp/8080
}

# with_set DECLARATION RULE: a table with one set or map, and one rule about it.
with_set() {
	rules <<-NFT
		flush ruleset
		table inet filter {
			$1
			chain input {
				type filter hook input priority filter; policy accept;
				$(icmp)
				ct state invalid counter
				$2
				udp dport 9000 ct state established accept
				udp dport 9000 drop
			}
		}
	NFT
}

# Not in the collection: the kernel gives up conntrack for a namespace once too often when such a set goes.
@test "what is done with the elements of a set is judged, and that they end" {
	with_set 'set s { type ipv4_addr; ct count over 2; elements = { 10.77.0.2 }; }' 'tcp dport 9000 ip saddr @s reject'
	verdict 4 tcp/9000
	[ "$(jq -r '.findings[0].code' <<<"$output")" = connlimit ]
	verdict 0 tcp/9001
	with_set 'map m { type ipv4_addr : verdict; ct count over 2; elements = { 10.77.0.2 : drop }; }' \
		'tcp dport 9000 ip saddr vmap @m'
	verdict 4 tcp/9000
	with_set 'set s { type ipv4_addr; counter; elements = { 10.77.0.2 }; }' 'tcp dport 9000 ip saddr @s reject'
	verdict 0 tcp/9000
	# Who has begun goes on where that asks for the connection, when the element has ended.
	with_set 'set s { type inet_service; elements = { 9000 }; }' 'udp dport @s accept'
	verdict 0 udp/9000
	with_set 'set s { type inet_service; flags timeout; elements = { 9000 timeout 1h }; }' 'udp dport @s accept'
	verdict 4 udp/9000
	[ "$(jq -r '.findings[0].code' <<<"$output")" = state ]
	# Who is kept out is, before and after.
	with_set 'set s { type ipv4_addr; flags timeout; elements = { 10.77.0.2 timeout 1h }; }' 'udp dport 9000 ip saddr @s drop
		udp dport 9000 accept'
	verdict 0 udp/9000
}

# marked: the mark of replies comes of tracking.
marked() {
	rules <<-'NFT'
		table inet mangle {
			chain output {
				type filter hook output priority mangle; policy accept;
				udp sport 9000 ct state untracked meta mark set 5
			}
		}
	NFT
}

@test "whoever may ask for a mark makes it matter: IPsec, rules of a bridge" {
	marked
	verdict 0 udp/9000
	[ "$(jq -r '.findings[0].severity' <<<"$output")" = info ]
	if on server ip xfrm policy add dir out dst 198.51.100.0/24 action block 2>/dev/null; then
		verdict 0 udp/9000
		on server ip xfrm policy add dir out dst 192.0.2.0/24 mark 5 action block
		verdict 4 udp/9000
		on server ip xfrm policy flush
		verdict 0 udp/9000
	fi
	on server ip link add br0 type bridge
	verdict 0 udp/9000
	rules <<-'NFT'
		table bridge b {
			chain output {
				type filter hook output priority 0; policy accept;
				meta mark 5 drop
			}
		}
	NFT
	verdict 4 udp/9000
	[ "$(finding mark 2 code)" = mark ]
}

@test "a chain at raw that is younger than ours comes before it" {
	on server iptables-nft -t raw -A PREROUTING -p tcp --dport 9000 -j CT --ctevents new,destroy
	# Ours would be the youngest: what it has untracked the rule leaves alone.
	verdict 0 tcp/9000
	on server nft flush ruleset
	on server ctrules -q add udp/53
	on server iptables-nft -t raw -A PREROUTING -p tcp --dport 9000 -j CT --ctevents new,destroy
	verdict 5 tcp/9000
	[ "$(jq -r '.findings[0].code' <<<"$output")" = zone ]
	# Its copy has ours made last.
	run -5 on server ctrules audit --rehearse tcp/9000
	verdict 0 tcp/9001
}

@test "a chain at raw in a table that is older than ours may be younger, which is said" {
	rules <<-'NFT'
		table ip raw {
		}
	NFT
	on server ctrules -q add udp/53
	on server iptables-nft -t raw -A PREROUTING -p tcp --dport 9000 -j CT --ctevents new,destroy
	verdict 5 tcp/9000
	[[ $output == *"come in another order"* ]]
}

@test "marks that answers take over matter" {
	marked
	for setting in ipv4/tcp_fwmark_accept ipv4/fwmark_reflect ipv6/fwmark_reflect; do
		verdict 0 udp/9000
		on server sysctl -qw "net/$setting=1"
		verdict 4 udp/9000
		on server sysctl -qw "net/$setting=0"
	done
}

@test "what comes out of a tunnel may have the mark of what carried it" {
	rules <<-NFT
		table inet filter {
			chain prerouting {
				type filter hook prerouting priority mangle; policy accept;
				iifname "eth0" udp dport 4789 meta mark set 5
			}
			chain input {
				type filter hook input priority filter; policy drop;
				$(icmp)
				udp dport 4789 accept
				meta mark 5 ct state new,established accept
			}
		}
	NFT
	verdict 0 udp/9000
	on server ip link add tunnel type vxlan id 5 dstport 4789 local 10.77.0.1 remote 10.77.0.2 ||
		skip "no VXLAN in this kernel"
	verdict 0 udp/9000
	on server ip link set tunnel up
	verdict 4 udp/9000
}

@test "the port of a bridge and the bridge are two interfaces" {
	rules <<-'NFT'
		table netdev early {
			chain ingress {
				type filter hook ingress device "eth0" priority 0; policy accept;
				udp dport 9000 meta mark set 1
			}
		}
		table inet filter {
			chain input {
				type filter hook input priority filter; policy accept;
				iifname "br0" meta mark 1 ct state new,established accept
				iifname "br0" udp dport 9000 drop
			}
		}
	NFT
	on server ip link add br0 type bridge
	on server ip link set br0 up
	on server ip addr flush dev eth0
	on server ip link set eth0 master br0
	on server ip addr add 10.77.0.1/24 dev br0
	verdict 4 udp/9000
	verdict 0 udp/9001
}

@test "what ctrules itself puts there for other services is no reason against one" {
	rules <<-NFT
		table inet firewall {
			chain input {
				type filter hook input priority filter; policy accept;
				ct state new counter
			}
		}
	NFT
	on server ctrules -q add udp/7000 --share 30%
	on server ctrules -q add udp/7001 --budget 100
	on server ctrules -q add tcp/7002-7004
	on server ctrules -q --force add out:udp/7005 --share 30%
	verdict 0 udp/9000
}

@test "marks that clients here might give what they ask are told, and no reason for a verdict" {
	rules <<-'NFT'
		table ip nat {
			chain postrouting {
				type nat hook postrouting priority srcnat; policy accept;
				meta mark 0x4000 masquerade
			}
		}
	NFT
	verdict 0 udp/9000
	[ "$(jq -r '[.findings[] | select(.code != "own") | .code, .severity] | join(" ")' <<<"$output")" = 'client-mark info' ]
	# Of others they would be a difference.
	rules <<-'NFT'
		flush ruleset
		table ip nat {
			chain postrouting {
				type nat hook postrouting priority srcnat; policy accept;
				oif lo meta mark != 0x4000 masquerade
			}
		}
	NFT
	verdict 4 udp/9000
}

@test "a rule that puts who is untracked into a set is as good only if it does the same" {
	local untracked
	for untracked in 'update @seen { ip saddr }' 'update @seen { ip saddr timeout 10m }' 'add @seen { ip saddr }' \
		'update @seen { ip saddr limit rate 5/second }' 'update @seen { ip daddr }'; do
		on server nft flush ruleset
		rules <<-NFT
			table inet filter {
				set seen {
					type ipv4_addr
					flags dynamic
					size 65535
					timeout 1h
				}
				chain input {
					type filter hook input priority filter; policy accept;
					ct state new,established update @seen { ip saddr }
					ct state untracked $untracked
				}
			}
		NFT
		if [ "$untracked" = 'update @seen { ip saddr }' ]; then
			verdict 0 udp/9000
		else
			verdict 4 udp/9000
			jq -e 'any(.findings[]; .code == "set" and .severity == "blocker")' <<<"$output"
		fi
	done
}

@test "what somebody else puts into our table is judged" {
	on server ctrules -q add udp/7000
	rules <<-NFT
		table inet ctkit {
			chain foreign {
				type filter hook input priority filter; policy drop;
				$(icmp)
				iif lo accept
				udp dport 9001 accept
				ct state new,established accept
			}
		}
	NFT
	verdict 4 udp/9000
	verdict 0 udp/9001
	on server nft delete chain inet ctkit foreign
	verdict 0 udp/9000
	# In a chain that is ours it is not known what it does to packets.
	on server nft insert rule inet ctkit prerouting udp dport 9000 ct state invalid drop
	verdict 5 udp/9000
	[ "$(jq -r '.findings[0].code' <<<"$output")" = opaque ]
	[[ $(jq -r '.findings[0].rule' <<<"$output") == *'ct state invalid drop'* ]]
}

@test "sockets may give packets their mark" {
	command -v iptables-nft-restore >/dev/null || skip "no iptables-nft"
	on server iptables-nft-restore <<-'IPT'
		*mangle
		-A PREROUTING -p tcp -m socket --nowildcard --restore-skmark
		COMMIT
		*filter
		-A INPUT -i eth0 -p tcp -m mark --mark 0x5 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT
		-A INPUT -i eth0 -p tcp -m mark --mark 0x5 -j DROP
		COMMIT
	IPT
	verdict 4 tcp/9000
	verdict 0 udp/9000
	on server iptables-nft -t mangle -F
	verdict 0 tcp/9000
}

@test "iptables-legacy is unknown, with a way out that is one; its empty tables are nothing" {
	on server iptables-legacy -t filter -L -n >/dev/null 2>&1 || skip "this kernel has no iptables-legacy"
	local tables table
	# To list a table makes it.
	for tables in iptables ip6tables; do
		for table in filter nat mangle raw security; do
			on server $tables-legacy -t $table -L -n >/dev/null 2>&1 || true
		done
	done
	[ "$(on server cat /proc/net/ip_tables_names /proc/net/ip6_tables_names | wc -l)" -ge 4 ]
	verdict 0 udp/9000
	run -0 --separate-stderr on server setpriv --bounding-set=-dac_override,-dac_read_search --reuid 65534 \
		--inh-caps=+net_admin --ambient-caps=+net_admin ctrules audit udp/9000
	for tables in iptables ip6tables; do
		on server $tables-legacy -t mangle -P POSTROUTING DROP
		verdict 5 udp/9000
		on server $tables-legacy -t mangle -P POSTROUTING ACCEPT
		on server $tables-legacy -A OUTPUT -p tcp --dport 1 -j ACCEPT
		verdict 5 udp/9000
		run on server ctrules audit udp/9000 --json
		[ "$(jq -r '.findings[0] | .code + " " + (.handle|tostring)' <<<"$output")" = 'legacy null' ]
		[[ $(jq -r '.findings[0].fix' <<<"$output") == *" ($tables-legacy-save "*"$tables-nft-restore)"*" $tables-legacy -t TABLE -F "* ]]
		on server $tables-legacy -F
		verdict 0 udp/9000
	done
}

@test "NAT of one end on loopback that no client is given is told, of more it blocks" {
	local words
	snat() { # WORDS: translates the source of these
		on server nft flush ruleset
		on server nft "add table ip nat; add chain ip nat out { type nat hook postrouting priority srcnat; }
			add rule ip nat out $1 snat to :53"
	}
	snat 'ip saddr 127.0.0.11 udp sport 40053'
	verdict 0 udp/9000
	run on server ctrules audit udp/9000 --json
	[ "$(jq -r '.findings[] | .severity + " " + .code' <<<"$output")" = 'info bound' ]
	[[ $(jq -r '.findings[0].why' <<<"$output") == *"what serves at 127.0.0.11:40053 "* ]]
	for words in 'ip saddr 127.0.0.1 udp sport 40053' 'ip saddr 127.0.0.11 meta l4proto udp' \
		'ip saddr 127.0.0.11 udp sport 40053-40054' 'ip saddr 127.0.0.10-127.0.0.11 udp sport 40053' \
		'ip saddr 10.77.0.1 udp sport 40053' 'udp sport 40053'; do
		snat "$words"
		verdict 4 udp/9000
	done
}

@test "a zone that keeps NOTRACK from having an effect has a rule, and something to do about it" {
	on server nft -f - <<-'NFT'
		table inet raw {
			chain prerouting {
				type filter hook prerouting priority raw; policy accept;
				udp dport 9000 ct zone set 5
			}
		}
	NFT
	verdict 5 udp/9000
	run on server ctrules audit udp/9000 --json
	[ "$(jq -r '.findings[0] | .severity + " " + .code + " " + .chain + ": " + .rule' <<<"$output")" = \
		'blocker zone prerouting: udp dport 9000 ct zone set 5' ]
	[[ $(jq -r '.findings[0].fix' <<<"$output") == "let the rule not match udp/9000, "* ]]
	verdict 0 udp/9001
}

@test "an address that no packet of the service can have is told" {
	local words
	while read -r words; do
		verdict 0 "$words"
		run on server ctrules audit "$words" --json
		[ "$(jq -r '.findings[] | select(.code == "address") | .severity' <<<"$output")" = info ]
	done <<-'SERVICES'
		udp/8.8.8.8:99
		tcp/[2001:db8::8]:99
		out:udp/10.77.0.1:53
	SERVICES
	for words in udp/10.77.0.1:99 'tcp/[::1]:99' out:udp/8.8.8.8:53 udp/127.0.0.5:53; do
		run on server ctrules audit "$words" --json
		[ "$(jq -r '[.findings[] | select(.code == "address")] | length' <<<"$output")" = 0 ]
	done
}

@test "what a library cannot read beside the ruleset is kept from stderr" {
	local command='mkdir /run/etc && cp -a /etc/. /run/etc/ && mount --bind /run/etc /etc &&
		echo "no label at all" >/etc/connlabel.conf && exec "$@"'
	on server nft 'table inet f { chain i { type filter hook input priority 0; policy drop;
		ct state new udp dport 9000 accept; }; }'
	run --separate-stderr on server unshare --mount sh -c "$command" sh nft list ruleset
	rm -rf /run/etc
	[ -n "$stderr" ] || skip "this nft does not complain"
	run -4 --separate-stderr on server unshare --mount sh -c "$command" sh ctrules audit udp/9000
	rm -rf /run/etc
	[ -z "$stderr" ]
	[[ $output == *"ct state new udp dport 9000 accept"* ]]
}

@test "a library that never answers does not keep the verdict back" {
	# It reads this file first, and waits for ever for who writes to it.
	local command='mkdir /run/etc && cp -a /etc/. /run/etc/ && mount --bind /run/etc /etc &&
		rm -f /etc/connlabel.conf && mkfifo /etc/connlabel.conf && exec "$@"'
	on server nft 'table inet f { chain i { type filter hook input priority 0; policy drop;
		ct state new udp dport 9000 accept; }; }'
	run -4 --separate-stderr on server unshare --mount sh -c "$command" sh timeout -k 1 60 ctrules audit udp/9000 --json
	rm -rf /run/etc
	[ "$(jq -c '[.verdict, (.findings[0] | .handle, .rule), .unquoted]' <<<"$output")" = \
		'["unsafe",2,"","libnftables has not listed the rules in time"]' ]
	[ "$stderr" = "ctrules: rules are named by their handles alone: libnftables has not listed the rules in time" ]
	run -4 --separate-stderr on server ctrules audit udp/9000 --json
	[ -z "$stderr" ]
	jq -e 'has("unquoted") | not' <<<"$output"
}

@test "live translated entries are evidence" {
	on server conntrack -I -p udp -s 10.77.0.2 -d 10.77.0.1 --sport 5000 --dport 9000 \
		-t 60 --reply-src 10.0.0.9 --reply-dst 10.77.0.2 2>/dev/null ||
		on server conntrack -I -p udp -s 10.77.0.2 -d 10.77.0.1 --sport 5000 --dport 9000 \
			-t 60 --dst-nat 10.0.0.9
	verdict 4 udp/9000
	run on server ctrules audit udp/9000 --json
	[ "$(jq -r '.findings[0].code' <<<"$output")" = live-nat ]
	verdict 0 udp/9001
	verdict 0 tcp/9000
}

@test "live entries of hosts behind this one, with its address and the port, are evidence" {
	on server conntrack -I -p udp -s 192.168.1.2 -d 10.77.0.9 --sport 123 --dport 123 -t 60 --src-nat 10.77.0.1
	verdict 4 udp/123
	[ "$(jq -r '.findings[0].code' <<<"$output")" = live-nat ]
	verdict 0 udp/124
	# Of what asks from here itself only that it might is told.
	on server conntrack -I -p udp -s 10.77.0.1 -d 10.77.0.9 --sport 125 --dport 1125 -t 60 --src-nat 10.77.0.1:125
	verdict 0 udp/125
}

@test "filters of traffic control are named as a limit" {
	on server tc qdisc add dev eth0 clsact
	verdict 0 udp/9000
	run on server ctrules audit udp/9000 --json
	[ "$(jq -c '[.findings[] | [.code, .severity]]' <<<"$output")" = '[["tc","info"]]' ]
}

@test "our own table is not held against a service" {
	tracked server
	on server ctrules -q --force add udp/9000
	verdict 0 udp/9000
}

@test "explain shows how each rule goes, tracked and untracked" {
	rules <<-'NFT'
		table inet filter {
			chain input {
				type filter hook input priority filter; policy drop;
				ct state new udp dport 9000 accept
			}
		}
	NFT
	run -4 on server ctrules audit udp/9000 --explain
	[[ $output == *"first request of other hosts' clients, IPv4"* ]]
	[[ $output == *"inet filter input, policy drop"* ]]
	[[ $output == *"tracked yes   untracked no     ct state new udp dport 9000 accept # handle 2"* ]]
	# What no rule matters to is one line.
	[ "$(grep -c '^No rule matters to these: .*ICMP errors sent, IPv4' <<<"$output")" -eq 1 ]
	[[ $output != *'matters to them'* ]]
	run -4 on server ctrules audit udp/9000 --explain --json
	[ "$(jq -r '.walks[0].rules[0] | .tracked + .untracked' <<<"$output")" = yesno ]
	on server nft flush ruleset
	run -0 on server ctrules audit udp/9000 --explain
	[ "${lines[-1]}" = 'No rule matters to any of its packets.' ]
	[ "${#lines[@]}" -eq 2 ]
}

# listeners WHERE...: somebody listens at each, such as "udp :: 53".
listeners() {
	local where
	for where; do
		# shellcheck disable=SC2086 # three words
		background on server listen $where
		wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$pid.out"
	done
}

# all FILTER: what jq makes of the audit of all.
all() {
	on server ctrules audit --all --json | jq -c "$1"
}

@test "all who listen are audited at once, whatever they are bound to" {
	run -0 on server ctrules audit --all
	[ "$output" = 'Nobody listens here.' ]
	[ "$(all .services)" = '[]' ]
	listeners 'udp 0.0.0.0 9000' 'udp :: 9000' 'udp 127.0.0.1 53' 'tcp ::1 80' 'tcp :: 22'
	run -0 on server ctrules audit --all
	[[ ${lines[0]} == 'SERVICE '*'PROCESS '*'PID  VERDICT  WHY' ]]
	[ "$(tail -n +2 <<<"$output" | awk '{ print $1, $2, $4, $5 }')" = "$(
		printf '%s listen safe -\n' tcp/22 'tcp/[::1]:80' udp/127.0.0.1:53 udp/9000
	)" ]
	[ "$(all '[.services[] | [.service, .process, .verdict, .findings]]')" = \
		'[["tcp/22","listen","safe",[]],["tcp/[::1]:80","listen","safe",[]],["udp/127.0.0.1:53","listen","safe",[]],["udp/9000","listen","safe",[]]]' ]
	[ "$(all .left_out)" = 0 ]
	[ "$(all .metainfo.program)" = '"ctrules"' ]
	pid=$(all '.services[0].pid')
	[ "$(cat "/proc/$pid/comm")" = listen ]
}

@test "the audit of all says of each what the audit of one says" {
	rules <<-'NFT'
		table inet filter {
			chain input {
				type filter hook input priority filter; policy drop;
				iif lo accept
				meta l4proto { icmp, ipv6-icmp } accept
				udp dport 53 ct state new,established accept
				tcp dport 80 accept
				udp dport 123 accept
			}
		}
	NFT
	listeners 'udp :: 53' 'udp :: 123' 'tcp :: 80'
	run -4 on server ctrules audit --all
	[[ ${lines[2]} == 'udp/53 '*' unsafe   requests pass because they are tracked;'* ]]
	[ "$(all '[.services[].verdict]')" = '["safe","unsafe","safe"]' ]
	for service in tcp/80 udp/53 udp/123; do
		one=$(on server ctrules audit $service --json | jq -cS '{service, verdict, findings}')
		[ "$(all ".services[] | select(.service == \"$service\")" | jq -cS '{service, verdict, findings}')" = "$one" ]
	done
	# One that is not known, and none that is unsafe.
	on server nft insert rule inet filter input udp dport 53 accept
	run -0 on server ctrules audit --all
	rules <<-'NFT'
		table inet early {
			chain prerouting {
				type filter hook prerouting priority -301;
				udp dport 123 ct zone set 1
			}
		}
	NFT
	run -5 on server ctrules audit --all
	[ "$(all '[.services[].verdict]')" = '["safe","safe","unknown"]' ]
}

@test "where somebody watches it is told how many services are audited" {
	listeners 'udp :: 53' 'udp :: 54'
	run on server python3 -c 'import pty; pty.spawn(["ctrules", "audit", "--all"])' </dev/null
	[[ $output == *"audited: 0 of 2 "*"audited: 1 of 2 "*"udp/53"*"udp/54"* ]]
	run --separate-stderr on server ctrules audit --all
	[ -z "$stderr" ]
}

@test "translated connections are counted for every service at once" {
	listeners 'udp :: 53' 'udp :: 54' 'udp :: 55'
	for port in 53 55; do
		on server conntrack -I -p udp -s 10.77.0.2 -d 10.77.0.1 --sport 4000 --dport $port -t 60 \
			--dst-nat 10.0.0.9
	done
	run -4 on server ctrules audit --all
	[ "$(all '[.services[] | [.verdict, .findings[0].code]]')" = '[["unsafe","live-nat"],["safe",null],["unsafe","live-nat"]]' ]
}

@test "wrong command lines are refused" {
	run -2 --separate-stderr on server ctrules audit
	[ "$stderr" = 'ctrules: which SERVICE? There is none after "audit" (see ctrules --help)' ]
	run -2 on server ctrules audit udp/9000 --force
	run -2 on server ctrules audit udp/9000 --dry-run
	run -2 on server ctrules add udp/9000 --explain
	run -2 on server ctrules audit --all udp/9000
	run -2 --separate-stderr on server ctrules audit --all --rehearse
	[ "$stderr" = 'ctrules: --explain and --rehearse are for one service, not for --all (see ctrules --help)' ]
	run -2 on server ctrules audit udp/0
}

@test "services at addresses of loopback are judged for clients here alone" {
	on server nft -f - <<-'NFT'
		table inet filter {
			chain input {
				type filter hook input priority filter; policy drop;
				iif lo accept
				ct state established,related accept
				tcp dport 5432 ct state new accept
			}
		}
	NFT
	run -4 on server ctrules audit tcp/5432
	run -0 on server ctrules audit tcp/127.0.0.1:5432
	run -0 on server ctrules audit tcp/127.0.0.53:5432
	run -0 on server ctrules audit "tcp/[::1]:5432"
	# Unless an interface lets others in, or all do.
	on server sysctl -qw net.ipv4.conf.eth0.route_localnet=1
	run -4 on server ctrules audit tcp/127.0.0.1:5432
	run -0 on server ctrules audit "tcp/[::1]:5432"
	on server sysctl -qw net.ipv4.conf.eth0.route_localnet=0
	run -0 on server ctrules audit tcp/127.0.0.1:5432
	on server sysctl -qw net.ipv4.conf.all.route_localnet=1
	run -4 on server ctrules audit tcp/127.0.0.1:5432
	on server sysctl -qw net.ipv4.conf.all.route_localnet=0
	# What NAT turns to it comes from anywhere, and needs no such setting over IPv6.
	on server nft -f - <<-'NFT'
		flush ruleset
		table ip6 nat {
			chain prerouting {
				type nat hook prerouting priority dstnat; policy accept;
				iifname "eth0" tcp dport 8080 dnat to [::1]:5432
			}
		}
	NFT
	run -4 on server ctrules audit "tcp/[::1]:5432"
}

@test "findings and rules that there is no room for are told" {
	{
		echo 'table inet f {'
		echo 'chain input { type filter hook input priority 0; policy drop;'
		for i in {1..65}; do echo "ip saddr 10.0.0.$i udp dport 9000 ct state new,established accept"; done
		for i in {1..4100}; do echo "udp dport 9001 ip saddr 10.$((i / 250)).$((i % 250)).1 accept"; done
		printf '}\n}\n'
	} | on server nft -f -
	run -4 on server ctrules audit udp/9000 --json
	[ "$(jq -c '[(.findings | length), .truncated]' <<<"$output")" = '[64,true]' ]
	run -4 on server ctrules audit udp/9000
	[[ $output == *"There is more than these 64."* ]]
	run on server ctrules audit --explain udp/9001 --json
	[ "$(jq -c '[.truncated, ([.walks[] | .rules | length] | max), any(.walks[]; .truncated)]' <<<"$output")" = '[null,4096,true]' ]
	run on server ctrules audit --explain udp/9001
	[[ $output == *$'\n    and more\n'* ]]
}

@test "rules that are too many are said to be, as all rules and not those of ctrules" {
	for i in {1..4097}; do printf 'table ip t%d {\n}\n' "$i"; done | on server nft -f -
	run -1 --separate-stderr on server ctrules audit udp/9000
	[ "$stderr" = "ctrules: the ruleset is larger than ctrules can judge" ]
	run -1 --separate-stderr on server ctrules add udp/9000
	[ "$stderr" = "ctrules: the ruleset is larger than ctrules can judge" ]
	run -1 --separate-stderr on server ctrules audit --all
	[ "$stderr" = "ctrules: the ruleset is larger than ctrules can judge" ]
}

@test "without privilege it says so" {
	run -3 --separate-stderr on server setpriv --bounding-set -all --inh-caps -all \
		--reuid 65534 --clear-groups "$CTKIT_BIN/rules/ctrules" audit udp/9000
	[[ $stderr == "ctrules: "* ]]
}
