// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/actor.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/errqueue.h>

#include "lib/service.h"

socklen_t actor_address(const struct craft_end *end, bool v6,
			struct sockaddr_storage *out)
{
	struct sockaddr_in6 *in6 = (void *)out;
	struct sockaddr_in *in = (void *)out;

	memset(out, 0, sizeof(*out));
	if (v6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(end->port);
		memcpy(&in6->sin6_addr, end->address, sizeof(in6->sin6_addr));
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons(end->port);
	memcpy(&in->sin_addr, end->address, sizeof(in->sin_addr));
	return sizeof(*in);
}

int actor_open(const struct play *play, const struct craft_end *end, bool v6)
{
	bool tcp = play->service->proto == IPPROTO_TCP;
	const struct linger abort_it = { .l_onoff = 1 };
	struct sockaddr_storage address;
	socklen_t bytes = actor_address(end, v6, &address);
	int on = 1;
	int fd = socket(v6 ? AF_INET6 : AF_INET,
			(tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC,
			0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_it, sizeof(abort_it));
	setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR,
		   &on, sizeof(on));
	if (v6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO,
		   &on, sizeof(on));
	if (bind(fd, (void *)&address, bytes) == 0)
		return fd;
	close(fd);
	return -1;
}

bool actor_add(struct play *play, int fd, enum play_role role, struct play_flow *flow)
{
	if (fd < 0 || play->sockets == PLAY_SOCKETS_MAX) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	play->socket[play->sockets++] = (struct play_socket){ fd, role, flow };
	return true;
}

/* Which error of ICMP an error of a socket comes from. */
static const char *error_text(struct msghdr *message, char text[PLAY_NAME_BYTES])
{
	snprintf(text, PLAY_NAME_BYTES, "an error");
	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head;
	     head = CMSG_NXTHDR(message, head)) {
		const struct sock_extended_err *error = (void *)CMSG_DATA(head);

		if ((head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_RECVERR) ||
		    (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_RECVERR))
			snprintf(text, PLAY_NAME_BYTES, "icmp %u/%u", error->ee_type,
				 error->ee_code);
	}
	return text;
}

/*
 * Errors that the kernel has for a socket. Those of ICMP are told with what they are about; which of several
 * is the socket's own error besides depends on when one looks, so only one that came of no ICMP is
 * noted: a reset.
 */
static bool read_errors(struct play *play, int fd, const char *who)
{
	char data[CRAFT_DATA_MAX], control[256], about[PLAY_NAME_BYTES], detail[200];
	struct iovec iov = { data, sizeof(data) };
	int err = 0;
	socklen_t bytes = sizeof(err);
	bool told = false;

	for (int i = 0; i < PLAY_ROUNDS_MAX; i++) {
		struct msghdr message = { .msg_iov = &iov,
					  .msg_iovlen = 1,
					  .msg_control = control,
					  .msg_controllen = sizeof(control) };
		ssize_t got = recvmsg(fd, &message, MSG_ERRQUEUE);

		if (got < 0)
			break;
		/* What it is about is given back with it. */
		snprintf(detail, sizeof(detail), "%s about %.*s",
			 error_text(&message, about), (int)got, data);
		play_note(play, who, "is told of ", detail);
		told = true;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &bytes) == 0 && err && !told)
		play_note(play, who, "has the error ", strerror(err));
	return told;
}

static void end_text(const struct sockaddr_storage *address, char *text, size_t bytes)
{
	const struct sockaddr_in6 *in6 = (const void *)address;
	const struct sockaddr_in *in = (const void *)address;
	char host[INET6_ADDRSTRLEN] = "?";
	bool v6 = address->ss_family == AF_INET6;

	if (v6)
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
	else if (address->ss_family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
	snprintf(text, bytes, v6 ? "[%s]:%u" : "%s:%u", host,
		 ntohs(v6 ? in6->sin6_port : in->sin_port));
}

/* The address that was asked is the one that answers; the interface is the routes' business. */
static void keep_address(struct msghdr *message)
{
	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head;
	     head = CMSG_NXTHDR(message, head)) {
		struct in_pktinfo *in = (void *)CMSG_DATA(head);
		struct in6_pktinfo *in6 = (void *)CMSG_DATA(head);

		if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_PKTINFO) {
			in->ipi_ifindex = 0;
			in->ipi_spec_dst = in->ipi_addr;
		} else if (head->cmsg_level == IPPROTO_IPV6) {
			in6->ipi6_ifindex = 0;
		}
	}
}

