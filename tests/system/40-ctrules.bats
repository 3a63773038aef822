# SPDX-License-Identifier: GPL-2.0-or-later
# ctrules: table inet ctkit and what it does to packets.
# shellcheck disable=SC2030,SC2031,SC2154 # bats runs each test in a subshell and sets stderr_lines

FLOWS=5

setup() {
	load lib
	ECHO=$BATS_TEST_DIRNAME/echo.py
	pids=()
}

teardown() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null && wait "$pid"; done
	for name in $(ip netns list | cut -d' ' -f1); do ip netns del "$name"; done
}

# one_host NAME: a namespace with nothing but loopback.
one_host() {
	ip netns add "$1"
	ip -n "$1" link set lo up
}

# echo_on HOST PORT: an echo server there.
echo_on() {
	background ip netns exec "$1" "$ECHO" serve "$2"
	pids+=("$pid")
	wait_until 10 grep -q ready "$BATS_TEST_TMPDIR/$pid.out"
}

# answered HOST PROTO ADDRESS PORT [SOURCE-PORT]: FLOWS new flows from there, all answered.
answered() {
	run -0 on "$1" "$ECHO" ask "$2" "$3" "$4" "$FLOWS" ${5:+"$5"}
	[ "$output" = "$FLOWS" ]
}

reachable() { # HOST ADDRESS PORT
	[ "$(on "$1" "$ECHO" ask udp "$2" "$3" 1)" = 1 ]
}

forget() { # HOST: empties its table
	on "$1" conntrack -F 2>/dev/null
}

ruleset() { # HOST: all of its rules, without counters and clocks
	on "$1" nft -s list ruleset
}

listed() { # HOST SERVICE FIELD: a field of that service's line
	on "$1" ctrules -j list |
		jq -r --arg service "$2" ".services[] | select(.service == \$service) | .$3"
}

is_lapsed() { # HOST SERVICE
	[ "$(listed "$1" "$2" active)" = false ]
}

left_below() { # HOST SERVICE SECONDS
	listed "$1" "$2" lease_seconds_left | jq -e ". < $3" >/dev/null
}

one_sentence() { # stderr of the last run: one line that has the given text
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "ctrules: "*"$1"* ]]
}

bats_require_minimum_version 1.5.0

@test "add makes a table that a person can read" {
	one_host server
	on server ctrules -q --force add udp/9000 --lease 30s
	run -0 on server nft list table inet ctkit
	for line in \
		'comment "ctkit: NOTRACK leases"' \
		'map in_services {' \
		'type inet_proto . inet_service : verdict' \
		': jump in_udp_9000 }' ': jump out_udp_9000 }' \
		'chain in_udp_9000 {' 'counter packets 0 bytes 0 notrack' \
		'type filter hook prerouting priority raw; policy accept;' \
		'fib daddr type local meta l4proto . th dport vmap @in_services' \
		'type filter hook output priority raw; policy accept;' \
		'meta l4proto . th sport vmap @out_services'; do
		[[ $output == *"$line"* ]]
	done
	[[ $output != *services4* && $output != *services6* ]]
	run -0 on server nft -j list map inet ctkit in_services
	run -0 jq -c '.nftables[1].map.elem' <<<"$output"
	[[ $output == '[[{"elem":{"val":{"concat":["udp",9000]},"timeout":30,"expires":'*'}},{"jump":{"target":"in_udp_9000"}}]]' ]]
}

