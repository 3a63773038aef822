#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs the Debian packages that building, the demonstration and the tests need.
# Says nothing and does nothing when all are there. DRYRUN=1: only prints the missing.
# "deps.sh deps-all" also those that few tests need, which skip without them; they are large.
set -eu

build='gcc make pkg-config libc6-dev libnetfilter-conntrack-dev libnftnl-dev libnftables-dev libmnl-dev
	libev-dev libconfuse-dev libjansson-dev libcap-ng-dev libncurses-dev'
test='libcmocka-dev bats iproute2 nftables iptables conntrack procps util-linux jq curl strace python3 gnuplot-nox netbase
	mandoc tmux'

optional='chromium wrk apache2-utils clang libclang-rt-dev prometheus'
if [ "${1:-}" = deps-all ]; then
	test="$test $optional"
fi

if ! command -v dpkg-query >/dev/null; then
	echo "not a Debian system: install what these packages hold by hand: $build $test llhttp"
	exit 0
fi

installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=
for package in $build $test; do
	installed "$package" || missing="$missing $package"
done
# llhttp is a library from Debian 13 on; Debian 12 has its sources beside Node's parser.
installed libllhttp-dev || installed node-llhttp || missing="$missing llhttp"

[ -n "$missing" ] || exit 0
echo "installing:$missing"
[ -z "${DRYRUN:-}" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "need root to install them, and there is no sudo" >&2
		exit 1
	fi
	as_root=sudo
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
	if ! $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >"$log" 2>&1; then
		cat "$log" >&2
		return 1
	fi
}

apt update
case $missing in
*' llhttp')
	if apt-cache show libllhttp-dev >/dev/null 2>&1; then
		missing="${missing% llhttp} libllhttp-dev"
	else
		missing="${missing% llhttp} node-llhttp"
	fi
	;;
esac
# shellcheck disable=SC2086 # a list of words
apt install --no-install-recommends -y $missing
