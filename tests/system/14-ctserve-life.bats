#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2030,SC2031,SC2102,SC2154 # tests are subshells; $pid comes from lib
# ctserve from its start to its end: what service managers, operators, scrapers and
# greedy clients do to it.
load lib
load ctserve

python() { # a program on stdin
	timeout 300 /usr/bin/python3 - "$@"
}

# activated ARGUMENTS...: ctserve with the sockets that the JSON list in $SOCKETS names, each
# [type, address, port, options...], handed over as a service manager does.
activated() {
	cat >"$BATS_TEST_TMPDIR/manager.py" <<-'PYTHON'
		import json, os, socket, sys
		left = []
		for kind, address, port, *options in json.loads(os.environ['SOCKETS']):
		    family = socket.AF_INET6 if ':' in address else socket.AF_INET
		    s = socket.socket(family, socket.SOCK_STREAM if kind == 'tcp' else socket.SOCK_DGRAM)
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		    if family == socket.AF_INET6:
		        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 'both' not in options)
		    s.bind((address, port))
		    if kind == 'tcp' and 'deaf' not in options:
		        s.listen(100)
		    left.append(os.dup(s.fileno()))
		    s.detach()
		for i, fd in enumerate(os.dup(fd) for fd in left):
		    os.dup2(fd, 100 + i)
		for i in range(len(left)):
		    os.dup2(100 + i, 3 + i)
		    os.set_inheritable(3 + i, True)
		os.closerange(3 + len(left), 200)
		os.environ.update(LISTEN_PID=os.environ.get('PRETEND', str(os.getpid())), LISTEN_FDS=str(len(left)))
		os.execvp(sys.argv[1], sys.argv[1:])
	PYTHON
	background /usr/bin/python3 "$BATS_TEST_TMPDIR/manager.py" ctserve -j -s 50ms "$@"
	server=$pid
}

@test "bad values of its options end with one sentence and their exit code" {
	local code arguments words
	while IFS='|' read -r code arguments words; do
		# shellcheck disable=SC2086 # a list of words
		run timeout 60 ctserve $arguments echo=tcp/9000
		echo "$arguments: $status $output"
		[ "$status" -eq "$code" ]
		[ "${#lines[@]}" -eq 1 ]
		[[ $output == *"$words"* ]]
	done <<-'CASES'
		2|--idle 0|--idle: "0"
		2|--per-source 0|--per-source: "0"
		2|--per-source 2M|--per-source: "2M"
		2|-m 9911|"9911": want ADDR:PORT
		2|-m 127.0.0.1:1-2|"127.0.0.1:1-2": want ADDR:PORT
		2|-m localhost:9911|"localhost:9911": want ADDR:PORT
		1|-m 127.0.0.1:9000|cannot serve metrics at 127.0.0.1:9000: Address already in use
		1|-m 192.0.2.1:9911|cannot serve metrics at 192.0.2.1:9911
		2|--user nobody-of-this-name|"nobody-of-this-name": there is no such user
		2|--user root|"root": is root
		1|--log /|cannot write the log /: Is a directory
		1|--log /nowhere/log|cannot write the log /nowhere/log: No such file
	CASES
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	run timeout 60 ctserve --log "$BATS_TEST_TMPDIR/pipe" echo=tcp/9000
	[ "$status" -eq 1 ]
}

@test "--user: nothing of root is left, but the sockets" {
	if ! setpriv --reuid=nobody --clear-groups true 2>/dev/null; then
		skip "this user namespace has no other user"
	fi
	local one
	serve -w 2 --user nobody -m 127.0.0.1:9911 feed=tcp/80
	for one in $server $(workers); do
		run cat "/proc/$one/status"
		[[ $output == *$'\nUid:\t65534\t65534\t65534\t65534\n'* ]]
		[[ $output == *$'\nGid:\t65534\t65534\t65534\t65534\n'* ]]
		[ "$(grep -Ec '^Cap(Inh|Prm|Eff|Bnd|Amb):.0{16}$' <<<"$output")" -eq 5 ]
		[[ $output == *$'\nNoNewPrivs:\t1\n'* ]]
		[[ " $(sed -n 's/^Groups://p' <<<"$output") " != *" 0 "* ]]
	done
	[ "$(curl -s http://127.0.0.1/healthz)" = ok ]
	curl -s http://127.0.0.1:9911/metrics | grep -q '^process_open_fds [1-9]'
}

