/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_PROGRESS_H
#define SERVER_PROGRESS_H

#include <stdint.h>

struct log;

/* The line a second that a run writes to stderr. A plain value. */
struct progress {
	const struct log *log;
	uint64_t start_ns;
	uint64_t next_ns; /* when the next line is due */
	uint64_t last_ns;
	uint64_t last_done;
};

void progress_start(struct progress *progress, const struct log *log, uint64_t now_ns);

/*
 * If a second has passed: logs how many were done and answered so far, and how many were done
 * per second since the last line. The words name them ("sent", "answered").
 */
void progress_tell(struct progress *progress, uint64_t now_ns, const char *done_word,
		   uint64_t done, const char *answered_word, uint64_t answered);

#endif
