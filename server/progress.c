// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/progress.h"

#include <inttypes.h>

#include "lib/clock.h"
#include "lib/log.h"

void progress_start(struct progress *progress, const struct log *log, uint64_t now_ns)
{
	*progress = (struct progress){
		.log = log,
		.start_ns = now_ns,
		.next_ns = now_ns + CLOCK_NS_PER_S,
		.last_ns = now_ns,
	};
}

void progress_tell(struct progress *progress, uint64_t now_ns, const char *done_word,
		   uint64_t done, const char *answered_word, uint64_t answered)
{
	double since_s;

	if (now_ns < progress->next_ns)
		return;
	since_s = clock_between_s(progress->last_ns, now_ns);
	log_info(progress->log, "%.0fs: %s %" PRIu64 " (%.0f/s), %s %" PRIu64,
		 clock_between_s(progress->start_ns, now_ns), done_word, done,
		 (double)(done - progress->last_done) / since_s, answered_word, answered);
	progress->last_ns = now_ns;
	progress->last_done = done;
	/* Lines that were missed while the process was held up are not made up for. */
	while (progress->next_ns <= now_ns)
		progress->next_ns += CLOCK_NS_PER_S;
}
