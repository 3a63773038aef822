#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2030,SC2086,SC2031,SC2154 # tests are subshells; $pid comes from lib
# The message router of ctserve: from a Unix datagram socket to the feeds.
load lib
load ctserve

# serve ARGUMENTS...: ctserve with a router at ./socket and a feed at port 8080; its pid is in $server.
serve() {
	serve_on '' -i 1h -P socket "$@" feed=tcp/127.0.0.1:8080
}

# subscribe ID [CURL OPTIONS...]: a feed, whose output goes to $pid.out; comes back when it is open.
subscribe() {
	local id=$1
	shift
	background curl -sN --max-time 300 "$@" "http://127.0.0.1:8080/test/$id"
	wait_until 30 grep -q welcomes "$BATS_TEST_TMPDIR/$pid.out"
}

# publish DATAGRAM...: each argument is one.
publish() {
	/usr/bin/python3 - "$@" <<-'PYTHON'
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.settimeout(60)
		for datagram in sys.argv[1:]:
		    s.sendto(os.fsencode(datagram), 'socket')
	PYTHON
}

# got PID LINE...: what the feed got after its welcome is exactly this.
got() {
	local feed=$BATS_TEST_TMPDIR/$1.out
	shift
	[ "$(tail -n +2 "$feed")" = "$(printf '%s\n' "$@")" ]
}

@test "publish: a message goes to the feeds with that id, in every worker, and to no other" {
	serve -w 3
	local feeds=() other n
	for n in {1..9}; do
		subscribe same
		feeds+=("$pid")
	done
	subscribe other
	other=$pid
	publish 'same hello' 'other you' 'same again' 'nobody x'
	wait_until 30 counter_is messages_out -eq 19
	for n in "${feeds[@]}"; do
		wait_until 30 got "$n" hello again
	done
	wait_until 30 got "$other" you
	wait_until 30 counter_is messages_unheard -eq 1
	[ "$(counter messages_in)" -eq 4 ]
	[ "$(counter messages_lost)" -eq 0 ]
}

@test "publish: a star is everybody, whatever they speak" {
	serve -w 2
	subscribe 1
	local chunked=$pid
	subscribe 2 --http1.0
	local plain=$pid
	subscribe 3 -H 'Accept: text/event-stream'
	local events=$pid
	publish $'* to all\n'
	wait_until 30 got "$chunked" 'to all'
	wait_until 30 got "$plain" 'to all'
	wait_until 30 grep -q '^data: to all$' "$BATS_TEST_TMPDIR/$events.out"
	ends_event() { [ "$(tail -n 2 "$BATS_TEST_TMPDIR/$events.out")" = 'data: to all' ]; }
	wait_until 30 ends_event
}

@test "publish: an id is written as in the URL" {
	serve
	subscribe 'a%20b'
	local blank=$pid
	subscribe '%2A'
	local star=$pid
	publish 'a%20b one' '%2a two' 'a b three'
	wait_until 30 got "$blank" one
	wait_until 30 got "$star" two
	wait_until 30 counter_is messages_unheard -eq 1
}

@test "publish: what is no message is refused and counted" {
	serve
	subscribe 1
	publish '1' '' '1 ' ' x' $'1 a\nb' $'1 a\x01' $'1 \xff' '%zz x' "1 $(printf '%01025d' 0)" "$(printf '%09000d' 0)"
	publish "1 $(printf '%01024d' 7)"
	wait_until 30 got "$pid" "$(printf '%01024d' 7)"
	wait_until 30 counter_is messages_in -eq 11
	[ "$(counter messages_refused)" -eq 10 ]
}

@test "publish: a feed that has gone is not written to, one that comes again is" {
	serve -w 2
	subscribe 1
	kill "$pid"
	wait "$pid" || true
	wait_until 30 counter_is connections_open -eq 0
	publish '1 nobody'
	wait_until 30 counter_is messages_unheard -eq 1
	subscribe 1
	publish '1 somebody'
	wait_until 30 got "$pid" somebody
}

@test "publish: one sender's messages keep their order, ten thousand of them, and none is lost" {
	serve -w 2
	/usr/bin/python3 - <<-'PYTHON'
		import os, socket
		feeds = []
		for n in range(20):
		    s = socket.create_connection(('127.0.0.1', 8080))
		    s.settimeout(60)
		    s.sendall(b'GET /test/%d HTTP/1.0\r\n\r\n' % n)
		    lines = s.makefile('rb')
		    while not lines.readline().startswith(b'ctkit'):
		        pass
		    feeds.append(lines)
		if os.fork() == 0:
		    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		    for m in range(10000):
		        s.sendto(b'%d number %d' % (m % 20, m), 'socket')
		    os._exit(0)
		for m in range(10000):
		    assert feeds[m % 20].readline() == b'number %d\n' % m, m
	PYTHON
	stop
	[ "$(counter messages_in)" -eq 10000 ]
	[ "$(counter messages_out)" -eq 10000 ]
}

