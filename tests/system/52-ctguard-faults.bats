#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What can go wrong around a guard, with the real kernel. After each fault no rule of a guard outlives
# its lease without a guard that lives, no flow of another service was harmed, and the journal
# tells what happened.

bats_require_minimum_version 1.5.0
load lib
load ctguard

setup() {
	hosts
	tracked server
	cd "$BATS_TEST_TMPDIR" || return
	# A flow of a service that no guard here may touch.
	on server conntrack -I -p tcp --state ESTABLISHED -s 192.0.2.1 -d 10.77.0.1 --sport 5000 --dport 22 \
		-t 6000 2>/dev/null
}

teardown() {
	aftermath
	on server conntrack -L -p tcp --dport 22 2>/dev/null | grep -q 192.0.2.1
	ip netns del server
	ip netns del client
}

@test "what another tool's flush of the ruleset took away is put back within a second" {
	guard
	engage
	fill 9001
	wait_until 30 untracked 9001
	on server nft flush ruleset
	wait_until 30 untracked 9000
	wait_until 30 untracked 9001
	wait_until 30 happened restore
	[ "$(event lost | jq -r .why)" = \
		"udp/9000 is tracked again: another tool replaced the ruleset" ]
	state_is engaged
	not happened stand-down
}

@test "the same when the new ruleset comes with it, and when scripts flush twice" {
	guard
	engage
	printf '%s\n' 'flush ruleset' 'table inet firewall {' 'chain input {' \
		'type filter hook input priority filter; ct state established accept' '}' '}' >new.nft
	for round in 1 2 3; do
		on server nft -f new.nft
		wait_until 30 eval "[ \"\$(events restore)\" -ge $round ]"
		wait_until 30 untracked
	done
	on server nft flush ruleset
	wait_until 30 eval '[ "$(events restore)" -ge 4 ]'
	on server nft flush ruleset
	wait_until 30 eval '[ "$(events restore)" -ge 5 ]'
	untracked
	not happened stand-down
}

@test "a flush takes budgets away, too: they are put back, with what else was out" {
	printf 'service "udp/9002" { budget = 10 }\n' >conf
	guard -c conf
	engage
	budget_runs
	on server nft flush ruleset
	wait_until 30 untracked
	wait_until 30 budget_runs
	wait_until 30 eval '[ "$(events restore)" -eq 2 ]'
	[ "$(state '.services[] | select(.service == "udp/9002") | .budget_packets_per_second')" = 10 ]
	order stop
	wait_until 30 ended "$guard"
	not table_exists
}

budget_runs() {
	on server ctrules list -j | jq -e '.services[] | select(.service == "udp/9002") |
		.active and .lease_seconds_left == null and .budget_per_second == 10' >/dev/null
}

@test "a budget alone that goes with the table is put back after a flush, and stands down with it" {
	printf 'service "udp/9002" { budget = 10 }\n' >conf
	guard -c conf
	budget_runs
	on server nft flush ruleset
	wait_until 30 budget_runs
	# A deletion soon after a flush may be part of it.
	elapse 5500
	on server nft delete table inet ctkit
	wait_until 30 happened stand-down
	elapse 1000
	not table_exists
	order resume
	wait_until 30 budget_runs
	state_is watching
}

@test "a budget that a guard left, and the next is not to have, is taken away and told" {
	printf 'service "udp/9002" { budget = 10 }\n' >conf
	guard -c conf
	kill -9 "$guard"
	wait_until 30 ended "$guard"
	# Of somebody who is no guard.
	on server ctrules add udp/9003 --budget 20 --forever
	on server ctguard run -n --json -s udp/9000 --control rehearsal >dry 2>/dev/null 3>&- &
	wait_until 30 grep -q '"event":"start"' dry
	kill $!
	budget_runs
	guard
	wait_until 30 happened release
	not budget_runs
	[[ $(event release | jq -r .why) == 'took the budget of udp/9002 away, which an earlier guard has left'* ]]
	on server ctrules list | grep -q udp/9003
	engage
}

