// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/pickup.h"

#include <stdio.h>

#include "rules/midstream.h"

static const char LOOSE_PATH[] = "/proc/sys/net/netfilter/nf_conntrack_tcp_loose";

bool pickup_cuts(const struct midstream *midstream)
{
	FILE *file;
	int loose;

	if (midstream->cuts_loose == midstream->cuts_strict)
		return midstream->cuts_loose;
	file = fopen(LOOSE_PATH, "re");
	/* Where that cannot be read, the kernel's default is the best guess. */
	loose = file ? getc(file) : '1';
	if (file)
		fclose(file);
	return loose == '0' ? midstream->cuts_strict : midstream->cuts_loose;
}
