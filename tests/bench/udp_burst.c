// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * udp_burst [-b BURST] [-s BYTES] [-f FLOWS] [-o WINDOW] [-t TIME] PORT: loads an echo
 * on 127.0.0.1 as cheaply as can be, so that the echo is what limits. One socket, and a
 * flow is an address of 127.1.0.0/16. A burst of more than one datagram is one send with
 * UDP_SEGMENT, and is received as one with UDP_GRO. WINDOW bursts are unanswered at a
 * time. Prints datagrams that came back, and how many of them a second.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/args.h"
#include "lib/clock.h"

enum {
	BATCH = 32,
	BURST_MAX = 64,
	FLOWS_MAX = 65000,
	PAYLOAD_MAX = 65000, /* of a burst: one IP packet before it is cut up */
	SLOT_BYTES = 65536 + 64,
	BUFFER_BYTES = 8 * 1024 * 1024,
	SOURCES = 0x7f010000 + 1, /* 127.1.0.1 */
	STUCK_MS = 100,
};

/* What goes with a burst, laid out as CMSG_NXTHDR() would find it. */
struct control {
	struct cmsghdr source_head;
	struct in_pktinfo source;
	alignas(struct cmsghdr) struct cmsghdr segment_head;
	uint16_t segment;
};

struct burst {
	int fd;
	uint64_t port, datagrams, bytes, flows, window;
	double seconds;
	uint64_t next_flow;
	uint64_t unanswered; /* datagrams */
	uint64_t sent, received, lost;
	struct sockaddr_in target;
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	struct control controls[BATCH];
	char *payload; /* of every burst */
	char *slots;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void set(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)) < 0)
		die("setsockopt");
}