@test "a budget cannot lapse: a flush long after the start, or while the guard hangs, is told as one" {
	printf 'service "udp/9002" { budget = 10 }\n' >conf
	guard -c conf --lease 3s
	elapse 3500
	on server nft flush ruleset
	wait_until 30 happened restore
	budget_runs
	tracked server
	engage
	# It has seen that there is another table.
	elapse 1500
	kill -STOP "$guard"
	on server nft flush ruleset
	elapse 3500
	kill -CONT "$guard"
	wait_until 30 eval '[ "$(events lost)" -eq 3 ]'
	wait_until 30 budget_runs
	# What had a lease is not begun anew.
	not untracked
	jq -r 'select(.event == "lost") | .why' "$guard.out" >causes
	[ "$(grep -c 'udp/9002 is tracked again: another tool replaced the ruleset' causes)" -eq 2 ]
	grep -q 'udp/9000 is tracked again: its lease ran out' causes
}

@test "where ours is the only table, a flush is put back, and a second deletion is meant" {
	on server nft delete table inet firewall
	guard
	engage
	on server nft flush ruleset
	wait_until 30 happened restore
	untracked
	# Nothing that is deleted again was expected to be there.
	not happened shortfall
	elapse 5500
	on server nft delete table inet ctkit
	wait_until 30 happened stand-down
	not table_exists
}

@test "our table deleted on purpose: the guard stands down until resume" {
	guard -m 127.0.0.1:9912
	engage
	on server nft delete table inet ctkit
	wait_until 30 happened stand-down
	state_is "standing down"
	order status | grep -q '^state      standing down'
	[ "$(on server curl -s http://127.0.0.1:9912/metrics | awk '$1 == "ctkit_guard_standing_down" { print $2 }')" = 1 ]
	fill
	elapse 1500
	not table_exists
	not happened restore
	order resume
	wait_until 30 untracked
	state_is engaged
}

@test "a flush that comes while it stands down brings nothing back" {
	guard
	engage
	on server nft delete table inet ctkit
	wait_until 30 happened stand-down
	on server nft flush ruleset
	elapse 1000
	not table_exists
	not happened restore
}

@test "an element deleted, or a chain emptied by hand, is one service's: it is tracked, and told" {
	guard --lease 3s
	engage 9000
	engage 9001
	on server nft delete element inet ctkit in_services '{ udp . 9000 }'
	wait_until 30 happened lost
	[ "$(event lost | jq -r .service)" = udp/9000 ]
	event lost | jq -r .why | grep -q 'taken away by somebody else'
	on server nft flush chain inet ctkit in_udp_9001
	wait_until 30 eval '[ "$(events lost)" -eq 2 ]'
	state_is watching
	# What was left of them ends with its lease.
	wait_until 30 eval '! table_exists | grep -q "timeout.*expires"'
	not happened stand-down
}

@test "rulesets that others reload all the time are in nobody's way" {
	guard
	background on server sh -c 'while :; do nft add table ip busy; nft delete table ip busy; done'
	local busy=$pid
	engage 9000
	engage 9001
	order release udp/9000
	elapse 1000
	kill "$busy"
	untracked 9001
	not failed
	not happened lost
	not happened restore
}

# guard_in_trouble INJECTION: a guard that strace meddles with from the start.
guard_in_trouble() {
	background on server strace -f -o "$BATS_TEST_TMPDIR/trace" -e trace=sendto,recvmsg -e "inject=$1" \
		ctguard run --json --control socket -s udp/9000 --horizon 0s --engage-at 1% \
		--release-at 0.1% --release-after 1h --lease 60s
	guard=$pid
}

# meddle INJECTION: strace with the guard that runs, until unmeddle.
meddle() {
	background strace -p "$guard" -o "$BATS_TEST_TMPDIR/trace" -e trace=sendto,recvmsg -e "inject=$1"
	meddler=$pid
	wait_until 30 grep -q attached "$meddler.err"
}

unmeddle() {
	kill "$meddler"
	wait_until 30 ended "$meddler"
}

# Whether whatever is out of tracking ends by itself, in both directions alike.
all_leased() {
	on server nft -j list ruleset | jq -e '[.nftables[].map? | select(.table == "ctkit" and .elem) |
		.elem[][0]] | all(.elem.timeout > 0)' >/dev/null
}

