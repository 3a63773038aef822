#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Lists every project include the module graph forbids; fails if there is one.
allowed() {
	case $1 in
	lib/*) echo lib ;;
	server/*) echo 'server lib' ;;
	rules/*) echo 'rules lib' ;;
	guard/*) echo 'guard conntrack rules lib' ;;
	conntrack/*) echo 'conntrack lib' ;;
	esac
}

status=0
for file in lib/*.[ch] server/*.[ch] conntrack/*.[ch] rules/*.[ch] guard/*.[ch]; do
	[ -e "$file" ] || continue
	# shellcheck disable=SC2013 # folder names are words
	for dir in $(sed -n 's|^#include "\([a-z]*\)/.*|\1|p' "$file"); do
		case " $(allowed "$file") " in
		*" $dir "*) ;;
		*) echo "$file: must not include $dir/"; status=1 ;;
		esac
	done
done
exit $status
