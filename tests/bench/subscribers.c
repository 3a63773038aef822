// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * subscribers [-s] PORT PATH FEEDS RATE SECONDS: opens FEEDS feeds of the ctserve at
 * 127.0.0.1:PORT, publishes RATE messages a second at PATH from a process of its own, each
 * to one feed, and checks that every feed gets its own in order. Prints JSON. With -s the
 * feeds do not read while it publishes, and have small buffers.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/args.h"
#include "lib/clock.h"
#include "server/hist.h"

enum { FEEDS_MAX = 19000, LINE_MAX_BYTES = 128, EVENTS = 256, QUIET_MS = 2000 };

struct feed {
	int fd;
	uint32_t last; /* number of the last message */
	uint32_t lines;
	uint32_t used;
	char line[LINE_MAX_BYTES];
};

/* What the sender says; shared with it. */
struct sender {
	uint64_t sent;
	uint64_t late; /* sent more than a millisecond after their time */
	double seconds;
	bool done;
};

struct bench {
	unsigned port;
	const char *path;
	uint64_t feeds_count, rate, messages;
	struct feed *feeds;
	struct sender *sender;
	int epoll;
	uint64_t received, disordered, welcomes;
	bool stuck; /* feeds do not read while messages are published */
	struct hist latency;
};

static void check(int result, const char *what)
{
	if (result >= 0)
		return;
	fprintf(stderr, "subscribers: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static uint64_t number(const char *text, uint64_t max)
{
	struct args_why why;
	uint64_t count;

	if (args_count(text, 1, max, &count, &why) == 0)
		return count;
	fprintf(stderr, "subscribers: %s\n", why.text);
	exit(EXIT_FAILURE);
}

static void open_feed(struct bench *bench, uint64_t index)
{
	struct feed *feed = &bench->feeds[index];
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = feed };
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)bench->port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char request[80];
	int length = snprintf(request, sizeof(request),
			      "GET /test/s%" PRIu64 " HTTP/1.0\r\n\r\n", index);

	feed->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(feed->fd, "socket");
	/* Else the kernel would take all of it for a feed that does not read. */
	if (bench->stuck)
		check(setsockopt(feed->fd, SOL_SOCKET, SO_RCVBUF, &(int){ 4096 },
				 sizeof(int)),
		      "SO_RCVBUF");
	check(connect(feed->fd, (struct sockaddr *)&address, sizeof(address)), "connect");
	check((int)send(feed->fd, request, (size_t)length, 0), "send");
	check(fcntl(feed->fd, F_SETFL, O_NONBLOCK), "fcntl");
	check(epoll_ctl(bench->epoll, EPOLL_CTL_ADD, feed->fd, &event), "epoll_ctl");
}

/* "m NUMBER TIME_NS", a line of the head, or the welcome. */
static void take_line(struct bench *bench, struct feed *feed)
{
	uint32_t sequence;
	uint64_t sent_ns;

	feed->line[feed->used] = '\0';
	feed->used = 0;
	if (strncmp(feed->line, "ctkit welcomes", 14) == 0)
		bench->welcomes++;
	if (sscanf(feed->line, "m %" SCNu32 " %" SCNu64, &sequence, &sent_ns) != 2)
		return;
	bench->received++;
	bench->disordered += sequence <= feed->last;
	feed->last = sequence;
	hist_add(&bench->latency, clock_now_ns() - sent_ns);
}

static void read_feed(struct bench *bench, struct feed *feed)
{
	char text[4096];
	ssize_t bytes = read(feed->fd, text, sizeof(text));

	if (bytes < 0 && errno == EAGAIN)
		return;
	check(bytes > 0 ? 0 : -1, "a feed ended");
	for (ssize_t i = 0; i < bytes; i++) {
		if (text[i] == '\n')
			take_line(bench, feed);
		else if (feed->used < LINE_MAX_BYTES - 1)
			feed->line[feed->used++] = text[i];
	}
}

/* Reads what comes within wait_ms; whether anything did. */
static bool read_feeds(struct bench *bench, int wait_ms)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(bench->epoll, events, EVENTS, wait_ms);

	for (int i = 0; i < count; i++)
		read_feed(bench, events[i].data.ptr);
	return count > 0;
}

