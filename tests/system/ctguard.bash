# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What tests of the guard share, beside lib.bash. They run in $BATS_TEST_TMPDIR.

# guard OPTION...: starts ctguard on the server host, its socket in ./socket; its pid is in $guard. It
# acts at 1 % of the limit, takes all of a service, and gives nothing back by itself.
guard() {
	background on server ctguard run --json --control socket -s udp/9000 -s udp/9001 --horizon 0s \
		--engage-at 1% --release-at 0.1% --release-after 1h "$@"
	guard=$pid
	wait_until 30 grep -q guarding "$BATS_TEST_TMPDIR/$guard.err"
}

# fill [PORT]: entries of the service that are more than the guard allows, whatever is there of it.
fill() {
	on server conntrack -D -p udp --dport "${1:-9000}" >/dev/null 2>&1 || true
	on server ctfill -P "${1:-9000}" -d 10.77.0.1 -t 600 "$(many)" >/dev/null
}

# engage [PORT]: makes the guard take the service out, and delete its entries.
engage() {
	local before
	before=$(events reclaim)
	fill "${1:-9000}"
	wait_until 30 untracked "${1:-9000}"
	wait_until 30 eval "[ \"\$(events reclaim)\" -gt $before ]"
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
	grep -c "\"event\":\"$1\"" "$BATS_TEST_TMPDIR/$guard.out" || true
}

# happened NAME: whether there was such an event.
happened() {
	grep -q "\"event\":\"$1\"" "$BATS_TEST_TMPDIR/$guard.out"
}

# failed: whether a change was decided on and could not be made.
failed() {
	grep -q '"error":' "$BATS_TEST_TMPDIR/$guard.out"
}

# helper: the thread of the guard that deletes entries, and walks through the table.
helper() {
	find "/proc/$guard/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx "$guard"
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

# Of one guard for many network namespaces; it runs outside of those that it is to guard.

# clear_sites: ends what was started, which would keep namespaces, and takes their names away.
clear_sites() {
	local jobs name
	jobs=$(jobs -p)
	# shellcheck disable=SC2086 # a list of words
	[ -z "$jobs" ] || kill $jobs 2>/dev/null || true
	wait
	for name in $(ip netns list | cut -d' ' -f1); do
		ip netns del "$name"
	done
}

# site NAME: a host NAME (10.77.0.1) that tracks, and client-NAME beside it, which has 10.78.0.0/16.
site() {
	ip netns add "$1"
	ip netns add "client-$1"
	ip -n "$1" link add v-server type veth peer name v-client netns "client-$1"
	ip -n "$1" addr add 10.77.0.1/24 dev v-server
	ip -n "client-$1" addr add 10.77.0.2/24 dev v-client
	ip -n "$1" link set v-server up
	ip -n "client-$1" link set v-client up
	ip -n "$1" link set lo up
	ip -n "client-$1" link set lo up
	ip -n "client-$1" route add local 10.78.0.0/16 dev lo
	ip -n "$1" route add 10.78.0.0/16 via 10.77.0.2
	tracked "$1"
}

# everywhere OPTION...: starts a guard of all of them.
everywhere() {
	outside --netns all "$@"
}

outside() {
	background ctguard run --json --control socket -s udp/9000 --horizon 0s \
		--engage-at 1% --release-at 0.1% --release-after 1h "$@"
	guard=$pid
	wait_until 60 grep -q guarding "$guard.err"
}

# fill_site NAME: entries of the service that are more than the guard allows.
fill_site() {
	on "$1" conntrack -D -p udp --dport 9000 >/dev/null 2>&1 || true
	on "$1" ctfill -P 9000 -d 10.77.0.1 -t 600 "$(many)" >/dev/null
}

engage_in() { # NAME
	fill_site "$1"
	wait_until 60 is_out "$1"
}

is_out() { # NAME: by a lease that runs
	on "$1" nft list map inet ctkit in_services 2>/dev/null | grep -q "udp \. 9000 timeout"
}

is_in() { # NAME
	not is_out "$1"
}

told() { # NAME EVENT: whether that happened there
	jq -es "any(.[]; .netns == \"$1\" and .event == \"$2\")" "$guard.out" >/dev/null
}

of() { # NAME FILTER: of the status of its table
	order status -j | jq -r ".tables[] | select(.netns == \"$1\") | $2"
}

of_is() { # NAME FILTER VALUE
	[ "$(of "$1" "$2")" = "$3" ]
}
