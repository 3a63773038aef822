// SPDX-License-Identifier: GPL-2.0-or-later
/* Rules of a dump: each is counted, and what is said of them ends. */
#include "conntrack/demand.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "lib/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct demand demand = { .known = true };
	char doubt[DEMAND_DOUBT_MAX] = "";
	struct nlmsghdr *message;
	struct text text = { 0 };

	/* The kernel pads messages to 4 bytes. */
	size &= ~(size_t)3;
	if (size < MNL_NLMSG_HDRLEN)
		return 0;
	message = malloc(size);
	assert(message);
	memcpy(message, data, size);
	message->nlmsg_len = (uint32_t)size;
	demand_add_rule(&demand, message);
	assert(demand.rules == 1 && demand.v4 <= 1 && demand.v6 <= 1);
	if (demand_doubt(&demand, doubt))
		assert(memchr(doubt, '\0', sizeof(doubt)));
	demand_explain(&demand, "", &text);
	text_free(&text);
	free(message);
	return 0;
}
