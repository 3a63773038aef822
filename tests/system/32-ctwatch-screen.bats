#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The screen of ctwatch, seen and used through tmux; conntrack(8) and stty are the oracles.

load lib
pid= # background's
opened=0 # terminals

setup() {
	ip netns add box
	ip -n box link set lo up
	export TMUX_TMPDIR=$BATS_TEST_TMPDIR
}

teardown() {
	aftermath
	terminal kill-server 2>/dev/null || true
	for host in box other server client; do
		ip netns del "$host" 2>/dev/null || true
	done
}

terminal() {
	tmux -f /dev/null -L "screen$opened" "$@"
}

# open WIDTH HEIGHT COMMAND...: a terminal in which the command runs, in a shell that then tells its exit code.
open() {
	local size=("$1" "$2")
	shift 2
	# A server that is on its way out still has its socket.
	opened=$((opened + 1))
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
	wait_until 30 shows "$@" || {
		screen
		return 1
	}
}

listens() { # HOST PORT
	on "$1" ss -lnu | grep -q ":$2 "
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
	shown "  1,000 of" "udp/9000" " 90.0%" "tcp/8080" "by source" "by state"
	press q
	shown "code 0"
	shows_no "udp/9000"
}

@test "shares of real traffic are those that conntrack counts" {
	hosts
	tracked server
	background on server ctserve -q echo=udp/9000 discard=udp/9001
	wait_until 30 listens server 9001
	on client ctload flows udp/10.77.0.1:9000 --rate 2000 --count 300 --source 10.78.0.0/16
	on client ctload flows udp/10.77.0.1:9001 --rate 2000 --count 100 --source 10.78.0.0/16 --window 0 || true
	open 80 24 ip netns exec server ctwatch -i 200ms
	mine=$(on server conntrack -L -p udp --dport 9000 2>/dev/null | wc -l)
	all=$(on server conntrack -C)
	shown "$(awk -v a="$mine" -v b="$all" 'BEGIN { printf "%-25s%6.1f%%", "udp/9000", 100 * a / b }')" ctserve "10.78."
}

@test "every key does what the help says" {
	on box ctfill -d 127.0.0.1 -P 9000 900
	on box ctfill -d 127.0.0.1 -p tcp -P 8080 -a 100
	watch 80 24
	shown "SERVICE by entries"
	press v
	shown "SOURCE by entries" "10.0.0.0/24"
	press Tab
	shown "STATE by entries" "udp unreplied" "tcp established"
	press v
	shown "PROCESS by entries"
	press v
	shown "SERVICE by entries"
	press s
	shown "SERVICE by unreplied"
	press '<' r
	shown "SERVICE by entries ▲"
	press r
	shown "SERVICE by entries ▼"
	press / 9 0 0 0
	shown "show only: 9000"
	press Enter
	shown 'only "9000"' "udp/9000"
	shows_no "tcp/8080"
	press Escape
	shown "tcp/8080"
	press c
	shown "COUNTER" "search_restart"
	press u
	shown "UNTRACKED" "nothing is untracked"
	press h
	shown "KEYS" "Ctrl-L"
	press x
	shown "SERVICE by entries"
	press +
	shown "every 0.5 s"
	press i 2 5 0 m s Enter
	shown "every 0.25 s"
	press i 1 u s Enter
	shown '"1us"'
	press -
	shown "every 0.2 s"
	press p
	shown PAUSED
	on box ctfill -s 10.9.0.0 -d 127.0.0.1 -P 9000 500
	elapse 500
	shows "  1,000 of"
	press Space
	shown "  1,500 of" PAUSED
	press p
	wait_until 30 shows_no PAUSED
	shows "  1,500 of"
	# By itself, at the interval that was chosen.
	on box ctfill -s 10.10.0.0 -d 127.0.0.1 -P 9000 500
	shown "  2,000 of"
	press Down Up PageDown PageUp Home End F1
	shown "KEYS" "any key but q goes back"
	press C-c
	shown "code 0"
}

# begins_with ROW: whether the table begins with it.
begins_with() {
	[[ $(screen | grep -A1 '^SERVICE' | tail -n 1) == "$1 "* ]]
}

begun_with() {
	wait_until 30 begins_with "$1" || {
		screen
		return 1
	}
}

