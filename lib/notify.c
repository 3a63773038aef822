// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/clock.h"

enum { MESSAGE_BYTES = 1024, WAIT_MS = 500 };

/* A path or "@name"; systemd also knows vsock:, which only a guest's manager uses. */
static int read_address(const char *text, struct notify *notify)
{
	size_t length = strlen(text);
	struct sockaddr_un *address = &notify->address;

	if (text[0] != '/' && text[0] != '@')
		return -EAFNOSUPPORT;
	if (length < 2 || length >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(address->sun_path, text, length);
	/* An abstract name begins with a NUL and ends where its length says. */
	if (text[0] == '@')
		address->sun_path[0] = '\0';
	notify->address_bytes =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	return 0;
}

/* A whole positive number; 0 if it is anything else. */
static uint64_t read_number(const char *text)
{
	unsigned long long value;
	char *end;

	if (!text || text[0] < '0' || text[0] > '9')
		return 0;
	errno = 0;
	value = strtoull(text, &end, 10);
	return errno || *end ? 0 : value;
}

/* Meant for another process if WATCHDOG_PID is not ours: it was inherited. */
static uint64_t read_watchdog(void)
{
	const char *pid = getenv("WATCHDOG_PID");
	uint64_t watchdog_us = read_number(getenv("WATCHDOG_USEC"));

	if (pid && read_number(pid) != (uint64_t)getpid())
		return 0;
	return watchdog_us < UINT64_MAX / 1000 ? watchdog_us * 1000 : 0;
}

int notify_open(struct notify *notify)
{
	const struct timeval wait = { .tv_usec = WAIT_MS * 1000 };
	const char *text = getenv("NOTIFY_SOCKET");
	int err;

	*notify = (struct notify){ .fd = -1 };
	if (!text || !*text)
		return 0;
	err = read_address(text, notify);
	if (err)
		return err;
	notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify->fd < 0)
		return -errno;
	/* A manager that does not read must not hold us up for long. */
	setsockopt(notify->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	notify->watchdog_ns = read_watchdog();
	return 0;
}

static int send_text(const struct notify *notify, int flags, const char *fmt,
		     va_list args)
{
	char message[MESSAGE_BYTES];
	int length;

	if (notify->fd < 0)
		return 0;
	length = vsnprintf(message, sizeof(message), fmt, args);
	if (length < 0 || length >= MESSAGE_BYTES)
		return -EMSGSIZE;
	if (sendto(notify->fd, message, (size_t)length, MSG_NOSIGNAL | flags,
		   (const struct sockaddr *)&notify->address, notify->address_bytes) < 0)
		return -errno;
	return 0;
}

int notify_send(const struct notify *notify, const char *fmt, ...)
{
	va_list args;
	int err;

	va_start(args, fmt);
	err = send_text(notify, 0, fmt, args);
	va_end(args);
	return err;
}

int notify_try(const struct notify *notify, const char *fmt, ...)
{
	va_list args;
	int err;

	va_start(args, fmt);
	err = send_text(notify, MSG_DONTWAIT, fmt, args);
	va_end(args);
	return err;
}

int notify_reloading(const struct notify *notify)
{
	return notify_send(notify, "RELOADING=1\nMONOTONIC_USEC=%llu",
			   (unsigned long long)(clock_now_ns() / 1000));
}

void notify_close(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
}
