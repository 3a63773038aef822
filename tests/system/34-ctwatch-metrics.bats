#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# ctwatch's metrics; curl and promtool are the oracles, and the kernel's numbers.

bats_require_minimum_version 1.5.0
load lib
pid= # background's

PAGE=$BATS_TEST_TMPDIR/page

setup() {
	where=box
	ip link set lo up
	for name in box den; do
		ip netns add "$name"
		ip -n "$name" link set lo up
	done
}

teardown() {
	aftermath
	# What a failed test left behind would keep the port.
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || :
	for name in $(ip netns list | cut -d' ' -f1); do
		ip netns del "$name"
	done
}

fetch() { # a page, into $PAGE, in namespace $where or the sandbox's own
	${where:+ip netns exec "$where"} curl -sf --max-time 10 http://127.0.0.1:9913/metrics >"$PAGE"
}

value() { # SERIES: as it is written
	awk -v series="$1" 'substr($0, 1, length(series) + 1) == series " " { print $NF }' "$PAGE"
}

shows() { # SERIES VALUE: fetches a page that has it
	fetch && [ "$(value "$1")" = "$2" ]
}

lint() { # FILE: what promtool has to say against it, if it is there
	command -v promtool >/dev/null || skip "no promtool (package prometheus, see make deps-all)"
	run promtool check metrics <"$1"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "metrics: entries, limit and counters are the kernel's, services what is in the table" {
	on box ctfill -d 127.0.0.1 -P 9000 500
	on box ctfill -d 127.0.0.1 -p tcp -P 8080 -a 300
	background on box ctwatch -m 127.0.0.1:9913
	wait_until 30 fetch
	[ "$(value ctkit_conntrack_entries)" -eq 800 ]
	[ "$(value ctkit_conntrack_entries_limit)" -eq "$(cat /proc/sys/net/netfilter/nf_conntrack_max)" ]
	[ "$(value ctkit_conntrack_insert_total)" -eq 800 ]
	[ "$(value ctkit_conntrack_drop_total)" -eq 0 ]
	[ "$(value ctkit_conntrack_evictable_ratio)" = 0.625 ]
	[ "$(value 'ctkit_conntrack_service_entries{service="udp/9000",direction="in"}')" -eq 500 ]
	[ "$(value 'ctkit_conntrack_service_entries{service="tcp/8080",direction="in"}')" -eq 300 ]
	[ "$(value 'ctkit_conntrack_state_entries{state="tcp established"}')" -eq 300 ]
	grep -q '^ctkit_build_info{program="ctwatch",version="' "$PAGE"
	grep -q '^process_resident_memory_bytes ' "$PAGE"
	# A steady table will not be full.
	wait_until 30 shows ctkit_conntrack_forecast_full_seconds +Inf
	# The next page is of the table as it is then.
	on box ctfill -d 127.0.0.1 -P 9001 200
	fetch
	[ "$(value ctkit_conntrack_entries)" -eq 1000 ]
	[ "$(value ctkit_conntrack_insert_total)" -eq 1000 ]
	kill "$pid"
	wait "$pid"
	[ ! -s "$BATS_TEST_TMPDIR/$pid.out" ]
}

@test "metrics: services that were asked for are counted to the entry" {
	on box ctfill -d 127.0.0.1 -P 9000 20000
	on box ctfill -d 127.0.0.1 -P 53 3
	background on box ctwatch -m 127.0.0.1:9913 --service udp/53 --service tcp/[::1]:22
	wait_until 30 fetch
	[ "$(value 'ctkit_conntrack_counted_entries{service="udp/53"}')" -eq 3 ]
	[ "$(value 'ctkit_conntrack_counted_entries{service="tcp/[::1]:22"}')" -eq 0 ]
	kill "$pid"
	wait "$pid"
	lint "$PAGE"
}

@test "metrics: promtool has nothing to say against the pages" {
	on box ctfill -d 127.0.0.1 -P 9000 500
	background on box ctwatch -m 127.0.0.1:9913 --netns all --metrics-compat node
	wait_until 30 fetch
	lint "$PAGE"
	kill "$pid"
	wait "$pid"
	mkdir -p "$BATS_TEST_TMPDIR/dir"
	on box ctwatch --once --textfile "$BATS_TEST_TMPDIR/dir"
	lint "$BATS_TEST_TMPDIR/dir/ctwatch.prom"
}

@test "metrics: each namespace has series of its own, and loses them with its end" {
	on box ctfill -d 127.0.0.1 -P 9000 123
	where=
	background ctwatch -m 127.0.0.1:9913 --netns all
	wait_until 30 fetch
	[ "$(value 'ctkit_conntrack_entries{netns="box"}')" -eq 123 ]
	[ "$(value 'ctkit_conntrack_entries{netns="den"}')" -eq 0 ]
	[ "$(value 'ctkit_conntrack_entries{netns="host"}')" -eq 0 ]
	[ "$(value 'ctkit_conntrack_service_entries{netns="box",service="udp/9000",direction="in"}')" -eq 123 ]
	[ "$(value ctkit_conntrack_netns)" -eq 3 ]
	ip netns del den
	wait_until 30 shows ctkit_conntrack_netns 2
	run ! grep -q 'netns="den"' "$PAGE"
	kill "$pid"
	wait "$pid"
}

# lives: a namespace without a name, of a process that is called so; $pid
lives() {
	background unshare -n sleep 600
	wait_until 30 grep -q sleep "/proc/$pid/comm"
}

@test "metrics: a container that restarts makes no more series, and two alike are told apart" {
	where=
	background ctwatch -m 127.0.0.1:9913 --netns all
	watch=$pid
	wait_until 30 fetch
	for _ in 1 2 3; do
		lives
		wait_until 30 shows 'ctkit_conntrack_entries{netns="sleep"}' 0
		run ! grep -F "[$pid]" "$PAGE"
		first=$pid
		lives
		nsenter -t "$pid" -n ctfill 5
		wait_until 30 shows 'ctkit_conntrack_entries{netns="sleep:2"}' 5
		[ "$(value 'ctkit_conntrack_entries{netns="sleep"}')" -eq 0 ]
		# The second keeps what it is called when the first goes.
		kill "$first"
		wait_until 30 shows ctkit_conntrack_netns 4
		[ "$(value 'ctkit_conntrack_entries{netns="sleep:2"}')" -eq 5 ]
		kill "$pid"
		wait_until 30 shows ctkit_conntrack_netns 3
	done
	pid=$watch
	kill "$pid"
	wait "$pid"
}

@test "metrics: a spoofed flood to all ports makes no more than its share of series, and no addresses" {
	background on box ctwatch -m 127.0.0.1:9913
	wait_until 30 fetch
	for round in $(seq 12); do
		# New sources and new ports each time, so many of each that all are large.
		for i in $(seq 10); do
			on box ctfill -s "10.$round.$i.1" -d "198.18.$round.$i" -P $((round * 100 + i)) 200
		done
		wait_until 30 shows ctkit_conntrack_sample_age_seconds 0
	done
	series=$(grep -vc '^#' "$PAGE")
	services=$(grep -c '^ctkit_conntrack_service_entries{' "$PAGE")
	echo "$series series, $services of services"
	[ "$services" -le 33 ]
	[ "$services" -ge 20 ]
	[ "$series" -le 92 ]
	run ! grep -E '(10|198)\.[0-9]+\.[0-9]+' "$PAGE"
	awk '/^ctkit_conntrack_service_entries/ { sum += $NF } /^ctkit_conntrack_entries / { all = $NF }
		END { print sum, all; exit !(sum > all - 1 && sum < all + 1) }' "$PAGE"
	kill "$pid"
	wait "$pid"
}

@test "metrics: node_exporter's names say the same as ours" {
	on box ctfill -d 127.0.0.1 500
	background on box ctwatch -m 127.0.0.1:9913 --metrics-compat node --netns all
	wait_until 30 fetch
	for name in entries entries_limit; do
		[ "$(value node_nf_conntrack_$name)" = "$(value "ctkit_conntrack_$name{netns=\"box\"}")" ]
	done
	for name in found invalid insert insert_failed drop early_drop search_restart; do
		[ "$(value node_nf_conntrack_stat_$name)" = "$(value "ctkit_conntrack_${name}_total{netns=\"box\"}")" ]
		grep -qx "# TYPE node_nf_conntrack_stat_$name gauge" "$PAGE"
	done
	[ "$(value node_nf_conntrack_stat_insert)" -eq 500 ]
	[ "$(value node_nf_conntrack_stat_ignore)" -eq 0 ]
	kill "$pid"
	wait "$pid"
}

@test "metrics: without CAP_NET_ADMIN entries and limit are there, and what is not known is not" {
	on box ctfill 77
	background on box setpriv --bounding-set=-all --inh-caps=-all ctwatch -m 127.0.0.1:9913
	wait_until 30 fetch
	[ "$(value ctkit_conntrack_entries)" -eq 77 ]
	[ "$(value ctkit_conntrack_netlink_up)" -eq 0 ]
	[ "$(value ctkit_conntrack_drop_total)" -eq 0 ]
	run ! grep -q 'service_entries\|state_entries\|sampled\|_active' "$PAGE"
	lint "$PAGE"
	kill "$pid"
	wait "$pid"
}

@test "textfile: the file is whole whenever it is read, for everybody to read, and gone at the end" {
	mkdir "$BATS_TEST_TMPDIR/dir"
	file=$BATS_TEST_TMPDIR/dir/ctwatch.prom
	on box ctfill -d 127.0.0.1 -P 9000 500
	umask 077
	background on box ctwatch --textfile "$BATS_TEST_TMPDIR/dir" -i 10ms
	wait_until 30 [ -e "$file" ]
	for _ in $(seq 100); do
		# The last family is at the end of it each time.
		[ "$(tail -n 1 "$file" | cut -d' ' -f1)" = ctkit_conntrack_netns_left_out ]
	done
	[ "$(stat -c %a "$file")" = 644 ]
	# node_exporter has these of its own; two of a name break its page.
	run ! grep -q '^process_\|^ctkit_build_info' "$file"
	kill "$pid"
	wait "$pid"
	[ -z "$(ls "$BATS_TEST_TMPDIR/dir")" ]
	[ ! -s "$BATS_TEST_TMPDIR/$pid.out" ]
	# For cron: one file, which stays.
	run -0 on box ctwatch --once --textfile "$BATS_TEST_TMPDIR/dir"
	[ -z "$output" ]
	PAGE=$file
	[ "$(value ctkit_conntrack_entries)" -eq 500 ]
}

@test "textfile: what has expired but is still counted belongs to nobody" {
	mkdir "$BATS_TEST_TMPDIR/textfile"
	PAGE=$BATS_TEST_TMPDIR/textfile/ctwatch.prom
	on box ctfill -d 127.0.0.1 -P 9000 300
	on box ctfill -d 127.0.0.1 -P 9001 -t 1 500
	elapse 1500
	on box ctwatch --once --textfile "$BATS_TEST_TMPDIR/textfile"
	[ "$(value 'ctkit_conntrack_service_entries{service="udp/9000",direction="in"}')" -eq 300 ]
	[ "$(value 'ctkit_conntrack_state_entries{state="udp unreplied"}')" -eq 300 ]
}

@test "textfile: a directory that is not there or not to be written ends it, one that fills up does not" {
	run -1 ctwatch --textfile "$BATS_TEST_TMPDIR/none"
	[ "$output" = "ctwatch: --textfile: \"$BATS_TEST_TMPDIR/none\": No such file or directory" ]
	run -1 ctwatch --textfile /etc/passwd
	[ "$output" = 'ctwatch: --textfile: "/etc/passwd": Not a directory' ]
	run -1 ctwatch --textfile /etc/passwd/x
	[ "$output" = 'ctwatch: --textfile: "/etc/passwd/x": Not a directory' ]
	run -1 ctwatch --textfile ""
	[ "$output" = 'ctwatch: --textfile: "": No such file or directory' ]
	run -1 ctwatch --once --textfile /proc
	[ "$output" = "ctwatch: --textfile: cannot write /proc/ctwatch.prom: No such file or directory" ]
	mkdir "$BATS_TEST_TMPDIR/full"
	mount -t tmpfs -o size=16k tmpfs "$BATS_TEST_TMPDIR/full"
	head -c 16k /dev/zero >"$BATS_TEST_TMPDIR/full/stuff" || :
	run -1 ctwatch --once --textfile "$BATS_TEST_TMPDIR/full"
	[[ $output == *"No space left on device"* ]]
	[ "$(ls "$BATS_TEST_TMPDIR/full")" = stuff ]
	rm "$BATS_TEST_TMPDIR/full/stuff"
	background on box ctwatch --textfile "$BATS_TEST_TMPDIR/full" -i 10ms
	wait_until 30 [ -e "$BATS_TEST_TMPDIR/full/ctwatch.prom" ]
	head -c 16k /dev/zero >"$BATS_TEST_TMPDIR/full/stuff" 2>/dev/null || :
	wait_until 30 grep -q "No space left on device" "$BATS_TEST_TMPDIR/$pid.err"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/$pid.err")" -eq 1 ]
	kill "$pid"
	wait "$pid"
	umount "$BATS_TEST_TMPDIR/full"
}

@test "bad options of metrics are refused, and an address that is taken" {
	while IFS='|' read -r code reason options; do
		# shellcheck disable=SC2086 # options and values
		run -"$code" ctwatch $options
		[ "${#lines[@]}" -eq 1 ]
		[[ $output == *"$reason"* ]]
	done <<-'CASES'
		2|--metrics: "9913": want ADDR:PORT|-m 9913
		2|--metrics: "localhost:9913": want ADDR:PORT|--metrics localhost:9913
		2|--metrics: "127.0.0.1:70000": want ADDR:PORT, like 127.0.0.1:9911 or [::1]:9911, with a PORT of 1 to 65535|-m 127.0.0.1:70000
		1|--metrics: cannot serve metrics at 192.0.2.77:9913: Cannot assign requested address|-m 192.0.2.77:9913
		2|--once is one report: --metrics serves many|--once -m 127.0.0.1:9913
		2|"nagios" is not node|-m 127.0.0.1:9913 --metrics-compat nagios
		2|--metrics-compat is for --metrics and --textfile|--metrics-compat node
	CASES
	background on box ctwatch -m 127.0.0.1:9913
	wait_until 30 fetch
	run -1 on box ctwatch -m 127.0.0.1:9913
	[[ $output == *"127.0.0.1:9913: Address already in use"* ]]
	kill "$pid"
	wait "$pid"
}

@test "lines and metrics go together when lines are asked for" {
	background on box ctwatch -m 127.0.0.1:9913 -j -i 300ms
	wait_until 30 [ -s "$BATS_TEST_TMPDIR/$pid.out" ]
	wait_until 30 fetch
	# What a page has told of does not go missing in the lines.
	for i in $(seq 20); do
		on box ctfill -s "10.0.$i.1" 10
		fetch
	done
	wait_until 30 gained 200
	kill "$pid"
	wait "$pid"
}

gained() { # N: entries inserted, all lines added up
	[ "$(head -n -1 "$BATS_TEST_TMPDIR/$pid.out" | jq -s 'map(.tables[0].counters_delta.insert) | add')" = "$1" ]
}
