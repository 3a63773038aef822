// SPDX-License-Identifier: GPL-2.0-or-later
/* Entries of the connection tracking table, as the audit reads them: one that is of none is of no part. */
#include <assert.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/service.h"
#include "rules/surroundings.h"
#include "rules/translated.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct surroundings host = { .surveyed = true };
	struct service all = { .first_port = 1, .last_port = UINT16_MAX };
	struct service part = { .first_port = 53, .last_port = 53 };
	struct nlmsghdr *message;

	if (size < MNL_NLMSG_HDRLEN)
		return 0;
	message = malloc(size);
	assert(message);
	memcpy(message, data, size);
	message->nlmsg_len = (uint32_t)size;
	all.proto = part.proto = size & 1 ? IPPROTO_TCP : IPPROTO_UDP;
	assert(!translated_is(message, &host, &part) ||
	       translated_is(message, &host, &all));
	free(message);
	return 0;
}
