#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ctwatch looking into other network namespaces; ip-netns and the tables' contents are the oracles.

bats_require_minimum_version 1.5.0
load lib
pid= # background's

setup() {
	ip link set lo up
	for name in box den; do
		ip netns add "$name"
		ip -n "$name" link set lo up
	done
}

teardown() {
	aftermath
	for name in $(ip netns list | cut -d' ' -f1); do
		ip netns del "$name"
	done
}

# names FILTER: of the tables in the JSON on stdin, one a line
names() {
	jq -r '.tables[].netns'
}

watches() { # NAME: whether the last line of the stream in the background has that table
	tail -n 1 "$BATS_TEST_TMPDIR/$pid.out" | names | grep -Fxq -- "$1"
}

misses() { # NAME
	[ -s "$BATS_TEST_TMPDIR/$pid.out" ] && ! watches "$1"
}

@test "a named namespace's table is seen from outside, with its listener's process" {
	background ip netns exec box listen udp 0.0.0.0 9000
	listener=$pid
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$listener.out"
	on box ctfill -d 127.0.0.1 -P 9000 500
	run -0 --separate-stderr ctwatch --netns box --once --json
	kill "$listener"
	[ -z "$stderr" ]
	run jq -c '.tables[] | [.netns, .entries, .services[0].service, .services[0].process]' <<<"$output"
	[ "$output" = '["box",500,"udp/9000","listen"]' ]
}

@test "name, path and process mean the same namespace" {
	on box ctfill 321
	background ip netns exec box sleep 600
	wait_until 30 grep -q sleep "/proc/$pid/comm"
	for which in box /run/netns/box "$pid" "/proc/$pid/ns/net"; do
		run -0 ctwatch --netns "$which" --once --json
		[ "$(jq -c '[.tables[] | [.netns, .entries]]' <<<"$output")" = '[["box",321]]' ]
	done
	kill "$pid"
	# Inside, it is called the same.
	run -0 on box ctwatch --once --json
	[ "$(jq -r '.tables[0].netns' <<<"$output")" = box ]
}

@test "all finds named ones, those of processes, and each once" {
	on box ctfill 100
	background ip netns exec box sleep 600
	named=$pid
	background unshare -n sleep 600
	wait_until 30 grep -q sleep "/proc/$pid/comm"
	wait_until 30 grep -q sleep "/proc/$named/comm"
	nsenter -t "$pid" -n ctfill 77
	run -0 ctwatch --netns all --once --json
	kill "$pid" "$named"
	run jq -c '[.tables[] | [.netns, .entries]] | .[0], (.[1:] | sort)' <<<"$output"
	[ "${lines[0]}" = '["host",0]' ]
	[ "${lines[1]}" = "[[\"box\",100],[\"den\",0],[\"sleep[$pid]\",77]]" ]
}

# in_cgroup PATH COMMAND...: runs it in a network namespace and a cgroup of its own; $pid.
in_cgroup() {
	mkdir -p "$1"
	background unshare -n "${@:2}"
	wait_until 30 grep -q "^${2}$" "/proc/$pid/comm"
	echo "$pid" >"$1/cgroup.procs"
}

# remove_cgroups TOP: with all below it, once nothing runs there.
remove_cgroups() {
	[ ! -e "$1" ] || find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
}

@test "a namespace is called by the container or the service that lives in it" {
	top=
	for mounted in /sys/fs/cgroup /sys/fs/cgroup/unified; do
		if grep -q " $mounted cgroup2 " /proc/mounts && mkdir "$mounted/ctkit-$$-$RANDOM" 2>/dev/null; then
			top=$(echo "$mounted/ctkit-$$-"*)
			break
		fi
	done
	[ -n "$top" ] || skip "cannot make cgroups here"
	id=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
	pids=()
	for path in "system.slice/docker-$id.scope" "system.slice/nginx.service" "docker/${id//0/f}" \
		"kubepods.slice/cri-containerd-${id//0/a}.scope" "lxc.payload.web" "user.slice/session-3.scope"; do
		in_cgroup "$top/$path" sleep 600
		pids+=("$pid")
	done
	run -0 --separate-stderr ctwatch --netns all --once --json
	kill "${pids[@]}"
	wait "${pids[@]}" || :
	wait_until 30 remove_cgroups "$top"
	run jq -r '.tables[].netns' <<<"$output"
	diff -u - <(sort <<<"$output") <<-NAMES
		box
		cri-containerd-a123456789ab
		den
		docker-0123456789ab
		docker-f123456789ab
		host
		lxc-web
		nginx.service
		sleep[${pids[5]}]
	NAMES
}