/* A datagram, or data of a connection, for the service. */
static bool serve(struct play *play, int fd)
{
	char data[CRAFT_DATA_MAX + PLAY_ANSWER_BYTES], control[256], from[80],
		detail[200];
	size_t head = PLAY_ANSWER_BYTES;
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	struct iovec iov = { data + head, CRAFT_DATA_MAX };
	struct msghdr message = { .msg_name = &peer,
				  .msg_namelen = sizeof(peer),
				  .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	socklen_t bytes = sizeof(peer);
	ssize_t got = recvmsg(fd, &message, 0);

	if (got <= 0) {
		read_errors(play, fd, "the service");
		return false;
	}
	if (peer.ss_family == AF_UNSPEC)
		getpeername(fd, (void *)&peer, &bytes);
	end_text(&peer, from, sizeof(from));
	snprintf(detail, sizeof(detail), "%.*s from %s", (int)got, data + head, from);
	play_note(play, "the service", "gets ", detail);
	play->heard = true;
	memcpy(data, PLAY_ANSWER, head);
	message.msg_iov->iov_base = data;
	message.msg_iov->iov_len = head + (size_t)got;
	keep_address(&message);
	if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0) {
		snprintf(detail, sizeof(detail), "%.*s: %s", (int)got, data + head,
			 strerror(errno));
		play_note(play, "the service", "cannot answer ", detail);
	}
	return true;
}

void actor_ask(struct play *play, struct play_flow *flow)
{
	struct sockaddr_storage address;
	socklen_t bytes = actor_address(&flow->next.to, flow->next.v6, &address);
	bool tcp = play->service->proto == IPPROTO_TCP;

	flow->asked = true;
	if (sendto(flow->fd, flow->name, strlen(flow->name), MSG_NOSIGNAL,
		   tcp ? NULL : (void *)&address, tcp ? 0 : bytes) < 0 &&
	    errno != EAGAIN && errno != ENOTCONN)
		play_note(play, flow->name, "cannot be sent: ", strerror(errno));
}

/* Returns false when nothing more can come. */
static bool hear(struct play *play, struct play_flow *flow, short events)
{
	char data[CRAFT_DATA_MAX], from[80];
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t bytes = sizeof(peer);
	ssize_t got;

	if (events & POLLOUT && !(events & (POLLERR | POLLHUP)) && !flow->asked) {
		actor_ask(play, flow);
		return true;
	}
	got = recvfrom(flow->fd, data, sizeof(data), 0, (void *)&peer, &bytes);
	if (got <= 0) {
		const char *error = got < 0 && errno != EAGAIN ? strerror(errno) : NULL;
		bool over = got == 0 || error;

		if (!read_errors(play, flow->fd, flow->name) && error)
			play_note(play, flow->name, "has the error ", error);
		return !over || flow->next.proto == IPPROTO_UDP;
	}
	end_text(&peer, from, sizeof(from));
	play_note(play, flow->name, "is answered from ", from);
	play->heard |= play->service->outbound;
	return true;
}

/* The socket is done with. */
static void end_socket(struct play_socket *socket)
{
	close(socket->fd);
	socket->fd = -1;
	if (socket->flow)
		socket->flow->fd = -1;
}

void actor_handle(struct play *play, struct play_socket *socket, short events)
{
	bool tcp = play->service->proto == IPPROTO_TCP;

	if (events & POLLERR)
		read_errors(play, socket->fd,
			    socket->role == PLAY_ASKS ? socket->flow->name
						      : "the service");
	if (socket->role == PLAY_ASKS) {
		if (!hear(play, socket->flow, events))
			end_socket(socket);
	} else if (socket->role == PLAY_LISTENS && tcp) {
		actor_add(play,
			  accept4(socket->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC),
			  PLAY_SERVES, NULL);
	} else if (!serve(play, socket->fd) && tcp) {
		end_socket(socket);
	}
}