@test "publish: three thousand feeds of two ids get what is for theirs, and what is for all, in order" {
	ulimit -n 4096
	serve -w 1
	/usr/bin/python3 - <<-'PYTHON'
		import socket
		feeds = []
		for n in range(3000):
		    s = socket.create_connection(('127.0.0.1', 8080))
		    s.settimeout(60)
		    s.sendall(b'GET /test/%d HTTP/1.0\r\n\r\n' % (n % 2))
		    lines = s.makefile('rb')
		    while not lines.readline().startswith(b'ctkit'):
		        pass
		    feeds.append(lines)
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		for message in (b'* one', b'0 two', b'1 three', b'* four'):
		    s.sendto(message, 'socket')
		for n, lines in enumerate(feeds):
		    got = [lines.readline() for _ in range(3)]
		    assert got == [b'one\n', b'three\n' if n % 2 else b'two\n', b'four\n'], (n, got)
	PYTHON
	stop
	[ "$(counter messages_out)" -eq 9000 ]
}

# stuck: a feed "stuck" with a small buffer that reads nothing until SIGUSR1, then prints the
# messages until the one that says "last".
stuck() {
	background /usr/bin/python3 -c 'if True:
		import signal, socket
		signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
		s.connect(("127.0.0.1", 8080))
		s.settimeout(60)
		s.sendall(b"GET /test/stuck HTTP/1.1\r\nHost: a\r\n\r\n")
		lines = s.makefile("rb")
		while not lines.readline().startswith(b"ctkit"):
		    pass
		print("open", flush=True)
		signal.sigwait([signal.SIGUSR1])
		assert lines.readline() == b"\r\n"
		while True:
		    size = lines.readline()
		    if not size.strip(b"0\r\n"):
		        break
		    line = lines.read(int(size, 16) + 2)
		    assert line.endswith(b"\n\r\n"), line
		    print(line.split()[0].decode(), flush=True)
		    if line.startswith(b"last"):
		        break'
	wait_until 30 grep -q open "$BATS_TEST_TMPDIR/$pid.out"
}

# flood ID COUNT: messages that are numbered, of some hundred bytes.
flood() {
	/usr/bin/python3 - "$@" <<-'PYTHON'
		import socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		for n in range(int(sys.argv[2])):
		    s.sendto(b'%s %d %s' % (sys.argv[1].encode(), n, b'x' * 500), 'socket')
	PYTHON
}

@test "publish: a feed that is not read loses its oldest messages, all counted, and only its own" {
	serve -w 1
	subscribe other
	local other=$pid
	stuck
	local stuck=$pid
	flood stuck 2000
	publish 'stuck last' 'other fine'
	wait_until 30 got "$other" fine
	wait_until 30 counter_is messages_lost -gt 100
	[ "$(counter messages_in)" -eq 2002 ]
	kill -USR1 "$stuck"
	wait "$stuck"
	stop
	local numbers
	numbers=$(sed 1d "$BATS_TEST_TMPDIR/$stuck.out")
	[ "$(tail -n 1 <<<"$numbers")" = last ]
	# the first ones were on their way already, the newest before the last were kept
	[ "$(head -n 1 <<<"$numbers")" = 0 ]
	[ "$(tail -n 2 <<<"$numbers" | head -n 1)" = 1999 ]
	[ "$(sed '$d' <<<"$numbers")" = "$(sed '$d' <<<"$numbers" | sort -nu)" ]
	[ "$(($(wc -l <<<"$numbers") + $(counter messages_lost) + 1))" -eq 2002 ]
	[ "$(counter messages_out)" -eq "$(($(wc -l <<<"$numbers") + 1))" ]
}

@test "publish: --slow close closes a feed that is not read instead" {
	serve -w 1 --slow close
	subscribe other
	local other=$pid
	stuck
	flood stuck 2000
	publish 'other fine'
	wait_until 30 got "$other" fine
	wait_until 30 counter_is connections_dropped -eq 1
	wait_until 30 counter_is connections_open -eq 1
	wait_until 30 counter_is messages_in -eq 2001
	# from then on nobody had that id
	wait_until 30 accounted 2001
	[ "$(counter messages_unheard)" -gt 1000 ]
}