@test "kill -9 at any point: what is out is out by a lease, and the next guard takes it over" {
	local died=0 found=0 point=1 whole=
	# From its first message to the kernel to where it has engaged and deleted the entries.
	# SWEEP: how many points; a full sweep takes minutes.
	while [ -z "$whole" ] && ((died < ${SWEEP:-10})); do
		fill
		guard_in_trouble "sendto:signal=KILL:when=$point"
		wait_until 60 eval 'ended "$guard" || happened reclaim'
		if happened reclaim; then
			whole=yes
			# If it has not died of the next message meanwhile.
			kill -KILL $(pgrep -P "$guard" ctguard) || true
		fi
		wait_until 30 ended "$guard"
		died=$((died + 1))
		all_leased
		on server nft list ruleset >before.nft
		guard --lease 3s
		if grep -q 'udp \. 9000 timeout' before.nft; then
			found=$((found + 1))
			wait_until 30 happened adopt
		fi
		order stop
		wait_until 30 ended "$guard"
		not table_exists
		# Ever further: the many messages that delete entries are much alike.
		point=$((point + 1 + RANDOM % 3 + point / 3))
	done
	echo "killed $died times, $found times with rules that it had made"
	[ "$died" -ge 4 ]
	[ "$found" -ge 1 ]
}

@test "answers of the kernel that are lost are asked for again, and change nothing meanwhile" {
	guard --lease 8s
	meddle recvmsg:error=ENOBUFS:when=3+150
	engage
	# Each change of the ruleset is audited. Sooner or later that is what goes wrong; most others are only
	# asked again. So for longer than a lease.
	for ((i = 0; i < 120; i++)); do
		((i < 18)) || ! grep -q 'No buffer space available' "$guard.err" || break
		on server nft add table ip "busy$i"
		elapse 500
	done
	unmeddle
	grep -q 'No buffer space available' "$guard.err"
	untracked
	not happened lost
	not happened release
	order stop
	wait_until 30 ended "$guard"
	not table_exists
}

@test "calls that are interrupted are made again" {
	guard --lease 6s
	meddle recvmsg:error=EINTR:when=1+2
	engage
	# All but what ctfill has added since.
	[ "$(entries server)" -lt $(($(many) / 2)) ]
	elapse 7000
	untracked
	unmeddle
	not happened lost
	[ "$(state .errors)" -eq 0 ]
}

@test "a guard that lost its privilege: its rules end, and when it has it again it goes on" {
	guard --lease 3s
	engage
	meddle recvmsg:error=EPERM
	wait_until 30 eval 'not untracked'
	wait_until 30 grep -q 'Operation not permitted' "$guard.err"
	[ "$(state .errors)" -gt 0 ]
	unmeddle
	wait_until 30 happened lost
	event lost | jq -r .why | grep -q 'its lease ran out while the guard did not run'
	[ "$(events engage)" -eq 1 ]
	engage
}

@test "entries that cannot be deleted are told, and the next step follows" {
	guard
	background strace -p "$(helper)" -o "$BATS_TEST_TMPDIR/trace" -e trace=sendto \
		-e inject=sendto:error=EPERM
	meddler=$pid
	wait_until 30 grep -q attached "$meddler.err"
	fill
	wait_until 30 happened shortfall
	event shortfall | jq -r .why | grep -q 'udp/9000 did not relieve the table as projected: .* were to go, 0 went'
	# The rules stand: what comes is not tracked. To try again does not help either, and that is said, too.
	untracked
	wait_until 30 state_is helpless
	[ "$(events delete)" -ge 3 ]
	event helpless | jq -r .why | grep -q 'entries of udp/9000 remain though all of it is out'
	[ "$(entries server)" -ge "$(many)" ]
	run order status
	[ "$status" -eq 4 ]
	unmeddle
	on server conntrack -D -p udp --dport 9000 >/dev/null
	wait_until 30 state_is engaged
	happened relieved
}

few_left() {
	[ "$(entries server)" -lt $(($(many) / 2)) ]
}

@test "entries of what is out already, which no packet made, are deleted, too" {
	guard
	engage
	fill
	wait_until 30 happened delete
	event delete | jq -r .why | grep -q 'at the mark; all of udp/9000 is out of tracking, but .* entries of it remain'
	wait_until 30 few_left
	state_is engaged
	not happened helpless
	not happened shortfall
}