@test "a service with an address gets maps and chains of its own" {
	one_host server
	on server ctrules -q --force add udp/192.0.2.1:53
	on server ctrules -q --force add 'tcp/[2001:db8::1]:443' --forever
	run -0 on server nft list table inet ctkit
	[[ $output == *'udp . 192.0.2.1 . 53 timeout 5m expires'*': jump in_udp_192.0.2.1_53'* ]]
	[[ $output == *'tcp . 2001:db8::1 . 443 : jump out_tcp_2001-db8--1_443'* ]]
	[[ $output == *'fib daddr type local meta l4proto . ip6 daddr . th dport vmap @in_services6'* ]]
	[[ $output == *'meta l4proto . ip saddr . th sport vmap @out_services4'* ]]
	run -0 on server ctrules -j list
	run -0 jq -r '.services[].service' <<<"$output"
	[ "$output" = "$(printf 'udp/192.0.2.1:53\ntcp/[2001:db8::1]:443')" ]
}

@test "remote clients make no entries, over UDP and TCP, IPv4 and IPv6" {
	hosts
	tracked server
	echo_on server 9000
	for proto in udp tcp; do
		for address in 10.77.0.1 fd77::1; do
			forget server
			answered client $proto $address 9000
			[ "$(entries server)" -eq $FLOWS ]
			on server ctrules -q --force add $proto/9000
			forget server
			answered client $proto $address 9000
			[ "$(entries server)" -eq 0 ]
			[ "$(listed server $proto/9000 in_packets)" -ge $FLOWS ]
			[ "$(listed server $proto/9000 out_packets)" -ge $FLOWS ]
			on server ctrules delete $proto/9000
		done
	done
}

@test "clients on the same host make no entries, over UDP and TCP, IPv4 and IPv6" {
	hosts
	tracked server
	echo_on server 9000
	for proto in udp tcp; do
		for address in 127.0.0.1 ::1 10.77.0.1 fd77::1; do
			forget server
			answered server $proto $address 9000
			[ "$(entries server)" -eq $FLOWS ]
			on server ctrules -q --force add $proto/9000
			forget server
			answered server $proto $address 9000
			[ "$(entries server)" -eq 0 ]
			# Such a packet passes twice: where it leaves and where it arrives.
			if [ $proto = udp ]; then
				[ "$(listed server udp/9000 in_packets)" -eq $((2 * FLOWS)) ]
				[ "$(listed server udp/9000 out_packets)" -eq $FLOWS ]
			fi
			on server ctrules delete $proto/9000
		done
	done
}

@test "a service with an address leaves the other addresses tracked" {
	hosts
	ip -n server addr add 10.77.0.3/24 dev v-server
	tracked server
	echo_on server 9000
	on server ctrules -q --force add udp/10.77.0.1:9000
	on server ctrules -q --force add 'tcp/[fd77::1]:9000'
	answered client udp 10.77.0.1 9000
	answered server udp 10.77.0.1 9000
	answered client tcp fd77::1 9000
	answered server tcp fd77::1 9000
	[ "$(entries server)" -eq 0 ]
	answered client udp 10.77.0.3 9000
	answered client tcp 10.77.0.1 9000
	answered client udp fd77::1 9000
	[ "$(entries server)" -eq $((3 * FLOWS)) ]
}

@test "forwarded traffic to and from the same port stays tracked" {
	for name in left router right; do one_host $name; done
	ip -n router link add v-left type veth peer name v-router netns left
	ip -n router link add v-right type veth peer name v-router netns right
	ip -n router addr add 10.77.1.1/24 dev v-left
	ip -n router addr add 10.77.2.1/24 dev v-right
	ip -n left addr add 10.77.1.2/24 dev v-router
	ip -n right addr add 10.77.2.2/24 dev v-router
	for name in left right; do ip -n $name link set v-router up; done
	for name in v-left v-right; do ip -n router link set $name up; done
	ip -n left route add default via 10.77.1.1
	ip -n right route add default via 10.77.2.1
	on router sysctl -qw net.ipv4.ip_forward=1
	tracked router
	on router ctrules -q --force add udp/9000
	on router ctrules -q --force add tcp/9000
	echo_on right 9000
	echo_on right 9001
	wait_until 5 reachable left 10.77.2.2 9001
	forget router
	answered left udp 10.77.2.2 9000
	answered left tcp 10.77.2.2 9000
	[ "$(entries router)" -eq $((2 * FLOWS)) ]
	answered left udp 10.77.2.2 9001 9000
	[ "$(entries router)" -eq $((2 * FLOWS + 1)) ]
	[ "$(listed router udp/9000 in_packets)" -eq 0 ]
	[ "$(listed router udp/9000 out_packets)" -eq 0 ]
}