# accounted COUNT: each of so many messages to one feed was heard, lost, or not heard.
accounted() {
	[ "$(($(counter messages_out) + $(counter messages_lost) + $(counter messages_unheard)))" -ge "$1" ]
}

said_twice() {
	[ "$(grep -c 'takes no messages' "$BATS_TEST_TMPDIR/$server.err")" -eq 2 ]
}

# accounted_or_stalled COUNT: or its worker did not take it.
accounted_or_stalled() {
	[ "$(($(counter messages_out) + $(counter messages_lost) + $(counter messages_stalled)))" -eq "$1" ]
}

@test "publish: a sender that is too fast is made to wait, or told" {
	serve -w 1
	subscribe 1
	kill -STOP "$(workers)"
	/usr/bin/python3 - <<-'PYTHON'
		import socket
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.setblocking(False)
		sent = 0
		try:
		    while sent < 100000:
		        s.sendto(b'1 %d' % sent, 'socket')
		        sent += 1
		except BlockingIOError:
		    open('sent', 'w').write(str(sent))
	PYTHON
	kill -CONT "$(workers)"
	wait_until 30 counter_is messages_out -eq "$(cat sent)"
	[ "$(counter messages_in)" -eq "$(cat sent)" ]
}

@test "publish: a worker that hangs costs the others a second, and its own messages are counted" {
	serve -w 2
	local hanging other hanging_feed other_pid n id
	hanging=$(workers | tail -n 1) # not the router, which is the first
	for n in {1..20}; do
		subscribe "$n"
		if ss -tnpH state established sport = :8080 "dport = :$(ss -tnpH dst 127.0.0.1:8080 | grep "pid=$pid," | awk '{ print $4 }' | cut -d: -f2)" |
			grep -q "pid=$hanging,"; then
			id=$n
			hanging_feed=$pid
		else
			other=$n
			other_pid=$pid
		fi
	done
	[ -n "$id" ] && [ -n "$other" ]
	kill -STOP "$hanging"
	flood "$id" 3000
	publish "$other fine"
	wait_until 30 got "$other_pid" fine
	wait_until 30 said 'takes no messages'
	wait_until 30 counter_is messages_stalled -gt 100
	kill -CONT "$hanging"
	# it reads what waits in its channel, then what comes; which of it curl is too slow for is open
	wait_until 30 accounted_or_stalled 3001
	publish "$id back"
	wait_until 30 grep -q '^back$' "$BATS_TEST_TMPDIR/$hanging_feed.out"
	wait_until 30 accounted_or_stalled 3002
	# it is trusted again, so another time it is waited for first
	kill -STOP "$hanging"
	flood "$id" 1000
	wait_until 30 said_twice
}

@test "publish: messages are routed again after any worker was killed" {
	serve -w 2
	local n dead
	for dead in 1 2; do
		# the router, then the other: the oldest each time
		kill -9 "$(workers | head -n 1)"
		wait_until 30 counter_is worker_restarts -eq "$dead"
		wait_until 30 worker_count_is 2
		for n in 1 2 3 4; do
			subscribe "$dead-$n"
			publish "$dead-$n hello"
			wait_until 30 got "$pid" hello
		done
	done
}

@test "publish: the socket is for owner and group, and goes with the server" {
	umask 0
	serve
	[ "$(stat -c '%a %F' socket)" = "660 socket" ]
	stop
	[ ! -e socket ]
	# what a server that was killed has left is taken over
	serve
	kill -9 "$server"
	wait "$server" || true
	[ -S socket ]
	wait_until 30 eval '! ss -xH src "*socket" | grep -q socket'
	serve
	subscribe 1
	publish '1 hello'
	wait_until 30 got "$pid" hello
}

@test "publish: a path that is not to be had is one sentence, and nothing serves" {
	local path cause
	serve
	: >file
	mkdir folder
	chmod 755 .
	long=$(printf '%0108d' 0)
	while IFS='|' read -r path cause; do
		run timeout 60 ctserve -P "$path" feed=tcp/127.0.0.1:8081
		echo "$path: $status $output"
		[ "$status" -eq 1 ]
		[ "${#lines[@]}" -eq 1 ]
		[ "$output" = "ctserve: cannot publish at ${path:0:100}: $cause" ]
	done <<-CASES
		socket|Address already in use
		file|something that is no socket is there
		folder|something that is no socket is there
		no/such|No such file or directory
		$long|the path is longer than the 107 bytes of a socket's
		|the path is empty
	CASES
	[ -f file ]
	[ -S socket ]
	subscribe 1
	publish '1 still there'
	wait_until 30 got "$pid" 'still there'
}

