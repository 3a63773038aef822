#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ctwatch against tables whose contents are known; conntrack(8), sysctls and ss are the oracles.

bats_require_minimum_version 1.5.0
load lib
pid= # background's

lines_of() {
	wc -l <"$BATS_TEST_TMPDIR/$1.out"
}

is_program() { # PID NAME
	[ "$(cat "/proc/$1/comm")" = "$2" ]
}

has_lines() { # PID COUNT
	[ "$(lines_of "$1")" -ge "$2" ]
}

setup() {
	ip netns add box
	ip -n box link set lo up
}

teardown() {
	aftermath
	ip netns del box
}

# 20,000 entries of five kinds: two local services, one only IPv6, one outbound, one forwarded.
mixed() {
	on box ip addr add 192.0.2.1/32 dev lo
	on box ctfill -d 192.0.2.1 -P 9000 8000
	on box ctfill -d 192.0.2.1 -p tcp -P 8080 -a 5000
	on box ctfill -d ::1 -s 2001:db8:1::1 -P 9001 -r 4000
	on box ctfill -d 198.51.100.53 -s 192.0.2.1 -P 53 1000
	on box ctfill -d 198.51.100.7 -p tcp -P 443 -n 2000
}

# share JSON SERVICE DIRECTION: in percent.
share() {
	jq -e --arg s "$2" --arg d "$3" \
		'.tables[0].services[] | select(.service == $s and .direction == $d) | .share * 100' "$1"
}

# percent CONNTRACK-OPTIONS...: what conntrack counts of the table, in percent.
percent() {
	local all mine
	all=$(entries box)
	mine=$({ on box conntrack -L -f ipv4 "$@"; on box conntrack -L -f ipv6 "$@"; } 2>/dev/null | wc -l)
	echo "$mine $all" | awk '{ print 100 * $1 / $2 }'
}

# within A B POINTS
within() {
	echo "$1 and $2"
	awk -v a="$1" -v b="$2" -v p="$3" 'BEGIN { d = a - b; exit !(d <= p && -d <= p) }'
}


@test "entries, limit and counters are the kernel's" {
	on box ctfill 1234
	on box ctwatch --once --json >"$BATS_TEST_TMPDIR/out"
	run jq -c '.tables[0] | [.entries, .limit, .counters.insert]' "$BATS_TEST_TMPDIR/out"
	[ "$output" = "[1234,$(cat /proc/sys/net/netfilter/nf_conntrack_max),1234]" ]
	run jq -r '.metainfo.program + " " + (.metainfo.json_schema_version | tostring)' "$BATS_TEST_TMPDIR/out"
	[ "$output" = "ctwatch 1" ]
}

@test "shares of 20,000 mixed entries are within 3 points of what conntrack counts" {
	mixed
	on box ctwatch --once --json --sample 5000 >"$BATS_TEST_TMPDIR/out"
	jq -e '.tables[0] | .sampled == 5000 and (.sample_complete | not)' "$BATS_TEST_TMPDIR/out"
	within "$(share "$BATS_TEST_TMPDIR/out" udp/9000 in)" "$(percent -p udp --dport 9000)" 3
	within "$(share "$BATS_TEST_TMPDIR/out" tcp/8080 in)" "$(percent -p tcp --dport 8080)" 3
	within "$(share "$BATS_TEST_TMPDIR/out" udp/9001 in)" "$(percent -p udp --dport 9001)" 3
	within "$(share "$BATS_TEST_TMPDIR/out" out:udp/53 out)" "$(percent -p udp --dport 53)" 3
	within "$(share "$BATS_TEST_TMPDIR/out" tcp/443 forward)" "$(percent -p tcp --dport 443)" 3
}

