// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/headcount.h"

#include <stddef.h>

int headcount_open(struct headcount *out, struct nl *nl)
{
	struct table_usage usage;
	int err = table_usage_get(nl, &usage);

	if (err)
		return err;
	out->nl = nl;
	/* Without them a look takes longer. */
	table_files_open(&out->files);
	return 0;
}

void headcount_close(struct headcount *headcount)
{
	/* In one that is zero the descriptors are 0, which is somebody else's. */
	if (headcount->nl)
		table_files_close(&headcount->files);
	headcount->nl = NULL;
}

int headcount_count(const struct headcount *headcount, uint32_t *out)
{
	return table_count_read(headcount->files.count_fd, out);
}

int headcount_read(const struct headcount *headcount, struct table_usage *out)
{
	if (headcount->files.count_fd < 0)
		return table_usage_get(headcount->nl, out);
	return table_files_read(&headcount->files, out);
}
