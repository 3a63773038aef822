// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/trouble.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/log.h"

/* No two errors of one kind are logged within this time. */
static const double REPEAT_AFTER_S = 10;

/* The last kind is for whatever has no room of its own. */
static struct trouble_kind *find(struct trouble *trouble, const char *what)
{
	struct trouble_kind *kind = trouble->kind;

	while (kind < &trouble->kind[TROUBLE_KINDS - 1] && kind->what &&
	       strcmp(kind->what, what) != 0)
		kind++;
	kind->what = what;
	return kind;
}

void trouble_note(struct trouble *trouble, const char *what, int err)
{
	struct trouble_kind *kind = find(trouble, what);
	uint64_t now_ns = clock_now_ns();

	trouble->count++;
	kind->count++;
	if (kind->told_ns && clock_between_s(kind->told_ns, now_ns) < REPEAT_AFTER_S)
		return;
	kind->told_ns = now_ns;
	log_warn(trouble->log, "cannot %s: %s; going on (%llu such errors so far)", what,
		 strerror(-err), (unsigned long long)kind->count);
}
