#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that register with ctguard what they serve: who may, what the guard does with it, and that
# nothing that comes over the connection harms it.

bats_require_minimum_version 1.5.0
load lib

setup() {
	hosts
	tracked server
	cd "$BATS_TEST_TMPDIR" || return
	cat >program.py <<-'PYTHON'
		# program.py SERVICE...: registers them, and sends what the file "say" has when it is there.
		import json, os, socket, sys, time
		s = socket.socket(socket.AF_UNIX)
		s.connect('socket')
		s.sendall(json.dumps({'command': 'register', 'program': 'tester',
		                      'netns': int(os.environ.get('NETNS', os.stat('/proc/self/ns/net').st_ino)),
		                      'services': sys.argv[1:]}).encode() + b'\n')
		print(s.recv(65536).decode(), end='', flush=True)
		s.settimeout(0.05)
		while True:
		    if os.path.exists('say'):
		        s.sendall(open('say', 'rb').read())
		        os.unlink('say')
		    try:
		        if not s.recv(65536): break
		    except TimeoutError: pass
		    except OSError: break
	PYTHON
}

teardown() {
	aftermath
	ip netns del server
	ip netns del client
}

# guard OPTION...: starts ctguard on the server host; its pid is in $guard.
guard() {
	background on server ctguard run --json --control socket --horizon 0s --engage-at 1% --release-at 0.1% "$@"
	guard=$pid
	wait_until 30 grep -q guarding "$guard.err"
}

order() {
	ctguard --control socket "$@"
}

status_says() { # FILTER VALUE
	[ "$(order status -j | jq -c "$1")" = "$2" ]
}

happened() { # NAME [COUNT]
	[ "$(grep -c "\"event\":\"$1\"" "$guard.out")" -ge "${2:-1}" ]
}

# program SERVICE...: a program that registers them and stays; its pid is in $pid, the answer in ./$pid.out.
program() {
	background on server /usr/bin/python3 program.py "$@"
	wait_until 30 test -s "$pid.out"
}

# fill PORT: more entries of the service than the guard allows, whatever is there of it.
fill() {
	on server conntrack -D -p udp --dport "$1" >/dev/null 2>&1 || true
	on server ctfill -P "$1" -d 10.77.0.1 -t 600 "$(many)" >/dev/null
}

@test "nothing is registered where the configuration does not allow it" {
	printf 'service "udp/53" { }\n' >conf
	guard -c conf
	program udp/9000
	[[ $(jq -r 'select(.ok == false).error' "$pid.out") == *'no "register"'* ]]
	wait_until 30 ended "$pid"
	status_says '[.services[].service]' '["udp/53"]'
	status_says .registered '[]'
}

@test "what is registered may be taken out, and comes back in the ordinary way when its program has ended" {
	printf 'register "udp/9000-9010" { }\nnever = { "udp/9005" }\nrelease-after = 3s\n' >conf
	guard -c conf
	program udp/9000 udp/9005 tcp/80
	local tester=$pid
	[ "$(jq -c '.registered' "$tester.out")" = '["udp/9000"]' ]
	[[ $(jq -r '.refused[] | select(.service == "udp/9005").why' "$tester.out") == *"under never"* ]]
	[[ $(jq -r '.refused[] | select(.service == "tcp/80").why' "$tester.out") == *'no "register"'* ]]
	wait_until 30 status_says '[.services[] | [.service, .registered, .leaving]]' '[["udp/9000",true,false]]'
	status_says '[.registered[] | [.program, .uid, .services]]' '[["tester",0,["udp/9000"]]]'
	run order status
	[[ $output == *"udp/9000  tracked  (registered)"* ]]
	[[ $output == *"tester, pid $tester, uid 0"* ]]
	fill 9000
	wait_until 30 happened engage
	# It is out, and cannot come back: the table would not be calm.
	on server ctfill -P 9001 -d 10.77.0.1 -t 600 3000 >/dev/null
	kill "$tester"
	wait_until 30 status_says '.services[0] | [.leaving, .untracked]' '[true,true]'
	on server conntrack -D -p udp --dport 9001 >/dev/null 2>&1
	wait_until 60 happened release
	[[ $(jq -r 'select(.event == "release").why' "$guard.out") != *"no longer allowed"* ]]
	# Nobody serves it: whatever comes, it stays tracked.
	fill 9000
	wait_until 30 happened helpless
	[ "$(jq -s 'map(select(.event == "engage")) | length' "$guard.out")" -eq 1 ]
	# A new version of the program finds its place.
	program udp/9000
	wait_until 30 happened engage 2
}

