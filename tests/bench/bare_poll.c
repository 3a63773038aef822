// SPDX-License-Identifier: GPL-2.0-or-later
/* bare_poll MS: counts this namespace's table every MS milliseconds, as ctguard does, and nothing else. */
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conntrack/table.h"
#include "lib/args.h"
#include "lib/clock.h"
#include "lib/nl.h"

int main(int argc, char **argv)
{
	struct timespec pause;
	struct table_usage usage;
	struct args_why why;
	uint64_t ms;
	struct nl *nl;
	int err;

	if (argc != 2 || args_count(argv[1], 1, 10000, &ms, &why) < 0) {
		fputs("usage: bare_poll MS\n", stderr);
		return EXIT_FAILURE;
	}
	pause.tv_sec = (time_t)(ms / 1000);
	pause.tv_nsec = (long)(ms % 1000 * 1000000);
	err = nl_open(&nl, NETLINK_NETFILTER);
	while (!err) {
		nanosleep(&pause, NULL);
		err = table_usage_get(nl, &usage);
	}
	fprintf(stderr, "bare_poll: %s\n", strerror(-err));
	return EXIT_FAILURE;
}
