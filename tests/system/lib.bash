# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the system tests share. They run in tests/sandbox, so namespaces and processes that
# a test leaves behind are gone with it.

PATH=$CTKIT_BIN/server:$CTKIT_BIN/conntrack:$CTKIT_BIN/rules:$CTKIT_BIN/guard:$CTKIT_BIN/tests/tools:$PATH:/usr/sbin:/sbin

# wait_until SECONDS COMMAND...: polls until the command succeeds; fails after SECONDS.
wait_until() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		if ((SECONDS > deadline)); then
			echo "gave up waiting for: $*" >&2
			return 1
		fi
		sleep 0.05
	done
}

# not COMMAND...: fails if it succeeds; a bare "!" would not fail the test.
not() {
	! "$@"
}

# elapse MS: lets time pass where time itself is the condition, such as a timeout that must run out.
elapse() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000))
	wait_until $(($1 / 1000 + 5)) passed "$end"
}

passed() {
	((${EPOCHREALTIME/./} > $1))
}

# as_older_version HOST: our rules as they were made when the address that this host sends from was not looked at.
as_older_version() {
	local chain
	for chain in $(on "$1" nft list table inet ctkit |
		awk '$1 == "chain" { name = $2 } /fib saddr type local/ && name ~ /_/ { print name }' | sort -u); do
		on "$1" nft list chain inet ctkit "$chain" | sed 's/fib saddr type local //' >"$BATS_TEST_TMPDIR/older"
		on "$1" nft flush chain inet ctkit "$chain"
		on "$1" nft -f "$BATS_TEST_TMPDIR/older"
	done
}

# hosts: two hosts, "server" (10.77.0.1, fd77::1) and "client" (10.77.0.2, fd77::2), with a
# cable between them. The client also owns 10.78.0.0/16 and fd78::/64 (any address of them).
hosts() {
	ip netns add server
	ip netns add client
	# Without duplicate address detection IPv6 works at once.
	for host in server client; do
		on "$host" sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
	done
	ip -n server link add v-server type veth peer name v-client netns client
	ip -n server addr add 10.77.0.1/24 dev v-server
	ip -n client addr add 10.77.0.2/24 dev v-client
	ip -n server addr add fd77::1/64 dev v-server nodad
	ip -n client addr add fd77::2/64 dev v-client nodad
	for host in server client; do
		ip -n "$host" link set lo up
		ip -n "$host" link set "v-$host" up
	done
	ip -n client route add local 10.78.0.0/16 dev lo
	ip -n client route add local fd78::/64 dev lo
	ip -n server route add 10.78.0.0/16 via 10.77.0.2
	ip -n server route add fd78::/64 via fd77::2
	wait_until 30 link_up server
	wait_until 30 link_up client
}

link_up() {
	ip -n "$1" link show "v-$1" | grep -q 'state UP'
}

# on HOST COMMAND...: runs a command there.
on() {
	local host=$1
	shift
	ip netns exec "$host" "$@"
}

# tracked HOST: switches connection tracking on there, as any stateful firewall would.
tracked() {
	on "$1" nft -f - <<-'NFT'
		table inet firewall {
			chain input {
				type filter hook input priority filter; policy accept;
				ct state established,related accept
			}
		}
	NFT
}

# entries HOST: how many entries its table counts.
entries() {
	on "$1" cat /proc/sys/net/netfilter/nf_conntrack_count
}

# many: entries that are more than 1 % of the limit, which is the host's and may be any.
many() {
	local part
	part=$(($(cat /proc/sys/net/netfilter/nf_conntrack_max) * 3 / 200))
	echo $((part > 4000 ? part : 4000))
}

# background COMMAND...: starts a command; its pid is in $pid, its output in $BATS_TEST_TMPDIR/$pid.{out,err}.
# Signals reach the command and nothing between, unless it is a function other than "on".
# shellcheck disable=SC2034 # the tests read pid
background() {
	local exec=
	if [ "$1" = on ]; then
		set -- ip netns exec "${@:2}"
	fi
	[ "$(type -t "$1")" = function ] || exec="exec"
	($exec "$@" >"$BATS_TEST_TMPDIR/$BASHPID.out" 2>"$BATS_TEST_TMPDIR/$BASHPID.err" 3>&-) &
	pid=$!
	# The command may come to open them only after its reader.
	touch "$BATS_TEST_TMPDIR/$pid.out" "$BATS_TEST_TMPDIR/$pid.err"
}

# ended PID: whether a background process has ended.
ended() {
	! kill -0 "$1" 2>/dev/null
}

# sanitized: whether the programs are built with ASan (SAN=1).
sanitized() {
	nm -D "$CTKIT_BIN/guard/ctguard" | grep -q asan
}

# aftermath: for teardown, what the programs of a test that failed have said, the last of it.
aftermath() {
	local file
	[ -z "${BATS_TEST_COMPLETED:-}" ] || return 0
	for file in "$BATS_TEST_TMPDIR"/*.{out,err}; do
		[ ! -s "$file" ] || printf '== %s\n%s\n' "${file##*/}" "$(tail -n 30 "$file" | cut -c 1-500)"
	done
}
