// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * udp_bare single|batch[+pktinfo][+hops][+segments] PORT [BATCH]: the least that echoes
 * UDP over IPv4, to compare ctserve with: recvfrom() and sendto(), or recvmmsg() and
 * sendmmsg(), also with what answering from the asked address, with a hop less, and bursts
 * as bursts cost at least. It counts nothing and refuses nobody. Ends when killed.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/args.h"

enum {
	BATCH_MAX = 256,
	BATCH = 64,
	SLOT_BYTES = 65536 + 64,
	BUFFER_BYTES = 4 * 1024 * 1024,
};

struct control {
	alignas(struct cmsghdr) char bytes[CMSG_SPACE(sizeof(struct in_pktinfo)) +
					   CMSG_SPACE(sizeof(int)) +
					   CMSG_SPACE(sizeof(int))];
};

struct bare {
	int fd;
	unsigned batch;
	struct mmsghdr messages[BATCH_MAX];
	struct iovec parts[BATCH_MAX];
	struct sockaddr_in peers[BATCH_MAX];
	struct control controls[BATCH_MAX];
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

static int open_socket(uint16_t port, const char *mode)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	int buffer = BUFFER_BYTES;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	/* As ctserve does, with the same fallback. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) < 0)
		set(fd, SOL_SOCKET, SO_RCVBUF, buffer);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) < 0)
		set(fd, SOL_SOCKET, SO_SNDBUF, buffer);
	if (strstr(mode, "segments"))
		set(fd, SOL_UDP, UDP_GRO, 1);
	if (strstr(mode, "pktinfo"))
		set(fd, IPPROTO_IP, IP_PKTINFO, 1);
	if (strstr(mode, "hops"))
		set(fd, IPPROTO_IP, IP_RECVTTL, 1);
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0)
		die("bind");
	return fd;
}

static void echo_single(struct bare *bare)
{
	for (;;) {
		socklen_t bytes = sizeof(bare->peers[0]);
		ssize_t n = recvfrom(bare->fd, bare->slots, SLOT_BYTES, 0,
				     (struct sockaddr *)&bare->peers[0], &bytes);

		if (n >= 0)
			sendto(bare->fd, bare->slots, (size_t)n, 0,
			       (struct sockaddr *)&bare->peers[0], bytes);
	}
}

static void prepare(struct bare *bare, size_t control_bytes)
{
	for (unsigned i = 0; i < bare->batch; i++) {
		struct msghdr *header = &bare->messages[i].msg_hdr;

		bare->parts[i].iov_base = bare->slots + (size_t)i * SLOT_BYTES;
		bare->parts[i].iov_len = SLOT_BYTES;
		header->msg_iov = &bare->parts[i];
		header->msg_iovlen = 1;
		header->msg_name = &bare->peers[i];
		header->msg_namelen = sizeof(bare->peers[i]);
		header->msg_control = control_bytes ? &bare->controls[i] : NULL;
		header->msg_controllen = control_bytes;
	}
}

static void send_all(struct bare *bare, int count)
{
	int done = 0;

	while (done < count) {
		int n = sendmmsg(bare->fd, bare->messages + done,
				 (unsigned)(count - done), 0);

		done += n > 0 ? n : 1;
	}
}

static void echo_batch(struct bare *bare)
{
	prepare(bare, 0);
	for (;;) {
		int n = recvmmsg(bare->fd, bare->messages, bare->batch, MSG_WAITFORONE,
				 NULL);

		for (int i = 0; i < n; i++)
			bare->parts[i].iov_len = bare->messages[i].msg_len;
		send_all(bare, n);
		for (int i = 0; i < n; i++)
			bare->parts[i].iov_len = SLOT_BYTES;
	}
}

/* UDP_GRO tells an int, UDP_SEGMENT is told a uint16_t, in the same place. */
static void turn_segment(struct cmsghdr *control)
{
	uint16_t segment;
	int told;

	memcpy(&told, CMSG_DATA(control), sizeof(told));
	segment = (uint16_t)told;
	control->cmsg_type = UDP_SEGMENT;
	control->cmsg_len = CMSG_LEN(sizeof(segment));
	memcpy(CMSG_DATA(control), &segment, sizeof(segment));
}

static void turn(struct msghdr *header)
{
	struct cmsghdr *control;

	for (control = CMSG_FIRSTHDR(header); control;
	     control = CMSG_NXTHDR(header, control)) {
		if (control->cmsg_level == SOL_UDP)
			turn_segment(control);
		else if (control->cmsg_type == IP_PKTINFO)
			((struct in_pktinfo *)CMSG_DATA(control))->ipi_ifindex = 0;
		else
			--*(int *)CMSG_DATA(control);
	}
}

static void echo_control(struct bare *bare)
{
	for (;;) {
		int n;

		prepare(bare, sizeof(bare->controls[0]));
		n = recvmmsg(bare->fd, bare->messages, bare->batch, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++) {
			bare->parts[i].iov_len = bare->messages[i].msg_len;
			turn(&bare->messages[i].msg_hdr);
		}
		send_all(bare, n);
	}
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

int main(int argc, char **argv)
{
	struct bare *bare = calloc(1, sizeof(*bare));

	if (!bare || argc < 3) {
		fprintf(stderr,
			"usage: udp_bare "
			"single|batch[+pktinfo][+hops][+segments] PORT [BATCH]\n");
		return 2;
	}
	bare->batch = argc > 3 ? (unsigned)number(argv[3], BATCH_MAX) : BATCH;
	bare->slots = malloc((size_t)BATCH_MAX * SLOT_BYTES);
	if (!bare->slots)
		die("malloc");
	bare->fd = open_socket((uint16_t)number(argv[2], 65535), argv[1]);
	if (strcmp(argv[1], "single") == 0)
		echo_single(bare);
	else if (strchr(argv[1], '+'))
		echo_control(bare);
	else
		echo_batch(bare);
	return 0;
}