# one_table: 5,000 entries of four services in random parts; prints how far each share is off, and how far it may be.
one_table() {
	local part left=5000
	on box conntrack -F 2>/dev/null
	for port in 9000 9001 9002 9003; do
		part=$((RANDOM % (left / 2) + 100))
		[ $port -ne 9003 ] || part=$left
		left=$((left - part))
		on box ctfill -s "10.$((RANDOM % 200)).0.1" -d 127.0.0.1 -P $port $part
	done
	on box conntrack -L 2>/dev/null | grep -o 'dport=900.' | sort | uniq -c >"$BATS_TEST_TMPDIR/truth"
	on box ctwatch --once --json --sample 800 |
		jq -r '.tables[0].services[] | [.service, .share, .share_error, .entries, .entries_error] | @tsv' |
		while read -r service share error entries entries_error; do
			awk -v s="$share" -v e="$error" -v n="$entries" -v ne="$entries_error" -v p="dport=${service#udp/}" \
				'{ all += $1 } $2 == p { mine = $1 } END { d = s - mine / all; m = n - mine
				print (d < 0 ? -d : d) <= e && (m < 0 ? -m : m) <= ne ? "in" : "out", p, s, mine / all, e }' \
				"$BATS_TEST_TMPDIR/truth"
		done
}

@test "of random tables the truth is within the stated error 19 times of 20" {
	RANDOM=${SEED:=$RANDOM}
	echo "seed $SEED"
	for ((round = 0; round < 25; round++)); do
		one_table
	done >"$BATS_TEST_TMPDIR/shares"
	cat "$BATS_TEST_TMPDIR/shares"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/shares")" -eq 100 ]
	# Of 100 shares, which are not independent, 5 are expected at most: 12 are more than chance.
	[ "$(grep -c ^out "$BATS_TEST_TMPDIR/shares")" -le 11 ]
}

@test "the entries of all services sum to the entries of the table" {
	mixed
	on box ctwatch --once --json --top 2 >"$BATS_TEST_TMPDIR/out"
	jq '.tables[0] | [.entries, ([.services[].entries] | add), (.services | length)]' "$BATS_TEST_TMPDIR/out"
	jq -e '.tables[0] | .entries - ([.services[].entries] | add) | fabs <= 3' "$BATS_TEST_TMPDIR/out"
	jq -e '.tables[0].services | length == 3 and .[2].service == "other"' "$BATS_TEST_TMPDIR/out"
}

# of_service OPTIONS...: what conntrack lists of both families with these.
of_service() {
	{ on box conntrack -L -f ipv4 "$@"; on box conntrack -L -f ipv6 "$@"; } 2>/dev/null | wc -l
}

# counted SERVICE: what ctwatch counts of it, in a table that it otherwise samples.
counted() {
	on box ctwatch --once --json --service "$1" | jq '.tables[0].counted[0].entries'
}

@test "services that were asked for are counted to the entry, however few they have" {
	on box ctfill -d 127.0.0.1 -P 9000 -a 30000
	on box ctfill -d ::1 -s 2001:db8::5 -p tcp -P 443 -a 30000
	on box ctfill -d 127.0.0.1 -P 53 3
	on box ctfill -d ::1 -s 2001:db8::5 -P 53 -r 2
	on box ctfill -d 127.0.0.1 -s 10.9.0.1 -p tcp -P 22 -a 17
	on box ctfill -d 127.0.0.1 -s 10.8.0.1 -p tcp -P 22 -w 4
	on box ctfill -d 198.51.100.53 -s 127.0.0.1 -P 53 5
	# Forwarded: of no service of this host.
	on box ctfill -d 198.51.100.53 -s 203.0.113.1 -P 53 7
	on box ctwatch --once --json | jq -e '.tables[0] | .sample_complete == false and .counted == null'
	[ "$(counted udp/53)" = "$(($(of_service -p udp --dport 53) - 5 - 7))" ]
	[ "$(counted udp/53)" = 5 ]
	[ "$(counted 'udp/[::1]:53')" = "$(of_service -p udp -d ::1 --dport 53)" ]
	[ "$(counted out:udp/53)" = "$(of_service -p udp -d 198.51.100.53 -s 127.0.0.1)" ]
	[ "$(counted tcp/22)" = "$(($(of_service -p tcp --dport 22) + $(of_service -p tcp --sport 22)))" ]
	[ "$(counted udp/8000-9999)" = "$(of_service -p udp --dport 9000)" ]
	run -0 on box ctwatch --once --service tcp/22 --service udp/53 --service tcp/80
	[[ $output == *"counted:   tcp/22, 21 of 60,038 live entries (0.035%), 19% unreplied"* ]]
	[[ $output == *"counted:   udp/53, 5 of 60,038 live entries (0.008%), 60% unreplied"* ]]
	[[ $output == *"counted:   tcp/80, 0 of 60,038 live entries (0.000%)"* ]]
}

