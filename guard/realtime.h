/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_REALTIME_H
#define GUARD_REALTIME_H

struct log;

/*
 * Makes this process go before ordinary ones (SCHED_FIFO) and keeps its memory from being paged
 * out, each where it is allowed; log has a word of what is not. Before privileges are given
 * up: the first takes CAP_SYS_NICE or RLIMIT_RTPRIO, the second CAP_IPC_LOCK or
 * RLIMIT_MEMLOCK.
 */
void realtime_begin(const struct log *log);

#endif
