# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # tests are subshells; $pid comes from lib
# A ctserve under test: started, counted, ended. Waits are long: a machine may be far behind.

# Each test is in a folder of its own.
setup() {
	ip link set lo up
	cd "$BATS_TEST_TMPDIR" || return
	server=
	servers=
}

# Killed, and gone before the next test wants its ports.
teardown() {
	aftermath
	local all name
	for name in $(ip netns list | cut -d' ' -f1); do
		ip netns del "$name"
	done
	for server in $servers $server; do
		all="$server $(workers)"
		# shellcheck disable=SC2086 # a list of words
		kill -9 $all 2>/dev/null || true
		wait "$server" 2>/dev/null || true
		# shellcheck disable=SC2086
		wait_until 30 gone $all
	done
}

gone() { # PID...
	local one
	for one in "$@"; do
		# A zombie has ended; who adopted it has not looked yet.
		! grep -qs '^State:.[^Z]' "/proc/$one/status" || return 1
	done
}

# serve ARGUMENTS...: starts ctserve and waits until it is ready; its pid is in $server.
serve() {
	serve_on '' "$@"
}

serve_on() { # HOST ARGUMENTS...
	background ${1:+on "$1"} ctserve -j -s 50ms "${@:2}"
	server=$pid
	servers+=" $pid"
	wait_until 30 said 'serving'
}

# stop: ends it with SIGTERM; fails as it does.
stop() {
	kill -TERM "$server"
	wait "$server"
}

said() { # TEXT: on stderr of the server
	grep -q -- "$1" "$BATS_TEST_TMPDIR/$server.err"
}

lines() { # how many lines of counters are complete
	wc -l <"$BATS_TEST_TMPDIR/$server.out"
}

has_lines() { # COUNT: or there will be no more
	[ "$(lines)" -ge "$1" ] || ended "$server"
}

# counter NAME: its value by a line that was counted after this call, or by the last one of a server that
# has ended. The line after the last could have been counted before the call and be written after it.
counter() {
	wait_until 30 has_lines $(($(lines) + 2))
	sed -n "$(lines)p" "$BATS_TEST_TMPDIR/$server.out" | jq ".$1 // 0"
}

counter_is() { # NAME OPERATOR VALUE
	test "$(counter "$1")" "$2" "$3"
}

workers() {
	pgrep -P "$server"
}

worker_count_is() { # COUNT
	[ "$(workers | wc -l)" -eq "$1" ]
}

healthy() { # [ADDRESS]: whether the feed at port 8080 answers
	[ "$(curl -s --max-time 30 "http://${1:-127.0.0.1}:8080/healthz")" = ok ]
}

# need COMMAND PACKAGE: skips the test without it.
need() {
	command -v "$1" >/dev/null || skip "no $1 (package $2, see make deps-all)"
}
