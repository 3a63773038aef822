// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/realtime.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "lib/log.h"

/* Of 1 to 99: before what is ordinary, behind what others were given with thought. */
enum { PRIORITY = 10 };

static int run_first(void)
{
	const struct sched_param param = { .sched_priority = PRIORITY };

	/* What the guard might start, it does not start so. */
	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) < 0)
		return -errno;
	return 0;
}

/*
 * What comes later is locked too only if there can be no limit to it: else, once the
 * privilege is given up, memory that is needed could be refused.
 */
static int stay_in_memory(void)
{
	const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit limit;
	int flags = MCL_CURRENT;

	if (setrlimit(RLIMIT_MEMLOCK, &all) == 0 ||
	    (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY))
		flags |= MCL_FUTURE;
	return mlockall(flags) < 0 ? -errno : 0;
}

void realtime_begin(const struct log *log)
{
	int err = run_first();

	if (err)
		log_warn(log, "cannot run at real-time priority: %s; going on without",
			 strerror(-err));
	else
		log_info(log, "runs at real-time priority %d", PRIORITY);
	err = stay_in_memory();
	if (err)
		log_warn(log, "cannot lock memory: %s; going on without", strerror(-err));
}
