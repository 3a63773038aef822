// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/settings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rules/copy.h"

enum { SETTINGS_MAX = 2048 };

/* In the order in which they are written: one for all interfaces goes before each one's own. */
static const char *const GLOBAL[] = {
	"ipv4/ip_forward",
	"ipv4/ip_default_ttl",
	"ipv4/ip_nonlocal_bind",
	"ipv4/ip_early_demux",
	"ipv4/fwmark_reflect",
	"ipv4/tcp_fwmark_accept",
	"ipv4/tcp_l3mdev_accept",
	"ipv4/udp_l3mdev_accept",
	"ipv4/fib_multipath_hash_policy",
	"ipv6/ip_nonlocal_bind",
	"ipv6/fwmark_reflect",
};
static const char *const OF_INTERFACES[] = {
	"ipv4/conf/%s/forwarding",     "ipv4/conf/%s/rp_filter",
	"ipv4/conf/%s/accept_local",   "ipv4/conf/%s/route_localnet",
	"ipv4/conf/%s/src_valid_mark", "ipv4/conf/%s/accept_source_route",
	"ipv4/conf/%s/disable_policy", "ipv4/conf/%s/disable_xfrm",
	"ipv6/conf/%s/disable_ipv6",   "ipv6/conf/%s/forwarding",
	"ipv6/conf/%s/disable_policy",
};

/* So that addresses are there at once, and errors come as often as there are reasons. */
static const struct {
	const char *name, *value;
} FIXED[] = {
	{ "ipv6/conf/all/accept_dad", "0" },
	{ "ipv6/conf/default/accept_dad", "0" },
	{ "ipv6/conf/default/router_solicitations", "0" },
	/* No address of the interface's own: there are those of the other one. */
	{ "ipv6/conf/default/addr_gen_mode", "1" },
	{ "ipv4/icmp_ratelimit", "0" },
	{ "ipv4/icmp_ratemask", "0" },
	{ "ipv6/icmp/ratelimit", "0" },
	/* A list of types: none. */
	{ "ipv6/icmp/ratemask", "\n" },
	/* Who rehearses need not have CAP_NET_BIND_SERVICE. */
	{ "ipv4/ip_unprivileged_port_start", "0" },
};

static int open_setting(const char *name, int flags)
{
	char path[SETTINGS_NAME_BYTES + 32];

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	return open(path, flags | O_CLOEXEC);
}

/* "" if there is none, or it cannot be read, or it is longer than numbers are. */
static void read_value(const char *name, char value[SETTINGS_VALUE_BYTES])
{
	int fd = open_setting(name, O_RDONLY);
	ssize_t bytes = fd < 0 ? 0 : read(fd, value, SETTINGS_VALUE_BYTES);

	if (fd >= 0)
		close(fd);
	value[bytes > 0 && bytes < SETTINGS_VALUE_BYTES ? bytes : 0] = '\0';
}

static int write_value(const char *name, const char *value)
{
	int fd = open_setting(name, O_WRONLY), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static void note(struct settings *out, const char *name)
{
	struct setting *setting = &out->at[out->count];

	if (out->count == SETTINGS_MAX)
		return;
	snprintf(setting->name, sizeof(setting->name), "%s", name);
	read_value(name, setting->value);
	out->count += setting->value[0] != '\0';
}

static void note_interface(struct settings *out, const char *interface)
{
	char name[SETTINGS_NAME_BYTES];

	for (size_t i = 0; i < sizeof(OF_INTERFACES) / sizeof(OF_INTERFACES[0]); i++) {
		const char *at = strchr(OF_INTERFACES[i], '%');

		snprintf(name, sizeof(name), "%.*s%s%s", (int)(at - OF_INTERFACES[i]),
			 OF_INTERFACES[i], interface, at + 2);
		note(out, name);
	}
}

/* One of conntrack's that a namespace has for itself; a copy need not log, nor has it fragments. */
static bool is_of_conntrack(DIR *directory, const char *name)
{
	struct stat status;

	return strncmp(name, "nf_conntrack_", strlen("nf_conntrack_")) == 0 &&
	       !strstr(name, "_log_") && !strstr(name, "_frag6_") &&
	       fstatat(dirfd(directory), name, &status, 0) == 0 &&
	       status.st_mode & S_IWUSR;
}

static void note_conntrack(struct settings *out)
{
	DIR *directory = opendir("/proc/sys/net/netfilter");
	const struct dirent *entry;
	char name[SETTINGS_NAME_BYTES];

	while (directory && (entry = readdir(directory))) {
		if (!is_of_conntrack(directory, entry->d_name))
			continue;
		snprintf(name, sizeof(name), "netfilter/%.60s", entry->d_name);
		note(out, name);
	}
	if (directory)
		closedir(directory);
}

int settings_read(const struct copy_link *links, size_t count, struct settings *out)
{
	struct setting *at = calloc(SETTINGS_MAX, sizeof(*at));

	if (!at)
		return -ENOMEM;
	*out = (struct settings){ .at = at };
	for (size_t i = 0; i < sizeof(GLOBAL) / sizeof(GLOBAL[0]); i++)
		note(out, GLOBAL[i]);
	note_conntrack(out);
	note_interface(out, "all");
	note_interface(out, "lo");
	for (size_t i = 0; i < count; i++)
		note_interface(out, links[i].name);
	return 0;
}

void settings_free(struct settings *settings)
{
	free(settings->at);
	*settings = (struct settings){ 0 };
}

void settings_prepare(void)
{
	for (size_t i = 0; i < sizeof(FIXED) / sizeof(FIXED[0]); i++)
		write_value(FIXED[i].name, FIXED[i].value);
}

void settings_make(const struct settings *settings, struct copy_missing *missing)
{
	char value[SETTINGS_VALUE_BYTES];

	for (size_t i = 0; i < settings->count; i++) {
		const struct setting *setting = &settings->at[i];

		read_value(setting->name, value);
		if (strcmp(value, setting->value) == 0)
			continue;
		if (write_value(setting->name, setting->value))
			copy_miss(missing, "the setting net/%.60s", setting->name);
	}
}
