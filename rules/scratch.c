// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/nl.h"
#include "rules/replica.h"

enum { LOOPBACK_INDEX = 1 };

/* As they are in the other namespace. */
static const char *const COPIED[] = {
	"ipv4/ip_forward",
	"ipv4/conf/all/rp_filter",
	"ipv4/conf/all/route_localnet",
	"ipv4/conf/all/accept_local",
	"ipv4/conf/all/src_valid_mark",
	"ipv6/conf/all/forwarding",
	"netfilter/nf_conntrack_tcp_loose",
	"netfilter/nf_conntrack_tcp_be_liberal",
	"netfilter/nf_conntrack_acct",
	"ipv4/fwmark_reflect",
	"ipv4/tcp_fwmark_accept",
};
enum { COPIED_COUNT = sizeof(COPIED) / sizeof(COPIED[0]) };

/* So that addresses are there at once, and errors come as often as there are reasons. */
static const struct {
	const char *name, *value;
} FIXED[] = {
	{ "ipv6/conf/all/accept_dad", "0" },
	{ "ipv6/conf/default/accept_dad", "0" },
	{ "ipv6/conf/default/router_solicitations", "0" },
	{ "ipv4/conf/default/rp_filter", "0" },
	{ "ipv4/icmp_ratelimit", "0" },
	{ "ipv4/icmp_ratemask", "0" },
	{ "ipv6/icmp/ratelimit", "0" },
	{ "ipv6/icmp/ratemask", "\n" },
};

/* Returns the count of bytes or -errno. */
static ssize_t setting(const char *name, char *value, size_t bytes, bool write_it)
{
	char path[128];
	ssize_t done;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = open(path, (write_it ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	done = write_it ? write(fd, value, bytes) : read(fd, value, bytes);
	if (done < 0)
		done = -errno;
	close(fd);
	return done;
}

void scratch_settings_read(struct scratch_settings *out)
{
	for (size_t i = 0; i < COPIED_COUNT; i++) {
		ssize_t bytes = setting(COPIED[i], out->value[i],
					SCRATCH_SETTING_BYTES - 1, false);

		out->value[i][bytes > 0 ? bytes : 0] = '\0';
	}
}

static void make_settings(const struct scratch_settings *settings,
			  struct copy_missing *missing)
{
	char value[SCRATCH_SETTING_BYTES];

	for (size_t i = 0; i < sizeof(FIXED) / sizeof(FIXED[0]); i++) {
		snprintf(value, sizeof(value), "%s", FIXED[i].value);
		setting(FIXED[i].name, value, strlen(value), true);
	}
	for (size_t i = 0; i < COPIED_COUNT; i++) {
		snprintf(value, sizeof(value), "%s", settings->value[i]);
		if (value[0] && setting(COPIED[i], value, strlen(value), true) < 0)
			copy_miss(missing, "setting net/%s", COPIED[i]);
	}
}

static int set_up(struct nl *route, const struct copy_link *link)
{
	struct nlmsghdr *message = nl_begin(route, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	bool loopback = link->index == LOOPBACK_INDEX;

	info->ifi_family = AF_UNSPEC;
	info->ifi_index = link->index;
	/* Nobody is there to be asked for MAC addresses. */
	info->ifi_flags = IFF_UP | (loopback ? 0 : IFF_NOARP);
	info->ifi_change = info->ifi_flags;
	if (!loopback && link->mtu)
		mnl_attr_put_u32(message, IFLA_MTU, link->mtu);
	return nl_transact(route, NULL, NULL);
}

/* A TAP device with the name and number; returns its descriptor or -errno. */
static int open_tap(const struct copy_link *link)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	unsigned index = (unsigned)link->index;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", link->name);
	if (ioctl(fd, TUNSETIFINDEX, &index) == 0 &&
	    ioctl(fd, TUNSETIFF, &request) == 0 &&
	    ioctl(fd, SIOCGIFHWADDR, &request) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int mac_of(int fd, uint8_t mac[6])
{
	struct ifreq request = { .ifr_flags = 0 };

	/* A TAP device answers for its interface. */
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	return 0;
}

static int make_links(const struct copy *copy, struct scratch *out,
		      struct copy_missing *missing, struct nl *route)
{
	static const struct copy_link LOOPBACK = { .index = LOOPBACK_INDEX,
						   .name = "lo" };
	const struct copy_link *links;
	size_t count = copy_links(copy, &links);
	int err = set_up(route, &LOOPBACK);

	out->links = 0;
	for (size_t i = 0; i < count && !err; i++) {
		struct copy_link *link = &out->link[out->links];
		int fd = open_tap(&links[i]);

		if (fd == -ENOENT || fd == -ENODEV || fd == -EACCES || fd == -EPERM)
			return fd;
		if (fd < 0) {
			copy_miss(missing, "interface %s: %s", links[i].name,
				  strerror(-fd));
			continue;
		}
		*link = links[i];
		out->fd[out->links] = fd;
		err = mac_of(fd, link->mac);
		if (!err && link->up && set_up(route, link))
			copy_miss(missing, "interface %s: it cannot be set up",
				  link->name);
		out->links++;
	}
	return err;
}

int scratch_enter(const struct copy *copy, const struct scratch_settings *settings,
		  struct scratch *out, struct copy_missing *missing,
		  char why[COPY_TEXT_MAX])
{
	struct nl *route = NULL;
	int err = 0;

	if (unshare(CLONE_NEWNET)) {
		err = -errno;
		snprintf(why, COPY_TEXT_MAX, "cannot make a network namespace: %s%s",
			 strerror(-err),
			 err == -EPERM ? " (it takes CAP_SYS_ADMIN)" : "");
		return err;
	}
	make_settings(settings, missing);
	err = nl_open(&route, NETLINK_ROUTE);
	if (!err)
		err = make_links(copy, out, missing, route);
	nl_close(route);
	if (err) {
		snprintf(why, COPY_TEXT_MAX,
			 "cannot make interfaces (with /dev/net/tun): %s",
			 strerror(-err));
		return err;
	}
	err = replica_make(copy, missing);
	if (err)
		snprintf(why, COPY_TEXT_MAX, "the ruleset cannot be copied: %s",
			 strerror(-err));
	return err;
}
