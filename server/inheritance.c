// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/inheritance.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/args.h"
#include "lib/service.h"
#include "server/bequest.h"

/* The first descriptor of sd_listen_fds(3); the most that a process could have. */
enum { LISTEN_FIRST = 3, NUMBERS_MAX = 1 << 20 };

struct heirloom {
	int fd;
	int proto;
	union socket_address address;
	uint64_t cookie; /* of the socket: several descriptors may be one */
	bool both;       /* IPv6 that also takes IPv4 */
	bool wanted;
};

static int say(struct args_why *why, const char *what, const char *text)
{
	snprintf(why->text, sizeof(why->text), "%s: \"%.60s\"", what, text);
	return -EINVAL;
}

static int option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t bytes = sizeof(value);

	return getsockopt(fd, level, name, &value, &bytes) < 0 ? -1 : value;
}

/* What is wrong with a socket that was handed in; NULL if nothing is. */
static const char *examine(struct heirloom *heirloom)
{
	int fd = heirloom->fd;
	socklen_t bytes = sizeof(heirloom->address);
	socklen_t cookie_bytes = sizeof(heirloom->cookie);

	heirloom->proto = option_of(fd, SOL_SOCKET, SO_PROTOCOL);
	if (heirloom->proto != IPPROTO_TCP && heirloom->proto != IPPROTO_UDP)
		return "is not a TCP or UDP socket";
	if (heirloom->proto == IPPROTO_TCP &&
	    option_of(fd, SOL_SOCKET, SO_ACCEPTCONN) != 1)
		return "does not listen";
	if (getsockname(fd, &heirloom->address.any, &bytes) < 0)
		return "has no address";
	heirloom->both = heirloom->address.any.sa_family == AF_INET6 &&
			 IN6_IS_ADDR_UNSPECIFIED(&heirloom->address.v6.sin6_addr) &&
			 option_of(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0;
	/* IPv4 peers would look mapped, and a broadcast could not be told from the rest. */
	if (heirloom->both && heirloom->proto == IPPROTO_UDP)
		return "takes IPv4 and IPv6 over UDP (want BindIPv6Only=ipv6-only)";
	/* Kernels before 4.12 have none: then each descriptor counts as a socket of its own. */
	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &heirloom->cookie, &cookie_bytes) < 0)
		heirloom->cookie = 0;
	return NULL;
}

