#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What "make install" puts where, and whether systemd accepts the units.

bats_require_minimum_version 1.5.0
load lib
load ctguard

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

# calls_of SET...: the system calls of systemd's sets, one a line.
calls_of() {
	local line set
	for set in "$@"; do
		systemd-analyze syscall-filter "$set" | sed '1d; s/^ *//; /^#/d' | while read -r line; do
			case $line in @*) calls_of "$line" ;; *) echo "$line" ;; esac
		done
	done
}

installed() { # installs below ./usr
	PREFIX=$PWD/usr "$BATS_TEST_DIRNAME/../../packaging/install" "$CTKIT_BIN"
	units=$PWD/usr/lib/systemd/system
}

# of_unit NAME: what ctguard.service sets it to.
of_unit() {
	sed -n "s/^$1=//p" "$units/ctguard.service"
}

@test "what is installed is where the units and the manual pages say" {
	installed
	local file
	for file in ctserve ctload ctwatch ctrules ctguard; do
		[ -x "usr/sbin/$file" ]
		[ -s "usr/share/man/man8/$file.8" ]
	done
	[ -s usr/share/man/man5/ctguard.conf.5 ]
	grep -h ^Exec "$units"/*.service | cut -d = -f 2 | cut -d ' ' -f 1 | grep / >named
	[ "$(wc -l <named)" -eq 3 ]
	while read -r file; do
		[ -x "$file" ]
	done <named
	# The configuration is the one that is waited for, and the doctor looks at.
	[[ $(of_unit ExecStart) == *" -c $(of_unit ConditionPathExists)" ]]
	[[ $(of_unit ExecReload) == *" -c $(of_unit ConditionPathExists)" ]]
	grep -q "^.Pa $(of_unit ConditionPathExists) " usr/share/man/man8/ctguard.8
	# The socket's and the journal's places are made by the unit.
	grep -q "^.Pa /run/$(of_unit RuntimeDirectory)/ctguard.sock" usr/share/man/man5/ctguard.conf.5
	grep -q "^journal = \"/var/lib/$(of_unit StateDirectory)/" usr/share/doc/ctkit/ctguard.conf
	usr/sbin/ctguard check-config -c usr/share/doc/ctkit/ctguard.conf
}

@test "a package is installed below DESTDIR, and names the places without it" {
	DESTDIR=$PWD/package PREFIX=/usr "$BATS_TEST_DIRNAME/../../packaging/install" "$CTKIT_BIN"
	[ "$(find package -mindepth 1 -maxdepth 1)" = package/usr ]
	[ -x package/usr/sbin/ctguard ]
	grep -q '^ExecStart=/usr/sbin/ctguard ' package/usr/lib/systemd/system/ctguard.service
	[ "$(grep -rl "$PWD" package/usr/lib | wc -l)" -eq 0 ]
}

@test "systemd finds nothing wrong with the units" {
	type systemd-analyze >/dev/null || skip "no systemd-analyze (package systemd)"
	installed
	export MANPATH=$PWD/usr/share/man
	run systemd-analyze verify "$units"/*.service "$units"/*.socket
	echo "$output"
	[ "$status" -eq 0 ]
	not grep -qE 'ctguard|ctserve' <<<"$output"
	# Of 10: how much the service could harm if somebody took it over.
	systemd-analyze security --offline=true --threshold=20 "$units/ctguard.service" >/dev/null
}

# guard_by_the_unit PREFIX...: as it runs there, with another program in front; acts at 1 % of the limit.
guard_by_the_unit() {
	mkdir -p place
	chmod 711 .
	chown nobody place
	printf '%s\n' 'horizon = 0s' 'engage-at = 1%' 'release-at = 0.5%' 'release-after = 1h' \
		'service "udp/9000" { }' >place/conf
	background on server "$@" setpriv --reuid nobody --regid nogroup --groups 0 \
		--inh-caps=-all,+net_admin --ambient-caps=-all,+net_admin --bounding-set=-all,+net_admin \
		--no-new-privs ctguard run --json -c place/conf --control place/socket --journal place/journal
	guard=$pid
	wait_until 30 grep -q guarding "$guard.err"
}

@test "as what the unit makes it, it guards, keeps its journal, and sees iptables-legacy" {
	installed
	[ "$(of_unit AmbientCapabilities) $(of_unit CapabilityBoundingSet)" = "CAP_NET_ADMIN CAP_NET_ADMIN" ]
	[ "$(of_unit SupplementaryGroups)" = root ]
	hosts
	tracked server
	guard_by_the_unit
	engage
	if [ -e /proc/net/ip_tables_names ]; then
		# That is no change of the nft ruleset.
		on server iptables-legacy -t mangle -A FORWARD -j DROP
		wait_until 30 grep -q 'iptables-legacy has tables here' place/journal
	fi
	not grep -q 'cannot be seen' place/journal
	ctguard --control place/socket stop
	wait_until 30 ended "$guard"
	ip netns del server
	ip netns del client
}

# added NAME: what the drop-in for all network namespaces sets it to, or adds.
added() {
	sed -n "s/^$1=//p" usr/share/doc/ctkit/ctguard-netns.conf
}

@test "with what the drop-in adds it guards all network namespaces, by calls that are allowed" {
	type systemd-analyze >/dev/null || skip "no systemd-analyze (package systemd)"
	! sanitized || skip "the sanitizer makes calls of its own"
	installed
	local more
	more=$(added AmbientCapabilities | tr '[:upper:]' '[:lower:]' | sed 's/cap_/,+/g; s/ //g')
	[ "$more" = ,+sys_admin,+sys_ptrace,+dac_read_search ]
	[ "$(added CapabilityBoundingSet)" = "$(added AmbientCapabilities)" ]
	mkdir "$units/ctguard.service.d"
	cp usr/share/doc/ctkit/ctguard-netns.conf "$units/ctguard.service.d"
	MANPATH=$PWD/usr/share/man run systemd-analyze verify "$units/ctguard.service"
	[[ $output != *ctguard* ]]
	hosts
	tracked server
	mkdir place
	chmod 711 .
	chown nobody place
	printf '%s\n' 'netns = all' 'horizon = 0s' 'engage-at = 1%' 'release-at = 0.1%' 'release-after = 1h' \
		'service "udp/9000" { }' >place/conf
	background strace -f -qq -o calls setpriv --reuid nobody --regid nogroup --groups 0 \
		--inh-caps="-all,+net_admin$more" --ambient-caps="-all,+net_admin$more" --bounding-set="-all,+net_admin$more" \
		--no-new-privs ctguard run --json -c place/conf --control place/socket --journal place/journal
	guard=$pid
	wait_until 60 grep -q 'guarding: udp/9000 in 3 network namespaces' "$guard.err"
	not grep -q 'left out\|cannot be' "$guard.err"
	# One without a name is found, too.
	background unshare --net sleep 600
	wait_until 60 grep -q 'sleep.*is guarded from now on' "$guard.err"
	kill "$pid"
	fill
	wait_until 60 untracked
	ctguard --control place/socket stop
	wait_until 60 ended "$guard"
	sed '1,/execve(.*ctguard/d' calls | sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' | sort -u >made
	grep -q setns made
	# Of namespaces it enters those that the unit leaves to it.
	[ "$(added RestrictNamespaces)" = net ]
	[ "$(grep 'setns(' calls | grep -vc CLONE_NEWNET)" -eq 0 ]
	{
		calls_of @system-service | grep -vxF -f <(calls_of @privileged @resources)
		printf 'capset\nsched_setattr\n'
	} | sort -u >allowed
	comm -23 made allowed >forbidden
	cat forbidden
	[ ! -s forbidden ]
	ip netns del server
	ip netns del client
}

@test "it needs no system call that the unit forbids" {
	type systemd-analyze >/dev/null || skip "no systemd-analyze (package systemd)"
	! sanitized || skip "the sanitizer makes calls of its own"
	installed
	[ "$(of_unit SystemCallFilter | xargs)" = '@system-service ~@privileged @resources capset sched_setattr' ]
	hosts
	tracked server
	guard_by_the_unit strace -f -qq -o calls
	engage
	wait_until 30 happened reclaim
	ctguard --control place/socket reload
	ctguard --control place/socket status >/dev/null
	ctguard --control place/socket stop
	wait_until 30 ended "$guard"
	# Since it is the guard; before it was setpriv.
	sed '1,/execve(.*ctguard/d' calls | sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' | sort -u >made
	grep -q sendto made
	{
		calls_of @system-service | grep -vxF -f <(calls_of @privileged @resources)
		printf 'capset\nsched_setattr\n'
	} | sort -u >allowed
	comm -23 made allowed >forbidden
	cat forbidden
	[ ! -s forbidden ]
	ip netns del server
	ip netns del client
}
