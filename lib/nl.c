// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/nl.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

/*
 * The kernel fills messages as large as the largest read it has seen, up to 32 KiB
 * (net/netlink/af_netlink.c, netlink_dump): more buffer gains nothing.
 */
enum { RECEIVE_BYTES = 32768, SOCKET_BUFFER_BYTES = 1 << 20 };

/* More than the errors of any batch of ours can fill. */
enum { DRAIN_READS_MAX = 4096 };

struct nl {
	struct mnl_socket *socket;
	int bus;
	uint32_t sequence;
	bool stale; /* an answer was left unread: open a new socket before the next request */
	_Alignas(struct nlmsghdr) char request[NL_REQUEST_MAX];
	_Alignas(struct nlmsghdr) char answer[RECEIVE_BYTES];
};

/* Larger buffers where allowed (SO_*BUFFORCE wants CAP_NET_ADMIN of the first user namespace). */
static void grow_buffer(int fd, int forced, int plain)
{
	int bytes = SOCKET_BUFFER_BYTES;

	if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof(bytes));
}

/* Without it the kernel overlooks what a request for a dump selects, as before 4.20. */
static void ask_to_select(int fd)
{
	int on = 1;

	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
}

static int open_socket(struct nl *nl)
{
	/* An acknowledgement that was lost does not come again: no wait is for ever. */
	struct timeval timeout = { .tv_sec = NL_TIMEOUT_S };
	int err, fd;

	nl->socket = mnl_socket_open2(nl->bus, SOCK_CLOEXEC);
	if (!nl->socket)
		return -errno;
	fd = mnl_socket_get_fd(nl->socket);
	if (mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0) {
		err = -errno;
		mnl_socket_close(nl->socket);
		nl->socket = NULL;
		return err;
	}
	grow_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
	grow_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	if (nl->bus == NETLINK_ROUTE)
		ask_to_select(fd);
	nl->stale = false;
	return 0;
}

int nl_open(struct nl **out, int bus)
{
	struct nl *nl = calloc(1, sizeof(*nl));
	int err;

	if (!nl)
		return -ENOMEM;
	nl->bus = bus;
	nl->sequence = (uint32_t)time(NULL);
	err = open_socket(nl);
	if (err) {
		free(nl);
		return err;
	}
	*out = nl;
	return 0;
}

void nl_close(struct nl *nl)
{
	if (!nl)
		return;
	if (nl->socket)
		mnl_socket_close(nl->socket);
	free(nl);
}

uint32_t nl_sequence(struct nl *nl)
{
	return ++nl->sequence;
}

struct nlmsghdr *nl_begin(struct nl *nl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *header;

	memset(nl->request, 0, sizeof(struct nlmsghdr));
	header = mnl_nlmsg_put_header(nl->request);
	header->nlmsg_type = type;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	header->nlmsg_seq = nl_sequence(nl);
	return header;
}

struct nlmsghdr *nl_begin_nfnl(struct nl *nl, uint16_t type, uint16_t flags,
			       uint8_t family)
{
	struct nlmsghdr *header = nl_begin(nl, type, flags);
	struct nfgenmsg *nfgen = mnl_nlmsg_put_extra_header(header, sizeof(*nfgen));

	nfgen->nfgen_family = family;
	nfgen->version = NFNETLINK_V0;
	return header;
}

/* A socket whose answer was left unread cannot carry another request. */
int nl_ready(struct nl *nl)
{
	if (nl->socket && !nl->stale)
		return 0;
	if (nl->socket)
		mnl_socket_close(nl->socket);
	nl->socket = NULL;
	return open_socket(nl);
}

static int send_all(struct nl *nl, const void *data, size_t bytes)
{
	int err = nl_ready(nl);

	if (err)
		return err;
	if (mnl_socket_sendto(nl->socket, data, bytes) < 0)
		return -errno;
	return 0;
}

/* One read; -ETIMEDOUT instead of the EAGAIN of a receive timeout. */
static ssize_t receive(struct nl *nl)
{
	ssize_t bytes;

	do {
		bytes = mnl_socket_recvfrom(nl->socket, nl->answer, sizeof(nl->answer));
	} while (bytes < 0 && errno == EINTR);
	if (bytes >= 0)
		return bytes;
	return errno == EAGAIN ? -ETIMEDOUT : -errno;
}