@test "--user: only root can become another" {
	if ! setpriv --reuid=nobody --clear-groups true 2>/dev/null; then
		skip "this user namespace has no other user"
	fi
	cp "$(command -v ctserve)" "$BATS_TEST_TMPDIR/ctserve"
	run setpriv --reuid=nobody --clear-groups "$BATS_TEST_TMPDIR/ctserve" --user daemon echo=tcp/9000
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *"only root can become daemon, and this is uid 65534"* ]]
}

@test "--log: lines go to the end of a file, and to a new one after SIGHUP" {
	local log=$BATS_TEST_TMPDIR/log
	echo before >"$log"
	background ctserve -w 2 --log "$log" feed=tcp/8080
	server=$pid
	wait_until 30 grep -q 'ctserve\[[0-9]*\]: serving' "$log"
	[ "$(head -n 1 "$log")" = before ]
	grep -qE '^20[0-9-]{8}T[0-9:]{8}Z ctserve\[' "$log"
	[ ! -s "$BATS_TEST_TMPDIR/$server.err" ]
	mv "$log" "$log.1"
	kill -HUP "$server"
	wait_until 30 grep -q 'log opened again' "$log"
	# the workers as well
	worker=$(pgrep -o -P "$server")
	all_moved() { [ "$(readlink "/proc/$worker/fd/2")" = "$log" ]; }
	wait_until 30 all_moved
	kill -9 "$worker"
	wait_until 30 grep -q "worker $worker was ended by signal 9" "$log"
	healthy
}

@test "--log: a file that cannot be opened again changes nothing" {
	local dir=$BATS_TEST_TMPDIR/dir
	mkdir "$dir"
	background ctserve --log "$dir/log" feed=tcp/8080
	server=$pid
	wait_until 30 grep -q serving "$dir/log"
	mv "$dir" "$dir.1"
	kill -HUP "$server"
	wait_until 30 grep -q 'cannot open the log .*; going on with the old one' "$dir.1/log"
	healthy
	kill -TERM "$server"
	wait "$server"
	grep -q stopping "$dir.1/log"
}

@test "--log: a file that cannot be opened again does not end what SIGUSR2 runs anew" {
	local dir=$BATS_TEST_TMPDIR/dir
	mkdir "$dir"
	background ctserve --log "$dir/log" feed=tcp/8080
	server=$pid
	wait_until 30 grep -q serving "$dir/log"
	mv "$dir" "$dir.1"
	kill -USR2 "$server"
	served_twice() { [ "$(grep -c 'Z ctserve\[[0-9]*\]: serving' "$dir.1/log")" -eq 2 ]; }
	wait_until 30 served_twice
	grep -q 'cannot open the log .*; going on with the old one' "$dir.1/log"
	healthy
	# It is opened where it was wanted as soon as that can be.
	mkdir "$dir"
	kill -HUP "$server"
	wait_until 30 grep -q 'log opened again' "$dir/log"
	kill -TERM "$server"
	wait "$server"
}

@test "SIGHUP without a log file or a terminal changes nothing" {
	serve feed=tcp/8080 </dev/null
	kill -HUP "$server"
	kill -HUP "$(pgrep -o -P "$server")"
	healthy
	[ "$(counter worker_restarts)" -eq 0 ]
}

@test "a worker that dies at once again and again is started later each time" {
	serve -w 2 feed=tcp/8080
	# The same slot each time: the one that is not the oldest.
	kill_youngest() {
		said "number 3 in a row" && return 0
		[ "$(pgrep -c -P "$server")" -eq 2 ] && kill -9 "$(pgrep -n -P "$server")"
		return 1
	}
	wait_until 30 kill_youngest
	said 'number 2 in a row that died at once; the next one starts in 1s'
	said 'number 3 in a row that died at once; the next one starts in 2s'
	wait_until 30 counter_is worker_restarts -eq 3
	healthy
	wait_until 30 worker_count_is 2
}

