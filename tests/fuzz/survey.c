// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages about interfaces, routes, policy rules, queues and forwarding; the first byte says which. */
#include "rules/survey.c"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const mnl_cb_t CALLBACKS[] = { link_cb, route_cb, rule_cb, queue_cb,
					      forwarding_cb };
	static struct collection first, second;
	struct surroundings out = { .surveyed = false };
	struct reading reading = { .out = &out, .first = &first, .second = &second };
	struct nlmsghdr *message;

	if (size < 1 + MNL_NLMSG_HDRLEN)
		return 0;
	/* As in a datagram: libmnl may look at the padding behind it. */
	message = calloc(1, MNL_ALIGN(size - 1));
	assert(message);
	memcpy(message, data + 1, size - 1);
	message->nlmsg_len = (uint32_t)size - 1;
	first.count = second.count = 0;
	first.overflown = second.overflown = false;
	reading.family = data[0] & 0x10 ? AF_INET6 : AF_INET;
	if (CALLBACKS[(data[0] & 0xf) % MNL_ARRAY_SIZE(CALLBACKS)](message, &reading) !=
	    MNL_CB_OK)
		abort();
	if (keep(&out, &first, &out.names) || keep(&out, &second, &out.indices))
		abort();
	surroundings_clear(&out);
	free(message);
	return 0;
}
