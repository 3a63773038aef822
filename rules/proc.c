// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/proc.h"

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "rules/clientports.h"
#include "rules/legacy.h"
#include "rules/surroundings.h"

enum { SETTING_BYTES_MAX = 4096 };

/* A header of three lines, then a service each. */
static bool has_ipvs(void)
{
	int fd = open("/proc/thread-self/net/ip_vs", O_RDONLY | O_CLOEXEC);
	char text[1024];
	ssize_t bytes;
	unsigned lines = 0;

	if (fd < 0)
		return false;
	bytes = read(fd, text, sizeof(text));
	close(fd);
	for (ssize_t i = 0; i < bytes; i++)
		lines += text[i] == '\n';
	return lines > 3;
}

/* Whether a setting is there and not 0. */
static bool is_on(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char byte = '0';
	bool on;

	if (fd < 0)
		return false;
	on = read(fd, &byte, 1) == 1 && byte != '0';
	close(fd);
	return on;
}

/* "" if it cannot be read; what is too long is cut off. */
static void read_text(const char *path, char text[SETTING_BYTES_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t bytes = fd < 0 ? 0 : read(fd, text, SETTING_BYTES_MAX - 1);

	if (fd >= 0)
		close(fd);
	text[bytes > 0 ? bytes : 0] = '\0';
}

static int read_ports(struct surroundings *out)
{
	char range[SETTING_BYTES_MAX], reserved[SETTING_BYTES_MAX];

	read_text("/proc/sys/net/ipv4/ip_local_port_range", range);
	read_text("/proc/sys/net/ipv4/ip_local_reserved_ports", reserved);
	return clientports_parse(range, reserved, &out->arena, &out->ports,
				 &out->reserved);
}

int proc_read(const struct legacy *legacy, struct surroundings *out)
{
	unsigned seen = legacy_look(legacy);

	out->legacy4 = seen & LEGACY_IP4;
	out->legacy6 = seen & LEGACY_IP6;
	out->legacy_hidden = seen & LEGACY_HIDDEN;
	out->ipvs = has_ipvs();
	/* Helpers by port alone, which kernels before 6.0 could do. */
	out->auto_helpers = is_on("/proc/sys/net/netfilter/nf_conntrack_helper");
	out->localnet |= is_on("/proc/sys/net/ipv4/conf/all/route_localnet");
	out->marks_kept = is_on("/proc/sys/net/ipv4/tcp_fwmark_accept") ||
			  is_on("/proc/sys/net/ipv4/fwmark_reflect") ||
			  is_on("/proc/sys/net/ipv6/fwmark_reflect");
	return read_ports(out);
}
