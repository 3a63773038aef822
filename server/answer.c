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

static int turn_hops(int *hops)
{
	if (*hops > ANSWER_HOPS_MAX)
		*hops = ANSWER_HOPS_MAX;
	else
		*hops -= 1;
	return *hops;
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

static bool is(const struct cmsghdr *control, int level, int type)
{
	return control->cmsg_level == level && control->cmsg_type == type;
}

static bool is_hops(const struct cmsghdr *control)
{
	return is(control, IPPROTO_IP, IP_TTL) ||
	       is(control, IPPROTO_IPV6, IPV6_HOPLIMIT);
}

/* Returns whether it is something to tell the kernel, too. */
static bool turn(struct cmsghdr *control, size_t bytes, struct answer *answer)
{
	void *data = CMSG_DATA(control);

	if (is(control, SOL_UDP, UDP_GRO)) {
		answer->datagrams = turn_segment(control, bytes);
	} else if (is(control, IPPROTO_IP, IP_PKTINFO)) {
		answer->allowed &= turn_v4(data);
	} else if (is(control, IPPROTO_IPV6, IPV6_PKTINFO)) {
		answer->allowed &= turn_v6(data);
	} else if (is_hops(control)) {
		answer->hops = turn_hops(data);
		answer->allowed &= answer->hops > 0;
	} else {
		return false;
	}
	return true;
}

/* A socket that was inherited may have been asked for more than we want to know. */
struct answer answer_prepare(struct msghdr *message, size_t bytes)
{
	struct answer answer = { .datagrams = 1, .allowed = true };
	char *end = message->msg_control;
	struct cmsghdr *control, *next;

	if (message->msg_flags & MSG_CTRUNC)
		return (struct answer){ .datagrams = 1 };
	for (control = CMSG_FIRSTHDR(message); control; control = next) {
		next = CMSG_NXTHDR(message, control);
		if (!turn(control, bytes, &answer))
			continue;
		if ((char *)control != end)
			memmove(end, control, CMSG_ALIGN(control->cmsg_len));
		end += CMSG_ALIGN(((struct cmsghdr *)end)->cmsg_len);
	}
	message->msg_controllen = (size_t)(end - (char *)message->msg_control);
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

/*
 * The kernel puts them last. What is left in front ends without what would fill it up: up
 * to 36 bytes, an address of either family, the kernel needs no memory for.
 */
void answer_leave_out_hops(struct msghdr *message)
{
	struct cmsghdr *control, *before = NULL;

	for (control = CMSG_FIRSTHDR(message); control && !is_hops(control);
	     control = CMSG_NXTHDR(message, control))
		before = control;
	if (!control)
		return;
	message->msg_controllen = 0;
	if (before)
		message->msg_controllen =
			(size_t)((char *)before - (char *)message->msg_control) +
			before->cmsg_len;
}
