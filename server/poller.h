/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_POLLER_H
#define SERVER_POLLER_H

#include <stdint.h>
#include <sys/epoll.h>

/*
 * Waits for sockets and for the signals that end a run, until a time in nanoseconds:
 * libev's timers are milliseconds, too coarse to send 100,000 datagrams a second each
 * at its own time. Opaque: owns an epoll set and a signalfd.
 */
struct poller;

/*
 * From here on the process takes SIGINT and SIGTERM through the poller only, also after
 * poller_close(). Returns 0 or -errno.
 */
int poller_open(struct poller **out);

/* Closes it; NULL is allowed. */
void poller_close(struct poller *poller);

/* Watches fd for events (EPOLLIN, ...); closing fd ends it. key < UINT64_MAX. 0 or -errno. */
int poller_add(struct poller *poller, int fd, uint32_t events, uint64_t key);

/* Changes what a watched fd is watched for. 0 or -errno. */
int poller_change(struct poller *poller, int fd, uint32_t events, uint64_t key);

/*
 * Waits until the clock (CLOCK_MONOTONIC) shows until_ns or something is ready; a time that has
 * passed only looks. Returns how many of the max events it wrote, their keys in
 * data.u64: 0 when the time came or a signal did.
 */
int poller_wait(struct poller *poller, uint64_t until_ns, struct epoll_event *events,
		int max);

/* The signal that asks for the end; 0 if none came. */
int poller_signal(const struct poller *poller);

#endif
