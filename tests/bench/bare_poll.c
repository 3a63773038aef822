// SPDX-License-Identifier: GPL-2.0-or-later
/* bare_poll MS: reads count and limit of this namespace's table every MS milliseconds, as ctguard does, and nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conntrack/table.h"
#include "lib/args.h"

int main(int argc, char **argv)
{
	struct timespec pause;
	struct table_files files;
	struct table_usage usage;
	struct args_why why;
	uint64_t ms;
	int err;

	if (argc != 2 || args_count(argv[1], 1, 10000, &ms, &why) < 0) {
		fputs("usage: bare_poll MS\n", stderr);
		return EXIT_FAILURE;
	}
	pause.tv_sec = (time_t)(ms / 1000);
	pause.tv_nsec = (long)(ms % 1000 * 1000000);
	err = table_files_open(&files);
	while (!err) {
		nanosleep(&pause, NULL);
		err = table_files_read(&files, &usage);
	}
	fprintf(stderr, "bare_poll: %s\n", strerror(-err));
	return EXIT_FAILURE;
}
