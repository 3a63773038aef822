/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_TIMESLICE_H
#define GUARD_TIMESLICE_H

/*
 * Asks the kernel to let this process, and the threads that it will start, run soon when they wake,
 * before one that computes; they get no more of the processor than before. Needs no
 * privilege. Kernels before 6.12 make nothing of it.
 */
void timeslice_shorten(void);

#endif
