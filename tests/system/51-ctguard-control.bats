#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What an operator says to a running ctguard and reads of it: orders, status, journal, incidents.

bats_require_minimum_version 1.5.0
load lib

setup() {
	hosts
	tracked server
	served=
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	aftermath
	ip netns del server
	ip netns del client
}

# guard OPTION...: starts ctguard on the server host with its socket in ./socket; its pid is in $guard.
guard() {
	background on server ctguard run --json --control socket "$@"
	guard=$pid
	wait_until 30 grep -q guarding "$BATS_TEST_TMPDIR/$guard.err"
}

order() {
	ctguard --control socket "$@"
}

# flooded PORT: a flood that makes a guard with a high horizon act.
flooded() {
	if [ -z "$served" ]; then
		background on server ctserve "echo=udp/$1"
		served=$pid
	fi
	wait_until 30 grep -q serving "$BATS_TEST_TMPDIR/$served.err"
	on client ctload flows "udp/10.77.0.1:$1" --count 20k --rate 20k --duration 2m --source 10.78.0.0/16 -j -q >flows.json
}

state() { # FILTER: of the status
	order status -j | jq -r "$1"
}

state_is() { # FILTER VALUE
	[ "$(state "$1")" = "$2" ]
}

untracked() { # SERVICE as nft writes it: whether it is out of tracking
	on server nft list map inet ctkit in_services 2>/dev/null | grep -q "$1 timeout"
}

reclaimed() {
	grep -q '"event":"reclaim"' "$guard.out"
}

# ask TEXT [OPTION...]: sends TEXT as it is to the socket and prints the answer.
ask() {
	/usr/bin/python3 - "$@" <<-'PYTHON'
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.settimeout(10)
		s.connect('socket')
		s.sendall(os.fsencode(sys.argv[1]).decode('unicode_escape').encode('latin-1'))
		if len(sys.argv) > 2: s.shutdown(socket.SHUT_WR)
		answer = b''
		while chunk := s.recv(65536): answer += chunk
		print(answer.decode(), end='')
	PYTHON
}

@test "status tells what the guard does, to people and to programs" {
	guard -s udp/9001 -s udp/9000 --horizon 1h
	run order status
	[ "$status" -eq 0 ]
	[[ $output == *"state      watching, pid $guard, "* ]]
	[[ $output == *"udp/9000  tracked"* ]]
	state_is .state watching
	flooded 9000
	wait_until 30 state_is .state engaged
	[ "$(state '.services[] | select(.untracked) | .service')" = udp/9000 ]
	[ "$(state .limit)" -eq "$(cat /proc/sys/net/netfilter/nf_conntrack_max)" ]
	run order status
	[[ $output == *"udp/9000  UNTRACKED for "* ]]
	[[ $output == *"engage udp/9000, 100 % of it out: "* ]]
	wait_until 30 state_is '.events[-1].event' reclaim
}

@test "a guard that cannot help says so by the exit code of status, and when that is over" {
	guard -s udp/9001 --horizon 1h --engage-at 1% --release-at 0.5%
	on server ctfill "$(many)" >/dev/null
	wait_until 30 state_is .state helpless
	run order status
	[ "$status" -eq 4 ]
	[[ $output == *"state      helpless"* ]]
	on server conntrack -F
	wait_until 30 state_is .state watching
	run order status
	[ "$status" -eq 0 ]
	[ "$(state '.events[-1].event')" = relieved ]
}

@test "who fills the table is named anew when that has changed" {
	guard -s udp/9001 --horizon 0s --engage-at 1% --release-at 0.5%
	on server ctfill -P 7000 -d 10.77.0.1 -t 600 "$(many)" >/dev/null
	wait_until 30 complained '.*'
	[[ $(complained '.*') == *"most of it is udp/7000 "* ]]
	on server conntrack -F
	on server ctfill -P 9001 -d 10.77.0.1 -t 600 "$(many)" >/dev/null
	wait_until 30 reclaimed
	on server ctfill -P 7001 -d 10.77.0.1 -t 600 "$(many)" >/dev/null
	wait_until 30 complained reclaim
	[[ $(complained reclaim) == *"most of it is udp/7001 "* ]]
}

complained() { # EVENT: the first complaint after the first of these
	sed "0,/\"event\":\"$1\"/d" "$guard.out" | grep -m 1 '"event":"helpless"'
}

