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

/* Lets the kernel tell errors at once, also of connections. */
static void hear_of_errors(int fd, bool v6)
{
	int on = 1;

	setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR,
		   &on, sizeof(on));
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
	/* Closed by a reset: nothing lingers that could be seen later. */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_it, sizeof(abort_it));
	hear_of_errors(fd, v6);
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

/* An end, and its name; "" if there is no address. */
static struct craft_end end_of(const struct sockaddr_storage *address,
			       char name[CRAFT_TEXT_MAX])
{
	const struct sockaddr_in6 *in6 = (const void *)address;
	const struct sockaddr_in *in = (const void *)address;
	bool v6 = address->ss_family == AF_INET6;
	struct craft_end end = { .port = ntohs(v6 ? in6->sin6_port : in->sin_port) };

	if (v6)
		memcpy(end.address, &in6->sin6_addr, sizeof(in6->sin6_addr));
	else
		memcpy(end.address, &in->sin_addr, sizeof(in->sin_addr));
	name[0] = '\0';
	if (address->ss_family != AF_UNSPEC)
		craft_end_text(&end, v6, name);
	return end;
}

/* Who sent something to a socket, if that is not who should: ", as from 192.0.2.1:53". */
static void from_text(const struct sockaddr_storage *address,
		      const struct craft_end *usual, char text[PLAY_REQUEST_MAX])
{
	char name[CRAFT_TEXT_MAX];
	struct craft_end end = end_of(address, name);

	text[0] = '\0';
	if (name[0] && !(usual && end.port == usual->port &&
			 memcmp(end.address, usual->address, sizeof(end.address)) == 0))
		snprintf(text, PLAY_REQUEST_MAX, ", as from %.48s", name);
}

/* Which error of ICMP an error of a socket comes from. */
static void error_text(struct msghdr *message, char text[CRAFT_TEXT_MAX])
{
	snprintf(text, CRAFT_TEXT_MAX, "an error");
	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head;
	     head = CMSG_NXTHDR(message, head)) {
		const struct sock_extended_err *error = (void *)CMSG_DATA(head);

		if ((head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_RECVERR) ||
		    (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_RECVERR))
			craft_error_text(head->cmsg_level == IPPROTO_IPV6, error->ee_type,
					 error->ee_code, text);
	}
}

/* Who has the error: a client, or flow NULL: the service. What it is about is given back with it. */
static void note_error(struct play *play, const struct play_flow *flow,
		       struct msghdr *message, size_t bytes)
{
	char error[CRAFT_TEXT_MAX], request[PLAY_REQUEST_MAX];

	error_text(message, error);
	play_request_text(flow ? flow
			       : play_flow_of(play, message->msg_iov->iov_base, bytes),
			  request);
	if (flow)
		play_note(play, PLAY_ERROR, "%s gets %s", request, error);
	else if (bytes)
		play_note(play, PLAY_ERROR, "the service gets %s about its answer to %s",
			  error, request);
	else
		play_note(play, PLAY_ERROR, "the service gets %s", error);
}

void actor_fail(struct play *play, const struct play_flow *flow, const char *how, int err)
{
	char request[PLAY_REQUEST_MAX];

	play_request_text(flow, request);
	play_note(play, PLAY_PACKET, "%s %s: %s", request, how, strerror(err));
}

/* The same of a connection of the service; which is not known any more when it is over. */
static void fail_connection(struct play *play, int fd, int err)
{
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t bytes = sizeof(peer);
	char name[CRAFT_TEXT_MAX];

	getpeername(fd, (void *)&peer, &bytes);
	end_of(&peer, name);
	play_note(play, PLAY_PACKET, "a connection of the service%s%.48s fails: %s",
		  name[0] ? " from " : "", name, strerror(err));
}

/*
 * Errors that the kernel has for a socket. Those of ICMP are told with what they are about; which of several
 * is the socket's own error besides depends on when one looks, so only one that came of no ICMP is
 * noted: a reset. flow NULL: of the service.
 */
