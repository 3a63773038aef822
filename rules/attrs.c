// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/attrs.h"

#include <linux/netfilter/nfnetlink.h>
#include <string.h>

/* Notes them all; false if what is left in the end is no attribute. */
static bool note(const void *data, size_t bytes, struct attrs *out)
{
	const struct nlattr *attr = data;
	int left = (int)bytes;

	*out = (struct attrs){ .strange = false };
	for (; mnl_attr_ok(attr, left); attr = mnl_attr_next(attr)) {
		uint16_t type = mnl_attr_get_type(attr);

		left -= MNL_ALIGN(attr->nla_len);
		if (type < ATTRS_MAX)
			out->at[type] = attr;
		else
			out->strange = true;
	}
	return left <= 0;
}

bool attrs_of_message(const struct nlmsghdr *header, struct attrs *out)
{
	const size_t head = MNL_ALIGN(sizeof(struct nfgenmsg));
	const uint8_t *data = mnl_nlmsg_get_payload(header);
	size_t bytes = mnl_nlmsg_get_payload_len(header);

	return bytes >= head && note(data + head, bytes - head, out);
}

bool attrs_of_nest(const struct nlattr *nest, struct attrs *out)
{
	return note(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), out);
}

uint8_t attrs_family(const struct nlmsghdr *header)
{
	return ((const struct nfgenmsg *)mnl_nlmsg_get_payload(header))->nfgen_family;
}

bool attrs_number(const struct nlattr *attr, uint64_t *out)
{
	size_t bytes = attr ? mnl_attr_get_payload_len(attr) : 0;
	const uint8_t *at;
	uint64_t value = 0;

	if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8)
		return false;
	at = mnl_attr_get_payload(attr);
	for (size_t i = 0; i < bytes; i++)
		value = value << 8 | at[i];
	*out = value;
	return true;
}

const char *attrs_string(const struct nlattr *attr)
{
	const char *text = attr ? mnl_attr_get_payload(attr) : NULL;

	return text && memchr(text, '\0', mnl_attr_get_payload_len(attr)) ? text : NULL;
}
