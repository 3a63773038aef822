// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/lanes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/book.h"
#include "server/dial.h"
#include "server/ledger.h"
#include "server/load_flows.h"
#include "server/poller.h"
#include "server/ports.h"
#include "server/probe.h"

enum {
	BATCH = 64,
	LANES_MAX = 16384,
	DESCRIPTORS_SPARE = 32,    /* for everything that is not a lane */
	RECEIVE_ROUNDS = 16,       /* batches before others get their turn */
	ANSWER_BYTES = 256,        /* longer answers are cut: only the probe is read */
	CONTROL_BYTES = 64,        /* one struct in6_pktinfo with its header */
	RECEIVE_BUFFER = 64 << 20, /* answers to a second of flows at full speed */
};

/* One message of a batch, to send or received. */
struct parcel {
	struct iovec iov;
	union endpoint peer;
	_Alignas(struct cmsghdr) unsigned char control[CONTROL_BYTES];
	unsigned char bytes[ANSWER_BYTES];
};

struct lanes {
	const struct load *load;
	struct poller *poller;
	struct book *book;
	uint64_t addresses; /* flows in a lane */
	uint64_t secret;
	struct ports ports;
	uint64_t oldest; /* lanes oldest..next-1 are open, at index modulo max */
	uint64_t next;
	uint64_t max;
	int *fds;
	struct mmsghdr message[BATCH];
	struct parcel parcel[BATCH];
};

int lanes_open(struct lanes **out, const struct load *load, struct poller *poller,
	       struct book *book)
{
	struct lanes *lanes = calloc(1, sizeof(*lanes));
	uint64_t descriptors = dial_raise_descriptors();
	uint64_t random[2];

	if (!lanes)
		return -ENOMEM;
	lanes->load = load;
	lanes->poller = poller;
	lanes->book = book;
	lanes->addresses = load->has_source ? load->source.addresses : 1;
	lanes->max =
		descriptors > DESCRIPTORS_SPARE ? descriptors - DESCRIPTORS_SPARE : 1;
	if (lanes->max > LANES_MAX)
		lanes->max = LANES_MAX;
	lanes->fds = calloc(lanes->max, sizeof(int));
	if (!lanes->fds || getrandom(random, sizeof(random), 0) != sizeof(random)) {
		lanes_close(lanes);
		return -ENOMEM;
	}
	lanes->secret = random[0];
	ports_start(&lanes->ports, random[1]);
	*out = lanes;
	return 0;
}

static int *fd_of(const struct lanes *lanes, uint64_t ordinal)
{
	return &lanes->fds[ordinal % lanes->max];
}

static void close_oldest(struct lanes *lanes)
{
	int fd = *fd_of(lanes, lanes->oldest++);

	lanes->book->result->overruns += dial_overruns(fd);
	close(fd);
}

void lanes_close(struct lanes *lanes)
{
	if (!lanes)
		return;
	while (lanes->oldest < lanes->next)
		close_oldest(lanes);
	free(lanes->fds);
	free(lanes);
}

/* A socket on the next port that nobody else has. */
static int open_socket(struct lanes *lanes)
{
	uint16_t port;
	int fd;

	do {
		int err = ports_next(&lanes->ports, &port);

		if (err)
			return err;
		fd = dial_wildcard(&lanes->load->target, port);
	} while (fd == -EADDRINUSE);
	return fd;
}

static int open_lane(struct lanes *lanes)
{
	int err = -EAGAIN;
	int fd;

	if (lanes->next - lanes->oldest == lanes->max)
		return err;
	fd = open_socket(lanes);
	if (fd < 0)
		return fd;
	dial_grow_buffer(fd, RECEIVE_BUFFER);
	err = poller_add(lanes->poller, fd, EPOLLIN, lanes->next);
	if (err)
		close(fd);
	else
		*fd_of(lanes, lanes->next++) = fd;
	return err;
}

/*
 * In what is sent ipi_spec_dst is the source; in what is received ipi_addr is where it was sent
 * to (ip(7)).
 */
static void put_source(const struct lanes *lanes, uint64_t i, struct msghdr *header)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(header);
	union endpoint source;

	source_endpoint(&lanes->load->source, i % lanes->addresses, 0, &source);
	if (source.any.sa_family == AF_INET) {
		struct in_pktinfo info = { .ipi_spec_dst = source.v4.sin_addr };

		*cmsg = (struct cmsghdr){ CMSG_LEN(sizeof(info)), SOL_IP, IP_PKTINFO };
		memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
		header->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		struct in6_pktinfo info = { .ipi6_addr = source.v6.sin6_addr };

		*cmsg = (struct cmsghdr){ CMSG_LEN(sizeof(info)), SOL_IPV6,
					  IPV6_PKTINFO };
		memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
		header->msg_controllen = CMSG_SPACE(sizeof(info));
	}
}

