#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # tests are subshells; $pid and $server come from lib
# ctserve over UDP: bursts, loops, feeds and those who forge their address.
load lib
load ctserve

# python [COMMAND...]: the program on stdin, with what all clients need, run by COMMAND.
python() {
	{
		cat <<-'PYTHON'
			import os, socket, struct, time
			SEGMENT, GRO = 103, 104
			def client(source=('', 0), family=socket.AF_INET, timeout=30):
			    s = socket.socket(family, socket.SOCK_DGRAM)
			    s.settimeout(timeout)
			    s.bind(source)
			    return s
			def hello():
			    return b'ctkit hello'.ljust(64)
			def cookie(s, server=('127.0.0.1', 9000)):
			    s.sendto(hello(), server)
			    words = s.recv(1000).split()
			    assert words[:2] == [b'ctkit', b'cookie'] and len(words[2]) == 16, words
			    return words[2]
			def subscribe(s, lease=60, id=b'42', server=('127.0.0.1', 9000), proof=None):
			    proof = proof or cookie(s, server)
			    s.sendto(b'ctkit subscribe %s %d /test/%s\n' % (proof, lease, id), server)
			    return proof
			def silent(s, seconds=0.3):
			    s.settimeout(seconds)
			    try:
			        return not s.recv(1000)
			    except socket.timeout:
			        return True
		PYTHON
		cat
	} >"$BATS_TEST_TMPDIR/client.py"
	"$@" /usr/bin/python3 "$BATS_TEST_TMPDIR/client.py"
}

@test "a burst comes back as a burst, whole" {
	serve -w 1 echo=udp/9000
	python <<-'PYTHON'
		s = client()
		s.setsockopt(17, GRO, 1)
		for size, last in ((1200, 100), (1200, 1200), (1, 1), (512, 511)):
		    data = os.urandom(size * 40 + last)
		    s.sendmsg([data], [(17, SEGMENT, struct.pack('H', size))], 0, ('127.0.0.1', 9000))
		    answer, control, _, peer = s.recvmsg(70000, 200)
		    assert answer == data and peer == ('127.0.0.1', 9000), len(answer)
		    assert (17, GRO, struct.pack('i', size)) in control, control
	PYTHON
	wait_until 30 counter_is udp_packets_out -eq 164
	[ "$(counter udp_packets_in)" -eq 164 ]
	[ "$(counter udp_bursts_split)" -eq 0 ]
}

@test "a burst that a rule forbids is counted by its datagrams" {
	serve -w 1 echo=udp/9000
	nft add table inet t
	nft add chain inet t output '{ type filter hook output priority 0; }'
	nft add rule inet t output udp sport 9000 drop
	python <<-'PYTHON'
		s = client()
		s.sendmsg([bytes(1000 * 20)], [(17, SEGMENT, struct.pack('H', 1000))], 0, ('127.0.0.1', 9000))
		assert silent(s)
	PYTHON
	nft delete table inet t
	wait_until 30 counter_is sends_eperm -eq 20
	[ "$(counter udp_packets_in)" -eq 20 ]
	[ "$(counter udp_packets_out)" -eq 0 ]
}

@test "the datagrams of a burst reach a client that knows nothing of bursts" {
	serve -w 1 echo=udp/9000
	python <<-'PYTHON'
		for family, address in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
		    s = client(family=family)
		    data = os.urandom(7 * 1000 + 10)
		    s.sendmsg([data], [(17, SEGMENT, struct.pack('H', 1000))], 0, (address, 9000))
		    got = [s.recv(2000) for _ in range(8)]
		    assert [len(part) for part in got] == [1000] * 7 + [10] and b''.join(got) == data
	PYTHON
}

@test "a burst that is too wide for the way back is sent one by one, in fragments" {
	hosts
	ip -n server route add 10.78.5.0/24 via 10.77.0.2 mtu 1000
	serve_on server -w 1 echo=udp/9000
	python on client <<-'PYTHON'
		s = client(('10.78.5.1', 0))
		data = os.urandom(9 * 1200 + 10)
		s.sendmsg([data], [(17, SEGMENT, struct.pack('H', 1200))], 0, ('10.77.0.1', 9000))
		assert b''.join(s.recv(2000) for _ in range(10)) == data
	PYTHON
	wait_until 30 counter_is udp_bursts_split -eq 1
	wait_until 30 counter_is udp_packets_out -eq 10
	[ "$(counter sends_dropped)" -eq 0 ]
}

