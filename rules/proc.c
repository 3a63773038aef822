// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/proc.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "rules/legacy.h"
#include "rules/surroundings.h"

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

/* Two numbers; it is one setting for IPv4 and IPv6. */
static void read_ports(struct surroundings *out)
{
	int fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_RDONLY | O_CLOEXEC);
	unsigned long first, last;
	char text[64], *rest;
	ssize_t bytes;

	if (fd < 0)
		return;
	bytes = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[bytes > 0 ? bytes : 0] = '\0';
	first = strtoul(text, &rest, 10);
	last = strtoul(rest, NULL, 10);
	if (first == 0 || first > last || last > UINT16_MAX)
		return;
	out->first_port = (uint16_t)first;
	out->last_port = (uint16_t)last;
}

void proc_read(const struct legacy *legacy, struct surroundings *out)
{
	unsigned seen = legacy_look(legacy);

	read_ports(out);
	out->legacy4 = seen & LEGACY_IP4;
	out->legacy6 = seen & LEGACY_IP6;
	out->legacy_hidden = seen & LEGACY_HIDDEN;
	out->ipvs = has_ipvs();
	/* Helpers by port alone, which kernels before 6.0 could do. */
	out->auto_helpers = is_on("/proc/sys/net/netfilter/nf_conntrack_helper");
}
