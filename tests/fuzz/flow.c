// SPDX-License-Identifier: GPL-2.0-or-later
/* Entries of a ctnetlink dump: what is read is counted and named, whatever it says. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "conntrack/attribute.h"
#include "conntrack/attribute_name.h"
#include "conntrack/flow.h"
#include "conntrack/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_keys(const struct host *host, const struct flow *flow)
{
	struct attribute_keys keys;
	char name[ATTRIBUTE_NAME_MAX];

	attribute_keys(host, flow, &keys);
	attribute_name(&keys.source, name);
	assert(strchr(name, '/'));
	attribute_name(&keys.state, name);
	assert(strchr(name, ' '));
	if (!keys.has_service)
		return;
	attribute_name(&keys.service, name);
	assert(strchr(name, '/') && *attribute_direction(&keys.service));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct host_listener listener = { .proto = IPPROTO_UDP,
						.any = true,
						.port = 9000 };
	struct nlmsghdr *message;
	struct host *host;
	struct flow flow;

	if (size < MNL_NLMSG_HDRLEN)
		return 0;
	message = malloc(size);
	host = calloc(1, sizeof(*host));
	assert(message && host);
	memcpy(message, data, size);
	message->nlmsg_len = (uint32_t)size;
	host_add_listener(host, &listener);
	host_ready(host);
	if (flow_parse(message, &flow) == 0)
		check_keys(host, &flow);
	free(host);
	free(message);
	return 0;
}