@test "a stream goes on telling what was counted, and counts again" {
	on box ctfill -d 127.0.0.1 -P 9000 -a 500
	on box ctfill -d 127.0.0.1 -P 53 3
	background on box ctwatch -j -i 100ms --sample 100 --service udp/53
	wait_until 30 grep -q '"sample_complete":false' "$BATS_TEST_TMPDIR/$pid.out"
	on box ctfill -d 127.0.0.1 -s 10.7.0.1 -P 53 4
	wait_until 120 grep -q '"counted":\[{"service":"udp/53","entries":7,' "$BATS_TEST_TMPDIR/$pid.out"
	kill "$pid"
	wait "$pid"
	# Between one count and the next the last is told, with its age.
	jq -es 'map(.tables[0]) | all(.[]; .counted[0].entries == 3 or .counted[0].entries == 7)
		and any(.[]; .counted[0].age_seconds > 0.05)' "$BATS_TEST_TMPDIR/$pid.out"
}

@test "a table smaller than the sample is known exactly" {
	on box ctfill -d ::1 -s 2001:db8::5 -P 9000 -a 300
	on box ctfill -d 127.0.0.1 -P 53 -n 100
	run on box ctwatch --once --json
	echo "$output" | jq -e '.tables[0] | .sample_complete and .sampled == 400 and .evictable_ratio == 0.25'
	echo "$output" | jq -e '.tables[0].services == [
		{service: "udp/9000", entries: 300, entries_error: 0, share: 0.75, share_error: 0, direction: "in", process: null,
		 pid: null, processes: null, unreplied_ratio: 0, assured_ratio: 1, nat: false},
		{service: "udp/53", entries: 100, entries_error: 0, share: 0.25, share_error: 0, direction: "in", process: null,
		 pid: null, processes: null, unreplied_ratio: 1, assured_ratio: 0, nat: true}]'
}

@test "the process that listens is named, for both families and both protocols" {
	background ip netns exec box listen udp :: 9000
	udp=$pid
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$udp.out"
	background ip netns exec box listen tcp 127.0.0.1 8080
	tcp=$pid
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$tcp.out"
	# The socket takes both families: IPv4 alone must find it too.
	on box ctfill -d 127.0.0.1 -P 9000 200
	on box ctwatch --once --json | jq -e '.tables[0].services[0].process == "listen"'
	on box ctfill -d ::1 -s 2001:db8::5 -P 9000 200
	on box ctfill -d 127.0.0.1 -p tcp -P 8080 100
	run on box ctwatch --once --json
	kill "$udp" "$tcp"
	run jq -c '[.tables[0].services[] | [.service, .process, .entries]]' <<<"$output"
	[ "$output" = '[["udp/9000","listen",400],["tcp/127.0.0.1:8080","listen",100]]' ]
}

