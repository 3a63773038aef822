#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2030,SC2031,SC2102,SC2154 # tests are subshells; $pid comes from lib
# ctserve: each protocol by clients that others wrote, each fault on purpose.
load lib
load ctserve

python() { # a program on stdin, on $HOST if there is one
	${HOST:+on "$HOST"} /usr/bin/python3 - "$@"
}

# pausing: the program on stdin, in the background; pause() in it waits for SIGUSR1.
pausing() {
	pausing_on
}

pausing_on() { # [HOST]
	cat - >"$BATS_TEST_TMPDIR/pausing.py"
	background ${1:+ip netns exec "$1"} /usr/bin/python3 -c 'if True:
		import signal, sys
		signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
		pause = lambda: signal.sigwait([signal.SIGUSR1])
		exec(open(sys.argv[1]).read())' "$BATS_TEST_TMPDIR/pausing.py"
}

# raw PORT: sends stdin on one TCP connection and prints all that comes back.
raw() {
	timeout 60 bash -c 'exec 3<>/dev/tcp/127.0.0.1/'"$1"'; cat >&3; cat <&3'
}

# udp_echo ADDRESS PORT [SOURCE_ADDRESS [SOURCE_PORT]]: "ADDRESS PORT BYTES" of the answer, or "none".
udp_echo() {
	python "$@" <<-'PYTHON'
		import os, socket, sys
		address, port = sys.argv[1], int(sys.argv[2])
		family = socket.AF_INET6 if ':' in address else socket.AF_INET
		s = socket.socket(family, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
		s.settimeout(float(os.environ.get('PATIENCE', 30)))
		if len(sys.argv) > 3:
		    s.bind((sys.argv[3], int((sys.argv[4:] or [0])[0])))
		s.sendto(b'hello', (address, port))
		try:
		    data, peer = s.recvfrom(100)
		    print(peer[0], peer[1], len(data))
		except socket.timeout:
		    print('none')
	PYTHON
}

# unanswered ADDRESS PORT [...]: whether nothing came back for half a second.
unanswered() {
	[ "$(PATIENCE=0.5 udp_echo "$@")" = none ]
}

@test "bad command lines end with one sentence and their exit code" {
	local code arguments words
	while IFS=: read -r code arguments words; do
		# shellcheck disable=SC2086 # a list of words
		run timeout 60 ctserve ${arguments//;/:}
		echo "$arguments: $status $output"
		[ "$status" -eq "$code" ]
		[ "${#lines[@]}" -eq 1 ]
		[[ $output == *"${words//;/:}"* ]]
	done <<-'CASES'
		2::nothing to serve
		2:echo:"echo": want SERVICE=LISTENER
		2:chargen=udp/19:the service is not echo, discard or feed
		2:echo=udp/0:"udp/0": the port is not 1 to 65535
		2:echo=sctp/9000:"sctp/9000": want PROTO
		2:echo=udp/localhost;9000:the address is not IPv4 or IPv6 in brackets
		2:echo=out;udp/53:not something to listen on
		2:--per-source-rate 0 echo=udp/9000:--per-source-rate; "0" is out of range
		2:echo=udp/9000 discard=udp/127.0.0.1;9000:echo=udp/9000 and discard=udp/127.0.0.1;9000 want the same port
		2:-w 0 echo=udp/9000:--workers; "0" is out of range
		2:-w two echo=udp/9000:--workers; "two" is not a count
		2:-c -1 echo=udp/9000:--max-conns; "-1" is not a count
		2:-i 0 echo=udp/9000:--interval; "0" is out of range
		2:-s 1y echo=udp/9000:--stats; "1y" is not a duration
		2:--drain 5d echo=udp/9000:--drain; "5d" is out of range
		2:--no-such echo=udp/9000:unrecognized option '--no-such'
		2:echo=udp/9000 -w:option requires an argument -- 'w'
		1:echo=udp/192.0.2.1;9000:cannot listen on udp/192.0.2.1;9000: Cannot assign requested address
		1:-w 2 -c 1M echo=tcp/9000:1000000 connections do not fit; 2 workers
		1:-w 4096 echo=udp/9000-9999:4096 workers with 2000 sockets each need
	CASES
}

@test "help and version go to stdout" {
	run timeout 60 ctserve --help
	[ "$status" -eq 0 ]
	[[ $output == usage:* ]]
	[ "$(ctserve -V 2>/dev/null)" = "ctserve $(cat "$BATS_TEST_DIRNAME/../../VERSION")" ]
}

@test "a port in use is one sentence and nothing serves" {
	serve echo=udp/9000 echo=tcp/9001
	for listener in udp/9000 udp/127.0.0.1:9000 udp/[::1]:9000 tcp/9001 tcp/127.0.0.1:9001; do
		run timeout 60 ctserve echo=udp/8000 echo=tcp/8001 "echo=$listener"
		[ "$status" -eq 1 ]
		[ "$output" = "ctserve: cannot listen on $listener: Address already in use" ]
	done
	python <<-'PYTHON'
		import socket, subprocess
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind(('127.0.0.1', 8000))
		done = subprocess.run(['timeout', '60', 'ctserve', 'echo=udp/8000'], capture_output=True, text=True)
		assert done.returncode == 1, done
		assert done.stderr == 'ctserve: cannot listen on udp/8000: Address already in use\n', done
	PYTHON
	[ "$(udp_echo 127.0.0.1 9000)" = "127.0.0.1 9000 5" ]
}

@test "two that start at once never share a port" {
	for _ in 1 2 3 4 5; do
		background ctserve echo=tcp/9000 echo=udp/9000
		local first=$pid
		background ctserve echo=tcp/9000 echo=udp/9000
		local second=$pid
		wait_until 30 grep -q 'in use' "$BATS_TEST_TMPDIR/$first.err" "$BATS_TEST_TMPDIR/$second.err"
		kill "$first" "$second" 2>/dev/null || true
		wait "$first" || true
		wait "$second" || true
	done
}

@test "a low port without the capability says which one it needs" {
	run timeout 60 setpriv --bounding-set=-net_bind_service --inh-caps=-net_bind_service ctserve echo=udp/53
	[ "$status" -eq 1 ]
	[ "$output" = "ctserve: cannot listen on udp/53: Permission denied (a port this low needs CAP_NET_BIND_SERVICE)" ]
}

@test "a limit of descriptors that is too small says so" {
	run timeout 60 bash -c 'ulimit -n 20; exec ctserve -w 2 echo=udp/127.0.0.1:9000'
	[ "$status" -eq 1 ]
	[[ $output == "ctserve: 2 workers with 1 sockets each need 26 descriptors, the limit is 20"* ]]
}

@test "connections ask for as many workers as the limit of descriptors makes necessary" {
	ulimit -n 200
	serve -c 1000 echo=tcp/127.0.0.1:9000
	said 'with 9 workers'
	[ "$(workers | wc -l)" -eq 9 ]
}

@test "udp echo answers over IPv4 and IPv6, whatever the size" {
	serve echo=udp/9000
	python <<-'PYTHON'
		import os, socket
		for family, address in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
		    s = socket.socket(family, socket.SOCK_DGRAM)
		    s.settimeout(30)
		    for size in (0, 1, 1472, 1473, 9000, 65507 if family == socket.AF_INET else 65487):
		        data = os.urandom(size)
		        s.sendto(data, (address, 9000))
		        answer, peer = s.recvfrom(70000)
		        assert answer == data and peer[:2] == (address, 9000), (size, peer)
	PYTHON
	stop
	[ "$(counter udp_packets_in)" -eq 12 ]
	[ "$(counter udp_packets_out)" -eq 12 ]
	[ "$(counter udp_bytes_in)" -eq "$(counter udp_bytes_out)" ]
}

@test "udp echo answers a burst, datagram for datagram" {
	serve -w 1 echo=udp/9000
	python <<-'PYTHON'
		import socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
		s.settimeout(30)
		for n in range(150):
		    s.sendto(b'%d' % n * (n % 7 + 1), ('127.0.0.1', 9000))
		for n in range(150):
		    assert s.recv(100) == b'%d' % n * (n % 7 + 1), n
	PYTHON
}

@test "udp echo answers from the address that was asked" {
	ip addr add 10.0.0.1/32 dev lo
	ip addr add 10.0.0.2/32 dev lo
	ip addr add fd00::1/128 dev lo nodad
	ip addr add fd00::2/128 dev lo nodad
	serve echo=udp/9000
	[ "$(udp_echo 10.0.0.2 9000 10.0.0.1)" = "10.0.0.2 9000 5" ]
	[ "$(udp_echo 10.0.0.1 9000 10.0.0.2)" = "10.0.0.1 9000 5" ]
	[ "$(udp_echo fd00::2 9000 fd00::1)" = "fd00::2 9000 5" ]
	[ "$(udp_echo fd00::1 9000 fd00::2)" = "fd00::1 9000 5" ]
}

@test "udp echo does not answer services, itself or groups" {
	hosts
	serve_on server -w 1 echo=udp/9000
	HOST=client unanswered 10.77.0.1 9000 10.77.0.2 1023
	HOST=client unanswered 10.77.0.255 9000
	wait_until 30 counter_is udp_refused -eq 2
	# from another host's port 9000 it is no loop
	[ "$(HOST=client udp_echo 10.77.0.1 9000 10.77.0.2 9000)" = "10.77.0.1 9000 5" ]
	[ "$(HOST=client udp_echo fd77::1 9000 fd77::2 1024)" = "fd77::1 9000 5" ]
	[ "$(counter udp_refused)" -eq 2 ]
}

@test "two echoes of one server do not answer each other" {
	serve echo=udp/127.0.0.1:9000 echo=udp/127.0.0.1:9001 echo=udp/[::1]:9000
	unanswered 127.0.0.1 9000 127.0.0.2 9001
	unanswered ::1 9000 ::1 9001
	[ "$(udp_echo 127.0.0.1 9000 127.0.0.2 9002)" = "127.0.0.1 9000 5" ]
	wait_until 30 counter_is udp_refused -eq 2
}

@test "a send that a rule forbids is counted as EPERM and explained once" {
	serve -w 2 echo=udp/9000
	nft add table inet t
	nft add chain inet t output '{ type filter hook output priority 0; }'
	nft add rule inet t output udp sport 9000 drop
	for _ in 1 2 3; do
		unanswered 127.0.0.1 9000
	done
	wait_until 30 counter_is sends_eperm -eq 3
	wait_until 30 said 'conntrack table full or an output rule'
	[ "$(grep -c 'conntrack table full' "$BATS_TEST_TMPDIR/$server.err")" -eq 1 ]
	nft delete table inet t
	[ "$(udp_echo 127.0.0.1 9000)" = "127.0.0.1 9000 5" ]
}

@test "answers that cannot be sent are dropped and counted, the others of the batch are sent" {
	hosts
	ip -n server route add unreachable 10.78.5.0/24
	serve_on server -w 1 echo=udp/9000
	kill -STOP "$(workers)"
	pausing_on client <<-'PYTHON'
		import socket
		all = []
		for n in range(40):
		    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		    s.bind(('10.78.%d.1' % (5 if n % 3 == 0 else 6), 2000 + n))
		    s.sendto(b'%d' % n, ('10.77.0.1', 9000))
		    s.settimeout(30)
		    all.append(s)
		print('sent', flush=True)
		for n in range(40):
		    if n % 3:
		        assert all[n].recv(10) == b'%d' % n
	PYTHON
	wait_until 30 grep -q sent "$BATS_TEST_TMPDIR/$pid.out"
	kill -CONT "$(workers)"
	wait "$pid"
	wait_until 30 counter_is udp_packets_out -eq 26
	wait_until 30 counter_is sends_dropped -eq 14
	wait_until 30 counter_is sends_short -ge 13
}

@test "what the kernel drops for a slow worker is counted" {
	serve -w 1 echo=udp/9000
	kill -STOP "$(workers)"
	python <<-'PYTHON'
		import socket
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		for n in range(12000):
		    s.sendto(b'x' * 1400, ('127.0.0.1', 9000))
	PYTHON
	kill -CONT "$(workers)"
	answered_or_lost() { [ $(($(counter udp_packets_in) + $(counter udp_overflows))) -eq 12000 ]; }
	wait_until 30 answered_or_lost
	[ "$(counter udp_overflows)" -gt 0 ]
	stop
	answered_or_lost
}

@test "discard takes everything and says nothing" {
	serve discard=udp/9009 discard=tcp/9009
	unanswered 127.0.0.1 9009
	head -c 300000 /dev/zero >/dev/tcp/127.0.0.1/9009
	wait_until 30 counter_is tcp_bytes_in -eq 300000
	[ "$(counter tcp_bytes_out)" -eq 0 ]
	wait_until 30 counter_is udp_bytes_in -eq 5
	[ "$(counter udp_packets_out)" -eq 0 ]
}

@test "tcp echo returns everything, also to a client that ends its side first" {
	serve echo=tcp/9000
	python <<-'PYTHON'
		import os, socket, threading
		data = os.urandom(5000000)
		for address in ('127.0.0.1', '::1'):
		    s = socket.create_connection((address, 9000))
		    sender = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
		    sender.start()
		    got = b''.join(iter(lambda: s.recv(65536), b''))
		    sender.join()
		    assert got == data, len(got)
	PYTHON
	wait_until 30 counter_is connections_closed -eq 2
	[ "$(counter tcp_bytes_out)" -eq 10000000 ]
}

@test "tcp echo reads no more from a client that does not" {
	serve -w 1 echo=tcp/9000
	python <<-'PYTHON'
		import os, socket, time
		data = os.urandom(20000000)
		s = socket.create_connection(('127.0.0.1', 9000))
		s.settimeout(0.5)
		sent = 0
		try:
		    while sent < len(data):
		        sent += s.send(data[sent:sent + 65536])
		except socket.timeout:
		    pass
		assert sent < len(data)
		other = socket.create_connection(('127.0.0.1', 9000))
		other.sendall(b'hello')
		assert other.recv(10) == b'hello'
		s.settimeout(30)
		got = b''
		while len(got) < sent:
		    got += s.recv(65536)
		assert got == data[:sent]
	PYTHON
	wait_until 30 counter_is connections_closed -eq 2
	[ "$(counter connections_dropped)" -eq 0 ]
}

# first_lines COUNT CURL_ARGUMENTS...: of a feed.
first_lines() {
	curl -sN --max-time 60 "${@:2}" | head -n "$1"
}

@test "feed: HTTP/1.1 gets chunks, HTTP/1.0 bytes until close" {
	serve -i 100ms feed=tcp/8080
	run first_lines 5 -D "$BATS_TEST_TMPDIR/head" http://127.0.0.1:8080/test/abc
	[ "${lines[0]}" = "ctkit welcomes you! Your Id: /test/abc" ]
	[ "${lines[1]}" = "Chunk 1 for id /test/abc" ]
	[ "${lines[2]}" = "Chunk 2 for id /test/abc" ]
	[ "${lines[4]}" = "Chunk 4 for id /test/abc" ]
	grep -qi '^transfer-encoding: chunked' "$BATS_TEST_TMPDIR/head"
	run first_lines 2 --http1.0 -D "$BATS_TEST_TMPDIR/head" 'http://[::1]:8080/test/x?y=z'
	[ "${lines[0]}" = "ctkit welcomes you! Your Id: /test/x" ]
	[ "${lines[1]}" = "Chunk 1 for id /test/x" ]
	[ "$(grep -ci '^transfer-encoding' "$BATS_TEST_TMPDIR/head")" -eq 0 ]
	grep -qi '^connection: close' "$BATS_TEST_TMPDIR/head"
}

@test "feed: each line is sent when it is due" {
	serve -i 300ms feed=tcp/8080
	python <<-'PYTHON'
		import socket, time
		def stamps():
		    begin, stamps = time.monotonic(), []
		    s = socket.create_connection(('127.0.0.1', 8080))
		    s.sendall(b'GET /test/1 HTTP/1.0\r\n\r\n')
		    lines = s.makefile('rb')
		    while len(stamps) < 6:
		        line = lines.readline()
		        if line.startswith((b'ctkit', b'Chunk')):
		            stamps.append(time.monotonic() - begin)
		    return stamps
		# Scheduling makes late, never early. Who is always late drifts.
		for attempt in range(10):
		    seen = stamps()
		    assert all(stamp > 0.3 * n - 0.05 for n, stamp in enumerate(seen)), seen
		    if seen[5] < 2:
		        break
		else:
		    assert False, seen
	PYTHON
}

@test "feed: an EventSource gets events" {
	serve -i 100ms feed=tcp/8080
	run first_lines 6 -H 'Accept: text/event-stream' -D "$BATS_TEST_TMPDIR/head" http://127.0.0.1:8080/test/abc
	[ "${lines[0]}" = "retry: 2000" ]
	[ "${lines[1]}" = "data: ctkit welcomes you! Your Id: /test/abc" ]
	[ "${lines[2]}" = "id: 1" ]
	[ "${lines[3]}" = "data: Chunk 1 for id /test/abc" ]
	grep -qi '^content-type: text/event-stream' "$BATS_TEST_TMPDIR/head"
	[ "$(first_lines 4 -H 'Accept: text/event-stream' http://127.0.0.1:8080/test/abc | sed -n 3p)" = "" ]
}

@test "feed: HEAD, /healthz and what is wrong, as the RFCs say" {
	serve feed=tcp/8080
	local url=http://127.0.0.1:8080
	[ "$(curl -s $url/healthz)" = ok ]
	run curl -sI $url/healthz
	[[ ${lines[0]} == "HTTP/1.1 200 OK"* ]]
	[[ $output == *"Content-Length: 3"* ]]
	run curl -sI $url/test/abc
	[[ ${lines[0]} == "HTTP/1.1 200 OK"* ]]
	local long
	long=$(printf 'a%.0s' {1..3000})
	[ "$(curl -s -o /dev/null -w '%{http_code}' $url/)" = 404 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' $url/test/)" = 404 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' $url/healthz/)" = 404 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$url/test/$long")" = 414 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' -H "A: $long" -H "B: $long" -H "C: $long" $url/healthz)" = 431 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' -H 'Host:' $url/healthz)" = 400 ]
	run curl -s -D - -o /dev/null -d body $url/test/abc
	[[ ${lines[0]} == "HTTP/1.1 405 "* ]]
	[[ $output == *"Allow: GET, HEAD"* ]]
	[ "$(curl -s -o /dev/null -w '%{http_code}' -X DELETE $url/healthz)" = 405 ]
	[[ $(printf 'nonsense\r\n\r\n' | raw 8080) == "HTTP/1.1 400 "* ]]
	[[ $(printf 'GET / HTTP/3.0\r\n\r\n' | raw 8080) == "HTTP/1.1 505 "* ]]
	[[ $(printf 'GET /test/\x80 HTTP/1.1\r\nHost: a\r\n\r\n' | raw 8080) == "HTTP/1.1 400 "* ]]
	stop
	[ "$(counter http_errors)" -eq 11 ]
	[ "$(counter connections_open)" -eq 0 ]
}

@test "feed: an error arrives although the client is still sending" {
	serve -w 1 feed=tcp/8080
	python <<-'PYTHON'
		import socket
		for head in (b'GET /' + b'a' * 3000, b'GET / HTTP/1.1\r\nX: ' + b'a' * 9000):
		    s = socket.create_connection(('127.0.0.1', 8080))
		    s.settimeout(30)
		    s.sendall(head + b'a' * 300000)
		    answer = b''.join(iter(lambda: s.recv(65536), b''))
		    assert answer.startswith((b'HTTP/1.1 414', b'HTTP/1.1 431')), answer
	PYTHON
}

@test "feed: requests that come at once are answered in turn" {
	serve -i 100ms feed=tcp/8080
	run raw 8080 < <(
		printf 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /no HTTP/1.1\r\nHost: a\r\n\r\n'
		printf 'HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.0\r\n\r\n'
	)
	[ "$(grep -c '^HTTP/1.1 200' <<<"$output")" -eq 3 ]
	[ "$(grep -c '^HTTP/1.1 404' <<<"$output")" -eq 1 ]
	[ "$(grep -c '^ok' <<<"$output")" -eq 2 ]
}

@test "feed: a thousand requests before the first answer is read are all answered" {
	serve -w 1 feed=tcp/8080
	pausing <<-'PYTHON'
		import socket
		request = b'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'
		def ask(last):
		    s = socket.socket()
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
		    s.connect(('127.0.0.1', 8080))
		    s.settimeout(30)
		    s.sendall(request * 999 + last)
		    return s
		def answers(s):
		    return b''.join(iter(lambda: s.recv(65536), b'')).count(b'HTTP/1.1 200 OK')
		closing, ending = ask(request.replace(b'1.1', b'1.0')), ask(request)
		ending.shutdown(socket.SHUT_WR)
		pause()
		assert (answers(closing), answers(ending)) == (1000, 1000)
	PYTHON
	wait_until 30 counter_is sends_short -ge 2
	kill -USR1 "$pid"
	wait "$pid"
	stop
	[ "$(counter http_requests)" -eq 2000 ]
	[ "$(counter connections_dropped)" -eq 0 ]
}

@test "feed: a request may come byte by byte" {
	serve -i 100ms feed=tcp/127.0.0.1:8080
	python <<-'PYTHON'
		import socket, time
		def unread():
		    rows = [line.split() for line in open('/proc/net/tcp').readlines()[1:]]
		    return any(row[1].endswith(':1F90') and row[3] == '01' and not row[4].endswith(':00000000') for row in rows)
		s = socket.create_connection(('127.0.0.1', 8080))
		s.settimeout(30)
		s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		for byte in b'GET /test/slow HTTP/1.1\r\nHost: a\r\n\r\n':
		    s.send(bytes([byte]))
		    while unread():
		        time.sleep(0.001)
		text = b''
		while b'Chunk 2 for id /test/slow\n' not in text:
		    text += s.recv(1000)
		assert text.startswith(b'HTTP/1.1 200 OK\r\n')
	PYTHON
}

@test "feed: a head that is not complete in ten seconds is 408, an idle connection is closed" {
	serve feed=tcp/8080
	python <<-'PYTHON'
		import socket, time
		def connect(text):
		    s = socket.create_connection(('127.0.0.1', 8080))
		    s.settimeout(30)
		    s.sendall(text)
		    return s
		start = time.monotonic()
		silent = connect(b'')
		slow = connect(b'GET /test/1 HTT')
		idle = connect(b'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n')
		read = lambda s: b''.join(iter(lambda: s.recv(65536), b''))
		assert read(slow).startswith(b'HTTP/1.1 408 ')
		assert time.monotonic() - start > 9.9
		assert read(silent).startswith(b'HTTP/1.1 408 ')
		assert read(idle).count(b'HTTP/1.1') == 1
	PYTHON
}

@test "feed: a client that does not read loses whole chunks, and only its own" {
	serve -w 1 -i 10ms feed=tcp/8080
	pausing <<-'PYTHON'
		import re, socket
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
		s.connect(('127.0.0.1', 8080))
		s.settimeout(30)
		s.sendall(b'GET /test/' + b'x' * 2000 + b' HTTP/1.1\r\nHost: a\r\n\r\n')
		pause()
		numbers, stream = [], s.makefile('rb')
		while stream.readline() != b'\r\n':
		    pass
		while not (numbers and numbers[-1] > len(numbers) + 10):
		    body = stream.read(int(stream.readline(), 16))
		    assert stream.read(2) == b'\r\n'
		    match = re.fullmatch(rb'Chunk (\d+) for id /test/x{2000}\n', body)
		    numbers += [int(match[1])] if match else []
		assert numbers == sorted(set(numbers))
	PYTHON
	local client=$pid
	wait_until 30 counter_is chunks_lost -gt 100
	run first_lines 30 http://127.0.0.1:8080/test/other
	[ "${lines[29]}" = "Chunk 29 for id /test/other" ]
	kill -USR1 "$client"
	wait "$client"
	[ "$(counter connections_dropped)" -eq 0 ]
}

@test "feed: a client that ends its side gets a proper end" {
	serve -i 100ms feed=tcp/8080
	python <<-'PYTHON'
		import socket
		s = socket.create_connection(('127.0.0.1', 8080))
		s.settimeout(30)
		s.sendall(b'GET /test/1 HTTP/1.1\r\nHost: a\r\n\r\n')
		s.recv(1)
		s.shutdown(socket.SHUT_WR)
		text = b''.join(iter(lambda: s.recv(65536), b''))
		assert text.endswith(b'\r\n0\r\n\r\n'), text
	PYTHON
	wait_until 30 counter_is connections_closed -eq 1
}

@test "connections that are reset leave nothing behind" {
	serve -i 10ms feed=tcp/8080 echo=tcp/9000
	python <<-'PYTHON'
		import socket, struct
		for n in range(300):
		    s = socket.create_connection(('127.0.0.1', 8080 if n % 2 else 9000))
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
		    if n % 3:
		        s.sendall(b'GET /test/1 HTTP/1.1\r\nHost: a\r\n\r\n')
		    s.close()
	PYTHON
	wait_until 30 counter_is connections_closed -eq 300
	[ "$(counter connections_open)" -eq 0 ]
	[ "$(counter worker_restarts)" -eq 0 ]
	[ "$(curl -s http://127.0.0.1:8080/healthz)" = ok ]
}

@test "without descriptors connections wait, the loop does not spin, and nothing is lost" {
	local start=$SECONDS
	background bash -c 'ulimit -n 40; exec ctserve -j -s 50ms -w 1 echo=tcp/127.0.0.1:9000'
	server=$pid
	wait_until 30 said 'serving'
	pausing <<-'PYTHON'
		import socket
		all = [socket.create_connection(('127.0.0.1', 9000)) for n in range(60)]
		pause()
		for s in all[:40]:
		    s.close()
		for s in all[40:]:
		    s.settimeout(30)
		    s.sendall(b'hello')
		    assert s.recv(10) == b'hello'
	PYTHON
	wait_until 30 counter_is accept_emfile -ge 5
	kill -USR1 "$pid"
	wait "$pid"
	wait_until 30 counter_is connections_accepted -eq 60
	# ten tries a second, and one for each connection that was closed
	[ "$(counter accept_emfile)" -le $((20 * (SECONDS - start) + 60)) ]
	[ "$(grep -c 'out of descriptors' "$BATS_TEST_TMPDIR/$server.err")" -eq 1 ]
}

@test "a worker that is killed is replaced while the others serve" {
	serve -w 2 -i 100ms feed=tcp/127.0.0.1:8080 echo=udp/9000
	local feeds=() dead alive n failed=0
	for n in {1..12}; do
		background curl -sN --max-time 120 "http://127.0.0.1:8080/test/$n"
		feeds+=("$pid")
	done
	wait_until 30 counter_is connections_open -eq 12
	dead=$(workers | head -n 1)
	alive=$(ss -tnpH state established sport = :8080 | grep -vc "pid=$dead,")
	kill -9 "$dead"
	for n in {1..30}; do
		healthy || failed=$((failed + 1))
		[ "$(udp_echo 127.0.0.1 9000)" = "127.0.0.1 9000 5" ] || failed=$((failed + 1))
	done
	[ "$failed" -eq 0 ]
	wait_until 30 counter_is worker_restarts -eq 1
	wait_until 30 worker_count_is 2
	said "worker $dead was ended by signal 9"
	wait_until 30 counter_is connections_open -eq "$alive"
	stop
	[ "$(counter connections_closed)" -eq "$(counter connections_accepted)" ]
}

@test "workers end with their supervisor, however it dies" {
	serve -w 3 echo=tcp/9000
	local all
	all=$(workers)
	[ "$(wc -w <<<"$all")" -eq 3 ]
	kill -9 "$server"
	# shellcheck disable=SC2086 # a list of words
	wait_until 30 gone $all
	serve echo=tcp/9000
}

@test "SIGTERM ends feeds properly, answers what waits, and exits 0" {
	serve -w 2 -i 100ms feed=tcp/8080 echo=tcp/9000
	local feeds=() feed
	for feed in 1 2 3 4; do
		background curl -sN --max-time 120 "http://127.0.0.1:8080/test/$feed"
		feeds+=("$pid")
	done
	background curl -sN --http1.0 --max-time 30 http://127.0.0.1:8080/test/old
	feeds+=("$pid")
	wait_until 30 counter_is connections_open -eq 5
	wait_until 30 counter_is chunks_sent -ge 10
	stop
	for feed in "${feeds[@]}"; do
		wait "$feed"
	done
	[ "$(counter connections_open)" -eq 0 ]
	[ "$(counter connections_accepted)" -eq 5 ]
	run curl -s --max-time 5 http://127.0.0.1:8080/healthz
	[ "$status" -eq 7 ]
}

@test "SIGINT to the whole group is the same as SIGTERM" {
	background setsid ctserve -j -i 100ms feed=tcp/8080
	server=$pid
	wait_until 30 said 'serving'
	background curl -sN --max-time 120 http://127.0.0.1:8080/test/1
	local feed=$pid
	wait_until 30 grep -q Chunk "$BATS_TEST_TMPDIR/$feed.out"
	kill -INT -- "-$(ps -o pgid= -p "$(pgrep -o ctserve)" | tr -d ' ')"
	wait "$server"
	wait "$feed"
	[ "$(counter connections_closed)" -eq 1 ]
}

@test "workers that a signal to the whole group ends first are not replaced" {
	local one
	serve -w 2 echo=udp/9000
	# Both are there to be seen when the supervisor looks: the signal, and that they have ended.
	kill -STOP "$server"
	one=$(workers)
	# shellcheck disable=SC2086 # a list of words
	kill -TERM $one "$server"
	# shellcheck disable=SC2086
	wait_until 30 gone $one
	kill -CONT "$server"
	wait "$server"
	[ "$(counter worker_restarts)" -eq 0 ]
	! said 'starting another' || false
}

# blocked_echo: a TCP echo client that sends and never reads, in the background.
blocked_echo() {
	pausing <<-'PYTHON'
		import socket
		s = socket.create_connection(('127.0.0.1', 9000))
		s.settimeout(1)
		try:
		    while True:
		        s.send(b'x' * 65536)
		except socket.timeout:
		    print('blocked', flush=True)
		pause()
	PYTHON
	wait_until 30 grep -q blocked "$BATS_TEST_TMPDIR/$pid.out"
}

@test "the drain ends in time, and at once on a second signal" {
	local start
	serve --drain 1s echo=tcp/9000
	blocked_echo
	start=$SECONDS
	stop
	((SECONDS - start <= 60))
	[ "$(grep -c 'did not end in time' "$BATS_TEST_TMPDIR/$server.err")" -eq 0 ]
	serve --drain 300s echo=tcp/9000
	blocked_echo
	start=$SECONDS
	kill -TERM "$server"
	wait_until 30 said stopping
	refused() { [[ $(echo 2>&1 >/dev/tcp/127.0.0.1/9000) == *refused* ]]; }
	wait_until 30 refused
	second_signal() { kill -TERM "$server" 2>/dev/null; ! kill -0 "$server" 2>/dev/null; }
	wait_until 30 second_signal
	wait "$server"
	((SECONDS - start <= 120))
}

@test "counters are a line per interval, in text and in JSON, and a last one" {
	background ctserve -s 500ms echo=udp/9000
	server=$pid
	wait_until 30 said 'serving'
	[ "$(udp_echo 127.0.0.1 9000)" = "127.0.0.1 9000 5" ]
	# at once, not when some buffer is full
	wait_until 30 grep -q ' udp_packets_out=1 ' "$BATS_TEST_TMPDIR/$server.out"
	stop
	[ "$(grep -cv '^uptime_s=[0-9.]* workers=[0-9]* connections_open=' "$BATS_TEST_TMPDIR/$server.out")" -eq 0 ]
	background ctserve -j echo=udp/9000
	server=$pid
	wait_until 30 said 'serving'
	stop
	[ "$(wc -l <"$BATS_TEST_TMPDIR/$server.out")" -eq 1 ]
	[[ $(cat "$BATS_TEST_TMPDIR/$server.out") == '{"metainfo":{"program":"ctserve","version":"'*'","json_schema_version":1},'* ]]
	jq -e '.workers >= 1 and .uptime_seconds > 0 and .udp_packets_in == 0' "$BATS_TEST_TMPDIR/$server.out"
}

@test "a reader of the counters that goes away does not end the service" {
	background bash -c 'ctserve -s 50ms echo=udp/9000 | head -n 1'
	server=$(wait_until 30 pgrep -o ctserve)
	wait_until 30 grep -q 'cannot print counters any more' "$BATS_TEST_TMPDIR/$pid.err"
	[ "$(udp_echo 127.0.0.1 9000)" = "127.0.0.1 9000 5" ]
	[ "$(grep -c 'cannot print' "$BATS_TEST_TMPDIR/$pid.err")" -eq 1 ]
}

@test "quiet says nothing when all is well" {
	background ctserve -q echo=udp/9000
	server=$pid
	wait_until 30 udp_answers
	stop
	[ ! -s "$BATS_TEST_TMPDIR/$server.err" ]
}

@test "verbose tells of each worker" {
	serve -v -w 2 echo=udp/9000
	for n in 0 1; do
		wait_until 30 said "worker $n serves, process [0-9]"
	done
	kill -9 "$(pgrep -n -P "$server")"
	three() { [ "$(grep -c 'serves, process' "$BATS_TEST_TMPDIR/$server.err")" -eq 3 ]; }
	wait_until 30 three
}

udp_answers() {
	[ "$(PATIENCE=0.5 udp_echo 127.0.0.1 9000)" != none ]
}

@test "a reader of the counters that stalls does not hold up the service" {
	mkfifo "$BATS_TEST_TMPDIR/pipe"
	(exec ctserve -w 1 -s 20ms echo=udp/127.0.0.1:9000 >"$BATS_TEST_TMPDIR/pipe" \
		2>"$BATS_TEST_TMPDIR/err" 3>&-) &
	server=$!
	exec 9<"$BATS_TEST_TMPDIR/pipe"
	wait_until 30 grep -q 'ctserve: serving' "$BATS_TEST_TMPDIR/err"
	dd if=/dev/zero of="$BATS_TEST_TMPDIR/pipe" bs=4096 count=64 oflag=nonblock 2>/dev/null || true
	wait_until 30 grep -q 'lines are skipped' "$BATS_TEST_TMPDIR/err"
	kill -TERM "$server"
	wait_until 30 ended "$server"
	exec 9<&-
}