@test "the service manager hears what it wants to: a path and an abstract name" {
	python <<-'PYTHON'
		import os, signal, socket, subprocess, tempfile
		def messages(s, until):
		    seen = []
		    while not seen or until not in seen[-1]:
		        seen.append(s.recv(4096).decode())
		    return seen
		def run(name, address):
		    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		    s.settimeout(60)
		    s.bind(address)
		    env = dict(os.environ, NOTIFY_SOCKET=name, WATCHDOG_USEC='200000')
		    p = subprocess.Popen(['ctserve', '--log', log, 'feed=tcp/8080'], env=env, stdin=subprocess.DEVNULL)
		    ready = messages(s, 'READY=1')
		    assert len(ready) == 1 and ready[0].startswith('READY=1\nSTATUS=0 connections open'), ready
		    for n in range(3):
		        messages(s, 'WATCHDOG=1')
		    p.send_signal(signal.SIGHUP)
		    assert 'MONOTONIC_USEC=' in messages(s, 'RELOADING=1')[-1]
		    messages(s, 'READY=1')
		    p.send_signal(signal.SIGSTOP)
		    s.settimeout(0.7)
		    try:
		        for n in range(10):
		            s.recv(4096)
		        assert False, 'a watchdog that barks while the loop stands'
		    except socket.timeout:
		        pass
		    s.settimeout(60)
		    p.send_signal(signal.SIGCONT)
		    p.send_signal(signal.SIGTERM)
		    messages(s, 'STOPPING=1')
		    assert p.wait(60) == 0
		directory = tempfile.mkdtemp()
		log = directory + '/log'
		run(directory + '/notify', directory + '/notify')
		run('@ctserve-test', '\0ctserve-test')
	PYTHON
}

@test "sockets of a service manager are served, over IPv4 and IPv6" {
	SOCKETS='[["tcp","127.0.0.1",8080],["tcp","::1",8080],["udp","127.0.0.1",9000]]' \
		activated -w 2 'feed=tcp/127.0.0.1:8080' 'feed=tcp/[::1]:8080' echo=udp/127.0.0.1:9000 discard=tcp/9009
	wait_until 30 said 'serving'
	healthy
	healthy '[::1]'
	[ "$(ss -Htlnp 'sport = :8080' | wc -l)" -eq 2 ]
	python <<-'PYTHON'
		import socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(60)
		for n in range(50):
		    s.sendto(b'x', ('127.0.0.1', 9000))
		    assert s.recv(10) == b'x'
		socket.create_connection(('127.0.0.1', 9009))
	PYTHON
	stop
	[ "$(counter http_requests)" -eq 2 ]
	[ "$(counter udp_packets_out)" -eq 50 ]
	[ "$(counter udp_overflows)" -eq 0 ]
}

@test "a socket for both families serves a listener on all addresses" {
	SOCKETS='[["tcp","::",8080,"both"]]' activated -w 2 --per-source 2 feed=tcp/8080
	wait_until 30 said 'serving'
	healthy
	healthy '[::1]'
	[ "$(ss -Htln 'sport = :8080' | wc -l)" -eq 1 ]
	stop
	[ "$(counter http_requests)" -eq 2 ]
}

@test "systemd-socket-activate starts it with its sockets" {
	need systemd-socket-activate systemd
	background systemd-socket-activate -l 127.0.0.1:8080 "$(command -v ctserve)" feed=tcp/127.0.0.1:8080
	server=$pid
	listens() { [ -n "$(ss -Htln 'sport = :8080')" ]; }
	wait_until 30 listens
	healthy
	wait_until 30 said 'serving feed=tcp/127.0.0.1:8080'
}

@test "inherited sockets that do not match are told, and nothing is served" {
	local sockets arguments words status
	while IFS='|' read -r sockets arguments words; do
		# shellcheck disable=SC2086 # a list of words
		SOCKETS=$sockets activated $arguments
		status=0
		wait_until 30 ended "$server"
		wait "$server" || status=$?
		echo "$sockets: $status $(cat "$BATS_TEST_TMPDIR/$server.err")"
		[ "$status" -eq 1 ]
		[ "$(wc -l <"$BATS_TEST_TMPDIR/$server.err")" -eq 1 ]
		said "$words"
		[ ! -s "$BATS_TEST_TMPDIR/$server.out" ]
		server=
	done <<-'CASES'
		[["tcp","127.0.0.1",8080]]|feed=tcp/127.0.0.1:8081|inherited descriptor 3, tcp/127.0.0.1:8080, is none of the listeners
		[["tcp","127.0.0.1",8080]]|echo=udp/127.0.0.1:8080|inherited descriptor 3, tcp/127.0.0.1:8080, is none of the listeners
		[["tcp","127.0.0.1",8080],["udp","::1",9000]]|feed=tcp/127.0.0.1:8080|inherited descriptor 4, udp/\[::1\]:9000, is none
		[["tcp","127.0.0.1",8080,"deaf"]]|feed=tcp/127.0.0.1:8080|inherited descriptor 3 does not listen
		[["udp","::",9000,"both"]]|echo=udp/9000|inherited descriptor 3 takes IPv4 and IPv6 over UDP
	CASES
}

