#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2030,SC2086,SC2031,SC2154 # tests are subshells; $pid comes from lib
# HTTP of ctserve: what the RFCs say, by clients that others wrote, and by hand where those are too polite.
load lib
load ctserve

url=http://127.0.0.1:8080

# serve ARGUMENTS...: a feed at port 8080; its pid is in $server.
serve() {
	serve_on '' "$@" feed=tcp/127.0.0.1:8080
}

# raw: sends stdin on one connection and prints all that comes back until the server closes it.
raw() {
	timeout 60 bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080; cat >&3; cat <&3'
}

# statuses: the status of each response on stdin, in one line.
statuses() {
	grep -a '^HTTP/' | cut -d' ' -f2 | tr '\n' ' '
}

# status TEXT: sends the text (printf) and prints the statuses that come back.
status() {
	# shellcheck disable=SC2059 # the text is a format
	printf "$1" | raw | statuses
}

@test "http: ids are shown decoded, and refused if they could break a line" {
	serve -i 100ms
	local id
	while IFS='|' read -r id shown; do
		run bash -c "curl -sN --path-as-is --max-time 60 '$url/test/$id' | head -n 2"
		echo "$id: $output"
		[ "${lines[0]}" = "ctkit welcomes you! Your Id: /test/$shown" ]
		[ "${lines[1]}" = "Chunk 1 for id /test/$shown" ]
	done <<-'CASES'
		%41|A
		a%20b|a b
		gr%C3%BC%c3%9f|grüß
		a%2Fb|a/b
		../x|../x
		100%25|100%
		<b>|<b>
	CASES
	for id in % %4 %zz %00 a%0Ab a%0d a%09b %7f %c2%85 %ff %c3 %ed%a0%80; do
		[ "$(curl -s -o /dev/null -w '%{http_code}' "$url/test/$id")" = 400 ]
	done
	[ "$(curl -s -o /dev/null -w '%{http_code}' "$url/test%2Fx")" = 404 ]
	[ "$(curl -s "$url/%68ealth%7A")" = ok ]
}

@test "http: every way to hide where a body ends is 400 and closes the connection" {
	serve
	local lines next='GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'
	while read -r lines; do
		echo "$lines"
		[ "$(status "POST /healthz HTTP/1.1\r\nHost: a\r\n$lines\r\n\r\n$next")" = "400 " ]
	done <<-'CASES'
		Content-Length: 5\r\nContent-Length: 5
		Content-Length: 5\r\nContent-Length: 6
		Content-Length: 5, 5
		Content-Length: 5\r\nTransfer-Encoding: chunked
		Transfer-Encoding: chunked\r\nContent-Length: 5
		Transfer-Encoding: chunked\r\nTransfer-Encoding: identity
		Transfer-Encoding: xchunked
		Transfer-Encoding: gzip
		Transfer-Encoding : chunked
		Content-Length: -1
	CASES
	[ "$(status "GET /healthz HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n$next")" = "400 " ]
}

