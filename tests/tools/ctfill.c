// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Puts entries into this namespace's conntrack table, without packets:
 *   ctfill [-p udp|tcp] [-s FIRST_SOURCE] [-d DESTINATION] [-P PORT] [-t SECONDS] [-arnw] COUNT
 * -a assured, -r replied, -n its IPv4 source is translated, -w with swapped ends. Each
 * entry has another source address and port. Addresses may be IPv6.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

#include "lib/args.h"
#include "lib/nl.h"

enum { BATCH_BYTES = 60000, MESSAGE_BYTES = 512, PORTS = 20000, FIRST_PORT = 40000 };
enum { TRANSLATED_SOURCE = 0x0a636363 }; /* 10.99.99.99 */

struct end {
	struct in6_addr addr; /* IPv4: its first 4 bytes */
	uint16_t port;
};

struct fill {
	int family;
	uint8_t proto;
	struct end source;
	struct end service;
	uint32_t status;
	uint32_t timeout_s;
	bool swapped;
	bool translated;
};

static int fail(const char *what, const char *why)
{
	fprintf(stderr, "ctfill: %s: %s\n", what, why);
	return EXIT_FAILURE;
}

/* The source of entry number i. */
static struct end source_of(const struct fill *fill, uint32_t i)
{
	struct end end = fill->source;
	uint32_t *low =
		fill->family == AF_INET ? &end.addr.s6_addr32[0] : &end.addr.s6_addr32[3];

	*low = htonl(ntohl(*low) + i / PORTS);
	end.port = (uint16_t)(FIRST_PORT + i % PORTS);
	return end;
}

static void set_tuple(struct nf_conntrack *ct, const struct fill *fill,
		      const struct end *source)
{
	const struct end *src = fill->swapped ? &fill->service : source;
	const struct end *dst = fill->swapped ? source : &fill->service;
	bool v4 = fill->family == AF_INET;

	nfct_set_attr_u8(ct, ATTR_L3PROTO, (uint8_t)fill->family);
	nfct_set_attr(ct, v4 ? ATTR_IPV4_SRC : ATTR_IPV6_SRC, &src->addr);
	nfct_set_attr(ct, v4 ? ATTR_IPV4_DST : ATTR_IPV6_DST, &dst->addr);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, fill->proto);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(src->port));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(dst->port));
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u32(ct, ATTR_STATUS, fill->status);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, fill->timeout_s);
	if (fill->translated)
		nfct_set_attr_u32(ct, ATTR_SNAT_IPV4, htonl(TRANSLATED_SOURCE));
	if (fill->proto != IPPROTO_TCP)
		return;
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	/* As the kernel marks what it picks up in the middle. */
	if (fill->swapped) {
		nfct_set_attr_u8(ct, ATTR_TCP_FLAGS_ORIG, IP_CT_TCP_FLAG_BE_LIBERAL);
		nfct_set_attr_u8(ct, ATTR_TCP_MASK_ORIG, IP_CT_TCP_FLAG_BE_LIBERAL);
		nfct_set_attr_u8(ct, ATTR_TCP_FLAGS_REPL, IP_CT_TCP_FLAG_BE_LIBERAL);
		nfct_set_attr_u8(ct, ATTR_TCP_MASK_REPL, IP_CT_TCP_FLAG_BE_LIBERAL);
	}
}

static int fill_table(struct nl *nl, const struct fill *fill, uint32_t count)
{
	_Alignas(struct nlmsghdr) static char batch[BATCH_BYTES];
	struct nf_conntrack *ct = nfct_new();
	size_t used = 0;
	int err = ct ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < count; i++) {
		struct nlmsghdr *message = mnl_nlmsg_put_header(batch + used);
		struct nfgenmsg *nfgen =
			mnl_nlmsg_put_extra_header(message, sizeof(*nfgen));
		struct end source = source_of(fill, i);

		message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
		message->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;
		message->nlmsg_seq = nl_sequence(nl);
		nfgen->nfgen_family = (uint8_t)fill->family;
		set_tuple(ct, fill, &source);
		nfct_nlmsg_build(message, ct);
		used += MNL_ALIGN(message->nlmsg_len);
		if (i + 1 < count && used + MESSAGE_BYTES <= sizeof(batch))
			continue;
		message->nlmsg_flags |= NLM_F_ACK;
		err = nl_batch(nl, batch, used, message->nlmsg_seq, NULL);
		used = 0;
	}
	nfct_destroy(ct);
	return err;
}

static int parse_address(const char *text, struct fill *fill, struct end *end)
{
	fill->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	return inet_pton(fill->family, text, &end->addr) == 1 ? 0 : -EINVAL;
}

static int parse_option(int key, const char *value, struct fill *fill)
{
	struct args_why why;
	uint64_t number;
	int err = 0;

	switch (key) {
	case 'p':
		fill->proto = strcmp(value, "tcp") == 0 ? IPPROTO_TCP : IPPROTO_UDP;
		break;
	case 's': return parse_address(value, fill, &fill->source);
	case 'd': return parse_address(value, fill, &fill->service);
	case 'P':
		err = args_count(value, 0, UINT16_MAX, &number, &why);
		fill->service.port = err ? 0 : (uint16_t)number;
		break;
	case 't':
		err = args_count(value, 1, UINT32_MAX, &number, &why);
		fill->timeout_s = err ? 0 : (uint32_t)number;
		break;
	case 'a': fill->status |= IPS_ASSURED | IPS_SEEN_REPLY; break;
	case 'r': fill->status |= IPS_SEEN_REPLY; break;
	case 'n': fill->translated = true; break;
	case 'w': fill->swapped = true; break;
	default: err = -EINVAL;
	}
	return err;
}

int main(int argc, char **argv)
{
	struct fill fill = {
		.proto = IPPROTO_UDP,
		.service.port = 9000,
		.status = IPS_CONFIRMED,
		.timeout_s = 600,
	};
	struct args_why why;
	uint64_t count;
	struct nl *nl;
	int key, err;

	parse_address("10.0.0.1", &fill, &fill.source);
	parse_address("10.200.0.1", &fill, &fill.service);
	while ((key = getopt(argc, argv, "p:s:d:P:t:arnw")) != -1) {
		if (parse_option(key, optarg, &fill) < 0)
			return fail("bad option value", optarg ? optarg : "");
	}
	if (optind + 1 != argc || args_count(argv[optind], 1, 1 << 20, &count, &why) < 0)
		return fail("COUNT", "missing or out of range");
	err = nl_open(&nl, NETLINK_NETFILTER);
	if (!err) {
		err = fill_table(nl, &fill, (uint32_t)count);
		nl_close(nl);
	}
	return err ? fail("cannot add entries", strerror(-err)) : EXIT_SUCCESS;
}