@test "keys go to other rows, and what others wrote is painted over" {
	for i in {1..30}; do
		on box ctfill -s "10.$i.0.1" -d 127.0.0.1 -P $((9000 + i)) $((60 - i))
	done
	watch
	begun_with udp/9001
	press Down
	begun_with udp/9002
	press Down Down Up
	begun_with udp/9003
	press PageDown
	begun_with udp/9013
	press PageUp
	begun_with udp/9003
	press End
	shown "udp/9030 "
	press Home
	begun_with udp/9001
	press '>'
	shown "SERVICE by unreplied"
	press '?'
	shown "KEYS"
	press x
	shown "SERVICE by unreplied"
	terminal display-message -p '#{pane_tty}' >"$BATS_TEST_TMPDIR/tty"
	printf '\033[2;3HRUBBISH' >"$(cat "$BATS_TEST_TMPDIR/tty")"
	shown RUBBISH
	press C-l
	wait_until 30 shows_no RUBBISH
	press p
	shown PAUSED
	press q
	shown "code 0"
}

@test "another size is another layout, and back" {
	on box ctfill -d 127.0.0.1 -P 9000 900
	watch 80 24
	shown "s ago" "by state"
	terminal resize-window -x 60 -y 15
	wait_until 30 shows_no "s ago"
	shown "  900 of" "udp/9000" "SERVICE by entries"
	terminal resize-window -x 200 -y 60
	shown "SOURCE by entries" "37 s ago"
	terminal resize-window -x 80 -y 24
	shown "s ago" "by state"
	shows_no "SOURCE by entries"
	terminal resize-window -x 12 -y 3
	shown "ctwatch"
	terminal resize-window -x 80 -y 24
	shown "udp/9000"
	press q
	shown "code 0"
}

# colours: the SGR codes of colours that are on the screen.
colours() {
	terminal capture-pane -p -e | grep -aoE $'\e\[[0-9;]*m' | grep -aE '[[;](3[0-7]|4[0-7]|9[0-7])[;m]' | sort -u
}

@test "NO_COLOR has no colours, and an alarm reads without" {
	on box ctfill -d 127.0.0.1 -P 9000 240000
	watch 80 24
	shown "240,000 of"
	[ -n "$(colours)" ]
	press q
	shown "code 0"
	terminal kill-server
	watch 80 24 NO_COLOR=1
	shown "240,000 of" "% full"
	[ -z "$(colours)" ]
	terminal capture-pane -p -e | grep -qE $'\e\[1;7m91.6% full'
}

@test "a monochrome terminal and an ASCII locale do" {
	on box ctfill -d 127.0.0.1 -P 9000 900
	watch 80 24 TERM=vt100 LC_ALL=C
	shown "SERVICE by entries v" "udp/9000"
	screen | LC_ALL=C grep -q '[^ -~]' && return 1
	[ -z "$(colours)" ]
}

@test "where nothing is known of the terminal, it prints lines" {
	on box ctfill 50
	for term in dumb no-such-terminal ''; do
		open 80 24 ip netns exec box env TERM="$term" ctwatch -i 1h
		shown "50/"
		press C-c
		shown "code 0"
		terminal kill-server
	done
}

# settings: what stty says of the terminal, and whether the other screen is on it.
settings() {
	stty -g <"$(terminal display-message -p '#{pane_tty}')"
	terminal display-message -p '#{alternate_on} #{cursor_flag}'
}

given_back() {
	[ "$(settings)" = "$before" ]
}

taken() {
	[[ $(settings) == *$'\n1 0' ]]
}

# watched: the process that shows the screen.
watched() {
	pgrep -x ctwatch -t "$(terminal display-message -p '#{pane_tty}' | sed s,/dev/,,)"
}

@test "the terminal is as it was after q, SIGTERM, SIGHUP and crashes" {
	# A sanitizer has its own ways with crashes.
	export ASAN_OPTIONS=handle_segv=0
	open 80 24 true
	shown "code 0"
	before=$(settings)
	for end in q TERM INT HUP QUIT SEGV ABRT; do
		press "clear; ip netns exec box ctwatch -i 200ms; echo ended: \$?" Enter
		wait_until 30 taken
		shown "no live entries"
		case $end in
		q) press q ;;
		*) kill -s "$end" "$(watched)" ;;
		esac
		shown "ended: "
		wait_until 30 given_back
		case $end in
		q | TERM | INT | HUP) shows "ended: 0" ;;
		*) shows "ended: $((128 + $(kill -l "$end")))" ;;
		esac
	done
}