@test "http: what follows an announced body is never taken for a request" {
	serve
	local next='GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n'
	[ "$(status "GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 35\r\n\r\n$next")" = "200 " ]
	[ "$(status "POST /test/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n$next")" = "405 " ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' -H 'Expect: 100-continue' -d body $url/healthz)" = 405 ]
	[ "$(curl -s -X GET -d body $url/healthz)" = ok ]
	# however much of it there is
	head -c 3000000 /dev/zero >"$BATS_TEST_TMPDIR/zero"
	[ "$(curl -s -o /dev/null -w '%{http_code}' -H 'Expect:' --data-binary "@$BATS_TEST_TMPDIR/zero" $url/test/1)" = 405 ]
}

@test "http: Host, Expect and versions are as in RFC 9110 and 9112" {
	serve
	local text code
	while IFS='|' read -r code text; do
		echo "$text"
		[ "$(status "$text\r\n\r\n")" = "$code " ]
	done <<-'CASES'
		400|GET /healthz HTTP/1.1
		400|GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a
		400|GET /healthz HTTP/1.1\r\nHost: a/b
		400|GET /healthz HTTP/1.1\r\nHost: a b
		400|GET /healthz HTTP/1.1\r\n: b\r\nHost: a
		200|GET /healthz HTTP/1.0
		200|GET /healthz HTTP/1.1\r\nHost:\r\nConnection: close
		200|GET http://a.b:80/healthz?x HTTP/1.1\r\nHost: c\r\nConnection: close
		417|GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: miracles
		200|GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close
		505|GET /healthz HTTP/2.0\r\nHost: a
		505|GET /healthz HTTP/0.9\r\nHost: a
		505|GET /healthz\r\nHost: a
		400|BREW /healthz HTTP/1.1\r\nHost: a
		405|CONNECT a:80 HTTP/1.1\r\nHost: a
		404|GET * HTTP/1.1\r\nHost: a\r\nConnection: close
	CASES
}

@test "http: OPTIONS says what is allowed, 405 as well" {
	serve
	local target
	for target in '*' /healthz /test/1; do
		run raw < <(printf 'OPTIONS %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' "$target")
		[ "$(statuses <<<"$output")" = "200 " ]
		[[ $output == *"Allow: GET, HEAD, OPTIONS"* ]]
		[[ $output == *"Content-Length: 0"* ]]
	done
	run raw < <(printf 'TRACE /test/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
	[ "$(statuses <<<"$output")" = "405 " ]
	[[ $output == *"Allow: GET, HEAD, OPTIONS"* ]]
	[ "$(curl -s -o /dev/null -w '%{http_code}' -X OPTIONS $url/no)" = 404 ]
}

@test "http: a feed without an end says that the connection closes with it" {
	serve -i 50ms
	local version text
	for version in 1.0 1.1; do
		text=$(printf 'GET /test/1 HTTP/%s\r\nHost: a\r\nConnection: keep-alive\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n' "$version" |
			timeout 60 bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080; cat >&3; sed -u "/Chunk 2/q" <&3')
		[ "$(grep -c $'^Connection: close\r$' <<<"$text")" -eq 1 ]
		[ "$(statuses <<<"$text")" = "200 " ]
		[ "$(grep -c '^Transfer-Encoding: chunked' <<<"$text" || true)" -eq "$([ "$version" = 1.1 ]; echo $((1 - $?)))" ]
	done
	run curl -sI $url/test/1
	[[ $output == *"Connection: close"* ]]
	[[ $output == *"Transfer-Encoding: chunked"* ]]
	[ "$(grep -c . <<<"$output")" -eq 10 ]
}

@test "http: connections are kept for /healthz, also by HTTP/1.0 if it asks" {
	serve -w 1
	run curl -sv $url/healthz $url/healthz $url/no $url/healthz
	[ "$(grep -c 'Re-using existing connection' <<<"$output")" -eq 3 ]
	run curl -sv --http1.0 -H 'Connection: keep-alive' $url/healthz $url/healthz
	[ "$(grep -c 'Re-using existing connection' <<<"$output")" -eq 1 ]
	wait_until 30 counter_is connections_closed -eq 2
}

@test "http: wrk is answered over kept connections, without an error" {
	need wrk wrk
	serve
	run wrk -t 2 -c 50 -d 1s $url/healthz
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output != *"Socket errors"* && $output != *"Non-2xx"* ]]
	stop
	[ "$(counter connections_accepted)" -le 51 ]
	[ "$(counter http_requests)" -gt 100 ]
	[ "$(counter http_errors)" -eq 0 ]
}

@test "http: ab is answered, with and without kept connections" {
	need ab apache2-utils
	serve
	run ab -q -n 2000 -c 20 -k $url/healthz
	[ "$status" -eq 0 ]
	[[ $output == *"Complete requests:      2000"* ]]
	[[ $output == *"Failed requests:        0"* ]]
	[[ $output == *"Keep-Alive requests:    2000"* ]]
	run ab -q -n 500 -c 20 $url/healthz
	[[ $output == *"Complete requests:      500"* ]]
	[[ $output == *"Failed requests:        0"* ]]
}

@test "http: events have fields as in the HTML standard, and any page may read them" {
	serve -i 50ms -P "$BATS_TEST_TMPDIR/socket"
	run bash -c "curl -sN -D head --max-time 60 -H 'Accept: text/event-stream' -H 'Last-Event-ID: 99' \
		-H 'Origin: http://other' $url/test/a | head -n 6"
	[ "${lines[0]}" = "retry: 2000" ]
	[ "${lines[1]}" = "data: ctkit welcomes you! Your Id: /test/a" ]
	[ "${lines[2]}" = "id: 1" ]
	[ "${lines[3]}" = "data: Chunk 1 for id /test/a" ]
	[ -z "$(sed -n '3p;6p' <<<"$output")" ]
	grep -qi '^content-type: text/event-stream' "$BATS_TEST_TMPDIR/head"
	grep -qi '^cache-control: no-cache' "$BATS_TEST_TMPDIR/head"
	grep -qi '^access-control-allow-origin: \*' "$BATS_TEST_TMPDIR/head"
	grep -qi '^x-content-type-options: nosniff' "$BATS_TEST_TMPDIR/head"
}

@test "http: an EventSource of a browser reads a feed and its messages, from another origin" {
	need chromium chromium
	serve -i 200ms -P "$BATS_TEST_TMPDIR/socket"
	mkdir "$BATS_TEST_TMPDIR/profile"
	cat >"$BATS_TEST_TMPDIR/page.html" <<-'HTML'
		<!DOCTYPE html><title>feed</title><body><script>
		const source = new EventSource('http://127.0.0.1:8080/test/browser%20%C3%BC');
		const seen = [];
		source.onmessage = event => {
		    seen.push(event.lastEventId + '|' + event.data);
		    if (seen.some(line => line.includes('<hello>')) && seen.some(line => line.includes('Chunk 3'))) {
		        source.close();
		        document.body.textContent = seen.join('\n');
		        fetch('http://127.0.0.1:8090/done', { mode: 'no-cors', method: 'POST', body: seen.join('\n') });
		    }
		};
		source.onerror = () => fetch('http://127.0.0.1:8090/failed', { mode: 'no-cors', method: 'POST', body: 'error' });
		</script>
	HTML
	# The page comes from one port, reads from another, and reports here what it saw.
	background /usr/bin/python3 -u -c 'if True:
		import http.server
		class Page(http.server.SimpleHTTPRequestHandler):
		    def do_POST(self):
		        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
		        open(self.path[1:], "w").write(text)
		        self.send_response(204)
		        self.end_headers()
		http.server.test(Page, port=8090, bind="127.0.0.1")'
	local pages=$pid
	background env HOME="$BATS_TEST_TMPDIR/profile" chromium --headless --no-sandbox --disable-gpu --no-first-run \
		--disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage \
		--user-data-dir="$BATS_TEST_TMPDIR/profile" --remote-debugging-port=0 http://127.0.0.1:8090/page.html
	local browser=$pid
	wait_until 120 counter_is connections_open -ge 1
	/usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto("browser%20%C3%BC <hello> ü".encode(), "socket")'
	wait_until 120 test -s done
	kill "$browser"
	wait "$browser" || true
	kill "$pages"
	[ ! -e failed ]
	grep -q '^|ctkit welcomes you! Your Id: /test/browser ü$' done
	grep -q '^1|Chunk 1 for id /test/browser ü$' done
	grep -q '^3|Chunk 3 for id /test/browser ü$' done
	grep -qE '^[0-9]*\|<hello> ü$' done
}