static void open_socket(struct burst *burst)
{
	const struct sockaddr_in any = { .sin_family = AF_INET };
	int buffer = BUFFER_BYTES;

	burst->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (burst->fd < 0)
		die("socket");
	if (setsockopt(burst->fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) <
	    0)
		set(burst->fd, SOL_SOCKET, SO_RCVBUF, buffer);
	if (burst->datagrams > 1)
		set(burst->fd, SOL_UDP, UDP_GRO, 1);
	if (bind(burst->fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		die("bind");
	burst->target = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)burst->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	burst->payload = calloc(burst->datagrams, burst->bytes);
	burst->slots = malloc((size_t)BATCH * SLOT_BYTES);
	if (!burst->payload || !burst->slots)
		die("malloc");
}

/* The source of the next flow, and how to cut the burst up. */
static void fill_control(struct burst *burst, struct control *control,
			 struct msghdr *header)
{
	uint32_t flow = (uint32_t)(burst->next_flow++ % burst->flows);

	*control = (struct control){
		.source_head.cmsg_level = IPPROTO_IP,
		.source_head.cmsg_type = IP_PKTINFO,
		.source_head.cmsg_len = CMSG_LEN(sizeof(control->source)),
		.source.ipi_spec_dst.s_addr = htonl(SOURCES + flow),
		.segment_head.cmsg_level = SOL_UDP,
		.segment_head.cmsg_type = UDP_SEGMENT,
		.segment_head.cmsg_len = CMSG_LEN(sizeof(control->segment)),
		.segment = (uint16_t)burst->bytes,
	};
	header->msg_control = control;
	header->msg_controllen = burst->datagrams > 1
					 ? sizeof(*control)
					 : offsetof(struct control, segment_head);
}

/* Sends what the window has room for, at most a batch. */
static void send_batch(struct burst *burst)
{
	uint64_t open = burst->window - burst->unanswered / burst->datagrams;
	unsigned count = open < BATCH ? (unsigned)open : BATCH;
	int n;

	for (unsigned i = 0; i < count; i++) {
		struct msghdr *header = &burst->messages[i].msg_hdr;

		burst->parts[i].iov_base = burst->payload;
		burst->parts[i].iov_len = burst->datagrams * burst->bytes;
		*header = (struct msghdr){
			.msg_name = &burst->target,
			.msg_namelen = sizeof(burst->target),
			.msg_iov = &burst->parts[i],
			.msg_iovlen = 1,
		};
		fill_control(burst, &burst->controls[i], header);
	}
	n = sendmmsg(burst->fd, burst->messages, count, 0);
	if (n < 0)
		die("sendmmsg");
	burst->sent += (uint64_t)n * burst->datagrams;
	burst->unanswered += (uint64_t)n * burst->datagrams;
}

static void receive_all(struct burst *burst)
{
	for (;;) {
		uint64_t datagrams = 0;
		int n;

		for (unsigned i = 0; i < BATCH; i++) {
			burst->parts[i].iov_base = burst->slots + (size_t)i * SLOT_BYTES;
			burst->parts[i].iov_len = SLOT_BYTES;
			burst->messages[i].msg_hdr = (struct msghdr){
				.msg_iov = &burst->parts[i],
				.msg_iovlen = 1,
			};
		}
		n = recvmmsg(burst->fd, burst->messages, BATCH, 0, NULL);
		if (n < 0)
			return;
		for (int i = 0; i < n; i++)
			datagrams += burst->messages[i].msg_len / burst->bytes;
		burst->received += datagrams;
		burst->unanswered -=
			datagrams < burst->unanswered ? datagrams : burst->unanswered;
	}
}

static double run(struct burst *burst)
{
	uint64_t start_ns = clock_now_ns();
	uint64_t end_ns = start_ns + (uint64_t)(burst->seconds * CLOCK_NS_PER_S);

	while (clock_now_ns() < end_ns) {
		struct pollfd ready = { .fd = burst->fd, .events = POLLIN };

		if (burst->unanswered + burst->datagrams <=
		    burst->window * burst->datagrams)
			send_batch(burst);
		receive_all(burst);
		if (burst->unanswered + burst->datagrams <=
		    burst->window * burst->datagrams)
			continue;
		if (poll(&ready, 1, STUCK_MS) > 0)
			continue;
		burst->lost += burst->unanswered;
		burst->unanswered = 0;
	}
	return clock_between_s(start_ns, clock_now_ns());
}

static uint64_t number(const char *text, uint64_t max)
{
	struct args_why why;
	uint64_t value;

	if (args_count(text, 1, max, &value, &why) < 0) {
		fprintf(stderr, "%s\n", why.text);
		exit(2);
	}
	return value;
}

static double duration(const char *text)
{
	struct args_why why;
	double seconds;

	if (args_duration(text, 0.001, 3600, &seconds, &why) < 0) {
		fprintf(stderr, "%s\n", why.text);
		exit(2);
	}
	return seconds;
}

int main(int argc, char **argv)
{
	struct burst burst = {
		.datagrams = 1, .bytes = 64, .flows = 1, .window = 256, .seconds = 2
	};
	double seconds;
	int key;

	while ((key = getopt(argc, argv, "b:s:f:o:t:")) != -1) {
		switch (key) {
		case 'b': burst.datagrams = number(optarg, BURST_MAX); break;
		case 's': burst.bytes = number(optarg, PAYLOAD_MAX); break;
		case 'f': burst.flows = number(optarg, FLOWS_MAX); break;
		case 'o': burst.window = number(optarg, 100000); break;
		case 't': burst.seconds = duration(optarg); break;
		default: return 2;
		}
	}
	if (optind + 1 != argc || burst.datagrams * burst.bytes > PAYLOAD_MAX) {
		fprintf(stderr, "usage: udp_burst [-b BURST] [-s BYTES] [-f FLOWS] "
				"[-o WINDOW] [-t TIME] PORT\n");
		return 2;
	}
	burst.port = number(argv[optind], 65535);
	open_socket(&burst);
	seconds = run(&burst);
	printf("received=%llu lost=%llu rate=%.0f\n", (unsigned long long)burst.received,
	       (unsigned long long)burst.lost, (double)burst.received / seconds);
	return burst.received ? 0 : 1;
}