@test "Ctrl-Z gives the terminal back, and fg takes it again" {
	open 80 24 "set -m"
	shown "code 0"
	before=$(settings)
	press "ip netns exec box ctwatch -i 200ms; echo ended: \$?" Enter
	wait_until 30 taken
	shown "no live entries"
	press C-z
	wait_until 30 given_back
	shown "Stopped"
	terminal resize-window -x 70 -y 20
	press fg Enter
	wait_until 30 taken
	shown "no live entries"
	# A stop that it is not told of.
	kill -STOP "$(watched)"
	shown "Stopped"
	press fg Enter
	wait_until 30 taken
	shown "no live entries"
	press q
	wait_until 30 given_back
	press "echo code: \$?" Enter
	shown "code: 0"
}

@test "a terminal that goes away ends it" {
	watch 80 24
	local watcher
	watcher=$(watched)
	terminal kill-server
	wait_until 30 ended "$watcher"
}

@test "a flood is foretold" {
	watch 80 24
	for i in $(seq 60); do
		on box ctfill -s "10.$i.0.0" -d 127.0.0.1 -P 9000 2000
		! shows "full in " || break
	done
	shown "full in "
}

@test "a process cannot write to the terminal by its name" {
	background on box python3 -c '
import ctypes, socket, time
ctypes.CDLL(None).prctl(15, b"\x1b[2J\x1b]0;x\x07", 0, 0, 0)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 9000))
print("ready", flush=True)
time.sleep(60)'
	wait_until 30 grep -q ready "$BATS_TEST_TMPDIR/$pid.out"
	on box ctfill -d 127.0.0.1 -P 9000 100
	watch 80 24
	shown "udp/127.0.0.1:9000" " ?[2J?]0;x?"
	kill "$pid"
}

@test "what is missing is said on the screen" {
	on box ctfill 777
	open 80 24 ip netns exec box setpriv --bounding-set=-all --inh-caps=-all ctwatch -i 200ms
	shown "  777 of" "no CAP_NET_ADMIN: only entries, limit and counters are known"
	press q
	shown "code 0"
	terminal kill-server
	on box conntrack -F
	watch 80 24
	shown "not active in this network namespace"
}

@test "n goes round the namespaces, and one that goes is told" {
	ip netns add other
	ip -n other link set lo up
	on box ctfill -d 127.0.0.1 -P 9000 500
	on other ctfill -d 127.0.0.1 -P 9001 700
	open 80 24 ctwatch -i 200ms --netns box --netns other
	shown "ctwatch  box" "  500 of" "udp/9000"
	press n
	shown "ctwatch  other (2 of 2)" "  700 of" "udp/9001"
	press n
	shown "ctwatch  box"
	press n
	shown "ctwatch  other"
	ip netns del other
	shown "network namespace other is gone" "  500 of" "udp/9000"
	press v
	wait_until 30 shows_no "is gone"
	ip netns del box
	shown "network namespace box is gone: this was seen last" "  500 of"
	press v c u h h
	terminal resize-window -x 70 -y 20
	shown "network namespace box is gone: this was seen last" "  500 of"
	press q
	shown "code 0"
}

@test "what is untracked is shown with its packets" {
	hosts
	background on server ctserve -q echo=udp/9000
	on server ctrules -q add udp/9000 --lease 5m
	on server ctrules -q add 'udp/[fd77::1]:53' --forever
	open 80 24 ip netns exec server ctwatch -i 200ms
	shown "udp/9000 0 packets/s, lease"
	background on client ctload flows udp/10.77.0.1:9000 --rate 100 --count 300 --source 10.78.0.0/16
	press u
	shown "udp/[fd77::1]:53" "for ever"
	wait_until 30 eval 'screen | grep -E "udp/9000 +[1-9][0-9]* +[1-9][0-9]* +lease"'
	wait "$pid"
	on server ctrules -q flush
	shown "nothing is untracked"
}

@test "piped, there is no escape sequence" {
	on box ctfill 50
	on box env TERM=xterm-256color ctwatch -i 50ms --count 3 >"$BATS_TEST_TMPDIR/out"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/out")" -eq 3 ]
	[ -z "$(tr -d '\n -~' <"$BATS_TEST_TMPDIR/out")" ]
}