@test "other services of the host stay tracked, and nothing is tracked because of us" {
	hosts
	echo_on server 9000
	echo_on server 9001
	on server ctrules -q --force add udp/9000
	answered client udp 10.77.0.1 9001
	[ "$(entries server)" -eq 0 ]
	tracked server
	answered client udp 10.77.0.1 9001
	answered client tcp 10.77.0.1 9000
	[ "$(entries server)" -eq $((2 * FLOWS)) ]
}

@test "a lease ends by itself and is taken up again with its counters" {
	hosts
	tracked server
	echo_on server 9000
	on server ctrules -q --force add udp/9000 --lease 2s
	answered client udp 10.77.0.1 9000
	wait_until 5 is_lapsed server udp/9000
	[ "$(listed server udp/9000 lease_seconds_left)" = null ]
	run -0 on server ctrules list
	[[ ${lines[1]} == udp/9000*lapsed* ]]
	forget server
	answered client udp 10.77.0.1 9000
	[ "$(entries server)" -eq $FLOWS ]
	on server ctrules -q --force add udp/9000
	forget server
	answered client udp 10.77.0.1 9000
	[ "$(entries server)" -eq 0 ]
	[ "$(listed server udp/9000 in_packets)" -eq $((2 * FLOWS)) ]
}

@test "adding again renews the lease, whatever it was before" {
	one_host server
	on server ctrules -q --force add udp/9000 --lease 10s
	wait_until 5 left_below server udp/9000 9.7
	on server ctrules -q --force add udp/9000 --lease 10s
	listed server udp/9000 lease_seconds_left | jq -e '. > 9.7'
	on server ctrules -q --force add udp/9000 --lease 1h
	listed server udp/9000 lease_seconds_left | jq -e '. > 3590'
	on server ctrules -q --force add udp/9000 --forever
	[ "$(listed server udp/9000 lease_seconds_left)" = null ]
	[ "$(listed server udp/9000 active)" = true ]
	on server ctrules -q --force add udp/9000 --lease 2s
	left_below server udp/9000 2.001
	[ "$(on server ctrules -j list | jq '.services | length')" -eq 1 ]
}

@test "dry-run prints nft text that does the same, and changes nothing" {
	one_host batch
	one_host text
	while read -r arguments; do
		if [ "$arguments" = strange ]; then
			for host in batch text; do
				on $host nft add rule inet ctkit in_udp_9000 counter
			done
			continue
		fi
		# shellcheck disable=SC2086 # a list of words
		run -0 --separate-stderr on batch ctrules --dry-run $arguments
		[ "$(ruleset batch)" = "$(ruleset text)" ]
		on text nft -c -f - <<<"$output"
		[ "$(ruleset batch)" = "$(ruleset text)" ]
		on text nft -f - <<<"$output"
		# shellcheck disable=SC2086
		on batch ctrules -q $arguments 2>/dev/null
		[ "$(ruleset batch)" = "$(ruleset text)" ]
	done <<-'EOF'
		add udp/9000 --lease 93784.567s
		add udp/9000 --lease 2d
		add tcp/9000 --forever
		add udp/192.0.2.1:53
		add tcp/[2001:db8::1]:443
		strange
		add udp/9000 --forever
		delete tcp/[2001:db8::1]:443
		delete udp/9000
		flush
		flush
	EOF
	[ -z "$(ruleset batch)" ]
}