static int add_socket(struct inheritance *inheritance, int fd, struct args_why *why)
{
	struct heirloom *heirloom = &inheritance->sockets[inheritance->count];
	const char *wrong;

	*heirloom = (struct heirloom){ .fd = fd };
	wrong = examine(heirloom);
	if (wrong) {
		snprintf(why->text, sizeof(why->text), "inherited descriptor %d %s", fd,
			 wrong);
		return -ENOTSOCK;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	inheritance->count++;
	return 0;
}

/* Whether the number in an environment variable is this process's. */
static bool is_for_us(const char *name)
{
	const char *text = getenv(name);
	struct args_why why;
	uint64_t pid;

	return text && args_count(text, 1, INT32_MAX, &pid, &why) == 0 &&
	       pid == (uint64_t)getpid();
}

/* One element of "7-12,15,20-21,"; moves *text behind it. */
static bool read_range(const char **text, unsigned *first, unsigned *last)
{
	int used = 0;

	/* Nine digits at most fit: sscanf() would not tell of more. */
	if (sscanf(*text, "%9u-%9u%n", first, last, &used) < 2 || used == 0) {
		used = 0;
		if (sscanf(*text, "%9u%n", first, &used) < 1 || used == 0)
			return false;
		*last = *first;
	}
	*text += used;
	if (**text == ',')
		++*text;
	else if (**text)
		return false;
	return *last >= *first && *last < INT32_MAX;
}

/* The numbers of a list of ranges. Returns how many, or -EINVAL; *out is the caller's to free. */
static ssize_t read_numbers(const char *text, int **out)
{
	unsigned first, last;
	size_t count = 0;
	int *numbers = NULL;

	while (*text) {
		int *more;

		/* Before there is memory for them: a range may claim to be of any length. */
		if (!read_range(&text, &first, &last) ||
		    last - first >= NUMBERS_MAX - count)
			goto fail;
		more = realloc(numbers, (count + last - first + 1) * sizeof(*numbers));
		if (!more)
			goto fail;
		numbers = more;
		for (; first <= last; first++)
			numbers[count++] = (int)first;
	}
	*out = numbers;
	return (ssize_t)count;
fail:
	free(numbers);
	return -EINVAL;
}

static int take_sockets(struct inheritance *inheritance, const int *fds, size_t count,
			struct args_why *why)
{
	int err = 0;

	inheritance->sockets = calloc(count + 1, sizeof(*inheritance->sockets));
	if (!inheritance->sockets) {
		snprintf(why->text, sizeof(why->text), "out of memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < count && err == 0; i++)
		err = add_socket(inheritance, fds[i], why);
	return err;
}

static int take_from_manager(struct inheritance *inheritance, struct args_why *why)
{
	const char *text = getenv("LISTEN_FDS");
	uint64_t count;
	int *fds;
	int err;

	if (!text || args_count(text, 0, NUMBERS_MAX, &count, why) < 0)
		return say(why, "LISTEN_FDS is not a number", text ? text : "");
	fds = calloc(count + 1, sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		fds[i] = LISTEN_FIRST + (int)i;
	err = take_sockets(inheritance, fds, count, why);
	free(fds);
	return err;
}

/* Reads a list from the environment; one that is not there is empty. */
static ssize_t take_numbers(const char *name, int **out, struct args_why *why)
{
	const char *text = getenv(name);
	ssize_t count = read_numbers(text ? text : "", out);

	if (count < 0)
		snprintf(why->text, sizeof(why->text), "%s is not a list: \"%.60s\"",
			 name, text);
	return count;
}

static int take_from_predecessor(struct inheritance *inheritance, struct args_why *why)
{
	int *fds = NULL;
	ssize_t count = take_numbers(BEQUEST_SOCKETS, &fds, why);
	int err =
		count < 0 ? -EINVAL : take_sockets(inheritance, fds, (size_t)count, why);

	free(fds);
	if (err)
		return err;
	inheritance->replacing = true;
	count = take_numbers(BEQUEST_WORKERS, &inheritance->workers, why);
	if (count < 0)
		return -EINVAL;
	inheritance->worker_count = (size_t)count;
	count = take_numbers(BEQUEST_ROUTER, &inheritance->router, why);
	if (count < 0)
		return -EINVAL;
	inheritance->router_count = (size_t)count;
	for (ssize_t i = 0; i < count; i++)
		fcntl(inheritance->router[i], F_SETFD, FD_CLOEXEC);
	return 0;
}

int inheritance_take(struct inheritance *out, struct args_why *why)
{
	static const char *const NAMES[] = { "LISTEN_PID",     "LISTEN_FDS",
					     "LISTEN_FDNAMES", "LISTEN_PIDFDID",
					     BEQUEST_PID,      BEQUEST_SOCKETS,
					     BEQUEST_WORKERS,  BEQUEST_ROUTER };
	int err = 0;

	*out = (struct inheritance){ 0 };
	if (is_for_us(BEQUEST_PID))
		err = take_from_predecessor(out, why);
	else if (is_for_us("LISTEN_PID"))
		err = take_from_manager(out, why);
	for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
		unsetenv(NAMES[i]);
	if (err)
		inheritance_close(out);
	return err;
}

static uint16_t port_of(const union socket_address *address)
{
	return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port
							: address->v4.sin_port);
}

static bool is_at(const struct heirloom *heirloom, int proto,
		  const union socket_address *address)
{
	const union socket_address *own = &heirloom->address;

	if (heirloom->proto != proto || own->any.sa_family != address->any.sa_family ||
	    port_of(own) != port_of(address))
		return false;
	/* Without the scope: no listener names one. */
	if (own->any.sa_family == AF_INET6)
		return IN6_ARE_ADDR_EQUAL(&own->v6.sin6_addr, &address->v6.sin6_addr);
	return own->v4.sin_addr.s_addr == address->v4.sin_addr.s_addr;
}

static bool is_same_as_one_before(const struct inheritance *inheritance, size_t number)
{
	const struct heirloom *sockets = inheritance->sockets;

	for (size_t i = 0; i < number; i++)
		if (sockets[number].cookie && sockets[i].cookie == sockets[number].cookie)
			return true;
	return false;
}

size_t inheritance_find(struct inheritance *inheritance, int proto,
			const union socket_address *address, int *fds, size_t max)
{
	size_t found = 0;

	for (size_t i = 0; i < inheritance->count; i++) {
		struct heirloom *heirloom = &inheritance->sockets[i];

		if (!is_at(heirloom, proto, address))
			continue;
		heirloom->wanted = true;
		if (found < max && !is_same_as_one_before(inheritance, i))
			fds[found++] = heirloom->fd;
	}
	return found;
}

bool inheritance_takes_both(const struct inheritance *inheritance, uint16_t port)
{
	for (size_t i = 0; i < inheritance->count; i++)
		if (inheritance->sockets[i].both &&
		    port_of(&inheritance->sockets[i].address) == port)
			return true;
	return false;
}

int inheritance_check(const struct inheritance *inheritance, struct args_why *why)
{
	for (size_t i = 0; i < inheritance->count; i++) {
		const struct heirloom *heirloom = &inheritance->sockets[i];
		const union socket_address *address = &heirloom->address;
		bool is_v6 = address->any.sa_family == AF_INET6;
		struct service service = { .proto = (uint8_t)heirloom->proto,
					   .family = is_v6 ? AF_INET6 : AF_INET };
		char text[SERVICE_TEXT_MAX];

		if (heirloom->wanted)
			continue;
		service.first_port = service.last_port = port_of(address);
		if (is_v6)
			service.addr.v6 = address->v6.sin6_addr;
		else
			service.addr.v4 = address->v4.sin_addr;
		service_format(&service, text);
		snprintf(why->text, sizeof(why->text),
			 "inherited descriptor %d, %s, is none of the listeners",
			 heirloom->fd, text);
		return -EINVAL;
	}
	return 0;
}

bool inheritance_take_router(struct inheritance *inheritance, int *fds, size_t count)
{
	if (inheritance->router_count != count)
		return false;
	memcpy(fds, inheritance->router, count * sizeof(*fds));
	inheritance->router_count = 0;
	return true;
}

/* Only children of ours: the number may be somebody else's by now. */
void inheritance_retire(const struct inheritance *inheritance)
{
	for (size_t i = 0; i < inheritance->worker_count; i++)
		if (waitpid(inheritance->workers[i], NULL, WNOHANG) == 0)
			kill(inheritance->workers[i], SIGTERM);
}

void inheritance_close(struct inheritance *inheritance)
{
	for (size_t i = 0; i < inheritance->count; i++)
		close(inheritance->sockets[i].fd);
	for (size_t i = 0; i < inheritance->router_count; i++)
		close(inheritance->router[i]);
	free(inheritance->router);
	free(inheritance->sockets);
	free(inheritance->workers);
	*inheritance = (struct inheritance){ 0 };
}