@test "sockets that are meant for another process are left alone" {
	PRETEND=1 SOCKETS='[["tcp","127.0.0.1",8080]]' activated echo=tcp/9000
	wait_until 30 said 'serving'
}

@test "SIGUSR2 runs the program anew: no client is refused, the sockets are the same" {
	serve -w 2 feed=tcp/8080 echo=udp/9000
	local inodes
	inodes=$(ss -Htlne 'sport = :8080' | grep -o 'ino:[0-9]*' | sort)
	python "$server" <<-'PYTHON'
		import os, signal, socket, sys, threading
		refused, answered, stop = [], [0], threading.Event()
		def ask():
		    while not stop.is_set():
		        try:
		            s = socket.create_connection(('127.0.0.1', 8080), timeout=60)
		            s.sendall(b'GET /healthz HTTP/1.0\r\n\r\n')
		            assert b' 200 OK' in b''.join(iter(lambda: s.recv(4096), b''))
		            answered[0] += 1
		        except (OSError, AssertionError) as e:
		            refused.append(e)
		threads = [threading.Thread(target=ask) for n in range(3)]
		for t in threads:
		    t.start()
		u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		u.settimeout(60)
		u.connect(('127.0.0.1', 9000))
		n = 0
		while n < 4 or answered[0] <= 100:
		    n += 1
		    if n <= 4:
		        os.kill(int(sys.argv[1]), signal.SIGUSR2)
		    for m in range(2000):
		        u.send(b'x')
		        u.recv(10)
		stop.set()
		for t in threads:
		    t.join()
		assert not refused and answered[0] > 100, (refused, answered)
	PYTHON
	anew() { [ "$(grep -c serving "$BATS_TEST_TMPDIR/$server.err")" -eq 5 ]; }
	wait_until 30 anew
	wait_until 30 worker_count_is 2
	[ "$(ss -Htlne 'sport = :8080' | grep -o 'ino:[0-9]*' | sort)" = "$inodes" ]
	healthy
	stop
}

@test "SIGUSR2 in a row, also to the workers, ends nothing" {
	serve -w 2 feed=tcp/8080
	local n
	for n in {1..20}; do
		# shellcheck disable=SC2046 # a list of words
		kill -USR2 "$server" $(workers) 2>/dev/null || true
	done
	healthy
	kill -0 "$server"
	wait_until 30 worker_count_is 2
	stop
	[ "$(counter worker_restarts)" -eq 0 ]
}

@test "SIGUSR2 with a program that is gone: the service goes on" {
	cp "$(command -v ctserve)" "$BATS_TEST_TMPDIR/ctserve"
	background "$BATS_TEST_TMPDIR/ctserve" -w 1 feed=tcp/8080
	server=$pid
	wait_until 30 said 'serving'
	rm "$BATS_TEST_TMPDIR/ctserve"
	kill -USR2 "$server"
	wait_until 30 said 'cannot run .*ctserve anew: No such file or directory; going on'
	healthy
}

@test "--idle closes echo and discard that are silent, and no other" {
	serve -w 1 --idle 3s echo=tcp/9000 discard=tcp/9009 feed=tcp/8080
	python <<-'PYTHON'
		import socket, time
		def connect(port):
		    s = socket.create_connection(('127.0.0.1', port))
		    s.settimeout(60)
		    return s
		start = time.monotonic()
		silent, ignored, busy = connect(9000), connect(9009), connect(9000)
		silent.sendall(b'x')
		assert silent.recv(1) == b'x'
		while time.monotonic() - start < 6:
		    busy.sendall(b'x')
		    assert busy.recv(1) == b'x'
		    time.sleep(0.05)
		assert silent.recv(1) == b'' and ignored.recv(1) == b''
		busy.sendall(b'x')
		assert busy.recv(1) == b'x'
	PYTHON
	wait_until 30 counter_is connections_closed -eq 3
	[ "$(counter connections_idle)" -eq 2 ]
}

