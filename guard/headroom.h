/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_HEADROOM_H
#define GUARD_HEADROOM_H

struct remedy;

/*
 * The limit, as far as the guard has raised it: in remedy->limit, and in a file beside the journal, or,
 * without one, beside the control socket, so that the next guard knows what it was. Leases end by
 * themselves, the limit does not.
 */

/* Takes over what an earlier guard has kept, if the limit is still what that made it; tells the lookout. */
void headroom_adopt(struct remedy *remedy);

/* Tells the journal, if it is raised: at the start, and at the end, when it stays. */
void headroom_tell(const struct remedy *remedy);
void headroom_say_goodbye(const struct remedy *remedy);

/* Raises it as configured. Returns 0 or -errno. */
int headroom_raise(struct remedy *remedy);

/*
 * Sets it back. Returns 0, also if the guard did not raise it; -ESTALE if somebody else has set it
 * since, who has the last word; or another -errno.
 */
int headroom_lower(struct remedy *remedy);

#endif
