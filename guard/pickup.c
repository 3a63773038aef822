// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/pickup.h"

#include <netinet/in.h>
#include <stdio.h>

#include "lib/service.h"

static const char LOOSE_PATH[] = "/proc/sys/net/netfilter/nf_conntrack_tcp_loose";

bool pickup_kills(const struct service *service)
{
	FILE *file;
	int loose;

	if (service->proto != IPPROTO_TCP)
		return false;
	file = fopen(LOOSE_PATH, "re");
	/* Where that cannot be read, the kernel's default is the best guess. */
	loose = file ? getc(file) : '1';
	if (file)
		fclose(file);
	return loose == '0';
}
