// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/listeners.h"

#include <string.h>

#include "conntrack/host.h"
#include "conntrack/routes.h"
#include "lib/sockdiag.h"

static void add(const struct sockdiag_socket *socket, void *data)
{
	struct host_listener listener = { .proto = socket->proto,
					  .family = socket->family,
					  .any = socket->any,
					  .port = socket->port,
					  .inode = socket->inode };

	memcpy(&listener.address, &socket->address, sizeof(listener.address));
	host_add_listener(data, &listener);
}

int listeners_read(struct nl *diag, struct nl *route, struct host *host)
{
	int failed, err;

	/* If it fails they stay as they were: without any, all flows would be forwarded ones. */
	err = routes_read_local(route, &host->addresses);
	host->listeners = 0;
	host->left_out = 0;
	failed = sockdiag_read(diag, add, host);
	host_ready(host);
	return err ? err : failed;
}