# ask_per_source ADDRESS OTHER: two connections of ADDRESS, a third that is refused, one of OTHER.
ask_per_source() {
	python "$@" <<-'PYTHON'
		import socket, sys
		server = '::1' if ':' in sys.argv[1] else '127.0.0.1'
		def ask(source):
		    s = socket.create_connection((server, 9000), timeout=60, source_address=(source, 0))
		    s.sendall(b'x')
		    return s, s.recv(1)
		def refused(source):
		    try:
		        return ask(source)[1] == b''
		    except (ConnectionResetError, BrokenPipeError):
		        return True
		held = [ask(sys.argv[1])[0] for n in range(2)]
		for n in range(20):
		    assert refused(sys.argv[1])
		assert ask(sys.argv[2])[1] == b'x'
		held.pop().close()
		for n in range(100):
		    if not refused(sys.argv[1]):
		        break
		else:
		    assert False, 'still refused'
	PYTHON
}

@test "--per-source: so many of one address or /64 over all workers, and no more" {
	local address
	for address in fd78::1 fd78:0:0:1::1 fd78:0:0:5::1 fd78:0:0:5::2 fd78:0:0:5::3; do
		ip -6 addr add "$address/128" dev lo nodad
	done
	serve -w 3 --per-source 2 echo=tcp/9000
	ask_per_source 127.0.0.1 127.0.0.2
	ask_per_source fd78::1 fd78:0:0:1::1
	python <<-'PYTHON'
		import socket
		held = []
		for n in range(3):
		    try:
		        s = socket.create_connection(('::1', 9000), timeout=60, source_address=('fd78:0:0:5::%d' % (n + 1), 0))
		        held.append(s)
		        s.sendall(b'x')
		        assert (s.recv(1) == b'x') == (n < 2)
		    except (ConnectionResetError, BrokenPipeError):
		        assert n == 2
	PYTHON
	wait_until 30 counter_is connections_open -eq 0
	wait_until 30 counter_is connections_refused -ge 41
	[ "$(counter connections_unchecked)" -eq 0 ]
}

@test "--per-source: what a killed worker held is given back" {
	serve -w 1 --per-source 5 echo=tcp/9000
	local n
	for n in 1 2 3; do
		python "$(workers)" <<-'PYTHON'
			import os, signal, socket, sys
			held = [socket.create_connection(('127.0.0.1', 9000), timeout=60) for n in range(5)]
			for s in held:
			    s.sendall(b'x')
			    assert s.recv(1) == b'x'
			os.kill(int(sys.argv[1]), signal.SIGKILL)
		PYTHON
		wait_until 30 counter_is worker_restarts -eq "$n"
		wait_until 30 worker_count_is 1
	done
	[ "$(counter connections_refused)" -eq 0 ]
}

@test "a storm of resets leaves nothing behind, with quotas and a time limit on" {
	serve -w 2 --per-source 1000 --idle 60s echo=tcp/9000 feed=tcp/8080
	python <<-'PYTHON'
		import socket, struct
		reset = struct.pack('ii', 1, 0)
		for n in range(3000):
		    s = socket.create_connection(('127.0.0.1', 9000 if n % 2 else 8080), timeout=60)
		    if n % 3:
		        s.sendall(b'GET /test/1 HTTP/1.1\r\nHost: a\r\n\r\n')
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
		    s.close()
	PYTHON
	wait_until 30 counter_is connections_closed -ge 2900
	wait_until 30 counter_is connections_open -eq 0
	[ "$(counter worker_restarts)" -eq 0 ]
	[ "$(counter connections_refused)" -eq 0 ]
	healthy
}

@test "half-closed clients get what is theirs and are gone" {
	serve -w 1 -i 50ms --per-source 100 echo=tcp/9000 discard=tcp/9009 feed=tcp/8080
	python <<-'PYTHON'
		import socket
		def ask(port, text):
		    s = socket.create_connection(('127.0.0.1', port), timeout=60)
		    s.sendall(text)
		    s.shutdown(socket.SHUT_WR)
		    return b''.join(iter(lambda: s.recv(65536), b''))
		for n in range(50):
		    assert ask(9000, b'x' * 100000) == b'x' * 100000
		    assert ask(9009, b'x' * 100000) == b''
		    assert ask(8080, b'GET /test/1 HTTP/1.1\r\nHost: a\r\n\r\n').endswith(b'\r\n0\r\n\r\n')
	PYTHON
	wait_until 30 counter_is connections_open -eq 0
	[ "$(counter connections_accepted)" -eq 150 ]
	[ "$(counter connections_broken)" -eq 0 ]
}