static bool read_errors(struct play *play, int fd, const struct play_flow *flow)
{
	char data[CRAFT_DATA_MAX], control[256];
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
		note_error(play, flow, &message, (size_t)got);
		told = true;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &bytes) == 0 && err && !told) {
		if (flow)
			actor_fail(play, flow, "fails", err);
		else
			fail_connection(play, fd, err);
	}
	return told;
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

/* Whether a connection goes on after an error: most of ICMP do not end it. */
static bool is_connected(int fd)
{
	struct sockaddr_storage peer;
	socklen_t bytes = sizeof(peer);

	return getpeername(fd, (void *)&peer, &bytes) == 0;
}

/* A datagram, or data of a connection, for the service. Returns false when nothing more can come. */
static bool serve(struct play *play, int fd)
{
	char data[CRAFT_DATA_MAX + PLAY_ANSWER_BYTES], control[256];
	char from[PLAY_REQUEST_MAX], request[PLAY_REQUEST_MAX];
	size_t head = PLAY_ANSWER_BYTES;
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	const struct play_flow *flow;
	/* Room for PLAY_ANSWER is in front: the answer goes out in one piece. */
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
		read_errors(play, fd, NULL);
		return got < 0 && is_connected(fd);
	}
	if (peer.ss_family == AF_UNSPEC)
		getpeername(fd, (void *)&peer, &bytes);
	if (play->apart) {
		from_text(&peer, NULL, from);
		play_note(play, PLAY_UNASKED,
			  "a packet that nobody asked for gets in %.*s%s", (int)got,
			  data + head, from);
		return true;
	}
	flow = play_flow_of(play, data + head, (size_t)got);
	from_text(&peer, flow ? &flow->next.from : NULL, from);
	play_request_text(flow, request);
	play_note(play, PLAY_PACKET, "the service gets %s%s", request, from);
	play->heard = true;
	memcpy(data, PLAY_ANSWER, head);
	message.msg_iov->iov_base = data;
	message.msg_iov->iov_len = head + (size_t)got;
	keep_address(&message);
	if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		play_note(play, PLAY_PACKET, "the service cannot answer %s: %s", request,
			  strerror(errno));
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
		actor_fail(play, flow, "cannot be sent", errno);
}

/* Returns false when nothing more can come. */
static bool hear(struct play *play, struct play_flow *flow, short events)
{
	char data[CRAFT_DATA_MAX], from[PLAY_REQUEST_MAX], request[PLAY_REQUEST_MAX];
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t bytes = sizeof(peer);
	ssize_t got;

	if (events & POLLOUT && !(events & (POLLERR | POLLHUP)) && !flow->asked) {
		actor_ask(play, flow);
		return true;
	}
	got = recvfrom(flow->fd, data, sizeof(data), 0, (void *)&peer, &bytes);
	if (got <= 0) {
		int err = got < 0 && errno != EAGAIN ? errno : 0;
		bool over = got == 0 || (err && !is_connected(flow->fd));

		if (!read_errors(play, flow->fd, flow) && err)
			actor_fail(play, flow, "fails", err);
		return !over || flow->next.proto == IPPROTO_UDP;
	}
	from_text(&peer, &flow->next.to, from);
	play_request_text(flow, request);
	play_note(play, PLAY_PACKET, "%s is answered%s", request, from);
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

/* What its listener was told of errors a connection does not inherit. */
static void take_connection(struct play *play, int listener)
{
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t bytes = sizeof(peer);
	int fd = accept4(listener, (void *)&peer, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0)
		hear_of_errors(fd, peer.ss_family == AF_INET6);
	actor_add(play, fd, PLAY_SERVES, NULL);
}

void actor_handle(struct play *play, struct play_socket *socket, short events)
{
	bool tcp = play->service->proto == IPPROTO_TCP;

	if (events & POLLERR)
		read_errors(play, socket->fd, socket->flow);
	if (socket->role == PLAY_ASKS) {
		if (!hear(play, socket->flow, events))
			end_socket(socket);
	} else if (socket->role == PLAY_LISTENS && tcp) {
		take_connection(play, socket->fd);
	} else if (!serve(play, socket->fd) && tcp) {
		end_socket(socket);
	}
}
