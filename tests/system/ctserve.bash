# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2030,SC2031,SC2154 # tests are subshells; $pid comes from lib
# A ctserve under test: started, counted, ended.

setup() {
	ip link set lo up
	server=
	servers=
}

# Killed, and gone before the next test wants its ports.
teardown() {
	local all name
	for name in $(ip netns list | cut -d' ' -f1); do
		ip netns del "$name"
	done
	for server in $servers; do
		all="$server $(workers)"
		# shellcheck disable=SC2086 # a list of words
		kill -9 $all 2>/dev/null || true
		wait "$server" 2>/dev/null || true
		# shellcheck disable=SC2086
		wait_until 5 gone $all
	done
}

gone() { # PID...
	! kill -0 "$@" 2>/dev/null
}

# serve ARGUMENTS...: starts ctserve and waits until it is ready; its pid is in $server.
serve() {
	serve_on '' "$@"
}

serve_on() { # HOST ARGUMENTS...
	background ${1:+on "$1"} ctserve -j -s 50ms "${@:2}"
	server=$pid
	servers+=" $pid"
	wait_until 10 said 'ctserve: serving'
}

# stop: ends it with SIGTERM; fails as it does.
stop() {
	kill -TERM "$server"
	wait "$server"
}

said() { # TEXT: on stderr of the server
	grep -q "$1" "$BATS_TEST_TMPDIR/$server.err"
}

counter() { # NAME: its last value
	tail -n 1 "$BATS_TEST_TMPDIR/$server.out" | jq -s ".[0].$1 // 0"
}

counter_is() { # NAME OPERATOR VALUE
	test "$(counter "$1")" "$2" "$3"
}

workers() {
	pgrep -P "$server"
}
