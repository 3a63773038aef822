// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drives conntrack/reclaim.h from the command line:
 *   reclaim SERVICE   deletes the service's entries, prints how many
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conntrack/addresses.h"
#include "conntrack/reclaim.h"
#include "conntrack/routes.h"
#include "lib/args.h"
#include "lib/clock.h"
#include "lib/nl.h"
#include "lib/service.h"

static int read_local(struct addresses *local)
{
	struct nl *route;
	int err = nl_open(&route, NETLINK_ROUTE);

	if (err)
		return err;
	err = routes_read_local(route, local);
	nl_close(route);
	return err;
}

static int reclaim(struct nl *nl, const struct service *service)
{
	static struct addresses local;
	const atomic_bool stop = false;
	_Atomic uint32_t deleted = 0;
	const struct reclaim order = {
		.service = service, .local = &local, .deleted = &deleted, .stop = &stop
	};
	uint64_t begin = clock_now_ns();
	int err = read_local(&local);

	if (!err)
		err = reclaim_service(nl, &order);
	if (!err)
		printf("%u in %.1f ms\n", deleted,
		       clock_between_s(begin, clock_now_ns()) * 1000);
	return err;
}

int main(int argc, char **argv)
{
	struct service service = { 0 };
	struct args_why why = { "" };
	struct nl *nl;
	int err;

	if (argc != 2 || service_parse(argv[1], &service, &why) < 0) {
		fprintf(stderr, "reclaim SERVICE %s\n", why.text);
		return EXIT_FAILURE;
	}
	err = nl_open(&nl, NETLINK_NETFILTER);
	if (!err) {
		err = reclaim(nl, &service);
		nl_close(nl);
	}
	if (err)
		fprintf(stderr, "reclaim: %s\n", strerror(-err));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