@test "datagrams that are larger than the way is wide come back, among small ones" {
	hosts
	serve_on server -w 1 echo=udp/9000
	python on client <<-'PYTHON'
		for family, address, most in ((socket.AF_INET, '10.77.0.1', 65507), (socket.AF_INET6, 'fd77::1', 65487)):
		    s = client(family=family)
		    for sizes in ((1, 1472, 1473, 2), (9000, 3, most), (4, 5, 6)):
		        sent = [os.urandom(size) for size in sizes]
		        for data in sent:
		            s.sendto(data, (address, 9000))
		        assert sorted(s.recv(70000) for _ in sizes) == sorted(sent)
	PYTHON
	[ "$(counter sends_dropped)" -eq 0 ]
}

@test "a forged datagram cannot set the echoes of two hosts on each other" {
	hosts
	serve_on client -w 1 echo=udp/9001
	local first=$server
	serve_on server -w 1 echo=udp/9000
	local second=$server
	both() { # NAME OPERATOR VALUE
		local sum
		server=$first sum=$(counter "$1")
		server=$second sum=$((sum + $(counter "$1")))
		test "$sum" "$2" "$3"
	}
	python on client <<-'PYTHON'
		def udp(size):
		    return struct.pack('!HHHH', 9001, 9000, 8 + size, 0)
		s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
		s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
		s.sendto(udp(5) + b'hello', ('10.77.0.1', 0))
	PYTHON
	wait_until 30 both udp_refused -eq 1
	both udp_packets_out -eq 64
	python on client <<-'PYTHON'
		s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP)
		s.setsockopt(socket.IPPROTO_IPV6, 7, 6) # IPV6_CHECKSUM, at its offset
		s.sendto(struct.pack('!HHHH', 9001, 9000, 13, 0) + b'hello', ('fd77::1', 0))
	PYTHON
	wait_until 30 both udp_refused -eq 2
	both udp_packets_out -le 128
}

@test "forged datagrams that come together run down together, with all others" {
	hosts
	serve_on client -w 1 echo=udp/9001
	local first=$server
	serve_on server -w 1 echo=udp/10.77.0.1:9000 echo=udp/[fd77::1]:9000
	local second=$server
	refused() { # NUMBER
		server=$second
		local sum
		sum=$(counter udp_refused)
		server=$first
		[ $((sum + $(counter udp_refused))) -eq "$1" ]
	}
	# Stopped, both find all that were sent at once: then a socket is told the hops of all.
	kill -STOP "$(server=$first workers)" "$(server=$second workers)"
	python on client <<-'PYTHON'
		udp = struct.pack('!HHHH', 9001, 9000, 13, 0) + b'hello'
		s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
		s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
		s6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_UDP)
		s6.setsockopt(socket.IPPROTO_IPV6, 7, 6) # IPV6_CHECKSUM, at its offset
		s6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
		for _ in range(40):
		    s.sendto(udp, ('10.77.0.1', 0))
		    s6.sendto(udp, ('fd77::1', 0))
	PYTHON
	kill -CONT "$(server=$first workers)" "$(server=$second workers)"
	wait_until 30 refused 80
	server=$first
	local out
	out=$(counter udp_packets_out)
	server=$second
	[ $((out + $(counter udp_packets_out))) -eq $((80 * 64)) ]
}

@test "an answer goes as far as its own question allows, also among others" {
	hosts
	serve_on server -w 1 echo=udp/9000
	kill -STOP "$(workers)"
	python background on client <<-'PYTHON'
		s = client(('10.77.0.2', 0))
		s.setsockopt(0, 12, 1) # IP_RECVTTL
		for round in range(3):
		    want = [40] * 20 if round != 1 else [30 + i % 3 for i in range(20)]
		    for i, hops in enumerate(want):
		        s.setsockopt(0, socket.IP_TTL, hops)
		        s.sendto(bytes([i]), ('10.77.0.1', 9000))
		    print('sent', round, flush=True)
		    while not os.path.exists(os.path.dirname(__file__) + '/go%d' % round):
		        time.sleep(0.01)
		    for _ in want:
		        data, control, _, _ = s.recvmsg(100, 100)
		        [(level, kind, hops)] = control
		        assert struct.unpack('i', hops)[0] == want[data[0]] - 1, (round, data, hops)
	PYTHON
	local asker=$pid round
	for round in 0 1 2; do
		wait_until 30 grep -q "sent $round" "$BATS_TEST_TMPDIR/$asker.out"
		kill -CONT "$(workers)"
		wait_until 30 counter_is udp_packets_out -eq $((20 * (round + 1)))
		kill -STOP "$(workers)"
		touch "$BATS_TEST_TMPDIR/go$round"
	done
	kill -CONT "$(workers)"
	wait "$asker"
}