@test "pause: what is out stays out, and nothing more is decided until resume" {
	guard -s udp/9000 --horizon 1h
	order pause -j | jq -e '(keys_unsorted | .[0]) == "metainfo" and .ok' >/dev/null
	state_is .state paused
	flooded 9000
	elapse 300
	! untracked "udp . 9000" || false
	order resume
	flooded 9000
	wait_until 30 untracked "udp . 9000"
	order pause
	elapse 300
	untracked "udp . 9000"
	run order pause
	[ "$status" -eq 0 ]
}

@test "release gives a service back at once" {
	guard -s udp/9000 --horizon 1h
	run order release udp/9000
	[ "$status" -eq 1 ]
	[[ $output == *"it is not out of tracking"* ]]
	flooded 9000
	wait_until 30 reclaimed
	untracked "udp . 9000"
	order release udp/9000
	! untracked "udp . 9000" || false
	run order release udp/9
	[ "$status" -eq 1 ]
	[[ $output == *'"udp/9" is not a service that this guard may take out'* ]]
	run order release nonsense
	[ "$status" -eq 1 ]
	[[ $output == *nonsense* ]]
	[ "$(jq -r 'select(.event == "release") | .service' "$guard.out")" = udp/9000 ]
}

@test "release leaves a rule without a lease to whoever made it" {
	on server ctrules add udp/9000 --forever --force
	guard -s udp/9000
	run order release udp/9000
	[ "$status" -eq 1 ]
	[[ $output == *"not the guard's"* ]]
	on server ctrules list | grep -q udp/9000
}

@test "stop takes the rules away, and the socket goes with the guard" {
	guard -s udp/9000 --horizon 1h
	flooded 9000
	wait_until 30 untracked "udp . 9000"
	order stop
	wait_until 30 ended "$guard"
	wait "$guard"
	! on server nft list table inet ctkit 2>/dev/null || false
	[ ! -e socket ]
	run order status
	[ "$status" -eq 1 ]
	[[ $output == *'no guard takes orders at "socket"'* ]]
}

@test "reload takes a new configuration over, what is out stays out" {
	printf 'horizon = 1h\nservice "udp/9000" { }\nservice "udp/9001" { }\n' >conf
	guard -c conf
	flooded 9000
	wait_until 30 untracked "udp . 9000"
	printf 'horizon = 5s\nservice "udp/9002" { }\nservice "udp/9000" { }\n' >conf
	order reload
	wait_until 30 state_is .horizon_seconds 5
	untracked "udp . 9000"
	[ "$(state '[.services[].service] | join(" ")')" = "udp/9002 udp/9000" ]
	[ "$(state '.services[] | select(.untracked) | .service')" = udp/9000 ]
	# What is no longer allowed is given back.
	printf 'service "udp/9002" { }\n' >conf
	kill -HUP "$guard"
	wait_until 30 state_is '.services | length' 1
	! untracked "udp . 9000" || false
}

@test "a bad configuration is told and changes nothing" {
	printf 'horizon = 7s\nservice "udp/9000" { }\n' >conf
	guard -c conf
	printf 'horizon = 7s\nservice "udp/9000" { }\nlease = never\n' >conf
	run order reload
	[ "$status" -eq 1 ]
	[[ $output == *"conf:3: lease: "* ]]
	kill -HUP "$guard"
	wait_until 30 grep -q 'conf:3' "$guard.err"
	rm conf
	run order reload
	[ "$status" -eq 1 ]
	[[ $output == *'cannot read "conf"'* ]]
	# Nobody writes into it.
	mkfifo conf
	run order reload
	[ "$status" -eq 1 ]
	[[ $output == *'"conf" is no file that can be read again'* ]]
	state_is .horizon_seconds 7
}

@test "signals that come while it reloads do not end it, but for those that are to" {
	printf 'service "udp/9000" { }\n' >conf
	guard -c conf
	# Many enough for one to come in the middle of the other's work.
	for round in $(seq 500); do
		kill -HUP "$guard"
	done
	wait_until 30 grep -q '"event":"reload"' "$guard.out"
	state_is .state watching
	order reload -q &
	kill -INT "$guard"
	wait $! || true
	wait_until 30 ended "$guard"
	wait "$guard"
	grep -q '"event":"stop"' "$guard.out"
}

@test "without a file there is nothing to reload" {
	guard -s udp/9000
	run order reload
	[ "$status" -eq 1 ]
	[[ $output == *"no configuration file"* ]]
}

