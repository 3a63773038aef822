// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/answer.h"

#include <netinet/udp.h>
#include <stdint.h>
#include <string.h>

/* What came with a datagram that was sent to a group or to everyone must not be answered. */
static bool turn_v4(struct in_pktinfo *info)
{
	if (info->ipi_addr.s_addr != info->ipi_spec_dst.s_addr)
		return false;
	info->ipi_ifindex = 0; /* the way back is the routing table's choice */
	return true;
}

static bool turn_v6(struct in6_pktinfo *info)
{
	if (IN6_IS_ADDR_MULTICAST(&info->ipi6_addr))
		return false;
	if (!IN6_IS_ADDR_LINKLOCAL(&info->ipi6_addr))
		info->ipi6_ifindex = 0;
	return true;
}

static bool turn_hops(int *hops)
{
	if (*hops > ANSWER_HOPS_MAX)
		*hops = ANSWER_HOPS_MAX;
	else
		*hops -= 1;
	return *hops > 0;
}

/* The kernel tells the size of a segment as an int and is told it as a uint16_t. */
static unsigned turn_segment(struct cmsghdr *control, size_t bytes)
{
	uint16_t segment;
	int told;

	memcpy(&told, CMSG_DATA(control), sizeof(told));
	segment = (uint16_t)told;
	control->cmsg_type = UDP_SEGMENT;
	control->cmsg_len = CMSG_LEN(sizeof(segment));
	memcpy(CMSG_DATA(control), &segment, sizeof(segment));
	return segment ? (unsigned)((bytes + segment - 1) / segment) : 1;
}

static bool turn(struct cmsghdr *control)
{
	void *data = CMSG_DATA(control);

	if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO)
		return turn_v4(data);
	if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO)
		return turn_v6(data);
	return turn_hops(data);
}

/* The socket was asked for nothing else than these, so nothing else is there. */
struct answer answer_prepare(struct msghdr *message, size_t bytes)
{
	struct answer answer = { .datagrams = 1, .allowed = true };
	struct cmsghdr *control;

	for (control = CMSG_FIRSTHDR(message); control;
	     control = CMSG_NXTHDR(message, control)) {
		if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO)
			answer.datagrams = turn_segment(control, bytes);
		else if (!turn(control))
			answer.allowed = false;
	}
	return answer;
}

/* The kernel puts it first. */
static struct cmsghdr *segment_of(const struct msghdr *message)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(message);

	if (!control || control->cmsg_level != SOL_UDP)
		return NULL;
	return control;
}

bool answer_is_burst(const struct msghdr *message, size_t *segment_bytes)
{
	const struct cmsghdr *control = segment_of(message);
	uint16_t segment;

	if (!control)
		return false;
	memcpy(&segment, CMSG_DATA(control), sizeof(segment));
	*segment_bytes = segment;
	return segment > 0;
}

void answer_unburst(struct msghdr *message)
{
	struct cmsghdr *control = segment_of(message);

	if (control)
		memset(CMSG_DATA(control), 0, sizeof(uint16_t));
}