@test "datagrams go to the worker of the CPU that takes them in" {
	local cpus
	mapfile -t cpus < <(/usr/bin/python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)), sep="\n")')
	[ "${cpus[*]:0:2}" = "0 1" ] || skip "wants CPUs 0 and 1"
	serve -w 2 --steer-cpu echo=udp/9000
	local worker stopped
	for worker in $(workers); do
		case $(/usr/bin/python3 -c 'import os, sys; print(os.sched_getaffinity(int(sys.argv[1])))' "$worker") in
		*0*1*) false ;;
		*1*) stopped=$worker ;;
		esac
	done
	# With one worker stopped, all that CPU 0 sends is answered, and nothing that CPU 1 sends.
	kill -STOP "$stopped"
	python background <<-'PYTHON'
		def ask(cpu):
		    os.sched_setaffinity(0, {cpu})
		    all = [client() for _ in range(50)]
		    for s in all:
		        s.sendto(b'x', ('127.0.0.1', 9000))
		    return all
		late = ask(1)
		for s in ask(0):
		    assert s.recv(10) == b'x'
		for s in late:
		    s.setblocking(False)
		    try:
		        assert not s.recv(10)
		    except BlockingIOError:
		        s.settimeout(30)
		print('steered', flush=True)
		for s in late:
		    assert s.recv(10) == b'x'
	PYTHON
	wait_until 30 grep -q steered "$BATS_TEST_TMPDIR/$pid.out"
	kill -CONT "$stopped"
	wait "$pid"
}

@test "feed: a subscriber gets its lines until its lease ends, and renews it" {
	serve -w 2 -i 100ms feed=udp/9000
	python <<-'PYTHON'
		s = client()
		begin = time.monotonic()
		proof = subscribe(s, 3)
		assert s.recv(1000) == b'ctkit welcomes you! Your Id: /test/42\n'
		for n in range(1, 6):
		    assert s.recv(1000) == b'Chunk %d for id /test/42\n' % n
		assert time.monotonic() - begin > 0.45
		subscribe(s, 3, proof=proof)
		lines = []
		while not lines or lines[-1] != b'ctkit end\n':
		    lines.append(s.recv(1000))
		assert lines[:-1] == [b'Chunk %d for id /test/42\n' % n for n in range(6, 6 + len(lines) - 1)], lines
		assert time.monotonic() - begin > 3.45
		assert silent(s)
	PYTHON
	wait_until 30 counter_is subscribers -eq 0
	[ "$(counter subscriptions)" -eq 1 ]
	[ "$(counter chunks_sent)" -ge 12 ]
	[ "$(counter chunks_lost)" -eq 0 ]
}

@test "feed: a lease ends when it does, however long the interval is" {
	serve -w 1 -i 1h feed=udp/9000
	python <<-'PYTHON'
		s = client(timeout=20)
		begin = time.monotonic()
		subscribe(s, 1)
		assert s.recv(1000).startswith(b'ctkit welcomes')
		assert s.recv(1000) == b'ctkit end\n'
		assert time.monotonic() - begin >= 1
	PYTHON
	wait_until 30 counter_is subscribers -eq 0
	[ "$(counter chunks_sent)" -eq 0 ]
}

