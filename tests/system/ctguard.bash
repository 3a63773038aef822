# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What tests of the guard share, beside lib.bash. They run in $BATS_TEST_TMPDIR.

# guard OPTION...: starts ctguard on the server host, its socket in ./socket; its pid is in $guard. It
# acts at 1 % of the limit and gives nothing back by itself.
guard() {
	background on server ctguard run --json --control socket -s udp/9000 -s udp/9001 --horizon 0s \
		--engage-at 1% --release-at 0.5% --release-after 1h "$@"
	guard=$pid
	wait_until 10 grep -q guarding "$BATS_TEST_TMPDIR/$guard.err"
}

# fill [PORT]: entries of the service that are more than the guard allows, whatever is there of it.
fill() {
	on server conntrack -D -p udp --dport "${1:-9000}" >/dev/null 2>&1 || true
	on server ctfill -P "${1:-9000}" -d 10.77.0.1 -t 600 4000 >/dev/null
}

# engage [PORT]: makes the guard take the service out.
engage() {
	fill "${1:-9000}"
	wait_until 10 untracked "${1:-9000}"
}

# untracked [PORT]: whether the service is out of tracking by a lease that runs.
untracked() {
	on server nft list map inet ctkit in_services 2>/dev/null |
		grep -q "udp \. ${1:-9000} timeout"
}

# event NAME: the first event of that name in the journal, as JSON.
event() {
	jq -c "select(.event == \"$1\")" "$BATS_TEST_TMPDIR/$guard.out" | head -n 1
}

# events NAME: how many there were.
events() {
	grep -c "\"event\":\"$1\"" "$BATS_TEST_TMPDIR/$guard.out"
}

# happened NAME: whether there was such an event.
happened() {
	grep -q "\"event\":\"$1\"" "$BATS_TEST_TMPDIR/$guard.out"
}

order() {
	ctguard --control socket "$@"
}

state() { # FILTER: of the status
	order status -j | jq -r "$1"
}

state_is() { # STATE
	[ "$(state .state)" = "$1" ]
}

table_exists() {
	on server nft list table inet ctkit 2>/dev/null
}
