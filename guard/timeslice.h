/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_TIMESLICE_H
#define GUARD_TIMESLICE_H

/*
 * Asks the kernel to let this thread run soon when it wakes, before one that computes, and to let it finish: by a
 * slice of time that is shorter than those of others, of which kernels before 6.12 make nothing, and by niceness
 * where it is 0 and that is allowed. What threads it starts are as any others.
 */
void timeslice_shorten(void);

#endif
