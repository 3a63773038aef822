#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ctguard as a service: what it tells the service manager, as whom it runs, and how it gets its turn.

bats_require_minimum_version 1.5.0
load lib
load ctguard

setup() {
	hosts
	tracked server
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	aftermath
	ip netns del server
	ip netns del client
}

# manager: writes what comes to the notify socket into ./notified, one assignment a line.
manager() {
	background /usr/bin/python3 -c 'import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("notify")
os.chmod("notify", 0o777)
while True:
    print(s.recv(4096).decode(), flush=True)'
	manager=$pid
	ln -sf "$manager.out" notified
	wait_until 30 test -S notify
	export NOTIFY_SOCKET=$PWD/notify
}

told() {
	grep -q -- "$1" notified
}

@test "the service manager is told when it guards, what it does, and that it ends" {
	manager
	guard
	wait_until 30 told '^READY=1$'
	# With the numbers of the first look, not those of none.
	wait_until 30 told '^STATUS=watching; [0-9]* of [1-9][0-9]* entries'
	not told ' of 0 entries'
	not told WATCHDOG
	engage
	wait_until 30 told '^STATUS=engaged, out: udp/9000; '
	order pause
	wait_until 30 told '^STATUS=paused, out: udp/9000; '
	order stop
	wait_until 30 ended "$guard"
	wait_until 30 told '^STOPPING=1$'
}

@test "a manager that does not listen for a while hears that it guards all the same" {
	cat >busy.py <<-'PYTHON'
		import os, socket, time
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind("notify")
		c = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		c.setblocking(False)
		try:
		    while True: c.sendto(b"FULL=1", "notify")
		except BlockingIOError: print("full", flush=True)
		while not os.path.exists("listen"): time.sleep(0.05)
		while True: print(s.recv(4096).decode(), flush=True)
	PYTHON
	background /usr/bin/python3 busy.py
	ln -sf "$pid.out" notified
	wait_until 30 told full
	NOTIFY_SOCKET=$PWD/notify guard
	touch listen
	wait_until 30 told '^READY=1$'
	[ "$(grep -c '^READY=1$' notified)" -eq 1 ]
}

@test "a reload is told from its beginning to its end" {
	manager
	echo 'lease = 20s' >conf
	guard -c conf
	kill -HUP "$guard"
	wait_until 30 told '^RELOADING=1$'
	told '^MONOTONIC_USEC=[0-9]'
	wait_until 30 eval '[ "$(grep -c ^READY=1 notified)" -eq 2 ]'
	wait_until 30 eval '[ "$(grep -c "of [1-9][0-9]* entries" notified)" -eq 2 ]'
}

@test "the watchdog is fed while the guard sees the table, and not when it does not" {
	manager
	WATCHDOG_USEC=400000 guard
	wait_until 30 eval '[ "$(grep -c WATCHDOG=1 notified)" -ge 5 ]'
	background strace -p "$guard" -o /dev/null -e trace=recvmsg,pread64 -e inject=recvmsg,pread64:error=EPERM
	local strace=$pid fed
	wait_until 30 grep -q 'cannot read the table.*Operation not permitted' "$guard.err"
	# What it sent before may still be on its way.
	elapse 1000
	fed=$(grep -c WATCHDOG=1 notified)
	elapse 1000
	[ "$(grep -c WATCHDOG=1 notified)" -eq "$fed" ]
	[ "$(state .errors)" -gt 1 ]
	kill "$strace"
	wait_until 30 eval "[ \"\$(grep -c WATCHDOG=1 notified)\" -gt $fed ]"
}

@test "a service manager that does not listen is nothing to wait for" {
	NOTIFY_SOCKET=/nowhere/notify guard
	engage
	order stop
	wait_until 30 ended "$guard"
	on server conntrack -F
	NOTIFY_SOCKET=nonsense guard
	grep -q 'cannot tell the service manager: NOTIFY_SOCKET' "$guard.err"
	state_is watching
}

capabilities() { # FIELD: of the guard
	awk -v name="$1:" '$1 == name { print $2 }' "/proc/$guard/status"
}

@test "as a user of its own it guards, takes orders, keeps its journal, and has one capability" {
	chmod 711 .
	mkdir place
	chown nobody place
	guard --user nobody --control place/socket --journal place/journal
	[ "$(stat -c %U "/proc/$guard")" = nobody ] || [ "$(awk '$1 == "Uid:" { print $3 }' "/proc/$guard/status")" -eq 65534 ]
	[ "$((16#$(capabilities CapEff)))" -eq $((1 << 12)) ]
	[ "$((16#$(capabilities CapPrm)))" -eq $((1 << 12)) ]
	[ "$((16#$(capabilities CapBnd)))" -eq $((1 << 12)) ]
	[ "$((16#$(capabilities CapInh)))" -eq 0 ]
	[ "$(capabilities NoNewPrivs)" -eq 1 ]
	[ "$(stat -c %U place/socket place/journal | xargs)" = "nobody nobody" ]
	engage
	ctguard --control place/socket pause
	setpriv --reuid nobody --clear-groups "$CTKIT_BIN/guard/ctguard" --control place/socket resume
	ctguard --control place/socket stop
	wait_until 30 ended "$guard"
	not table_exists
	[ ! -e place/socket ]
	ctguard incidents --journal place/journal | grep -q udp/9000
}

