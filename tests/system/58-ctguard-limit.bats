#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The limit that ctguard raises, and sets back. It is the whole machine's; here a file stands for it,
# which the guard finds where the kernel shows the limit in the first network namespace.

bats_require_minimum_version 1.5.0
load lib
load ctguard
pid= # background's

setup() {
	hosts
	tracked server
	cd "$BATS_TEST_TMPDIR" || return
	mkdir -p sys/netfilter sys/ipv4 sys/ipv6 sys/core
	touch sys/nf_conntrack_max
	echo 20000 >limit
	on server unshare --mount sh -e -c "$SHOW_LIMIT" "$PWD" true || skip "cannot mount over /proc/sys here"
}

teardown() {
	[ -z "$pid" ] || { kill "$pid" && wait "$pid"; } 2>/dev/null || true
	ip netns del server
	ip netns del client
}

# Mounts it all, for itself, and runs a command.
SHOW_LIMIT='
	cd "$0"
	for part in netfilter ipv4 ipv6 core; do
		mount --bind "/proc/sys/net/$part" "sys/$part"
	done
	mount --bind limit sys/netfilter/nf_conntrack_max
	mount --bind limit sys/nf_conntrack_max
	mount --rbind sys /proc/sys/net
	exec "$@"'

# guard_limit OPTION...: a guard that acts at 16,000 entries, and may take out what does not fill.
guard_limit() {
	background on server unshare --mount sh -e -c "$SHOW_LIMIT" "$PWD" ctguard run --json --control socket \
		-s udp/9001 --horizon 0s --journal journal "$@"
	guard=$pid
	wait_until 30 grep -q guarding "$guard.err"
}

limit_is() {
	[ "$(head -n 1 limit)" -eq "$1" ]
}

# raise OPTION...: starts a guard, and has it raise the limit.
raise() {
	echo 'raise-limit-to = 40000' >conf
	on server conntrack -F >/dev/null 2>&1
	guard_limit -c conf "$@"
	on server ctfill -P 9000 -d 10.77.0.1 -t 600 17000 >/dev/null
	wait_until 30 limit_is 40000
	wait_until 30 happened raise
}

end() { # SIGNAL
	kill "-$1" "$guard"
	wait "$guard" || true
}

@test "a limit that is raised stays on SIGTERM, and the next guard knows what it was" {
	raise
	wait_until 30 eval '[ "$(state .limit_before)" = 20000 ]'
	run -0 order status
	[[ $output == *"the guard raised the limit from 20000: only a guard sets it back"* ]]
	end TERM
	limit_is 40000
	grep -q 'the limit stays 40000, and was 20000: the next guard sets it back; if none comes, sysctl -w net.nf_conntrack_max=20000 does' "$guard.err"
	# One that may raise nothing takes it over, too, and so does one after a crash.
	guard_limit
	[[ $(event adopt) == *"the limit is 40000, raised by a guard, and was 20000"* ]]
	[ "$(state .limit_before)" = 20000 ]
	end KILL
	limit_is 40000
	guard_limit
	[ "$(state .limit_before)" = 20000 ]
	end INT
	limit_is 20000
	[ "$(event lower | jq -r .why)" = "set the limit back to 20000 because the guard ends" ]
	not test -e journal.limit
	guard_limit
	[ "$(state .limit_before)" = null ]
	not happened adopt
}

@test "it comes back when the table is calm, and may rise again" {
	raise --release-after 1s
	on server conntrack -F
	wait_until 30 limit_is 20000
	wait_until 30 happened lower
	[[ $(event lower | jq -r .why) == "calm for "*" entries are under 50 % of 20000, which the limit was before the guard raised it" ]]
	wait_until 30 eval '[ "$(state .limit_before)" = null ]'
	not test -e journal.limit
	on server ctfill -P 9000 -d 10.77.0.1 -t 600 17000 >/dev/null
	wait_until 30 limit_is 40000
	end TERM
	grep -q 'the limit stays 40000' "$guard.err"
}

@test "a limit that somebody else has set is left as it is" {
	raise
	echo 50000 >limit
	wait_until 30 eval '[ "$(state .limit_before)" = null ]'
	end INT
	limit_is 50000
	grep -q 'left the limit alone: it is not 40000 any more' "$guard.err"
	not test -e journal.limit
	# Nor is one that was set while no guard ran.
	echo 20000 >limit
	raise
	end TERM
	echo 30000 >limit
	guard_limit
	[ "$(state .limit_before)" = null ]
	not test -e journal.limit
	end INT
	limit_is 30000
}

@test "without a journal it is kept beside the socket, and where that cannot be, that is told" {
	raise --journal ''
	[ -s socket.limit ]
	end INT
	limit_is 20000
	not test -e socket.limit
	on server conntrack -F
	mkdir journal.limit
	raise
	grep -q 'cannot keep in "journal.limit" what the limit was, 20000: Is a directory; a guard that comes next will not set it back' "$guard.err"
	end INT
	limit_is 20000
}

@test "a rehearsal neither raises it, nor takes over what was raised" {
	raise
	end TERM
	guard_limit --dry-run
	[ "$(state .limit_before)" = null ]
	end INT
	limit_is 40000
	[ -s journal.limit ]
	echo 20000 >limit
	rm journal.limit
	guard_limit --dry-run -c conf
	wait_until 30 happened raise
	limit_is 20000
	not test -e journal.limit
	end INT
	limit_is 20000
}

@test "a limit that is raised again goes back to what it was at first" {
	raise
	end TERM
	echo 'raise-limit-to = 60000' >conf
	guard_limit -c conf
	on server ctfill -P 9000 -s 10.1.0.1 -d 10.77.0.1 -t 600 17000 >/dev/null
	wait_until 30 limit_is 60000
	wait_until 30 eval '[ "$(state .limit_before)" = 20000 ]'
	end INT
	limit_is 20000
	not test -e journal.limit
}

@test "a limit that cannot be raised is told, and nothing of it is kept" {
	echo 'raise-limit-to = 40000' >conf
	guard_limit -c conf
	nsenter --target "$guard" --mount mount -o remount,bind,ro /proc/sys/net/nf_conntrack_max
	on server ctfill -P 9000 -d 10.77.0.1 -t 600 17000 >/dev/null
	wait_until 30 failed
	grep -q 'could not raise.*: Read-only file system' "$guard.err"
	limit_is 20000
	not test -e journal.limit
	[ "$(state .limit_before)" = null ]
}
