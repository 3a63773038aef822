// SPDX-License-Identifier: GPL-2.0-or-later
/* Text instead of /proc/net/stat/nf_conntrack. */
#include "conntrack/counters.h"

#include <assert.h>
#include <stdint.h>

#include "conntrack/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table_counters counters;
	FILE *file = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;

	if (!file)
		return 0;
	if (counters_parse(file, &counters) == 0)
		counters = table_counters_delta(&counters, &counters);
	fclose(file);
	return 0;
}