/* What libmnl's callbacks share while one answer is read. */
struct answer {
	mnl_cb_t cb;
	void *data;
	bool ended; /* the kernel will send no more of it */
};

static int on_message(const struct nlmsghdr *header, void *data)
{
	struct answer *answer = data;

	return answer->cb ? answer->cb(header, answer->data) : MNL_CB_OK;
}

/* The end says how the dump went: a request that is refused may end before it began. */
static int on_end_of_dump(const struct nlmsghdr *header, void *data)
{
	const int *error = mnl_nlmsg_get_payload(header);
	struct answer *answer = data;

	answer->ended = true;
	if (mnl_nlmsg_get_payload_len(header) < sizeof(*error) || *error >= 0)
		return MNL_CB_STOP;
	errno = -*error;
	return MNL_CB_ERROR;
}

static int on_acknowledgement(const struct nlmsghdr *header, void *data)
{
	const struct nlmsgerr *reply = mnl_nlmsg_get_payload(header);
	struct answer *answer = data;

	if (mnl_nlmsg_get_payload_len(header) < sizeof(*reply)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	answer->ended = true;
	if (reply->error == 0)
		return MNL_CB_STOP;
	errno = -reply->error;
	return MNL_CB_ERROR;
}

int nl_transact(struct nl *nl, mnl_cb_t cb, void *data)
{
	const struct nlmsghdr *request = (const struct nlmsghdr *)nl->request;
	struct answer answer = { .cb = cb, .data = data };
	/* libmnl's own handlers do not tell the end of an answer from a callback that stops. */
	mnl_cb_t control[] = {
		[NLMSG_ERROR] = on_acknowledgement,
		[NLMSG_DONE] = on_end_of_dump,
	};
	int err = send_all(nl, request, request->nlmsg_len);
	int state = MNL_CB_OK;

	while (!err && state > MNL_CB_STOP) {
		ssize_t bytes = receive(nl);

		if (bytes < 0) {
			err = (int)bytes;
			break;
		}
		/*
		 * A callback need not say why it fails: what is left of an earlier call is not
		 * the reason.
		 */
		errno = 0;
		state = mnl_cb_run2(nl->answer, (size_t)bytes, request->nlmsg_seq,
				    mnl_socket_get_portid(nl->socket), on_message,
				    &answer, control, MNL_ARRAY_SIZE(control));
		if (state <= MNL_CB_ERROR)
			err = errno ? -errno : -EPROTO;
	}
	nl->stale = !answer.ended;
	return err;
}

/* Reads the replies in the buffer. Returns 1 at the acknowledgement, a -errno, or 0 to go on. */
static int read_acks(const struct nl *nl, size_t bytes, uint32_t ack_seq,
		     uint32_t *failed_seq)
{
	const struct nlmsghdr *header = (const struct nlmsghdr *)nl->answer;
	int left = (int)bytes;

	for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
		const struct nlmsgerr *reply = mnl_nlmsg_get_payload(header);

		if (header->nlmsg_type != NLMSG_ERROR ||
		    mnl_nlmsg_get_payload_len(header) < sizeof(*reply))
			continue;
		if (reply->error) {
			if (failed_seq)
				*failed_seq = header->nlmsg_seq;
			return reply->error;
		}
		if (header->nlmsg_seq == ack_seq)
			return 1;
	}
	return 0;
}

/*
 * The kernel answers a batch before sendto() returns, so what is left of its errors is in
 * the socket by now. Taking it out saves a new socket: closing one waits for other
 * processors (16 ms measured) while nf_tables has commits to clean up after.
 */
static bool drain(struct nl *nl)
{
	int fd = mnl_socket_get_fd(nl->socket);

	for (int i = 0; i < DRAIN_READS_MAX; i++)
		if (recv(fd, nl->answer, sizeof(nl->answer), MSG_DONTWAIT) < 0)
			return errno == EAGAIN;
	return false;
}

int nl_batch(struct nl *nl, const void *batch, size_t bytes, uint32_t ack_seq,
	     uint32_t *failed_seq)
{
	int err = send_all(nl, batch, bytes);

	while (!err) {
		ssize_t got = receive(nl);

		err = got < 0 ? (int)got
			      : read_acks(nl, (size_t)got, ack_seq, failed_seq);
	}
	if (err > 0)
		return 0;
	/* More errors of the same batch may wait in the socket. */
	if (nl->socket)
		nl->stale = err == -ETIMEDOUT || !drain(nl);
	return err;
}