@test "dry-run as JSON has the same text" {
	one_host server
	run -0 --separate-stderr on server ctrules -n add udp/9000
	text=$output
	[[ $stderr == *"nothing was audited"* ]]
	run -0 --separate-stderr on server ctrules -n -j add udp/9000
	[ "$(jq -r .nft <<<"$output")" = "$text" ]
	[ "$(jq -c '[.metainfo.program, .command, .service, .applied]' <<<"$output")" = \
		'["ctrules","add","udp/9000",false]' ]
}

@test "add says that nothing was audited, unless forced" {
	one_host server
	run -0 --separate-stderr on server ctrules -q add udp/9000
	one_sentence "nothing was audited: "
	[ -z "$output" ]
	run -0 --separate-stderr on server ctrules --force add udp/9000
	[ -z "$output$stderr" ]
	run -2 --separate-stderr on server ctrules audit udp/9000
	one_sentence 'unknown command "audit"'
}

@test "delete takes one service away, the last one takes the table" {
	one_host server
	on server ctrules -q --force add udp/9000
	on server ctrules -q --force add tcp/9000
	on server ctrules delete udp/9000
	[[ $(ruleset server) != *udp* ]]
	run -1 --separate-stderr on server ctrules delete udp/9000
	one_sentence "udp/9000 is not out of tracking"
	on server ctrules delete tcp/9000
	[ -z "$(ruleset server)" ]
	run -1 --separate-stderr on server ctrules delete tcp/9000
	one_sentence "tcp/9000 is not out of tracking"
	run -0 --separate-stderr on server ctrules flush
	[ -z "$output$stderr" ]
}

@test "a service whose lease ended this moment can be deleted" {
	one_host server
	on server ctrules -q --force add tcp/9000
	on server ctrules -q --force add udp/9000 --lease 300ms
	wait_until 5 is_lapsed server udp/9000
	on server ctrules delete udp/9000
	[[ $(ruleset server) != *udp* ]]
}

@test "list of nothing is empty, as text and as JSON" {
	one_host server
	run -0 --separate-stderr on server ctrules list
	[ -z "$output" ]
	one_sentence "no service is out of tracking"
	[ "$(on server ctrules list -j | jq -c '[.metainfo.json_schema_version, .services]')" = '[1,[]]' ]
}

@test "a table of the same name that is not ours is left alone" {
	one_host server
	on server nft -f - <<-'NFT'
		table inet ctkit {
			comment "ctkit: NOTRACK leases of somebody"
			map in_services { type inet_proto . inet_service : verdict; flags timeout; }
		}
	NFT
	before=$(ruleset server)
	for arguments in "add udp/9000" "delete udp/9000" "flush" "list" "-n add udp/9000"; do
		# shellcheck disable=SC2086 # a list of words
		run -1 --separate-stderr on server ctrules $arguments
		one_sentence "table inet ctkit exists and is not ours"
		[ -z "$output" ]
	done
	[ "$(ruleset server)" = "$before" ]
}

@test "a table that another process owns is left alone" {
	one_host server
	mkfifo "$BATS_TEST_TMPDIR/commands"
	# shellcheck disable=SC2016 # expanded by the inner shell
	background ip netns exec server bash -c 'exec nft -i <>"$0"' "$BATS_TEST_TMPDIR/commands"
	pids+=("$pid")
	echo 'add table inet ctkit { flags owner; comment "ctkit: NOTRACK leases"; }' \
		>"$BATS_TEST_TMPDIR/commands"
	wait_until 5 on server nft list table inet ctkit >/dev/null
	for arguments in "add udp/9000" "flush"; do
		# shellcheck disable=SC2086 # a list of words
		run -1 --separate-stderr on server ctrules $arguments
		one_sentence "owned by another process"
	done
}