@test "who is no user that may is refused, and so is a namespace that is not guarded" {
	printf 'service "udp/53" { }\nregister "udp/1-65535" { users = { "12345" } }\n' >conf
	guard -c conf
	program udp/9000
	[[ $(jq -r .error "$pid.out") == *"may not be registered by user 0"* ]]
	NETNS=1 program udp/9000
	[[ $(jq -r .error "$pid.out") == *"not guarded"* ]]
	chmod 666 socket
	chmod 755 "$BATS_TEST_TMPDIR"
	background on server setpriv --reuid=12345 --clear-groups /usr/bin/python3 -c "$(cat program.py)" udp/9000
	wait_until 30 test -s "$pid.out"
	[ "$(jq .ok "$pid.out")" = true ]
	# It may not order anything for that.
	run on server setpriv --reuid=12345 --clear-groups ctguard --control socket pause
	[ "$status" -eq 1 ]
}

@test "sends that are not permitted are told in status, metrics and journal" {
	printf 'register "udp/9000" { }\nmetrics = "127.0.0.1:9912"\n' >conf
	guard -c conf
	program udp/9000
	printf '{"eperm":7}\n{"eperm":5}\n' >say.new
	mv say.new say
	wait_until 30 status_says '.registered[0].sends_eperm' 12
	[[ $(jq -r 'select(.event == "refused").why' "$guard.out") == *"tester, pid $pid, could not send 7 times"* ]]
	on server curl -s 127.0.0.1:9912/metrics >metrics
	grep -q '^ctkit_guard_reported_eperm_total 12$' metrics
	grep -q '^ctkit_guard_registered_programs 1$' metrics
}

@test "what comes over the connection of a program may be anything, and there may be many of them" {
	printf 'register "udp/1-65535" { }\n' >conf
	guard -c conf
	for line in 'nonsense\n' '{"eperm":-1}\n' '{"command":"stop"}\n' "$(printf '%0400d' 0)"; do
		program udp/9000
		printf "$line" >say.new
		mv say.new say
		wait_until 30 ended "$pid"
	done
	# The places of one user.
	for port in 1 2 3 4 5 6 7 8; do
		program "udp/$port"
		[ "$(jq .ok "$pid.out")" = true ]
	done
	program udp/9
	[[ $(jq -r .error "$pid.out") == *"too many programs"* ]]
	status_says '.registered | length' 8
	kill -0 "$guard"
	order status >/dev/null
}

@test "programs that come and go without end do not drive all else out of the journal" {
	printf 'register "udp/9000" { }\nservice "udp/9001" { }\n' >conf
	guard -c conf
	on server /usr/bin/python3 - <<-'PYTHON'
		import json, os, socket
		for i in range(300):
		    s = socket.socket(socket.AF_UNIX)
		    s.connect('socket')
		    s.sendall(json.dumps({'command': 'register', 'program': 'tester', 'services': ['udp/9000'],
		                          'netns': os.stat('/proc/self/ns/net').st_ino}).encode() + b'\n{"eperm":1}\n')
		    assert b'"ok":true' in s.recv(65536)
		    s.close()
	PYTHON
	wait_until 30 happened churn
	[[ $(jq -r 'select(.event == "churn").why' "$guard.out") == "programs come and go often: "* ]]
	[ "$(grep -cE '"event":"(register|leave|refused)"' "$guard.out")" -lt 50 ]
	status_says .registered '[]'
}

@test "a reload sends away who may not register any more" {
	printf 'register "udp/9000" { }\n' >conf
	guard -c conf
	program udp/9000
	printf 'service "udp/9000" { }\n' >conf
	order reload
	wait_until 30 ended "$pid"
	status_says '[.services[] | [.service, .registered]]' '[["udp/9000",false]]'
}

@test "a configuration of registrations is checked where it stands" {
	printf 'register "udp/0" { }\n' >conf
	run ctguard check-config -c conf
	[ "$status" -eq 2 ]
	[[ $output == *'conf:1: register: '*'udp/0'* ]]
	printf 'register "udp/1-65535" { users = { "nobody-of-that-name" } }\n' >conf
	run ctguard check-config -c conf
	[ "$status" -eq 2 ]
	[[ $output == *'there is no user "nobody-of-that-name"'* ]]
	printf 'register "udp/1-65535" { users = { "root", "4711" } }\n' >conf
	run ctguard check-config -c conf
	[ "$status" -eq 0 ]
}

# served OPTION...: ctserve on the server host, registering; its pid is in $served.
served() {
	background on server ctserve --guard socket "$@"
	served=$pid
	wait_until 30 grep -q serving "$served.err"
}

