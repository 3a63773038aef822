/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_BOOT_H
#define GUARD_BOOT_H

struct symptoms;

/*
 * Finds out what of nf_conntrack's settings is set at boot: reads the files of sysctl.d(5),
 * modprobe.d(5) and modules-load.d(5), as far as this user may, into kept_limit, kept_hashsize and
 * kept_module, and whether it is a module. Of several files the last in order counts.
 */
void boot_read(struct symptoms *out);

#endif
