// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_arp.h>
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
#include "rules/settings.h"

enum { LOOPBACK_INDEX = 1 };

/* mtu 0: as it is. */
static int set_up(struct nl *route, const struct copy_link *link, uint32_t mtu)
{
	struct nlmsghdr *message = nl_begin(route, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	bool loopback = link->index == LOOPBACK_INDEX;

	info->ifi_family = AF_UNSPEC;
	info->ifi_index = link->index;
	/* Nobody is there to be asked for MAC addresses. */
	info->ifi_flags = IFF_UP | (loopback ? 0 : IFF_NOARP);
	info->ifi_change = info->ifi_flags;
	if (mtu)
		mnl_attr_put_u32(message, IFLA_MTU, mtu);
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
	/* The number can be asked for only as long as there is no interface. */
	if (ioctl(fd, TUNSETIFINDEX, &index) == 0 &&
	    ioctl(fd, TUNSETIFF, &request) == 0 &&
	    ioctl(fd, SIOCGIFHWADDR, &request) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* The other's, if it has one: rules may ask for it. Writes what it has in the end. */
static int take_mac(int fd, uint8_t mac[6])
{
	static const uint8_t NONE[6];
	struct ifreq request = { .ifr_flags = 0 };

	if (memcmp(mac, NONE, sizeof(NONE)) != 0) {
		request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
		memcpy(request.ifr_hwaddr.sa_data, mac, sizeof(NONE));
		/* A TAP device answers for its interface. */
		ioctl(fd, SIOCSIFHWADDR, &request);
	}
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		return -errno;
	memcpy(mac, request.ifr_hwaddr.sa_data, sizeof(NONE));
	return 0;
}

/* What an interface that is up is more than its name and number. */
static void set_link(struct nl *route, const struct copy_link *link,
		     struct copy_missing *missing)
{
	if (set_up(route, link, link->mtu)) {
		if (set_up(route, link, 0))
			copy_miss(missing, "interface %s: it cannot be set up",
				  link->name);
		else
			copy_miss(missing, "interface %s: its MTU of %" PRIu32,
				  link->name, link->mtu);
	}
	if (link->routes_apart)
		copy_miss(missing, "interface %s: it has routes of its own (VRF)",
			  link->name);
}

static int make_links(const struct copy *copy, struct scratch *out,
		      struct copy_missing *missing, struct nl *route)
{
	static const struct copy_link LOOPBACK = { .index = LOOPBACK_INDEX,
						   .name = "lo" };
	const struct copy_link *links;
	size_t count = copy_links(copy, &links);
	int err = set_up(route, &LOOPBACK, 0);

	out->links = 0;
	for (size_t i = 0; i < count && !err; i++) {
		struct copy_link *link = &out->link[out->links];
		int fd = open_tap(&links[i]);

		/* Then there will be none at all; else it is only this one. */
		if (fd == -ENOENT || fd == -ENODEV || fd == -EACCES || fd == -EPERM)
			return fd;
		if (fd < 0) {
			copy_miss(missing, "interface %s: %s", links[i].name,
				  strerror(-fd));
			continue;
		}
		*link = links[i];
		out->fd[out->links] = fd;
		err = take_mac(fd, link->mac);
		if (!err && link->up)
			set_link(route, link, missing);
		out->links++;
	}
	return err;
}

int scratch_enter(const struct copy *copy, const struct watch *watch, struct scratch *out,
		  struct copy_missing *missing, char why[COPY_TEXT_MAX])
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
	/* Interfaces begin with what is the default when they are made. */
	settings_prepare();
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
	settings_make(copy_settings(copy), missing);
	err = replica_make(copy, watch, missing);
	if (err)
		snprintf(why, COPY_TEXT_MAX, "the ruleset cannot be copied: %s",
			 strerror(-err));
	return err;
}