@test "it makes the usual place for the socket, for its user" {
	background on server ctguard run -s udp/9000 --user nobody
	guard=$pid
	wait_until 30 test -S /run/ctkit/ctguard.sock
	[ "$(stat -c %U /run/ctkit)" = nobody ]
	on server ctguard stop
	wait_until 30 ended "$guard"
	rm -rf /run/ctkit
}

@test "a place that its user may not use is told, and a user that is none" {
	mkdir closed
	run on server ctguard run -s udp/9000 --user nobody --control closed/socket
	[ "$status" -ne 0 ]
	[[ $output == *closed/socket*"Permission denied"* ]]
	run on server ctguard run -s udp/9000 --user nosuchuser
	[ "$status" -eq 2 ]
	[[ $output == *'--user "nosuchuser": there is no such user'* ]]
	run on server ctguard run -s udp/9000 --user root
	[ "$status" -eq 2 ]
	run ctguard status --user nobody
	[ "$status" -eq 2 ]
}

# guard_at NICENESS: whatever that of the tests is.
guard_at() {
	background on server nice -n $(($1 - $(nice))) ctguard run -s udp/9000 --control socket
	guard=$pid
	wait_until 30 grep -q guarding "$guard.err"
}

niceness() { # THREAD
	awk '{ print $19 }' "/proc/$guard/task/$1/stat"
}

# slice THREAD: its slice of time in nanoseconds, by sched_getattr(2); 0 where the kernel tells none.
slice() {
	/usr/bin/python3 - "$1" <<-'PYTHON'
		import ctypes, platform, struct, sys
		number = {'x86_64': 315, 'aarch64': 275}[platform.machine()]
		attr = ctypes.create_string_buffer(56)
		if ctypes.CDLL(None).syscall(number, int(sys.argv[1]), attr, 56, 0):
		    sys.exit('sched_getattr')
		print(struct.unpack_from('IIQiIQ', attr)[5])
	PYTHON
}

@test "where nobody has chosen a niceness it goes before others, and its helper does not" {
	[ "$(nice -n $((-10 - $(nice))) nice 2>/dev/null)" -eq -10 ] || skip "no niceness below 0 here"
	guard_at 0
	[ "$(niceness "$guard")" -eq -10 ]
	[ "$(niceness "$(helper)")" -eq 0 ]
	# Kernels before 6.12 tell no slice.
	[[ $(slice "$guard") == @(0|500000) ]]
	[ "$(slice "$guard")" -eq 0 ] || [ "$(slice "$(helper)")" -gt 500000 ]
	order stop
	wait_until 30 ended "$guard"
	guard_at 5
	[ "$(niceness "$guard")" -eq 5 ]
	[ "$(niceness "$(helper)")" -eq 5 ]
	[[ $(slice "$guard") == @(0|500000) ]]
}

@test "where no niceness below 0 is allowed it runs as any other" {
	background on server nice -n $((0 - $(nice))) setpriv --bounding-set=-sys_nice --inh-caps=-all \
		ctguard run -s udp/9000 --control socket
	guard=$pid
	wait_until 30 grep -q guarding "$guard.err"
	[ "$(niceness "$guard")" -ge 0 ]
	[[ $(slice "$guard") == @(0|500000) ]]
	state_is watching
}

@test "with --realtime it goes before others and stays in memory, where that is allowed" {
	chrt -f 10 true || skip "no real-time priority here"
	guard --realtime
	chrt -p "$guard" | grep -q SCHED_FIFO
	# Who walks through the table has time.
	chrt -p "$(helper)" | grep -q SCHED_OTHER
	# The sanitizer lets it lock none.
	sanitized || [ "$(awk '$1 == "VmLck:" { print $2 }' "/proc/$guard/status")" -gt 0 ]
	engage
	order stop
	wait_until 30 ended "$guard"
}

@test "with --realtime where that is not allowed it says so and guards all the same" {
	background on server setpriv --bounding-set=-sys_nice,-ipc_lock,-sys_resource --inh-caps=-all \
		prlimit --memlock=0:0 --rtprio=0:0 ctguard run -s udp/9000 --control socket --realtime
	guard=$pid
	wait_until 30 grep -q guarding "$guard.err"
	grep -q 'cannot run at real-time priority: Operation not permitted; going on without' "$guard.err"
	sanitized || grep -q 'cannot lock memory: ' "$guard.err"
	state_is watching
}