@test "without descriptors the loop does not spin" {
	background bash -c 'ulimit -n 40; exec ctserve -j -s 50ms -w 1 echo=tcp/127.0.0.1:9000'
	server=$pid
	wait_until 30 said 'serving'
	python "$(workers)" <<-'PYTHON'
		import socket, sys, time
		ticks = lambda: sum(map(int, open('/proc/%s/stat' % sys.argv[1]).read().rsplit(')')[-1].split()[11:13]))
		held = [socket.create_connection(('127.0.0.1', 9000)) for n in range(60)]
		before, end = ticks(), time.monotonic() + 2
		while time.monotonic() < end:
		    time.sleep(0.1)
		# of 200 ticks: a loop that spins uses most of them
		assert ticks() - before < 40, ticks() - before
	PYTHON
	wait_until 30 counter_is accept_emfile -ge 5
}

@test "metrics: promtool has nothing to say against the page" {
	need promtool prometheus
	serve -m 127.0.0.1:9911 feed=tcp/8080 echo=udp/9000
	healthy
	curl -s http://127.0.0.1:9911/metrics >"$BATS_TEST_TMPDIR/page"
	run promtool check metrics <"$BATS_TEST_TMPDIR/page"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "metrics: the page has every counter, HEAD has none of it, the rest is 404 and 405" {
	serve -w 2 -m '[::1]:9911' feed=tcp/8080
	healthy
	local url='http://[::1]:9911' page name
	wait_until 30 counter_is connections_closed -eq 1
	page=$(curl -s "$url/metrics")
	[[ $page == *$'\nctkit_serve_http_requests_total 1\n'* ]]
	[[ $page == *$'\nctkit_serve_workers 2\n'* ]]
	[[ $page == *$'\nctkit_build_info{program="ctserve",version="'*'"} 1'* ]]
	[[ $page == *$'\nprocess_resident_memory_bytes '* ]]
	[ "$(grep -c '^ctkit_serve_' <<<"$page")" -ge "$(tail -n 1 "$BATS_TEST_TMPDIR/$server.out" | jq 'del(.metainfo, .uptime_seconds) | length')" ]
	[ "$(grep -c 'See ctserve' <<<"$page")" -eq 0 ]
	run curl -sI "$url/metrics"
	[[ $output == *"200 OK"*"Content-Type: text/plain; version=0.0.4"* ]]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$url/")" = 404 ]
	exec {http}<>/dev/tcp/::1/9911
	printf 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n' >&$http
	page=$(cat <&$http)
	[[ $page == *"404 Not Found"* && $page != *$'\n404'* ]]
	exec {http}>&-
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$url/metrics/x")" = 404 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$url/metrics?a=b")" = 200 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' -X POST "$url/metrics")" = 405 ]
}

@test "metrics: under load, and beside clients that are slow, silent or send rubbish" {
	serve -w 2 -m 127.0.0.1:9911 -i 10ms feed=tcp/8080
	background ctload hold -q -c 200 -d 5s 127.0.0.1:8080
	local load=$pid
	python <<-'PYTHON'
		import os, socket
		def connect():
		    return socket.create_connection(('127.0.0.1', 9911), timeout=60)
		def page():
		    s = connect()
		    for byte in b'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n':
		        s.send(bytes([byte]))
		    text = b''.join(iter(lambda: s.recv(65536), b''))
		    head, body = text.split(b'\r\n\r\n', 1)
		    assert head.startswith(b'HTTP/1.1 200 OK'), head
		    assert b'Content-Length: %d' % len(body) in head
		    return body
		silent = [connect() for n in range(30)]
		assert page()
		for n in range(30):
		    s = connect()
		    s.sendall(os.urandom(3000))
		    s.shutdown(socket.SHUT_WR)
		    silent.append(s)
		for n in range(30):
		    s = connect()
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
		    s.sendall(b'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n')
		    silent.append(s)
		for n in range(20):
		    assert b'\nctkit_serve_chunks_sent_total ' in page()
	PYTHON
	curl -s http://127.0.0.1:9911/metrics | grep -qE '^ctkit_serve_metrics_dropped_total [1-9]'
	[ "$(find "/proc/$server/fd" -mindepth 1 | wc -l)" -lt 40 ]
	wait "$load"
	[ "$(counter worker_restarts)" -eq 0 ]
}
