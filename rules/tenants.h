/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_TENANTS_H
#define RULES_TENANTS_H

#include <stddef.h>

#include "lib/process.h"
#include "lib/service.h"

/*
 * Who listens in this network namespace: a service for each port, and for each address of one that
 * sockets are bound to. Bounded: what does not fit is counted and left out.
 */
enum { TENANTS_MAX = 4096, TENANTS_SOCKETS_MAX = 65536 };

struct tenants {
	size_t count;
	size_t left_out; /* services, or sockets whose service is not known */

	/* By protocol, port and address; the process with the least pid of those that are seen. */
	struct service service[TENANTS_MAX];
	struct process process[TENANTS_MAX]; /* pid 0: none is seen */
};

/*
 * Reads who listens, over TCP and UDP. Processes of others are seen only by root. Returns 0 or
 * -errno (-ENOENT: a kernel without inet_diag).
 */
int tenants_read(struct tenants *out);

#endif
