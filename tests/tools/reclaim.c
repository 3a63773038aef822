// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drives conntrack/reclaim.h from the command line:
 *   reclaim probe              prints "filter" or "dump"
 *   reclaim filter|dump SERVICE   deletes the service's entries, prints how many were counted
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

static int probe(struct nl *nl)
{
	enum reclaim_way way;
	int err = reclaim_probe(nl, &way);

	if (!err)
		puts(way == RECLAIM_FILTER ? "filter" : "dump");
	return err;
}

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

static int reclaim(struct nl *nl, const char *way, const struct service *service)
{
	static struct addresses local;
	uint64_t begin = clock_now_ns();
	uint32_t deleted = 0;
	int err = read_local(&local);

	if (!err)
		err = reclaim_service(
			nl, strcmp(way, "filter") == 0 ? RECLAIM_FILTER : RECLAIM_DUMP,
			service, &local, &deleted);

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

	if (argc < 2 || (argc > 2 && service_parse(argv[2], &service, &why) < 0)) {
		fprintf(stderr, "reclaim: probe | filter SERVICE | dump SERVICE %s\n",
			why.text);
		return EXIT_FAILURE;
	}
	err = nl_open(&nl, NETLINK_NETFILTER);
	if (!err) {
		err = argc == 2 ? probe(nl) : reclaim(nl, argv[1], &service);
		nl_close(nl);
	}
	if (err)
		fprintf(stderr, "reclaim: %s\n", strerror(-err));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
