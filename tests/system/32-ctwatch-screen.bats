#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The screen of ctwatch, seen and used through tmux; conntrack(8) and stty are the oracles.

load lib

setup() {
	ip netns add box
	ip -n box link set lo up
	export TMUX_TMPDIR=$BATS_TEST_TMPDIR
}

teardown() {
	terminal kill-server 2>/dev/null || true
	ip netns del box
}

terminal() {
	tmux -f /dev/null -L screen "$@"
}

# open WIDTH HEIGHT COMMAND...: a terminal in which the command runs, in a shell that then tells its exit code.
open() {
	local size=("$1" "$2")
	shift 2
	terminal new-session -d -x "${size[0]}" -y "${size[1]}" \
		"exec env LC_ALL=C.UTF-8 bash --norc --noprofile"
	terminal resize-window -x "${size[0]}" -y "${size[1]}"
	terminal send-keys "PS1='prompt '; $*; echo \"code \$?\"" Enter
}

screen() {
	terminal capture-pane -p
}

# shows TEXT...: the screen has all of these.
shows() {
	local text picture
	picture=$(screen)
	for text; do
		[[ $picture == *"$text"* ]] || return 1
	done
}

shows_no() {
	! shows "$1"
}

# shown TEXT...: waits for them, or shows what there is instead.
shown() {
	wait_until 20 shows "$@" || {
		screen
		return 1
	}
}

press() {
	terminal send-keys "$@"
}

# shellcheck disable=SC2120 # by default of the usual size
watch() { # [WIDTH HEIGHT [ASSIGNMENT...]]
	open "${1:-80}" "${2:-24}" ip netns exec box env "${@:3}" ctwatch -i 200ms
	shown "entries   " " of "
}

@test "on a terminal it fills the screen, and q gives it back" {
	on box ctfill -d 127.0.0.1 -P 9000 900
	on box ctfill -d 127.0.0.1 -p tcp -P 8080 -a 100
	watch 80 24
	shown "entries   1,000 of" "udp/9000" " 90.0%" "tcp/8080" "by source" "by state"
	press q
	shown "code 0"
	shows_no "udp/9000"
}
