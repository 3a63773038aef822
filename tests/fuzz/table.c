// SPDX-License-Identifier: GPL-2.0-or-later
/* Answers about the table: its size and its counters. */
#include "conntrack/table.c"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table_counters counters = { 0 };
	struct usage_answer answer = { 0 };
	struct nlmsghdr *message;

	if (size < MNL_NLMSG_HDRLEN)
		return 0;
	message = malloc(size);
	assert(message);
	memcpy(message, data, size);
	message->nlmsg_len = (uint32_t)size;
	if (usage_cb(message, &answer) != MNL_CB_OK ||
	    counters_cb(message, &counters) != MNL_CB_OK)
		abort();
	free(message);
	return 0;
}