@test "what a guard that was killed had not deleted yet is deleted by the next" {
	guard
	background strace -p "$(helper)" -o "$BATS_TEST_TMPDIR/trace" -e trace=sendto \
		-e inject=sendto:error=EPERM
	wait_until 30 grep -q attached "$pid.err"
	fill
	wait_until 30 happened shortfall
	kill -KILL "$guard"
	wait_until 30 ended "$guard"
	[ "$(entries server)" -ge "$(many)" ]
	guard
	wait_until 30 happened reclaim
	[ "$(entries server)" -lt $(($(many) / 2)) ]
	state_is engaged
	[ "$(events engage)" -eq 0 ]
	not happened shortfall
}

@test "a guard that hung for longer than a lease tells so" {
	guard --lease 3s
	engage
	kill -STOP "$guard"
	wait_until 30 eval 'not untracked'
	kill -CONT "$guard"
	wait_until 30 happened lost
	event lost | jq -r .why | grep -q 'its lease ran out while the guard did not run'
	not untracked
	not happened restore
	not happened stand-down
}

@test "a clock on the wall that jumps by days moves nothing" {
	cat >clock.c <<-'C'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <sys/time.h>
		#include <time.h>
		static long jump(void) { static long n; return (++n % 2 ? 1 : -1) * 86400L * (n % 100); }
		int clock_gettime(clockid_t id, struct timespec *out) {
			int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
			int result = real(id, out);
			if (id == CLOCK_REALTIME) out->tv_sec += jump();
			return result;
		}
		int gettimeofday(struct timeval *out, void *zone) {
			struct timespec now;
			clock_gettime(CLOCK_REALTIME, &now);
			out->tv_sec = now.tv_sec, out->tv_usec = now.tv_nsec / 1000;
			return 0;
		}
	C
	cc -shared -fPIC -o clock.so clock.c -ldl
	! sanitized || skip "the sanitizer must come first"
	LD_PRELOAD=$PWD/clock.so guard --lease 8s --release-after 10s
	engage
	# Later than a lease lasts that nobody refreshes, and in a time that does not jump.
	wait_until 60 happened release
	not happened lost
	event release | jq -r .why | grep -q '^calm for [0-9][0-9]\.'
	# That it was the clock that jumped.
	[ "$(jq -r .time "$guard.out" | cut -d T -f 1 | sort -u | wc -l)" -gt 2 ]
}

@test "clients that come and go, dribble, or do not read are in nobody's way" {
	guard
	/usr/bin/python3 - <<-'PYTHON'
		import socket
		def call():
		    s = socket.socket(socket.AF_UNIX)
		    s.connect('socket')
		    return s
		for i in range(2000):
		    call().close()
		greedy = []
		for i in range(40):
		    s = call()
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
		    s.sendall(b'{"command":"status"}\n' * 100)
		    greedy.append(s)
		for s in greedy:
		    s.close()
		s = call()
		for byte in b'{"command":"status"}\n':
		    s.send(bytes([byte]))
		answer = b''
		while chunk := s.recv(65536): answer += chunk
		assert answer.startswith(b'{"metainfo"'), answer
	PYTHON
	engage
	state_is engaged
}

@test "a network namespace that is deleted goes on until its guard ends" {
	guard
	ip netns add other
	on other nft add table inet firewall
	on other nft add chain inet firewall input '{ type filter hook input priority 0; }'
	on other nft add rule inet firewall input ct state established accept
	on other ip link set lo up
	background on other ctguard run --json --control other -s udp/9000 --horizon 0s --engage-at 1% \
		--release-at 0.1% --release-after 1h
	local guest=$pid
	wait_until 30 grep -q guarding "$guest.err"
	ip netns del other
	nsenter --net="/proc/$guest/ns/net" ctfill -P 9000 -d 127.0.0.1 -t 600 "$(many)"
	wait_until 30 grep -q '"event":"engage"' "$guest.out"
	kill -KILL "$guest"
	wait_until 30 ended "$guest"
	# The guard of another namespace has nothing of it.
	state_is watching
	not happened engage
}

