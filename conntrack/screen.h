/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_SCREEN_H
#define CONNTRACK_SCREEN_H

#include "conntrack/view.h"

struct ev_loop;
struct spaces;

/*
 * Shows the tables of spaces on the terminal until the user quits or SIGINT, SIGTERM or SIGHUP
 * comes; the terminal is as it was afterwards. Nobody else may write to it meanwhile. Returns 0,
 * -ENOTTY if nothing is known about this kind of terminal, -ESRCH if no namespace is left, or the
 * -errno for which its table cannot be read (spaces_read()).
 */
int screen_run(struct ev_loop *loop, struct spaces *spaces, enum view_by by,
	       double interval_s);

#endif
