// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * epoll_feed PORT PROCESSES: what a feed costs at least. A bare epoll loop on 127.0.0.1 that
 * answers whatever a client sends with the head of a feed, and then sends each client the
 * same bytes once a second, spread over it. No timers, no ids, no limits, no errors: an
 * anchor to compare ctserve with, not a server.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/args.h"
#include "lib/clock.h"

enum {
	EVENTS = 256,
	PROCESSES_MAX = 64,
	READ_BYTES = 4096,
	TICKS = 64, /* a second, as many as ctserve has in an interval */
};

static const char HEAD[] =
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
	"Cache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n"
	"002a\r\nctkit welcomes you! Your Id: /test/123456\n\r\n";
static const char CHUNK[] = "001a\r\nChunk 5 for id /test/1234\n\r\n";

struct feeds {
	int epoll;
	int listener;
	uint32_t count;
	uint32_t next; /* to be sent to */
	int *fds;
};

static void check(long result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

static int open_listener(uint16_t port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	check(fd, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	check(bind(fd, (const struct sockaddr *)&address, sizeof(address)), "bind");
	check(listen(fd, 65535), "listen");
	return fd;
}

static void watch(const struct feeds *feeds, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	check(epoll_ctl(feeds->epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static void accept_all(struct feeds *feeds)
{
	int fd;

	while ((fd = accept4(feeds->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		watch(feeds, fd);
}

/* A descriptor that is closed stays in the row: sending to it is not an error that counts. */
static void on_readable(struct feeds *feeds, int fd)
{
	char bytes[READ_BYTES];

	if (recv(fd, bytes, sizeof(bytes), 0) <= 0) {
		close(fd);
		return;
	}
	send(fd, HEAD, sizeof(HEAD) - 1, MSG_NOSIGNAL);
	feeds->fds[feeds->count++] = fd;
}

/* A share of the row at each tick, so that each client has its turn once a second. */
static void send_share(struct feeds *feeds, unsigned tick)
{
	uint32_t end = (uint32_t)((uint64_t)feeds->count * (tick % TICKS + 1) / TICKS);

	if (tick % TICKS == 0)
		feeds->next = 0;
	for (; feeds->next < end; feeds->next++)
		send(feeds->fds[feeds->next], CHUNK, sizeof(CHUNK) - 1, MSG_NOSIGNAL);
}

static void serve(uint16_t port, uint32_t descriptors)
{
	const uint64_t tick_ns = CLOCK_NS_PER_S / TICKS;
	struct feeds feeds = { .epoll = epoll_create1(0),
			       .listener = open_listener(port) };
	struct epoll_event events[EVENTS];
	uint64_t due_ns = clock_now_ns();
	unsigned tick = 0;

	feeds.fds = calloc(descriptors, sizeof(int));
	check(feeds.fds ? 0 : -1, "calloc");
	watch(&feeds, feeds.listener);
	for (;;) {
		uint64_t now_ns = clock_now_ns();
		int wait_ms, count;

		if (now_ns >= due_ns) {
			send_share(&feeds, tick++);
			due_ns += tick_ns;
		}
		wait_ms = now_ns < due_ns ? (int)((due_ns - now_ns) / CLOCK_NS_PER_MS) + 1
					  : 0;
		count = epoll_wait(feeds.epoll, events, EVENTS, wait_ms);
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == feeds.listener)
				accept_all(&feeds);
			else
				on_readable(&feeds, events[i].data.fd);
		}
	}
}

int main(int argc, char **argv)
{
	uint64_t port, processes;
	struct args_why why;
	struct rlimit limit;

	if (argc != 3 || args_count(argv[1], 1, UINT16_MAX, &port, &why) ||
	    args_count(argv[2], 1, PROCESSES_MAX, &processes, &why)) {
		fprintf(stderr, "usage: epoll_feed PORT PROCESSES\n");
		return 2;
	}
	check(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	check(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
	while (processes-- > 1) {
		pid_t pid = fork();

		check(pid, "fork");
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGTERM);
			break;
		}
	}
	serve((uint16_t)port, (uint32_t)limit.rlim_cur);
	return 0;
}