@test "processes that share a port are one service, and their number is told" {
	pids=()
	for address in 0.0.0.0 0.0.0.0 ::; do
		background on box listen udp "$address" 9000
		wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$pid.out"
		pids+=("$pid")
	done
	on box ctfill -d 127.0.0.1 -P 9000 50
	on box ctfill -d ::1 -s 2001:db8::5 -P 9000 50
	on box ctwatch --once --json >"$BATS_TEST_TMPDIR/out"
	run on box ctwatch --once
	kill "${pids[@]}"
	jq -c .tables[0].services "$BATS_TEST_TMPDIR/out"
	jq -e --argjson p "${pids[0]}" '.tables[0].services | length == 1 and .[0].service == "udp/9000"
		and .[0].process == "listen" and .[0].pid == $p and .[0].processes == 3
		and .[0].entries == 100' "$BATS_TEST_TMPDIR/out"
	[[ $output == *"  listen[${pids[0]}] and 2 more"* ]]
}

@test "a supervisor that holds its workers' sockets is the one that is named" {
	background on box ctserve -w 3 discard=udp/9000
	wait_until 30 grep -q "with 3 workers" "$BATS_TEST_TMPDIR/$pid.err"
	on box ctfill -d 127.0.0.1 -P 9000 50
	on box ctwatch --once --json >"$BATS_TEST_TMPDIR/out"
	kill "$pid"
	jq -c .tables[0].services "$BATS_TEST_TMPDIR/out"
	jq -e --argjson p "$pid" '.tables[0].services[0] | .process == "ctserve" and .pid == $p and .processes == 1' \
		"$BATS_TEST_TMPDIR/out"
}

@test "a process that ends is not named any more when its child has the socket" {
	background on box python3 -c 'import os, signal, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 9000))
child = os.fork()
open("/proc/self/comm", "w").write("child" if child == 0 else "parent")
print(child, flush=True)
signal.pause()'
	parent=$pid
	wait_until 30 eval '[ "$(wc -l <"$BATS_TEST_TMPDIR/$parent.out")" -eq 2 ]'
	child=$(grep -v '^0$' "$BATS_TEST_TMPDIR/$parent.out")
	on box ctfill -d 127.0.0.1 -P 9000 50
	background on box ctwatch -i 500ms --json
	watch=$pid
	wait_until 30 names parent "$parent"
	kill "$parent"
	wait_until 60 names child "$child"
	kill "$watch" "$child"
}

names() { # PROCESS PID: whether ctwatch's last line does
	tail -n 1 "$BATS_TEST_TMPDIR/$watch.out" |
		jq -e --arg n "$1" --argjson p "$2" '.tables[0].services[0] | .process == $n and .pid == $p'
}

@test "a process is found behind others that have very many descriptors" {
	for ((i = 0; i < 3; i++)); do
		background on box python3 -c 'import os, resource, signal
resource.setrlimit(resource.RLIMIT_NOFILE, (18000, 18000))
null = os.open("/dev/null", os.O_RDONLY)
for i in range(17900):
    os.dup(null)
print("ready", flush=True)
signal.pause()'
		many+=("$pid")
	done
	for pid in "${many[@]}"; do
		wait_until 60 grep -q ready "$BATS_TEST_TMPDIR/$pid.out"
	done
	background on box listen udp 127.0.0.1 9000
	listener=$pid
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$listener.out"
	[ "$listener" -gt "${many[2]}" ]
	on box ctfill -d 127.0.0.1 -P 9000 50
	run -0 --separate-stderr on box ctwatch --once
	kill "${many[@]}" "$listener"
	[[ $output == *" listen[$listener]"* ]]
}

@test "whose processes it may not look into is not named, and it says why" {
	[ "$(awk '{ print $3 }' /proc/self/uid_map)" -gt 65534 ] || skip "there is one user only"
	background on box listen udp 127.0.0.1 9000
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$pid.out"
	on box ctfill -d 127.0.0.1 -P 9000 50
	somebody="setpriv --reuid=65534 --clear-groups --inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin"
	run -0 --separate-stderr on box $somebody "$(command -v ctwatch)" --once --by process
	[[ $output == *"[unknown] "*" 100.0%"* ]]
	[[ $stderr == *"needs root (CAP_SYS_PTRACE)"* ]]
	run -0 --separate-stderr on box ctwatch --once
	kill "$pid"
	[[ $output == *" listen[$pid]"* ]]
	[ -z "$stderr" ]
}

