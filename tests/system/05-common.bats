# SPDX-License-Identifier: GPL-2.0-or-later
# What all programs do alike with their options and their standard streams.
# shellcheck disable=SC2154 # bats sets output, stderr and the like

PROGRAMS='ctserve ctload ctwatch ctrules ctguard'

# Each prints something at once and ends; nothing of it needs privileges or the network.
OUTPUTS='ctserve --help
ctserve -V
ctload --help
ctload -V
ctload echo --help
ctload hold --help
ctload flows --help
ctload flows -V
ctwatch --help
ctwatch -V
ctwatch --once
ctwatch --once -j
ctrules --help
ctrules -V
ctrules -n add udp/53
ctrules -j list
ctguard --help
ctguard -V
ctguard check-config -s udp/53'

setup() {
	load lib
	bats_require_minimum_version 1.5.0
	ip link set lo up
}

# each_output FUNCTION: calls it for each row, with the command's words; names the row that fails.
each_output() {
	local row
	while read -r row; do
		# shellcheck disable=SC2086 # a list of words
		"$1" $row || { echo "wrong: $row" >&2; return 1; }
	done <<<"$OUTPUTS"
}

# one_sentence CAUSE: whether stderr is a single line that ends with it.
one_sentence() {
	[ "${#stderr_lines[@]}" -eq 1 ] && [[ ${stderr_lines[0]} == *": $1" ]]
}

works() {
	run -0 --separate-stderr "$@"
	[ -n "$output" ]
}

@test "help, versions and short commands print to stdout and succeed" {
	each_output works
}

fits() {
	case "$*" in *--help) ;; *) return 0 ;; esac
	[ "$("$@" | awk 'length > 80' | wc -l)" -eq 0 ] && "$@" | grep -q '^usage: '
}

@test "help fits a terminal of 80 columns and starts with the usage" {
	each_output fits
}

@test "the version is the name and a number" {
	for program in $PROGRAMS; do
		run -0 "$program" --version
		[[ $output =~ ^$program\ [0-9]+\.[0-9.]+ ]]
	done
}

@test "an unknown option and an operand too many are misuse: one program, one exit code" {
	for program in $PROGRAMS; do
		run -2 --separate-stderr "$program" --no-such-option
		[ -z "$output" ]
		[[ $stderr == *no-such-option* ]]
		run -2 --separate-stderr "$program" no-such-word and-another
		[ -z "$output" ]
		[ -n "$stderr" ]
	done
}

full() {
	run -1 --separate-stderr sh -c 'exec "$@" >/dev/full' sh "$@"
	one_sentence 'No space left on device'
}

@test "output that does not fit is one sentence and exit code 1" {
	each_output full
}

closed() {
	run -1 --separate-stderr sh -c 'exec "$@" >&-' sh "$@"
	one_sentence 'Bad file descriptor'
}

@test "a closed stdout is one sentence and exit code 1" {
	each_output closed
}

@test "no socket takes the place of a closed stream" {
	background sh -c 'exec ctserve echo=udp/127.0.0.1:9000 --workers 1 <&- >&- 2>&-'
	wait_until 30 grep -q :2328 /proc/net/udp
	for fd in 0 1 2; do
		[ "$(readlink "/proc/$pid/fd/$fd")" = /dev/null ]
	done
	kill "$pid"
	wait "$pid"
}

@test "a change that was made is not denied because its output failed" {
	run -1 --separate-stderr sh -c 'ctrules -j add udp/53 --force >/dev/full'
	[[ $stderr == *"the change is made, but"*"No space left on device" ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	run -0 ctrules list
	[[ $output == *udp/53* ]]
	ctrules flush
}

@test "results of a load that cannot be written are one sentence and exit code 1" {
	background ctserve echo=udp/127.0.0.1:9001 --workers 1
	server=$pid
	wait_until 30 grep -q serving "$BATS_TEST_TMPDIR/$server.err"
	for json in '' -j; do
		# shellcheck disable=SC2086 # none or one word
		run -1 --separate-stderr sh -c 'exec "$@" >/dev/full' sh \
			ctload echo -q $json udp 127.0.0.1:9001 --window 1 --duration 50ms \
			--wait 100ms
		one_sentence 'No space left on device'
	done
	kill "$server"
	wait "$server"
}
