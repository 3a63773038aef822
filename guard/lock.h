/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_LOCK_H
#define GUARD_LOCK_H

/*
 * Makes sure that one guard runs in a network namespace. Returns a descriptor to keep open
 * for as long as the lock shall hold (it goes with the process, however that ends), or
 * -errno: -EADDRINUSE if another guard has it.
 */
int lock_take(void);

#endif