@test "a listener is found among thousands" {
	background on box python3 -c 'import resource, signal, socket
resource.setrlimit(resource.RLIMIT_NOFILE, (7000, 7000))
sockets = []
for port in range(20000, 26000):
    sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sockets[-1].bind(("127.0.0.1", port))
print("ready", flush=True)
signal.pause()'
	others=$pid
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$others.out"
	background on box listen udp 127.0.0.1 9000
	listener=$pid
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$listener.out"
	on box ctfill -d 127.0.0.1 -P 9000 50
	on box ctfill -d 127.0.0.1 -P 25999 20
	on box ctwatch --once --json >"$BATS_TEST_TMPDIR/out"
	kill "$others" "$listener"
	jq -c '.tables[0] | [.sockets_left_out, .services]' "$BATS_TEST_TMPDIR/out"
	jq -e --argjson l "$listener" --argjson o "$others" '.tables[0] | .sockets_left_out == 0
		and [.services[0:2][] | [.entries, .pid]] == [[50, $l], [20, $o]]' "$BATS_TEST_TMPDIR/out"
}

@test "looking for a process ends with the one that holds the sockets" {
	command -v strace >/dev/null || skip "no strace (package strace)"
	background on box ctserve echo=udp/9000
	server=$pid
	wait_until 30 grep -q serving "$BATS_TEST_TMPDIR/$server.err"
	for ((i = 0; i < 20; i++)); do
		background on box sleep 600
	done
	wait_until 30 grep -q sleep "/proc/$pid/comm"
	on box ctfill -d 127.0.0.1 -P 9000 50
	on box ctfill -d ::1 -s 2001:db8::1 -P 9000 50
	run -0 --separate-stderr on box env ASAN_OPTIONS=detect_leaks=0 strace -o "$BATS_TEST_TMPDIR/calls" \
		-e trace=openat ctwatch --once
	kill "$server"
	[[ $output =~ udp/9000\ .*\ ctserve\[$server\] ]]
	[ "$(grep -c '"fd"' "$BATS_TEST_TMPDIR/calls")" -lt 10 ]
}

@test "entries are shown by process, and what is of none says why" {
	background on box listen udp 127.0.0.1 9000
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$pid.out"
	on box ctfill -d 127.0.0.1 -P 9000 400
	on box ctfill -d 127.0.0.1 -P 9001 300
	on box ctfill -s 127.0.0.1 -d 198.51.100.53 -P 53 200
	on box ctfill -s 203.0.113.1 -d 198.51.100.7 -p tcp -P 443 100
	on box ctwatch --once --json >"$BATS_TEST_TMPDIR/out"
	run on box ctwatch --once --by process
	kill "$pid"
	[ "$(jq -c '[.tables[0].processes[] | [.process, .entries]]' "$BATS_TEST_TMPDIR/out")" = \
		'[["listen",400],["[no listener]",300],["[outbound]",200],["[forwarded]",100]]' ]
	[[ $output == *"all 1,000 live entries, by process:"* ]]
	[[ $output == *"  listen "*" 40.0%"*"  [forwarded] "*" 10.0%"* ]]
}

# Any dump, of any namespace, collects them, and so does the kernel by itself.
sees_expired() {
	local source=10.$((++tries)).0.1
	on box ctfill -s "$source" -d 127.0.0.1 -P 53 -t 1 100
	elapse 2100
	on box ctwatch --once --json >"$BATS_TEST_TMPDIR/out"
	jq -e '.tables[0] | .entries >= 400' "$BATS_TEST_TMPDIR/out"
}

@test "what has expired but is still counted belongs to nobody" {
	tries=0
	on box ctfill -d 127.0.0.1 -P 9000 300
	wait_until 12 sees_expired || skip "somebody else's dumps collect expired entries first"
	jq -e '.tables[0] | .live_entries == 300 and .live_entries_at_least == 300
		and .services[0].entries == 300 and (.services | length) == 1' "$BATS_TEST_TMPDIR/out"
	[ "$(on box conntrack -L 2>/dev/null | wc -l)" -eq 300 ]
}