static void write_message(struct lanes *lanes, unsigned slot, uint64_t i, uint64_t now_ns)
{
	struct probe probe = { .sequence = i, .intended_ns = now_ns };
	struct parcel *parcel = &lanes->parcel[slot];
	struct msghdr *header = &lanes->message[slot].msg_hdr;

	probe_write(parcel->bytes, &probe, lanes->secret);
	parcel->iov = (struct iovec){ parcel->bytes, PROBE_BYTES };
	parcel->peer = lanes->load->target.endpoint;
	*header = (struct msghdr){
		.msg_name = &parcel->peer,
		.msg_namelen = endpoint_size(&parcel->peer),
		.msg_iov = &parcel->iov,
		.msg_iovlen = 1,
	};
	if (!lanes->load->has_source)
		return;
	header->msg_control = parcel->control;
	/* All of it at first: CMSG_FIRSTHDR() wants to see the room. */
	header->msg_controllen = sizeof(parcel->control);
	put_source(lanes, i, header);
}

/* sendmmsg() tells the error of a message only when that is the first one: so go on behind it. */
static void send_messages(struct lanes *lanes, int fd, uint64_t first, unsigned n)
{
	unsigned done = 0;

	while (done < n) {
		int sent = sendmmsg(fd, &lanes->message[done], n - done, MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			book_not_sent(lanes->book, first + done++, errno);
		else
			book_sent(lanes->book, (uint64_t)sent);
		if (sent > 0)
			done += (unsigned)sent;
	}
}

int lanes_send(struct lanes *lanes, uint64_t now_ns, uint64_t first, uint64_t n)
{
	uint64_t ordinal = first / lanes->addresses;
	uint64_t left = (ordinal + 1) * lanes->addresses - first;

	if (ordinal == lanes->next) {
		int err = open_lane(lanes);

		/* Out of descriptors, and not because of us: wait for our own to come back. */
		if (err == -EMFILE && lanes->oldest < lanes->next)
			err = -EAGAIN;
		if (err)
			return err;
	}
	if (n > left)
		n = left;
	if (n > BATCH)
		n = BATCH;
	for (unsigned slot = 0; slot < n; slot++)
		write_message(lanes, slot, first + slot, now_ns);
	ledger_ask(lanes->book->ledger, now_ns, n);
	send_messages(lanes, *fd_of(lanes, ordinal), first, (unsigned)n);
	return (int)n;
}

static void prepare_receive(struct lanes *lanes)
{
	for (unsigned slot = 0; slot < BATCH; slot++) {
		struct parcel *parcel = &lanes->parcel[slot];

		parcel->iov = (struct iovec){ parcel->bytes, sizeof(parcel->bytes) };
		lanes->message[slot].msg_hdr = (struct msghdr){
			.msg_name = &parcel->peer,
			.msg_namelen = sizeof(parcel->peer),
			.msg_iov = &parcel->iov,
			.msg_iovlen = 1,
			.msg_control = parcel->control,
			.msg_controllen = sizeof(parcel->control),
		};
	}
}

/* The number of the local address that the message was sent to; -ENOENT if it is none of ours. */
static int address_number(const struct lanes *lanes, struct msghdr *header, uint64_t *out)
{
	struct cmsghdr *cmsg;

	if (!lanes->load->has_source) {
		*out = 0;
		return 0;
	}
	for (cmsg = CMSG_FIRSTHDR(header); cmsg; cmsg = CMSG_NXTHDR(header, cmsg)) {
		if (cmsg->cmsg_level == SOL_IP && cmsg->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
			return source_number(&lanes->load->source, &info.ipi_addr, out);
		}
		if (cmsg->cmsg_level == SOL_IPV6 && cmsg->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(cmsg), sizeof(info));
			return source_number(&lanes->load->source, &info.ipi6_addr, out);
		}
	}
	return -ENOENT;
}

/*
 * An answer counts for the flow that its address and port belong to, and only if it comes
 * from the target and brings back what that flow sent.
 */
static void read_answer(struct lanes *lanes, uint64_t ordinal, unsigned slot)
{
	const union endpoint *target = &lanes->load->target.endpoint;
	struct mmsghdr *message = &lanes->message[slot];
	struct parcel *parcel = &lanes->parcel[slot];
	uint64_t number;
	struct probe probe;

	if (!endpoint_equal(&parcel->peer, target) ||
	    address_number(lanes, &message->msg_hdr, &number) ||
	    probe_read(parcel->bytes, message->msg_len, lanes->secret, &probe) ||
	    probe.sequence != ordinal * lanes->addresses + number)
		lanes->book->result->unexpected++;
	else
		book_answered(lanes->book, probe.sequence);
}

void lanes_ready(struct lanes *lanes, uint64_t key)
{
	/* Closed meanwhile: an event that was fetched before. */
	if (key < lanes->oldest || key >= lanes->next)
		return;
	for (int round = 0; round < RECEIVE_ROUNDS; round++) {
		int n;

		prepare_receive(lanes);
		n = recvmmsg(*fd_of(lanes, key), lanes->message, BATCH, MSG_DONTWAIT,
			     NULL);
		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				tally_add(&lanes->book->result->errors, errno, 1);
			return;
		}
		for (unsigned slot = 0; slot < (unsigned)n; slot++)
			read_answer(lanes, key, slot);
		if (n < BATCH)
			return;
	}
}

void lanes_settled(struct lanes *lanes, uint64_t frontier)
{
	while (lanes->oldest < lanes->next &&
	       (lanes->oldest + 1) * lanes->addresses <= frontier)
		close_oldest(lanes);
}