@test "tables of several namespaces are told apart in text" {
	on box ctfill 100
	run -0 ctwatch --netns box --netns den --count 2
	[ "${#lines[@]}" -eq 4 ]
	[[ ${lines[0]} == *" box "*"100/"* ]]
	[[ ${lines[1]} == *" den "*" 0/"* ]]
	run -0 ctwatch --netns all --once
	[ "$(grep -c '^namespace: ' <<<"$output")" -eq 3 ]
	# One alone needs no name.
	run -0 ctwatch --netns box --once
	[[ $output != *$'\n'namespace:* && $output != namespace:* ]]
}

@test "all sees namespaces come and go, and keeps none that is gone" {
	background ctwatch --netns all -j -i 100ms
	wait_until 30 watches den
	ip netns add late
	wait_until 30 watches late
	grep -q "network namespace late: watched from now on" "$BATS_TEST_TMPDIR/$pid.err"
	# A device of a namespace goes with it: only if nobody holds it.
	ip link add v-here type veth peer name v-there netns late
	ip netns del late
	wait_until 30 misses late
	wait_until 30 gone v-here
	grep -q "network namespace late is gone" "$BATS_TEST_TMPDIR/$pid.err"
	kill "$pid"
	wait "$pid"
}

gone() { # DEVICE
	! ip link show "$1" >/dev/null 2>&1
}

rss_kb() { # PID
	awk '/^VmRSS/ { print $2 }' "/proc/$1/status"
}

said() { # TIMES WHAT
	[ "$(grep -c "$2" "$BATS_TEST_TMPDIR/$pid.err")" -ge "$1" ]
}

# Only what one round leaves behind counts, not how much that is: the next must not add to it.
@test "namespaces that came and went leave no memory behind" {
	! sanitized || skip "the sanitizer keeps what was given back"
	background ctwatch --netns all -j -i 100ms
	wait_until 30 watches host
	for round in 1 2 3 4; do
		for ((i = 0; i < 16; i++)); do ip netns add "n$i"; done
		wait_until 60 said $((round * 16)) "network namespace n.*: watched from now on"
		for ((i = 0; i < 16; i++)); do ip netns del "n$i"; done
		wait_until 60 said $((round * 16)) "network namespace n.* is gone"
		rss[round]=$(rss_kb "$pid")
	done
	echo "after each round: ${rss[*]} KiB"
	((rss[4] < rss[1] + 1024))
	kill "$pid"
	wait "$pid"
}

@test "when the only namespace to watch goes, it says so and ends" {
	background ctwatch --netns den -i 50ms
	wait_until 30 [ -s "$BATS_TEST_TMPDIR/$pid.out" ]
	ip netns del den
	code=0
	wait "$pid" || code=$?
	[ "$code" -eq 1 ]
	grep -q "network namespace den is gone" "$BATS_TEST_TMPDIR/$pid.err"
	grep -q "no network namespace is left to watch" "$BATS_TEST_TMPDIR/$pid.err"
}

@test "a process that ends takes its namespace with it, another does not" {
	background ip netns exec box sleep 600
	sleeper=$pid
	wait_until 30 grep -q sleep "/proc/$sleeper/comm"
	background ctwatch --netns "$sleeper" --netns den -j -i 50ms
	wait_until 30 watches box
	kill "$sleeper"
	wait_until 30 misses box
	watches den
	kill "$pid"
	wait "$pid"
}

