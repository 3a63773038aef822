/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_NOTIFY_H
#define LIB_NOTIFY_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/*
 * The service manager's ear: sd_notify(3) by hand. A value that owns a descriptor while
 * it is open. Without a manager that wants to know, all of it does nothing.
 */
struct notify {
	int fd; /* -1: nobody wants to know */
	struct sockaddr_un address;
	socklen_t address_bytes;
	uint64_t
		watchdog_ns; /* the manager ends us if it hears nothing for so long; 0: never */
};

/*
 * Reads NOTIFY_SOCKET (a path, or "@" and an abstract name), WATCHDOG_USEC and
 * WATCHDOG_PID. Returns 0, also if there is no manager, or -errno if NOTIFY_SOCKET is
 * nothing that can be used: then it is as if there were none.
 */
int notify_open(struct notify *notify);

/*
 * Sends "READY=1", "STATUS=...", "WATCHDOG=1" and the like, one assignment a line. Waits
 * for a manager that is busy, but not for one that hangs. Returns 0 or -errno.
 */
int notify_send(const struct notify *notify, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The same, but waits for nobody: -EAGAIN if the manager is busy. */
int notify_try(const struct notify *notify, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Says that a reload begins, with the time that the protocol wants; "READY=1" ends it. */
int notify_reloading(const struct notify *notify);

/* Closes it; again is allowed. */
void notify_close(struct notify *notify);

#endif