@test "where the limit is not this namespace's to raise, raise-limit-to does nothing" {
	echo 'raise-limit-to = 2G' >conf
	echo 'service "udp/9002" { }' >>conf
	guard -c conf
	on server ctfill -P 7777 -d 10.77.0.1 -t 600 "$(many)" >/dev/null
	wait_until 30 state_is helpless
	not happened raise
	not failed
}

@test "a journal that cannot be written now is told, and goes on when it can" {
	mkdir disk
	mount -t tmpfs -o size=64k none disk
	guard --journal disk/journal
	mount -o remount,ro disk
	engage
	wait_until 30 grep -q 'an event could not be kept in "disk/journal": Read-only file system' "$guard.err"
	wait_until 30 happened reclaim
	mount -o remount,rw disk
	engage 9001
	wait_until 30 grep -q '"service":"udp/9001"' disk/journal
	not grep -q '"service":"udp/9000"' disk/journal
	# What is missing is told where it is.
	[ "$(jq -r .event disk/journal | sed -n 2p)" = gap ]
	jq -r 'select(.event == "gap") | .why' disk/journal | grep -qx '[0-9]* events before this could not be kept'
	[ "$(state .events_unkept)" -gt 0 ]
	ctguard incidents --journal disk/journal | grep -q udp/9001
	order stop
	wait_until 30 ended "$guard"
	umount disk
}

@test "without memory it loses words, not its wits" {
	! sanitized || skip "the sanitizer ends itself where memory is refused"
	guard --journal journal
	prlimit --pid "$guard" --as=1: --data=1:
	fill
	wait_until 30 eval 'untracked || failed || grep -q "memory" "$guard.err"'
	elapse 1000
	kill -0 "$guard"
	prlimit --pid "$guard" --as=unlimited: --data=unlimited:
	fill
	wait_until 30 untracked
	order stop
	wait_until 30 ended "$guard"
	not table_exists
}

# needs_memory: rules that take much to read.
needs_memory() {
	{
		echo 'table inet many { set ports { type inet_service; }; chain input { }; }'
		for i in $(seq 2000); do
			echo "add element inet many ports { $i }"
			echo "add rule inet many input udp dport $i counter accept"
		done
	} >many.nft
	on server nft -f many.nft
}

@test "a lease that ends while memory is short is known to have ended, and it goes on" {
	! sanitized || skip "the sanitizer ends itself where memory is refused"
	guard --lease 3s --journal journal
	engage
	kill -STOP "$guard"
	prlimit --pid "$guard" --as=1: --data=1:
	wait_until 30 eval 'not untracked'
	kill -CONT "$guard"
	# It inspects four times a second, and has rules to audit.
	needs_memory
	wait_until 30 happened lost
	event lost | jq -r .why | grep -q 'its lease ran out while the guard did not run'
	wait_until 30 grep -q 'cannot audit the ruleset: Cannot allocate memory' "$guard.err"
	not untracked
	prlimit --pid "$guard" --as=unlimited: --data=unlimited:
	wait_until 30 state_is watching
	not happened restore
	engage
	engage 9001
	order stop
	wait_until 30 ended "$guard"
	not table_exists
}

@test "too little memory to start with is told" {
	local size
	for size in 8 16 24 32; do
		run on server timeout 3 prlimit --as=$((size << 20)) ctguard run -s udp/9000 --control socket
		echo "$size MiB: $status $output"
		# 127: the loader did not find room for the libraries; 124: it guarded.
		[[ $status == @(1|3|124|127) ]]
		not table_exists
	done
}

@test "closed standard output and error are no reason not to guard" {
	(exec ip netns exec server ctguard run --json --control socket -s udp/9000 --horizon 0s --engage-at 1% \
		--release-at 0.1% --journal journal <&- >&- 2>&- 3>&-) &
	guard=$!
	wait_until 30 test -S socket
	fill
	wait_until 30 untracked
	wait_until 30 grep -q '"event":"reclaim"' journal
	order stop
	wait_until 30 ended "$guard"
	not table_exists
	[ "$(head -n 1 journal | jq -r .event)" = start ]
}