@test "TCP picked up in the wrong direction counts for its listener" {
	background ip netns exec box listen tcp 0.0.0.0 8080
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$pid.out"
	on box ctfill -p tcp -P 8080 -d 127.0.0.1 -w 100
	run on box ctwatch --once --json
	kill "$pid"
	run jq -r '.tables[0].services[0].service' <<<"$output"
	[ "$output" = tcp/8080 ]
}

@test "where nothing is tracked it says so, and leaves no trace" {
	run on box ctwatch --once
	[ "$status" -eq 0 ]
	[[ $output == *"not active in this network namespace"* ]]
	run on box ctwatch --once --json
	[ "$(jq '.tables[0].active' <<<"$output")" = false ]
	tracked box
	run on box ctwatch --once --json
	[ "$(jq '.tables[0].active' <<<"$output")" = true ]
	[ "$(entries box)" -eq 0 ]
}

@test "without loopback it does not know whether tracking is active" {
	ip netns add silent
	run on silent ctwatch --once
	[ "$status" -eq 0 ]
	[[ $output == *"not known: could not send a probe"* ]]
	run on silent ctwatch --once --json
	ip netns del silent
	[ "$(jq '.tables[0].active' <<<"$output")" = null ]
}

@test "without CAP_NET_ADMIN it shows entries and limit and says what is missing" {
	on box ctfill 777
	run on box setpriv --bounding-set=-all --inh-caps=-all ctwatch --once
	[ "$status" -eq 0 ]
	[[ $output == *"no CAP_NET_ADMIN: only entries, limit and counters are known, not services"* ]]
	[[ $output == *"777 of "* ]]
	# That there are entries does not say that they are not left over.
	[[ $output == *"tracking:  not known: finding out needs CAP_NET_ADMIN"* ]]
	# Counters are those that netlink tells of.
	on box ctwatch --once --json >"$BATS_TEST_TMPDIR/all"
	on box setpriv --bounding-set=-all --inh-caps=-all ctwatch --once --json 2>/dev/null |
		jq -e --slurpfile all "$BATS_TEST_TMPDIR/all" '.tables[0] | .entries == 777 and .counters.insert == 777
			and (.counters | del(.found)) == ($all[0].tables[0].counters | del(.found))
			and .services == null and .sampled == null and .active == null and .netns == "box"'
	# Without these either, it says so.
	command -v strace >/dev/null || skip "no strace (package strace)"
	run on box setpriv --bounding-set=-all --inh-caps=-all env ASAN_OPTIONS=detect_leaks=0 strace -o /dev/null \
		-P /proc/net/stat/nf_conntrack -e inject=openat:error=EACCES ctwatch --once
	[ "$status" -eq 0 ]
	[[ $output == *"no CAP_NET_ADMIN: only entries and limit are known, not services"* ]]
	[[ $output != *"counters:"* ]]
}

@test "without CAP_NET_ADMIN a service that was asked for is not left out in silence" {
	on box ctfill -d 127.0.0.1 -P 9000 777
	for options in --once "--once -q" "--once -j" "-i 10ms --count 1" "-m 127.0.0.1:9913" "--once --textfile $BATS_TEST_TMPDIR"; do
		# shellcheck disable=SC2086 # options and values
		run -3 --separate-stderr on box setpriv --bounding-set=-all --inh-caps=-all ctwatch --service udp/9000 $options
		[ -z "$output" ]
		[ "$stderr" = "ctwatch: --service: cannot count: reading entries needs CAP_NET_ADMIN" ]
	done
	[ ! -e "$BATS_TEST_TMPDIR/ctwatch.prom" ]
}