@test "ctserve registers what it serves, is taken out under a flood, and is given back when it has ended" {
	printf 'register "udp/9000-9999" { }\nregister "tcp/1-65535" { }\nrelease-after = 100ms\n' >conf
	guard -c conf
	served echo=udp/9000 feed=tcp/8080 discard=udp/53
	wait_until 30 grep -q 'registered with the guard at socket, but not all: udp/53' "$served.err"
	wait_until 30 status_says '[.services[].service]' '["udp/9000","tcp/8080"]'
	status_says '[.registered[] | [.program, .pid, .services]]' "[[\"ctserve\",$served,[\"udp/9000\",\"tcp/8080\"]]]"
	on client ctload flows udp/10.77.0.1:9000 --count 20k --rate 20k --duration 2m --source 10.78.0.0/16 -j -q >flows.json
	wait_until 30 happened engage
	[ "$(jq -r 'select(.event == "engage").service' "$guard.out" | head -n 1)" = udp/9000 ]
	kill "$served"
	wait_until 30 happened leave
	wait_until 60 status_says '[.services[] | select(.untracked)] | length' 0
	status_says '.registered' '[]'
}

@test "ctserve serves without a guard, and registers when there is one, and again with the next" {
	served echo=udp/9000
	wait_until 30 grep -q 'no guard at socket' "$served.err"
	[ "$(on client ctload echo udp 10.77.0.1:9000 --rate 100 --duration 1s -j -q | jq '.received > 0')" = true ]
	printf 'register "udp/9000" { }\n' >conf
	guard -c conf
	wait_until 60 grep -q 'registered with the guard' "$served.err"
	fill 9000
	wait_until 30 happened engage
	# The lease outlives the guard, and the next takes it over once the program is there again.
	kill -KILL "$guard"
	wait "$guard" || true
	guard -c conf
	wait_until 60 status_says '[.services[] | [.registered, .untracked]]' '[[true,true]]'
	[ "$(grep -c 'no guard at socket' "$served.err")" -eq 2 ]
	kill -0 "$served"
}

@test "ctserve is told when it may not, asks again seldom, and serves on" {
	printf 'service "udp/53" { }\n' >conf
	guard -c conf
	served echo=udp/9000
	wait_until 30 grep -q 'registers nothing: udp/9000 may not be registered' "$served.err"
	[ "$(on client ctload echo udp 10.77.0.1:9000 --rate 100 --duration 1s -j -q | jq '.received > 0')" = true ]
	[ "$(grep -c 'registers nothing' "$served.err")" -eq 1 ]
}

@test "what answers may be anything or nothing, and does not hold ctserve up" {
	cat >liar.py <<-'PYTHON'
		# Accepts, and answers what the argument says, without end.
		import os, socket, sys
		if os.path.exists('socket'): os.unlink('socket')
		s = socket.socket(socket.AF_UNIX)
		s.bind('socket')
		s.listen()
		open('ready', 'w').close()
		while True:
		    c, _ = s.accept()
		    kept = c
		    try:
		        while sys.argv[1]: c.sendall(sys.argv[1].encode().decode('unicode_escape').encode())
		    except OSError: pass
	PYTHON
	for answer in '' 'x' '{"ok":true}\n' '{"ok":false}\n' '\n'; do
		rm -f ready
		background on server /usr/bin/python3 liar.py "$answer"
		local liar=$pid
		wait_until 30 test -e ready
		served echo=udp/9000
		[ "$(on client ctload echo udp 10.77.0.1:9000 --rate 100 --duration 1s -j -q | jq '.received > 0')" = true ]
		kill "$served"
		wait_until 30 ended "$served"
		kill "$liar"
	done
}

@test "sends of ctserve that a rule does not permit come to the guard" {
	printf 'register "udp/9000" { }\n' >conf
	guard -c conf
	served echo=udp/9000
	wait_until 30 grep -q 'registered with the guard' "$served.err"
	# As a full table does, output then drops what leaves, and the sender gets EPERM.
	on server nft add chain inet firewall output '{ type filter hook output priority 0; }'
	on server nft add rule inet firewall output udp sport 9000 drop
	on client ctload flows udp/10.77.0.1:9000 --count 100 --rate 1000 -j -q >flows.json || true
	wait_until 30 status_says '.registered[0].sends_eperm >= 100' true
	wait_until 30 happened refused
}

@test "a --guard that is no path is refused" {
	run ctserve --guard "$(printf '%0120d' 0)" echo=udp/9000
	[ "$status" -eq 2 ]
	[[ $output == *"--guard: "*"no path of a socket"* ]]
}

@test "a guard of all network namespaces takes out what is registered only where its program is" {
	printf 'register "udp/1-65535" { }\n' >conf
	background ctguard run --json --control socket --netns all --horizon 0s --engage-at 1% --release-at 0.1% -c conf
	guard=$pid
	wait_until 30 grep -q guarding "$guard.err"
	tracked client
	served echo=udp/9000
	wait_until 30 status_says '[.tables[] | select(.services[0].registered) | .netns]' '["server"]'
	on client ctfill -P 9000 -d 10.77.0.2 -t 600 "$(many)" >/dev/null
	fill 9000
	wait_until 60 happened engage
	on server ctrules list | grep -q udp/9000
	status_says '[.tables[] | select(.netns == "client") | .services]' '[[]]'
}
