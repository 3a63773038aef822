// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/nest.h"

#include <endian.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>

static bool has_header(const struct nlmsghdr *message)
{
	return message->nlmsg_len >= MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg);
}

const struct nlattr *nest_first(const struct nlmsghdr *message, uint16_t type)
{
	const struct nlattr *attr;

	if (!has_header(message))
		return NULL;
	/* Its iterators stop at one that runs past the end. */
	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

const struct nlattr *nest_find(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr;

	if (!nest)
		return NULL;
	/* An iterator has met the nest itself, so all of it lies in its message. */
	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

const char *nest_string(const struct nlattr *attr)
{
	if (!attr || mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0)
		return NULL;
	return mnl_attr_get_str(attr);
}

bool nest_number(const struct nlattr *attr, uint64_t *out)
{
	uint32_t word;

	if (attr && mnl_attr_get_payload_len(attr) == sizeof(word)) {
		memcpy(&word, mnl_attr_get_payload(attr), sizeof(word));
		*out = be32toh(word);
		return true;
	}
	if (!attr || mnl_attr_get_payload_len(attr) != sizeof(*out))
		return false;
	memcpy(out, mnl_attr_get_payload(attr), sizeof(*out));
	*out = be64toh(*out);
	return true;
}

uint8_t nest_family(const struct nlmsghdr *message)
{
	const struct nfgenmsg *header = mnl_nlmsg_get_payload(message);

	return has_header(message) ? header->nfgen_family : (uint8_t)NFPROTO_UNSPEC;
}