@test "others than root may ask but not order" {
	guard -s udp/9000
	chmod 666 socket
	chmod 711 "$BATS_TEST_TMPDIR"
	run setpriv --reuid 65534 --clear-groups "$CTKIT_BIN/guard/ctguard" --control socket status
	[ "$status" -eq 0 ]
	for word in pause resume reload stop "release udp/9000"; do
		run setpriv --reuid 65534 --clear-groups "$CTKIT_BIN/guard/ctguard" --control socket $word
		[ "$status" -eq 1 ]
		[[ $output == *"only root"* ]]
	done
	state_is .state watching
}

@test "the socket is for owner and group" {
	guard -s udp/9000
	[ "$(stat -c %a socket)" = 660 ]
}

@test "what comes to the socket may be anything" {
	guard -s udp/9000
	[ "$(ask 'nonsense\n' | jq -r .error)" = "not a JSON object on a line" ]
	[ "$(ask '[]\n' | jq -r .ok)" = false ]
	[ "$(ask '{}\n' | jq -r .error)" = "no command" ]
	[ "$(ask '{"command":7}\n' | jq -r .ok)" = false ]
	[ "$(ask '{"command":"status","command":"stop"}\n' | jq -r .ok)" = false ]
	[ "$(ask '{"command":"release","service":["x"]}\n' | jq -r .ok)" = false ]
	[ "$(ask '\000\xff\n' | jq -r .ok)" = false ]
	[ "$(ask "$(printf '%09000d' 0)" | jq -r .error)" = "the request is too long" ]
	[ -z "$(ask '{"command":"sta' end)" ]
	state_is .state watching
}

@test "many silent clients do not keep others away" {
	guard -s udp/9000
	background /usr/bin/python3 -c 'import socket, time
all = []
for i in range(100):
    s = socket.socket(socket.AF_UNIX)
    s.connect("socket")
    all.append(s)
print("connected", flush=True)
time.sleep(60)'
	local silent=$pid
	wait_until 30 grep -q connected "$silent.out"
	state_is .state watching
	kill "$silent"
}

@test "a second guard does not take the first one's socket, a dead one's it does" {
	guard -s udp/9000
	run on client ctguard run -s udp/9000 --control socket
	[ "$status" -eq 1 ]
	[[ $output == *'another guard takes orders at "socket"'* ]]
	kill -9 "$guard"
	wait "$guard" || true
	[ -S socket ]
	guard -s udp/9000
	state_is .state watching
}

@test "a file that is no socket is left alone" {
	echo precious >socket
	run on server ctguard run -s udp/9000 --control socket
	[ "$status" -ne 0 ]
	[[ $output == *'"socket" is there and is no socket'* ]]
	[ "$(cat socket)" = precious ]
}

@test "without the usual place for the socket it guards all the same" {
	touch /run/ctkit
	background on server ctguard run -s udp/9000
	wait_until 30 grep -q guarding "$pid.err"
	grep -q 'guarding without (see --control)' "$pid.err"
}

@test "the journal keeps what happened, and incidents tells it" {
	guard -s udp/9000 --horizon 1h --journal journal
	run ctguard incidents --journal journal
	[ "$status" -eq 0 ]
	[ "$output" = "no incidents" ]
	flooded 9000
	wait_until 30 reclaimed
	run ctguard incidents --journal journal
	[[ $output == *"goes on"*"udp/9000" ]]
	order release udp/9000
	order stop
	wait_until 30 ended "$guard"
	cmp "$guard.out" journal
	[ "$(stat -c %a journal)" = 640 ]
	run ctguard incidents --journal journal -j
	[ "$(jq '.incidents | length' <<<"$output")" -eq 1 ]
	[ "$(jq -r '.incidents[0].services[0]' <<<"$output")" = udp/9000 ]
	[ "$(jq -r '.incidents[0].to' <<<"$output")" != null ]
	run ctguard incidents 1 --journal journal
	[[ $output == *"engage udp/9000: "*"reclaim udp/9000: "*"release udp/9000: "* ]]
	run ctguard incidents 2 --journal journal
	[ "$status" -eq 2 ]
}

@test "an incident goes on through a flush, a reload and a guard that was killed" {
	printf 'horizon = 1h\nservice "udp/9000" { }\n' >conf
	guard -c conf --journal journal
	flooded 9000
	wait_until 30 reclaimed
	on server nft flush ruleset
	wait_until 30 grep -q '"event":"restore"' journal
	order reload
	wait_until 30 grep -q '"event":"reload"' journal
	kill -KILL "$guard"
	wait "$guard" || true
	guard -c conf --journal journal
	wait_until 30 grep -q '"event":"adopt"' journal
	run ctguard incidents --journal journal
	[ "$(wc -l <<<"$output")" -eq 1 ]
	[[ $output == *"goes on"*"udp/9000" ]]
	order release udp/9000
	ctguard incidents 1 --journal journal -j | jq -r '.incident | .to, .events[].event' >incident
	[ "$(head -n 1 incident)" != null ]
	grep -vx 'reclaim\|shortfall' incident | tail -n +2 | xargs >told
	[ "$(cat told)" = "engage lost restore reload start adopt release" ]
}

@test "a journal that was cut off in a line goes on after it" {
	printf '{"event":"engage","time":"2026-01-01T00:00:00Z","service":"udp/1","why":"x"}\n{"event":"rel' >journal
	guard -s udp/9000 --journal journal
	kill -INT "$guard"
	wait_until 30 ended "$guard"
	run --separate-stderr ctguard incidents --journal journal -j
	[ "$status" -eq 0 ]
	[ "$(jq -r '.incidents[0].services[0]' <<<"$output")" = udp/1 ]
	[[ $stderr == *'1 lines of "journal" are no events'* ]]
	[ "$(wc -l <journal)" -eq 4 ]
}

@test "a full disk or a journal that cannot be written is told, and the guard goes on" {
	mkdir disk
	mount -t tmpfs -o size=4k none disk || skip "cannot mount here"
	guard -s udp/9000 --horizon 1h --journal disk/journal
	dd if=/dev/zero of=disk/fill bs=4k 2>/dev/null || true
	head -c 4096 /dev/zero >disk/journal 2>/dev/null || true
	flooded 9000
	wait_until 30 untracked "udp . 9000"
	wait_until 30 grep -q 'an event could not be kept in "disk/journal"' "$guard.err"
	umount -l disk
}

@test "a journal that grew is moved away" {
	head -c 1048570 /dev/zero | tr '\0' ' ' >journal
	echo >>journal
	guard -s udp/9000 --journal journal
	[ "$(wc -c <journal.1)" -eq 1048571 ]
	[ "$(wc -l <journal)" -eq 1 ]
	run ctguard incidents --journal journal
	[ "$status" -eq 0 ]
}

@test "bad command lines are refused with the value and the cause" {
	local cases=(
		"status now|\"now\" is not wanted"
		"release|which SERVICE?"
		"status -s udp/9|takes no option of a guard's configuration"
		"incidents|Give --journal FILE"
		"incidents x --journal journal|incident \"x\""
		"status --journal x|--journal is not for \"status\""
		"check-config -j -s udp/9|--json is not for \"check-config\""
		"fly|unknown command \"fly\""
	)
	touch journal
	for case in "${cases[@]}"; do
		run ctguard ${case%%|*}
		[ "$status" -eq 2 ]
		[[ $output == *"${case#*|}"* ]] || { echo "$case: $output"; false; }
	done
	run ctguard incidents --journal /nowhere/x
	[ "$status" -eq 1 ]
	[[ $output == *"No such file"* ]]
}

@test "metrics tell the table, the services and what was done" {
	guard -s udp/9000 -s udp/9001 --horizon 1h -m 127.0.0.1:9912
	metric() {
		on server curl -s http://127.0.0.1:9912/metrics | awk -v name="$1" '$1 == name { print $2 }'
	}
	metric_is() {
		[ "$(metric "$1")" = "$2" ]
	}
	[ "$(metric 'ctkit_guard_untracked{service="udp/9000"}')" = 0 ]
	[ "$(metric ctkit_conntrack_entries_limit)" -eq "$(cat /proc/sys/net/netfilter/nf_conntrack_max)" ]
	[ "$(metric ctkit_conntrack_early_drop_total)" -eq 0 ]
	flooded 9000
	wait_until 30 metric_is 'ctkit_guard_untracked{service="udp/9000"}' 1
	[ "$(metric 'ctkit_guard_untracked{service="udp/9001"}')" = 0 ]
	[ "$(metric ctkit_guard_engagements_total)" -eq 1 ]
	[ "$(metric ctkit_guard_decision_seconds_count)" -eq 1 ]
	[ "$(metric 'ctkit_guard_decision_seconds_bucket{le="+Inf"}')" -eq 1 ]
	flooded 9000
	wait_until 30 eval '[ "$(metric "ctkit_guard_untracked_packets_total{service=\"udp/9000\"}")" -ge 20000 ]'
	order release udp/9000
	[ "$(metric ctkit_guard_releases_total)" -eq 1 ]
	[ "$(metric ctkit_guard_looks_total)" -gt 1 ]
	if type promtool >/dev/null; then
		[ -z "$(on server curl -s http://127.0.0.1:9912/metrics | promtool check metrics 2>&1)" ]
	fi
}

@test "an address that cannot be had for metrics is told, also at a reload" {
	run -1 on server ctguard run -s udp/9000 --control socket -m 192.0.2.1:80
	[[ $output == *"192.0.2.1:80"* ]]
	printf 'metrics = "127.0.0.1:9912"\nservice "udp/9000" { }\n' >conf
	guard -c conf
	sed -i 's/127.0.0.1/192.0.2.1/; $a lease = 7s' conf
	run order reload
	[ "$status" -eq 1 ]
	[[ $output == *"stays as it is: metrics: "*"192.0.2.1:9912"* ]]
	state_is .lease_seconds 30
	on server curl -sf http://127.0.0.1:9912/metrics >/dev/null
	sed -i s/192.0.2.1:9912/127.0.0.1:9913/ conf
	order reload
	wait_until 30 state_is .lease_seconds 7
	wait_until 30 on server curl -sf http://127.0.0.1:9913/metrics -o page
	! on server curl -sf http://127.0.0.1:9912/metrics || false
}

@test "places that cannot be are wrong in the configuration, and others are no fault of the kernel's" {
	local long
	long=$(printf '%0120d' 0)
	printf 'metrics = "1.2.3.4:99999"\nservice "udp/9000" { }\n' >conf
	for order in check-config run; do
		run -2 on server ctguard "$order" -c conf
		[[ $output == *'conf:1: metrics: "1.2.3.4:99999": want ADDR:PORT'* ]]
		run -2 on server ctguard "$order" -s udp/9000 -m nonsense
		[[ $output == *'metrics: "nonsense": want ADDR:PORT'* ]]
		run -2 on server ctguard "$order" -s udp/9000 --control "$long"
		[[ $output == *'is longer than 107 bytes'* ]]
	done
	run -1 on server ctguard run -s udp/9000 --control nowhere/at/all
	[[ $output == *'cannot take orders at "nowhere/at/all": No such file or directory'* ]]
	mkdir -m 700 closed
	chmod 755 .
	run -1 on server ctguard run -s udp/9000 --control closed/socket --user nobody
	[[ $output == *'cannot take orders at "closed/socket": Permission denied'* ]]
	# None is as if it were not said.
	printf 'metrics = ""\nservice "udp/9000" { }\n' >conf
	ctguard check-config -c conf
}

@test "orders and incidents find their places in the configuration" {
	printf 'journal = "log"\ncontrol = "here"\nservice "udp/9000" { }\n' >conf
	background on server ctguard run -c conf
	wait_until 30 test -S here
	ctguard -c conf status
	ctguard -c conf incidents
	ctguard -c conf stop
	wait_until 30 ended "$pid"
	[ -s log ]
}

@test "what is wrong in a configuration is shown where it stands" {
	shown() { # FILE-TEXT ERROR...: lines of what check-config says
		printf '%b' "$1" >bad.conf
		run ctguard check-config -c bad.conf
		[ "$status" -eq 2 ]
		[ "$output" = "$(printf '%s\n' "${@:2}")" ] || { echo "$output"; false; }
	}
	shown 'lease = 30s\nengage-at = 8O%\n' 'ctguard: bad.conf:2: engage-at: "8O%" is not a share (like 80%)' \
		'    engage-at = 8O%' '                ^^^'
	shown 'service "udp/53" { }\nservice "udp/192.0.2.1:53" { }\nlease = 10s\n' \
		'ctguard: bad.conf:2: service "udp/192.0.2.1:53" overlaps udp/53' \
		'    service "udp/192.0.2.1:53" { }' '             ^^^^^^^^^^^^^^^^'
	shown 'engage-at = 40%\nservice "udp/1" { }\n' \
		'ctguard: bad.conf:1: release-at (50%) must be below engage-at (40%)' '    engage-at = 40%' '    ^^^^^^^^^'
}