@test "where nothing can be read it exits 3 with one sentence" {
	unshare --mount true || skip "needs mount namespaces"
	# shellcheck disable=SC2016
	run on box unshare --mount sh -c 'mount -t tmpfs tmpfs /proc/sys/net/netfilter &&
		exec setpriv --bounding-set=-all --inh-caps=-all ctwatch --once'
	[ "$status" -eq 3 ]
	[ "$output" = "ctwatch: cannot read the conntrack table: this kernel has none: nf_conntrack is not loaded; modprobe does it, and the first rule that needs it" ]
}

@test "bad options are refused with the value and the reason" {
	while read -r options; do
		# shellcheck disable=SC2086
		run ctwatch $options
		echo "$options: $status: $output"
		[ "$status" -eq 2 ]
		[ "${#lines[@]}" -eq 1 ]
		[[ $output == *"${options##* }"* ]]
	done <<-'OPTIONS'
		--by colour
		--interval fast
		--interval 1ms
		-i 2d
		--sample 0
		--sample 10M
		--top 0
		--top many
		--count 0
		--count -1
		--service ssh
		--service tcp/0
		--service out:icmp/8
		--nonsense
		operand
	OPTIONS
}

@test "a service that is asked for twice, or one too many, is refused" {
	run -2 ctwatch --service tcp/22 --service tcp/22
	[ "$output" = 'ctwatch: --service: "tcp/22" is there twice' ]
	options=()
	for port in {1..16}; do
		options+=(--service "udp/$port")
	done
	run -2 ctwatch "${options[@]}" --service udp/17
	[ "$output" = 'ctwatch: --service: "udp/17": more than 16' ]
	on box ctfill -d 127.0.0.1 -P 16 5
	run -0 on box ctwatch --once "${options[@]}"
	[[ $output == *"counted:   udp/16, 5 of 5 live entries (100.000%)"* ]]
}

@test "help and version go to stdout" {
	ctwatch --help 2>/dev/null | grep -q -- --sample
	[ "$(ctwatch -V 2>/dev/null)" = "ctwatch $(cat "$BATS_TEST_DIRNAME/../../VERSION")" ]
}

@test "piped, it writes a line at once and one per interval, and stops when told" {
	on box ctfill 50
	background ip netns exec box ctwatch -i 1h
	wait_until 30 grep -q "50/" "$BATS_TEST_TMPDIR/$pid.out"
	kill -TERM "$pid"
	wait "$pid"
	background ip netns exec box ctwatch -i 50ms
	wait_until 30 has_lines "$pid" 5
	kill -INT "$pid"
	wait "$pid"
	run on box ctwatch -i 10ms --count 3
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 3 ]
}

@test "--batch prints a report per interval" {
	on box ctfill -d 127.0.0.1 -P 9000 50
	on box ctwatch --batch -i 50ms --count 3 >"$BATS_TEST_TMPDIR/out"
	# Records as awk knows them: parts between blank lines.
	run awk -v RS= '/^time:      [0-9:]+\.[0-9]+\n/ && /\nentries:   50 of / && /\n  udp\/9000 / { n++ }
		END { print n, NR }' "$BATS_TEST_TMPDIR/out"
	[ "$output" = "3 3" ]
	run ctwatch --batch --json
	[ "$status" -eq 2 ]
}

@test "a stream of JSON shows a table that fills, and predicts" {
	background ip netns exec box ctwatch -j -i 50ms
	for i in $(seq 20); do
		on box ctfill -s "10.$i.0.1" 2000
	done
	wait_until 30 eval 'tail -n 1 "$BATS_TEST_TMPDIR/$pid.out" | jq -e ".tables[0].entries == 40000"'
	kill -INT "$pid"
	wait "$pid"
	jq -es 'map(.tables[0]) | (map(.entries) | max) == 40000
		and any(.[]; .forecast.slope_per_second > 10000)
		and any(.[]; .forecast.full_in_seconds != null and .forecast.full_in_seconds < 60)' \
		"$BATS_TEST_TMPDIR/$pid.out"
}