@test "other tables and rules are never changed" {
	one_host server
	on server nft -f - <<-'NFT'
		table inet firewall {
			set ports { type inet_service; elements = { 22, 9000 }; }
			chain input {
				type filter hook input priority filter; policy drop;
				ct state established,related,untracked accept
				tcp dport @ports counter accept
			}
		}
		table ip ctkit { chain prerouting { type filter hook prerouting priority raw; counter; }; }
		table ip6 nat { chain output { type nat hook output priority -100; }; }
	NFT
	before=$(on server nft -a list ruleset)
	on server ctrules -q --force add udp/9000
	on server ctrules -q --force add udp/10.0.0.1:9000
	on server ctrules -q --force add udp/9000
	on server ctrules delete udp/9000
	[ "$(on server nft -a list ruleset | sed '/^table inet ctkit /,/^}/d')" = "$before" ]
	on server ctrules flush
	[ "$(on server nft -a list ruleset)" = "$before" ]
}

@test "what somebody broke in our table is put right by the next add" {
	hosts
	tracked server
	echo_on server 9000
	on server ctrules -q --force add udp/9000
	on server nft flush chain inet ctkit output
	on server nft flush chain inet ctkit in_udp_9000
	on server nft add rule inet ctkit out_udp_9000 counter
	on server nft 'add table inet ctkit { flags dormant; }'
	[ "$(listed server udp/9000 active)" = false ]
	on server ctrules -q --force add udp/9000
	[ "$(listed server udp/9000 active)" = true ]
	answered client udp 10.77.0.1 9000
	answered server udp 127.0.0.1 9000
	[ "$(entries server)" -eq 0 ]
}

@test "many ctrules at once all do their work" {
	one_host server
	local running=()
	for port in $(seq 9001 9020); do
		on server ctrules -q --force add "udp/$port" 3>&- &
		running+=($!)
	done
	for pid in "${running[@]}"; do wait "$pid"; done
	[ "$(on server ctrules -j list | jq '[.services[] | select(.active)] | length')" -eq 20 ]
	running=()
	for port in $(seq 9001 9019); do
		on server ctrules delete "udp/$port" 3>&- &
		running+=($!)
	done
	for pid in "${running[@]}"; do wait "$pid"; done
	[ "$(on server ctrules -j list | jq -r '.services[].service')" = udp/9020 ]
}

@test "a full table takes no more, and says so" {
	one_host server
	for port in $(seq 1 256); do echo "add chain inet ctkit in_udp_$port; add rule inet ctkit in_udp_$port counter notrack"; done \
		>"$BATS_TEST_TMPDIR/full.nft"
	on server ctrules -n -q --force add udp/1 | on server nft -f -
	on server nft flush chain inet ctkit in_udp_1
	on server nft -f "$BATS_TEST_TMPDIR/full.nft"
	run -1 --separate-stderr on server ctrules add udp/9000
	one_sentence "already holds 256 services"
	on server ctrules -q --force add udp/7
	on server nft 'add chain inet ctkit in_udp_257; add rule inet ctkit in_udp_257 counter notrack'
	run -1 --separate-stderr on server ctrules list
	one_sentence "more services than ctkit makes"
	on server ctrules flush
	[ -z "$(ruleset server)" ]
}

@test "without CAP_NET_ADMIN every command says so and exits with 3" {
	one_host server
	for arguments in "add udp/9000" "delete udp/9000" "flush" "list" "-n add udp/9000"; do
		# shellcheck disable=SC2086 # a list of words
		run -3 --separate-stderr on server setpriv --bounding-set=-net_admin ctrules $arguments
		one_sentence "CAP_NET_ADMIN is needed"
		[ -z "$output" ]
	done
	[ -z "$(ruleset server)" ]
}

@test "what the kernel refuses is quoted with its reason, and nothing is changed" {
	one_host server
	on server ctrules -q --force add udp/9000
	on server nft 'delete element inet ctkit in_services { udp . 9000 : jump in_udp_9000 }
		flush chain inet ctkit output; flush chain inet ctkit prerouting
		delete map inet ctkit in_services
		add set inet ctkit in_services { type inet_service; }'
	before=$(ruleset server)
	run -1 --separate-stderr on server ctrules add udp/9000
	one_sentence 'the kernel refused "add '
	[[ $stderr == *in_services*"nothing was changed" ]]
	[ "$(ruleset server)" = "$before" ]
}