@test "feed: a source has so many feeds, whichever worker it reaches, and others have theirs" {
	hosts
	ip -n client addr add fd78::1/128 dev lo nodad
	ip -n client addr add fd78::2/128 dev lo nodad
	serve_on server -w 2 --per-source 10 -i 100ms feed=udp/9000
	python on client <<-'PYTHON'
		def feeds(source, server, family):
		    all, got, refused = [client((source, 0), family) for _ in range(30)], [], 0
		    for s in all:
		        subscribe(s, server=server)
		        line = s.recv(1000)
		        if line == b'ctkit refused\n':
		            refused += 1
		        else:
		            assert line.startswith(b'ctkit welcomes'), line
		            got.append(s)
		    assert refused + len(got) == 30
		    return got
		v4, v6 = ('10.77.0.1', 9000), ('fd77::1', 9000)
		first = feeds('10.78.0.1', v4, socket.AF_INET)
		assert len(first) == 10, len(first)
		assert len(feeds('10.78.0.2', v4, socket.AF_INET)) == 10
		# A /64 is one source.
		assert len(feeds('fd78::1', v6, socket.AF_INET6)) == 10
		assert len(feeds('fd78::2', v6, socket.AF_INET6)) == 0
		# Those that end make room.
		while not first[1].recv(1000).startswith(b'Chunk 9 '):
		    pass
		for s in first[:4]:
		    s.setblocking(False)
		    try:
		        while s.recv(1000):
		            pass
		    except BlockingIOError:
		        s.settimeout(5)
		    s.sendto(hello(), v4)
		    while not (line := s.recv(1000)).startswith(b'ctkit cookie'):
		        pass
		    s.sendto(b'ctkit cancel ' + line.split()[2], v4)
		again = feeds('10.78.0.1', v4, socket.AF_INET)
		assert len(again) == 4, len(again)
	PYTHON
	wait_until 30 counter_is subscriptions -eq 34
	[ "$(counter subscriptions_refused)" -eq 116 ]
}

@test "feed: what a killed worker fed is counted no more, nor against its sources" {
	serve -w 1 --per-source 5 -i 100ms feed=udp/9000
	python background <<-'PYTHON'
		all = [client() for _ in range(5)]
		for s in all:
		    subscribe(s)
		    assert s.recv(1000).startswith(b'ctkit welcomes')
		print('open', flush=True)
		while not os.path.exists(os.path.dirname(__file__) + '/restarted'):
		    time.sleep(0.01)
		s = client()
		subscribe(s)
		assert s.recv(1000).startswith(b'ctkit welcomes')
	PYTHON
	wait_until 30 grep -q open "$BATS_TEST_TMPDIR/$pid.out"
	wait_until 30 counter_is subscribers -eq 5
	kill -9 "$(workers)"
	wait_until 30 counter_is worker_restarts -eq 1
	wait_until 30 counter_is subscribers -eq 0
	touch "$BATS_TEST_TMPDIR/restarted"
	wait "$pid"
	wait_until 30 counter_is subscribers -eq 1
}

@test "feed: another id is another feed, and cancelling ends it" {
	serve -w 1 -i 50ms feed=udp/9000
	python <<-'PYTHON'
		s = client()
		proof = subscribe(s, id=b'a')
		assert s.recv(1000).endswith(b' /test/a\n')
		assert s.recv(1000) == b'Chunk 1 for id /test/a\n'
		subscribe(s, id=b'b', proof=proof)
		while not (line := s.recv(1000)).startswith(b'ctkit welcomes'):
		    assert line.endswith(b' /test/a\n')
		assert line.endswith(b' /test/b\n')
		assert s.recv(1000) == b'Chunk 1 for id /test/b\n'
		s.sendto(b'ctkit cancel 0000000000000000', ('127.0.0.1', 9000))
		assert s.recv(1000) == b'Chunk 2 for id /test/b\n'
		s.sendto(b'ctkit cancel ' + proof, ('127.0.0.1', 9000))
		while not silent(s):
		    pass
	PYTHON
	wait_until 30 counter_is subscribers -eq 0
}

@test "feed: lines come from the address that was asked" {
	ip addr add fd00::1/128 dev lo nodad
	ip addr add fd00::2/128 dev lo nodad
	serve -w 1 -i 50ms feed=udp/9000
	python <<-'PYTHON'
		for source, asked, family in (('127.0.0.1', '127.0.0.9', socket.AF_INET), ('fd00::1', 'fd00::2', socket.AF_INET6)):
		    s = client((source, 0), family)
		    subscribe(s, server=(asked, 9000))
		    for _ in range(4):
		        line, peer = s.recvfrom(1000)
		        assert peer[:2] == (asked, 9000), peer
	PYTHON
}