static void wait_until_ns(uint64_t due_ns)
{
	struct timespec due = { .tv_sec = (time_t)(due_ns / CLOCK_NS_PER_S),
				.tv_nsec = (long)(due_ns % CLOCK_NS_PER_S) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR) {
	}
}

/* Each message at its time, or as soon as the kernel lets it: send() waits for room. */
static void publish(struct bench *bench)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct sender *sender = bench->sender;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	uint64_t start_ns = clock_now_ns();

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", bench->path);
	check(connect(fd, (struct sockaddr *)&address, sizeof(address)), bench->path);
	for (uint64_t i = 0; i < bench->messages; i++) {
		uint64_t due_ns = start_ns + i * CLOCK_NS_PER_S / bench->rate;
		uint64_t now_ns = clock_now_ns();
		char text[100];
		int length;

		if (now_ns < due_ns)
			wait_until_ns(due_ns);
		else if (now_ns - due_ns > CLOCK_NS_PER_MS)
			sender->late++;
		/* 7919 is prime: every feed in turn, but not in the order they were opened. */
		length = snprintf(text, sizeof(text),
				  "s%" PRIu64 " m %" PRIu64 " %" PRIu64,
				  i * 7919 % bench->feeds_count, i + 1, clock_now_ns());
		check((int)send(fd, text, (size_t)length, 0), "send");
		sender->sent++;
	}
	sender->seconds = clock_between_s(start_ns, clock_now_ns());
	sender->done = true;
	_exit(EXIT_SUCCESS);
}

static bool done(const struct bench *bench)
{
	return __atomic_load_n(&bench->sender->done, __ATOMIC_ACQUIRE);
}

static void report(const struct bench *bench)
{
	const struct sender *sender = bench->sender;

	printf("{\"feeds\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"sent_late\":%" PRIu64
	       ",\"messages_per_second\":%.0f,\"received\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"disordered\":%" PRIu64
	       ",\"latency_us\":{\"p50\":%.0f,\"p99\":%.0f,\"max\":%.0f}}\n",
	       bench->feeds_count, sender->sent, sender->late,
	       (double)sender->sent / sender->seconds, bench->received,
	       sender->sent - bench->received, bench->disordered,
	       (double)hist_quantile(&bench->latency, 0.5) / 1e3,
	       (double)hist_quantile(&bench->latency, 0.99) / 1e3,
	       (double)bench->latency.max / 1e3);
}

int main(int argc, char **argv)
{
	static struct bench bench;
	pid_t pid;

	bench.stuck = argc == 7 && strcmp(argv[1], "-s") == 0;
	argv += bench.stuck;
	if (argc - bench.stuck != 6) {
		fprintf(stderr, "usage: subscribers [-s] PORT PATH FEEDS RATE SECONDS\n");
		return 2;
	}
	bench.port = (unsigned)number(argv[1], 65535);
	bench.path = argv[2];
	bench.feeds_count = number(argv[3], FEEDS_MAX);
	bench.rate = number(argv[4], 10000000);
	bench.messages = bench.rate * number(argv[5], 600);
	bench.feeds = calloc(bench.feeds_count, sizeof(*bench.feeds));
	bench.sender = mmap(NULL, sizeof(*bench.sender), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bench.epoll = epoll_create1(EPOLL_CLOEXEC);
	check(bench.feeds && bench.sender != MAP_FAILED ? bench.epoll : -1, "memory");
	for (uint64_t i = 0; i < bench.feeds_count; i++)
		open_feed(&bench, i);
	while (bench.welcomes < bench.feeds_count)
		check(read_feeds(&bench, 10000) ? 0 : -1, "no welcome");
	pid = fork();
	check(pid, "fork");
	if (pid == 0)
		publish(&bench);
	if (bench.stuck)
		check(waitpid(pid, NULL, 0), "waitpid");
	while (bench.received < bench.messages)
		if (!read_feeds(&bench, QUIET_MS) && done(&bench))
			break;
	report(&bench);
	return 0;
}
