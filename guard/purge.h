/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_PURGE_H
#define GUARD_PURGE_H

#include <stdbool.h>

struct policy_settings;
struct policy_view;

/* When the kernel is made to collect entries that have expired but are counted. Pure. */

/* Whether these may be what fills the table, and there is time to find out, or that is under way. */
bool purge_due(const struct policy_view *view);

/*
 * Whether somebody must go before it is seen what has expired: the table is far beyond the mark. One does; who is
 * next is seen after that.
 */
bool purge_comes_second(const struct policy_settings *settings,
			const struct policy_view *view);

#endif
