// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stopwatch MARK CALM COUNT [STALE]: times ctguard from outside, COUNT times. A time begins when
 * this namespace's table is first seen to have MARK entries, which is looked at every 100 us, and
 * ends when the kernel tells that a rule was committed to table inet ctkit. For each it
 * prints, once the table is down to CALM entries: microseconds, how many entries there
 * were at most, and how many when the commit was seen. With STALE, a ruleset change of somebody else's is made each time when
 * there are that many entries. It also is the socket of udp/9000 that the flood goes to, and
 * reads nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <nftables/libnftables.h>

#include "conntrack/table.h"
#include "lib/args.h"
#include "lib/clock.h"

enum { PORT = 9000, LOOK_EVERY_US = 100, PRIORITY = 50, RECEIVE_BYTES = 1 << 22 };

/* A guard that does not engage for so long never will. */
static const double PATIENCE_S = 20;

/* A rule that is committed when the table has less than this part of the mark is not for that. */
static const double NEAR_MARK = 0.8;

struct stopwatch {
	uint32_t mark;
	uint32_t calm;
	uint32_t stale; /* 0: the ruleset stays as it is */
	int count_fd;
	struct mnl_socket *events;
	struct nft_ctx *nft;
	bool stirred; /* this time already */
	bool there;   /* the table that is added and deleted to stir */
	bool committed;
	uint64_t begun_ns; /* 0: below the mark */
	uint64_t committed_ns;
	uint32_t committed_entries;
	uint32_t entries;
	uint32_t peak;
};

static void fail(const char *what, int err)
{
	fprintf(stderr, "stopwatch: %s: %s\n", what, strerror(err));
	exit(EXIT_FAILURE);
}

/* Before everything that it times, and always there. */
static void go_first(void)
{
	const struct sched_param param = { .sched_priority = PRIORITY };

	prctl(PR_SET_TIMERSLACK, 1);
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		fail("mlockall", errno);
	if (sched_setscheduler(0, SCHED_FIFO, &param) < 0)
		fail("SCHED_FIFO", errno);
}

static void open_sink(void)
{
	const struct sockaddr_in6 any = { .sin6_family = AF_INET6,
					  .sin6_port = htons(PORT) };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		fail("udp/9000", errno);
}

static void open_events(struct stopwatch *watch)
{
	const int bytes = RECEIVE_BYTES;
	int group = NFNLGRP_NFTABLES;

	watch->events = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!watch->events || mnl_socket_bind(watch->events, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(watch->events, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) < 0)
		fail("nf_tables events", errno);
	/* Else what is not read in time is lost, and said to be. */
	if (setsockopt(mnl_socket_get_fd(watch->events), SOL_SOCKET, SO_RCVBUFFORCE,
		       &bytes, sizeof(bytes)) < 0)
		fail("SO_RCVBUFFORCE", errno);
}

/* Only an engagement makes rules there: a refresh of the lease renews elements. */
static int on_event(const struct nlmsghdr *message, void *data)
{
	struct stopwatch *watch = data;
	const struct nlattr *attr;

	if (message->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE) ||
	    watch->entries < NEAR_MARK * watch->mark)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(attr) == NFTA_RULE_TABLE &&
		    strcmp(mnl_attr_get_str(attr), "ctkit") == 0)
			watch->committed = true;
	}
	return MNL_CB_OK;
}

static void read_events(struct stopwatch *watch, uint64_t now_ns)
{
	static char buffer[1 << 16];
	bool before = watch->committed;
	ssize_t bytes;

	while ((bytes = mnl_socket_recvfrom(watch->events, buffer, sizeof(buffer))) > 0)
		mnl_cb_run(buffer, (size_t)bytes, 0, 0, on_event, watch);
	if (bytes < 0 && errno != EAGAIN && errno != EINTR)
		fail("nf_tables events", errno);
	if (watch->committed && !before)
		watch->committed_ns = now_ns;
}

/* Somebody else changes the ruleset: what the guard knew of it is out of date. */
static void stir(struct stopwatch *watch)
{
	const char *command =
		watch->there ? "delete table inet stirred" : "add table inet stirred";

	if (nft_run_cmd_from_buffer(watch->nft, command))
		fail(command, EIO);
	watch->there = !watch->there;
	watch->stirred = true;
}

static void look(struct stopwatch *watch)
{
	int err = table_count_read(watch->count_fd, &watch->entries);

	if (err)
		fail("the count", -err);
	if (watch->entries > watch->peak)
		watch->peak = watch->entries;
	if (watch->stale && !watch->stirred && watch->entries >= watch->stale)
		stir(watch);
	if (watch->entries >= watch->mark && !watch->begun_ns)
		watch->begun_ns = clock_now_ns();
}

/* A commit that is seen between two looks that saw no mark took less than the time between them. */
static double microseconds(const struct stopwatch *watch)
{
	if (!watch->begun_ns || watch->committed_ns < watch->begun_ns)
		return 0;
	return clock_between_s(watch->begun_ns, watch->committed_ns) * 1e6;
}

static void time_one(struct stopwatch *watch)
{
	const struct timespec pause = { .tv_nsec = LOOK_EVERY_US * 1000 };
	struct pollfd event = { .fd = mnl_socket_get_fd(watch->events),
				.events = POLLIN };
	uint64_t start_ns = clock_now_ns();

	watch->begun_ns = 0;
	watch->peak = watch->committed_entries = 0;
	watch->stirred = watch->committed = false;
	do {
		if (ppoll(&event, 1, &pause, NULL) > 0)
			read_events(watch, clock_now_ns());
		look(watch);
		if (watch->committed && !watch->committed_entries)
			watch->committed_entries = watch->entries;
		if (clock_between_s(start_ns, clock_now_ns()) > PATIENCE_S)
			fail("no engagement", ETIMEDOUT);
	} while (!watch->committed || watch->entries > watch->calm);
	printf("%.0f %u %u\n", microseconds(watch), watch->peak,
	       watch->committed_entries);
	fflush(stdout);
}

static uint64_t number(const char *text, uint64_t most)
{
	struct args_why why;
	uint64_t value;

	if (args_count(text, 1, most, &value, &why) < 0)
		fail(text, EINVAL);
	return value;
}

int main(int argc, char **argv)
{
	struct stopwatch watch = { 0 };
	uint64_t count;

	if (argc < 4)
		fail("usage: stopwatch MARK CALM COUNT [STALE]", EINVAL);
	watch.mark = (uint32_t)number(argv[1], UINT32_MAX);
	watch.calm = (uint32_t)number(argv[2], UINT32_MAX);
	count = number(argv[3], 1000000);
	watch.stale = argc > 4 ? (uint32_t)number(argv[4], UINT32_MAX) : 0;
	watch.nft = nft_ctx_new(NFT_CTX_DEFAULT);
	watch.count_fd = table_count_open();
	if (watch.count_fd < 0)
		fail("the count", -watch.count_fd);
	open_sink();
	open_events(&watch);
	go_first();
	for (uint64_t i = 0; i < count; i++)
		time_one(&watch);
	return EXIT_SUCCESS;
}
