// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/trouble.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"

/* No two errors are logged within this time. */
static const double REPEAT_AFTER_S = 10;

void trouble_note(struct trouble *trouble, const char *what, int err)
{
	uint64_t now_ns = clock_now_ns();

	trouble->count++;
	if (trouble->told_ns &&
	    clock_between_s(trouble->told_ns, now_ns) < REPEAT_AFTER_S)
		return;
	trouble->told_ns = now_ns;
	log_warn(trouble->log, "cannot %s: %s; going on (%llu such errors so far)", what,
		 strerror(-err), (unsigned long long)trouble->count);
}