@test "publish: without a feed, or with a word that is none, it is a mistake" {
	run timeout 60 ctserve -P socket echo=tcp/9000
	[ "$status" -eq 2 ]
	[ "$output" = "ctserve: --publish: there is no feed over TCP to send messages to" ]
	run timeout 60 ctserve --slow down feed=tcp/9000
	[ "$status" -eq 2 ]
	[ "$output" = 'ctserve: --slow: "down" is neither drop nor close' ]
	[ ! -e socket ]
}

@test "publish: what was sent before SIGTERM arrives, what comes after is an error" {
	serve -w 1 --drain 2s
	subscribe 1
	local feed=$pid
	kill -STOP "$(workers)"
	publish '1 before'
	kill -TERM "$server"
	kill -CONT "$(workers)"
	wait "$server"
	wait "$feed"
	got "$feed" before
	run publish '1 after'
	[ "$status" -ne 0 ]
}

# last_of_each NAME: the sum of a counter over all ctserves that were this server: each begins at 0 again.
last_of_each() {
	jq -s "[range(length) as \$i | select(\$i == length - 1 or .[\$i + 1].uptime_seconds < .[\$i].uptime_seconds)
		| .[\$i].$1] | add" "$BATS_TEST_TMPDIR/$server.out"
}

@test "publish: SIGUSR2 hands the socket over: no publisher notices, and each message is heard or counted" {
	serve -w 2
	/usr/bin/python3 - "$server" "$BATS_TEST_TMPDIR/$server.err" <<-'PYTHON'
		import os, signal, socket, sys, threading, time
		numbers, feeds, stop = [], [0], threading.Event()
		def read():
		    while not stop.is_set():
		        s = socket.create_connection(('127.0.0.1', 8080), timeout=60)
		        s.sendall(b'GET /test/1 HTTP/1.0\r\n\r\n')
		        for line in s.makefile('rb'):
		            feeds[0] += line.startswith(b'ctkit')
		            if line.startswith(b'number'):
		                numbers.append(int(line.split()[1]))
		def until(condition):
		    end = time.monotonic() + 60
		    while not condition():
		        assert time.monotonic() < end, (feeds, numbers[-1:])
		        time.sleep(0.001)
		reader = threading.Thread(target=read, daemon=True)
		reader.start()
		until(lambda: feeds[0] == 1)
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.connect('socket')
		sent = 0
		def publish(condition):
		    global sent
		    end = time.monotonic() + 60
		    while not condition():
		        assert time.monotonic() < end, (feeds, numbers[-1:])
		        s.send(b'1 number %d' % sent)
		        sent += 1
		        time.sleep(0.0005)
		for replaced in range(1, 6):
		    heard = len(numbers)
		    publish(lambda: len(numbers) > heard + 200)
		    os.kill(int(sys.argv[1]), signal.SIGUSR2)
		    publish(lambda: open(sys.argv[2]).read().count('serving') == replaced + 1)
		heard = len(numbers)
		publish(lambda: len(numbers) > heard + 200)
		until(lambda: numbers[-1] == sent - 1)
		assert numbers == sorted(set(numbers))
		open('unheard', 'w').write(str(sent - len(numbers)))
	PYTHON
	counter_is messages_lost -eq 0
	[ "$(last_of_each messages_unheard)" -eq "$(cat unheard)" ]
	[ "$(grep -c serving "$BATS_TEST_TMPDIR/$server.err")" -eq 6 ]
	[ "$(last_of_each messages_stalled)" -eq 0 ]
	stop
	[ ! -e socket ]
}

@test "publish: what was sent before SIGTERM reaches the feeds of every worker" {
	serve -w 4
	local feeds=() n
	for n in {1..12}; do
		subscribe same
		feeds+=("$pid")
	done
	# shellcheck disable=SC2046 # a list of words
	kill -STOP $(workers)
	publish 'same one' 'same two' 'same three'
	kill -TERM "$server"
	# the router last: the others must wait for what it has
	for n in $(workers | tac); do
		kill -CONT "$n"
	done
	wait "$server"
	for n in "${feeds[@]}"; do
		wait "$n"
		got "$n" one two three
	done
}