@test "bad services and options are refused in one sentence" {
	one_host server
	while IFS='|' read -r arguments sentence; do
		# shellcheck disable=SC2086 # a list of words
		run -2 --separate-stderr on server ctrules $arguments
		one_sentence "$sentence"
		[ -z "$output" ]
	done <<-'EOF'
		add udp/0|udp/0
		add udp/65536|udp/65536
		add sctp/9000|sctp/9000
		add udp9000|udp9000
		add udp/9000/|udp/9000/
		add udp/1.2.3:53|udp/1.2.3:53
		add udp/2001:db8::1:53|udp/2001:db8::1:53
		add udp/0.0.0.0:53|0.0.0.0 is in no packet
		add udp/[::]:53|[::] is in no packet
		add udp/[::ffff:192.0.2.1]:53|an IPv4 address is written without
		add udp/224.0.0.251:5353|only addresses of one host
		add udp/[ff02::fb]:5353|only addresses of one host
		add out:udp/53|"out:udp/53": only services of this host
		add udp/10000-20000|"udp/10000-20000": only a single port
		delete out:udp/53|only services of this host
		add udp/9000 --lease 0|"0"
		add udp/9000 --lease 5x|"5x"
		add udp/9000 --lease 366d|"366d"
		add udp/9000 --lease 5s --forever|exclude each other
		delete udp/9000 --forever|"delete"
		list --dry-run|"list"
		add|"add"
		add udp/1 udp/2|"udp/2"
		list udp/1|"udp/1"
		remove udp/1|unknown command "remove"
	EOF
	run -2 --separate-stderr on server ctrules --frobnicate
	[[ $stderr == *frobnicate* ]]
	run -2 --separate-stderr on server ctrules
	one_sentence "want a command"
	[ -z "$(ruleset server)" ]
}

@test "output that cannot be written is an error" {
	one_host server
	on server ctrules -q --force add udp/9000
	for arguments in "list" "list -j" "-n add udp/9000" "--help"; do
		# shellcheck disable=SC2086 # a list of words
		run -1 --separate-stderr on server sh -c "exec ctrules $arguments >/dev/full"
		one_sentence "cannot write the output: No space left on device"
	done
}

@test "help and version go to stdout" {
	run -0 --separate-stderr ctrules --help
	[[ $output == "usage: ctrules "*--dry-run*--forever* || $output == "usage: ctrules "*--forever*--dry-run* ]]
	[ -z "$stderr" ]
	run -0 --separate-stderr ctrules -V
	[[ $output == "ctrules "[0-9]* ]]
}

@test "seconds are printed with milliseconds and no noise behind them" {
	one_host box
	for lease in 300s 1000ms 33333333ms 365d; do
		run -0 on box ctrules -q --force add udp/53 --lease "$lease"
		run -0 on box ctrules -j list
		[[ $output =~ \"lease_seconds_left\":[0-9]+\.[0-9]{1,3}[,}] ]]
	done
}

@test "quiet still says that nothing was audited, unless forced" {
	one_host box
	run -0 --separate-stderr on box ctrules -q add udp/53
	[[ $stderr == *"nothing was audited"* ]]
	run -0 --separate-stderr on box ctrules -q --force add udp/53
	[ -z "$stderr" ]
}

@test "after a lease its table stays, without elements, until flush" {
	one_host box
	on box ctrules --force add udp/53 --lease 100ms
	wait_until 5 is_lapsed box udp/53
	run -0 on box nft list table inet ctkit
	[[ $output == *hook* && $output != *elements* ]]
	on box ctrules flush
	run ! on box nft list table inet ctkit
}
