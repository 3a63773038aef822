// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/tenants.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/nl.h"
#include "lib/sockdiag.h"

/* A socket, and of which service it is. */
struct socket {
	struct service service;
	uint64_t inode;
};

struct sockets {
	size_t count;
	size_t left_out;
	struct socket *at;
	struct process *process; /* sorted by inode */
};

static void take(const struct sockdiag_socket *found, void *data)
{
	struct sockets *sockets = data;
	struct service service = { .proto = found->proto,
				   .first_port = found->port,
				   .last_port = found->port };

	if (sockets->count == TENANTS_SOCKETS_MAX) {
		sockets->left_out++;
		return;
	}
	if (!found->any) {
		service.family = found->family;
		if (found->family == AF_INET)
			service.addr.v4 = found->address.v4;
		else
			service.addr.v6 = found->address.v6;
	}
	sockets->at[sockets->count] = (struct socket){ service, found->inode };
	sockets->process[sockets->count++].inode = found->inode;
}

static int by_service(const void *left, const void *right)
{
	const struct service *a = &((const struct socket *)left)->service;
	const struct service *b = &((const struct socket *)right)->service;

	if (a->proto != b->proto)
		return a->proto < b->proto ? -1 : 1;
	if (a->first_port != b->first_port)
		return a->first_port < b->first_port ? -1 : 1;
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

/* The least pid, but process 1, which only keeps sockets for others. */
static bool is_better(const struct process *process, const struct process *than)
{
	if (!process || !process->pid)
		return false;
	return !than->pid || than->pid == 1 ||
	       (process->pid != 1 && process->pid < than->pid);
}

static void add_service(struct tenants *out, const struct service *service)
{
	if (out->count < TENANTS_MAX)
		out->service[out->count++] = *service;
	else
		out->left_out++;
}

/* Of a service that may have been left out. */
static void add_process(struct tenants *out, const struct service *service,
			const struct process *process)
{
	size_t last = out->count - 1;

	if (service_equal(&out->service[last], service) &&
	    is_better(process, &out->process[last]))
		out->process[last] = *process;
}

static void add_all(struct tenants *out, const struct sockets *sockets)
{
	const struct socket *at = sockets->at;

	for (size_t i = 0; i < sockets->count; i++) {
		if (i == 0 || !service_equal(&at[i].service, &at[i - 1].service))
			add_service(out, &at[i].service);
		add_process(out, &at[i].service,
			    process_of(sockets->process, sockets->count, at[i].inode));
	}
}

static int read_sockets(struct sockets *sockets)
{
	struct nl *diag = NULL;
	int err = nl_open(&diag, NETLINK_SOCK_DIAG);

	if (!err)
		err = sockdiag_read(diag, take, sockets);
	nl_close(diag);
	return err;
}

int tenants_read(struct tenants *out)
{
	struct sockets sockets = {
		.at = calloc(TENANTS_SOCKETS_MAX, sizeof(*sockets.at)),
		.process = calloc(TENANTS_SOCKETS_MAX, sizeof(*sockets.process)),
	};
	int err = sockets.at && sockets.process ? read_sockets(&sockets) : -ENOMEM;

	if (!err) {
		process_find(sockets.process, sockets.count, process_netns(getpid()));
		/* Then the sockets of a service are side by side. */
		qsort(sockets.at, sockets.count, sizeof(*sockets.at), by_service);
		memset(out, 0, sizeof(*out));
		out->left_out = sockets.left_out;
		add_all(out, &sockets);
	}
	free(sockets.at);
	free(sockets.process);
	return err;
}
