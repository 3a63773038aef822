# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the benchmarks share: figures of processes, from /proc. They run in tests/sandbox.

PATH=$PATH:/usr/sbin:/sbin

# fail SENTENCE: the end.
fail() {
	echo "$1" >&2
	exit 1
}

# wait_until SECONDS COMMAND...: polls until the command succeeds; fails after SECONDS.
wait_until() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS <= deadline)) || fail "gave up waiting for: $*"
		sleep 0.05
	done
}

# number TEXT: "500", "10k", "1M" as a number; fails otherwise.
number() {
	if ! [[ $1 =~ ^[1-9][0-9]*[kM]?$ ]]; then
		echo "\"$1\" is not a count, like 100k or 1M" >&2
		return 1
	fi
	case $1 in
	*k) echo "$((${1%k} * 1000))" ;;
	*M) echo "$((${1%M} * 1000000))" ;;
	*) echo "$1" ;;
	esac
}

# family PID: it and its children.
family() {
	echo "$1 $(cat "/proc/$1/task/$1/children")"
}

# cpu_ticks PID...: user and system time so far, in clock ticks.
cpu_ticks() {
	local pid sum=0 stat
	for pid; do
		# The name in parentheses may hold blanks.
		read -r stat <"/proc/$pid/stat"
		# shellcheck disable=SC2086 # a list of words
		set -- ${stat##*) }
		sum=$((sum + ${12} + ${13}))
	done
	echo "$sum"
}

# memory_kb FIELD PID...: the sum of a field of smaps_rollup (Pss, Rss, Pss_Anon), in KiB.
memory_kb() {
	local field=$1 pid sum=0 kb
	shift
	for pid; do
		kb=$(awk -v field="$field:" '$1 == field { print $2 }' "/proc/$pid/smaps_rollup")
		sum=$((sum + kb))
	done
	echo "$sum"
}

# calc EXPRESSION [FORMAT]: arithmetic with fractions; hz is clock ticks a second.
calc() {
	awk -v hz="$(getconf CLK_TCK)" "BEGIN { printf \"${2:-%.2f}\", $1 }"
}
