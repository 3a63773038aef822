/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_SYNTAX_H
#define GUARD_SYNTAX_H

#include <confuse.h>

struct config;

/*
 * Reads a file of the form of ctguard.conf(5) over what config has; on error config is
 * as it was. What is wrong in the file goes to report, with its line. Returns 0, -EINVAL
 * (reported), or another -errno if the file cannot be read (not reported).
 */
int syntax_read(struct config *config, const char *path, cfg_errfunc_t report);

#endif