@test "entries are shown by source and by state" {
	on box ctfill -s 10.8.3.1 -d 127.0.0.1 -p tcp 300
	on box ctfill -s 2001:db8:7::1 -d ::1 -r 100
	run on box ctwatch --once --by source
	[[ $output == *"10.8.3.0/24 "*" 75.0%"* ]]
	[[ $output == *"2001:db8:7::/64 "*" 25.0%"* ]]
	run on box ctwatch --once --by state
	[[ $output == *"tcp established "*" 75.0%"* ]]
	[[ $output == *"udp replied "*" 25.0%"* ]]
	run on box ctwatch --once --json
	[ "$(jq -c '.tables[0].sources[0]' <<<"$output")" = \
		'{"prefix":"10.8.3.0/24","entries":300,"entries_error":0,"share":0.75,"share_error":0}' ]
}

@test "a full disk is an error, not a silent end" {
	run on box sh -c 'ctwatch --once >/dev/full'
	[ "$status" -eq 1 ]
	[ "$output" = "ctwatch: cannot write the output: No space left on device" ]
}

# ended_by SIGNAL: whether it ends --once without a report, if it is met while it runs: for 0.2 s.
ended_by() {
	local code=0
	background on box env --default-signal=INT ctwatch --once
	until is_program "$pid" ctwatch 2>/dev/null; do
		! ended "$pid" || break
	done
	kill -"$1" "$pid" 2>/dev/null || :
	wait "$pid" || code=$?
	[ "$code" -eq $((128 + $(kill -l "$1"))) ] && [ "$(lines_of "$pid")" -eq 0 ]
}

@test "--once takes no option of lines, and a signal ends it without a report" {
	for option in '--count 3' '-i 1s' '--interval 50ms' --batch; do
		# shellcheck disable=SC2086 # an option and its value
		run -2 --separate-stderr on box ctwatch --once $option
		[ -z "$output" ]
		[[ $stderr == *"--once is one report"* ]]
	done
	for signal in INT TERM; do
		wait_until 30 ended_by "$signal"
	done
}

@test "the time is RFC 3339 in UTC with milliseconds, and now" {
	on box ctwatch --once -j >"$BATS_TEST_TMPDIR/out"
	run jq -r .time "$BATS_TEST_TMPDIR/out"
	[[ $output =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z$ ]]
	jq -e '.time | sub("\\.[0-9]+Z$"; "Z") | fromdate | now - . | . < 10 and . > -10' "$BATS_TEST_TMPDIR/out"
}

@test "short of descriptors, it says so" {
	run on box bash -c 'for fd in {3..20}; do exec {fd}>&-; done; ulimit -n 8; exec ctwatch --once'
	[[ $output == *"could not send a probe over loopback: Too many open files"* ]]
	[[ $output != *"is lo up"* ]]
}

@test "says whether an overflow would evict in silence or drop" {
	on box ctfill 300
	run on box ctwatch --once
	[[ $output == *"evictable: 100.0% (not assured): when full, new flows evict such entries in silence"* ]]
	on box conntrack -F
	on box ctfill -a -r 300
	run on box ctwatch --once
	[[ $output == *"evictable: 0.0% (not assured): when full, new flows are dropped"* ]]
	run on box ctwatch --once --json
	jq -e '.tables[0] | .evictable_ratio == 0 and .overflow_drop_ratio == 1' <<<"$output"
}

@test "every counter that the report names is explained in the manual" {
	manual=$BATS_TEST_DIRNAME/../../docs/man/ctwatch.8
	run on box ctwatch --once --json
	names=$(jq -r '.tables[0].counters | keys[]' <<<"$output")
	[ "$(wc -l <<<"$names")" -eq 10 ]
	for name in $names; do
		grep -qx ".It Cm $name" "$manual"
	done
	jq -e '.tables[0] | (.counters_per_second | keys) == (.counters | keys)' <<<"$output"
}
