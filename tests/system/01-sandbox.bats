# SPDX-License-Identifier: GPL-2.0-or-later
# The sandbox that all of these tests run in, here with another one inside.
# shellcheck disable=SC2154 # bats sets output

setup() {
	load lib
	bats_require_minimum_version 1.5.0
	SANDBOX=$BATS_TEST_DIRNAME/../sandbox
	# What runs inside is known by a file descriptor: a lock that it holds until it is gone.
	LOCK=$BATS_TEST_TMPDIR/lock
}

# inside COMMAND: runs a shell command in a sandbox in the background, with the lock held.
inside() {
	background flock "$LOCK" "$SANDBOX" sh -c "echo started; $1"
	wait_until 30 grep -q started "$BATS_TEST_TMPDIR/$pid.out"
	sandbox=$(pgrep -P "$pid")
}

is_free() {
	flock --nonblock "$LOCK" true
}

@test "the exit status and the input are those of the command" {
	run -0 "$SANDBOX" cat <<<hello
	[ "$output" = hello ]
	run -7 "$SANDBOX" sh -c 'exit 7'
	run -0 "$SANDBOX" true </dev/null
}

@test "each signal ends the sandbox and all in it" {
	for signal in TERM INT HUP KILL; do
		inside 'trap "" TERM INT HUP; setsid sleep 1000 & sleep 1000'
		! is_free || false
		kill -"$signal" "$sandbox"
		wait "$pid" || true
		wait_until 30 is_free
	done
}

@test "a time limit ends it" {
	SECONDS=0
	run -124 timeout 1 "$SANDBOX" sleep 1000
	((SECONDS < 10))
}

@test "the command inside can be interrupted" {
	run -0 "$SANDBOX" sh -c 'trap "echo caught; exit 0" INT; kill -INT $$; sleep 1000'
	[ "$output" = caught ]
}