@test "what is no namespace is refused with the reason" {
	while IFS='|' read -r which code reason; do
		run -"$code" --separate-stderr ctwatch --once --netns "$which"
		[ -z "$output" ]
		[ "$(wc -l <<<"$stderr")" -eq 1 ]
		[[ $stderr == *"\"$which\""*"$reason"* ]]
	done <<-'CASES'
		nope|1|there is no such name in /run/netns
		/nope/net|1|there is no such file
		/proc/self/ns/mnt|1|it is not a network namespace
		/etc/passwd|1|it is not a network namespace
		/dev/null|1|it is not a network namespace
		4194305|1|there is no such process
		.|2|is no name, path or process
	CASES
	run -2 ctwatch --once --netns all --netns box
	[[ $output == *"\"box\" and \"all\" exclude each other"* ]]
	run -2 ctwatch --once --netns box --netns all
}

@test "without CAP_SYS_ADMIN it says that entering needs it" {
	bare=(setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin)
	run -3 "${bare[@]}" ctwatch --once --netns box
	[ "$output" = 'ctwatch: cannot watch: "box": entering it needs CAP_SYS_ADMIN' ]
	run -0 --separate-stderr "${bare[@]}" ctwatch --once --json --netns all
	[ "$(names <<<"$output")" = host ]
	[[ $stderr == *"2 network namespaces are left out: entering them needs CAP_SYS_ADMIN"* ]]
}

@test "of more namespaces than it watches, it says how many are left out" {
	for i in $(seq 70); do
		ip netns add "n$i"
	done
	run -0 --separate-stderr ctwatch --once --json --netns all
	[ "$(names <<<"$output" | wc -l)" -eq 64 ]
	[ "$(names <<<"$output" | sort -u | wc -l)" -eq 64 ]
	[[ $stderr == *"9 network namespaces are left out: 64 are watched at most"* ]]
}

@test "a name that holds control characters does not reach the terminal" {
	ip netns add $'e\033[2J'
	run -0 ctwatch --once --netns all
	ip netns del $'e\033[2J'
	[[ $output == *"namespace: e?[2J"* ]]
}

@test "samples stay in their namespace when they are left early" {
	# A dump that is left early has its socket opened anew: in the same namespace.
	on box ctfill -d 127.0.0.1 -P 9000 30000
	on den ctfill -d 127.0.0.1 -P 9001 20000
	ctwatch --netns all -j -i 10ms --count 30 >"$BATS_TEST_TMPDIR/out"
	jq -es 'all(.[]; [.tables[].entries] == [0, 30000, 20000] or [.tables[].entries] == [0, 20000, 30000])
		and all(.[].tables[]; .services | all(.[]; .service == "udp/9000" or .service == "udp/9001"))' \
		"$BATS_TEST_TMPDIR/out"
	jq -es 'all(.[].tables[] | select(.netns == "box"); .entries == 30000 and .services[0].service == "udp/9000")' \
		"$BATS_TEST_TMPDIR/out"
}

@test "between two looks a table elsewhere is counted from outside, and it is that one" {
	command -v strace >/dev/null || skip "no strace (package strace)"
	on box ctfill -t 600 4321
	ASAN_OPTIONS=detect_leaks=0 background strace -o "$BATS_TEST_TMPDIR/calls" -e trace=setns,pread64,readlink \
		ctwatch --netns box -j -i 300ms --count 10
	wait_until 60 ended "$pid"
	# Polled every 0.1 s, but entered for the looks and for the opening alone: there and back.
	[ "$(grep -c 'setns(' "$BATS_TEST_TMPDIR/calls")" -le 22 ]
	grep -q 'pread64(.*"4321\\n"' "$BATS_TEST_TMPDIR/calls"
	# Nor are all processes asked where they are, for one that has a name.
	run ! grep '/ns/net' "$BATS_TEST_TMPDIR/calls"
	run ! grep 'pread64(.*"0\\n"' "$BATS_TEST_TMPDIR/calls"
}