@test "feed: it ends properly when the server does" {
	serve -w 2 -i 100ms feed=udp/9000
	python background <<-'PYTHON'
		all = [client() for _ in range(200)]
		for s in all:
		    subscribe(s)
		print('open', flush=True)
		for s in all:
		    while s.recv(1000) != b'ctkit end\n':
		        pass
	PYTHON
	wait_until 30 grep -q open "$BATS_TEST_TMPDIR/$pid.out"
	wait_until 30 counter_is subscribers -eq 200
	stop
	wait "$pid"
	[ "$(counter subscribers)" -eq 0 ]
}

@test "feed: a cookie outlives the worker that gave it" {
	serve -w 1 -i 100ms feed=udp/9000
	python background <<-'PYTHON'
		s = client()
		proof = cookie(s)
		print('cookie', flush=True)
		while not os.path.exists(os.path.dirname(__file__) + '/restarted'):
		    time.sleep(0.01)
		subscribe(s, proof=proof)
		assert s.recv(1000).startswith(b'ctkit welcomes')
	PYTHON
	wait_until 30 grep -q cookie "$BATS_TEST_TMPDIR/$pid.out"
	kill -9 "$(workers)"
	wait_until 30 counter_is worker_restarts -eq 1
	wait_until 30 workers >&2
	touch "$BATS_TEST_TMPDIR/restarted"
	wait "$pid"
}

@test "feed: who has not shown its cookie never gets more than it sent" {
	serve -w 1 -i 50ms feed=udp/9000
	python <<-'PYTHON'
		import random
		seed = random.randrange(2**32)
		print('seed', seed)
		random.seed(seed)
		server = ('127.0.0.1', 9000)
		victim = client(('127.0.0.1', 5000))
		stolen = cookie(client(('127.0.0.2', 5000)))
		late = cookie(client(('127.0.0.1', 5001)))
		frames = [b'', b'\n', b'ctkit hello\n', hello(), hello()[:63], hello() + b' ' * 100, b'ctkit end\n', b'ctkit refused\n',
		          b'ctkit cookie ' + stolen, b'ctkit cancel ' + stolen, b'ctkit subscribe ' + stolen + b' 1 /test/a']
		for proof in (stolen, late, b'0' * 16, b'f' * 16):
		    frames += [b'ctkit subscribe %s %d /test/%s' % (proof, lease, b'x' * length)
		               for lease in (0, 1, 300, 301) for length in (0, 1, 121, 122, 400)]
		frames += [os.urandom(size) for size in range(300)]
		frames += [bytes(random.choice(frame) if random.random() < 0.05 else byte for byte in frame) for frame in frames[1:100] * 10]
		answered = 0
		for frame in frames:
		    victim.sendto(frame, server)
		    # What comes for this one is here before the answer to the next hello of another.
		    cookie(client())
		    back = []
		    victim.setblocking(False)
		    try:
		        while True:
		            back.append(victim.recv(70000))
		    except BlockingIOError:
		        pass
		    assert len(back) <= 1 and sum(map(len, back)) <= len(frame), (frame, back)
		    answered += len(back)
		assert answered > 10
		assert silent(victim, 0.5)
	PYTHON
	[ "$(counter subscriptions)" -eq 0 ]
	[ "$(counter frames_bad)" -gt 300 ]
	[ "$(counter chunks_sent)" -eq 0 ]
}

@test "a source gets its rate whichever worker it reaches, and others get theirs" {
	serve -w 2 --per-source-rate 1 echo=udp/9000 feed=udp/9001
	python <<-'PYTHON'
		def answers(source, port, data):
		    all = [client((source, 0)) for _ in range(50)]
		    begin = time.monotonic()
		    for s in all:
		        s.sendto(data, ('127.0.0.1', port))
		    sent = time.monotonic() - begin
		    got, late = 0, 0
		    while got < 8 and time.monotonic() < begin + 30 or late < 5:
		        late += got >= 8
		        time.sleep(0.1)
		        for s in all:
		            s.setblocking(False)
		            try:
		                got += len(s.recv(1000)) > 0
		            except BlockingIOError:
		                pass
		    # One a second comes on top while this one is held up.
		    return got, 14 + sent
		for source, port, data in (('127.0.0.5', 9000, b'x'), ('127.0.0.6', 9001, hello())):
		    got, most = answers(source, port, data)
		    assert 8 <= got < most, (got, most)
	PYTHON
	limited() { [ $(($(counter udp_limited) + $(counter udp_packets_out))) -eq 100 ]; }
	wait_until 30 limited
}
