// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/binding.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/args.h"
#include "server/capacity.h"
#include "server/inheritance.h"
#include "server/socket.h"

struct bindings {
	size_t per_worker;
	unsigned workers;
	struct binding items[]; /* of worker 0, then of worker 1, ... */
};

/* The families that a listener is opened for. */
static bool wants_family(const struct service *service, sa_family_t family, bool ipv6)
{
	if (service->family == AF_UNSPEC)
		return family == AF_INET || ipv6;
	return service->family == family;
}

static size_t count_sockets(const struct listener *listeners, size_t count, bool ipv6)
{
	size_t sockets = 0;

	for (size_t i = 0; i < count; i++) {
		const struct service *service = &listeners[i].service;
		size_t ports = (size_t)(service->last_port - service->first_port) + 1;

		sockets += wants_family(service, AF_INET, ipv6) * ports;
		sockets += wants_family(service, AF_INET6, ipv6) * ports;
	}
	return sockets;
}

/* Asked before the sockets are opened, as the number of workers depends on it. */
size_t binding_count(const struct listener *listeners, size_t count)
{
	return count_sockets(listeners, count, socket_have_ipv6());
}

static union socket_address address_of(const struct service *service, sa_family_t family,
				       uint16_t port)
{
	union socket_address address = { .any.sa_family = family };
	bool given = service->family != AF_UNSPEC;

	if (family == AF_INET6) {
		address.v6.sin6_port = htons(port);
		address.v6.sin6_addr = given ? service->addr.v6 : in6addr_any;
	} else {
		address.v4.sin_port = htons(port);
		address.v4.sin_addr.s_addr =
			given ? service->addr.v4.s_addr : htonl(INADDR_ANY);
	}
	return address;
}

/* Whether an address that was given is the one that means all. */
static bool is_any(const union socket_address *address)
{
	if (address->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr);
	return address->v4.sin_addr.s_addr == htonl(INADDR_ANY);
}

static int cannot_listen(const struct listener *listener, uint16_t port, int err,
			 struct args_why *why)
{
	struct service service = listener->service;
	char text[SERVICE_TEXT_MAX];

	service.first_port = service.last_port = port;
	service_format(&service, text);
	snprintf(why->text, sizeof(why->text), "cannot listen on %s: %s%s", text,
		 strerror(-err),
		 err == -EACCES ? " (a port this low needs CAP_NET_BIND_SERVICE)" : "");
	return err;
}

/* What an echo must know of each datagram. */
static int tune_echo(const struct binding *binding)
{
	int err = socket_want_hops(binding->fd, binding->family);

	if (err == 0 && binding->any_address)
		err = socket_want_destination(binding->fd, binding->family);
	if (err == 0 && binding->family == AF_INET)
		err = socket_set_fragments(binding->fd, false);
	/* A kernel without bursts delivers them one by one. */
	socket_want_bursts(binding->fd);
	return err;
}

/* The socket of one worker: one of those that were inherited, or a new one. */
static int open_socket(struct binding *binding, unsigned worker, const int *inherited,
		       size_t found, const union socket_address *address)
{
	int err;

	if (found == 0)
		return worker == 0 ? socket_claim(binding->proto, address)
				   : socket_join(binding->proto, address);
	binding->shared = worker >= found;
	err = socket_adopt(inherited[worker % found], binding->proto);
	if (err)
		return err;
	/* A copy: the one that was handed in is closed with the inheritance. */
	binding->fd = fcntl(inherited[worker % found], F_DUPFD_CLOEXEC, 0);
	return binding->fd < 0 ? -errno : binding->fd;
}

/* Opens the same socket for every worker: column item of the table. */
static int open_column(struct bindings *bindings, size_t item,
		       const struct listener *listener,
		       const union socket_address *address,
		       struct inheritance *inheritance)
{
	int inherited[CAPACITY_WORKERS_MAX];
	size_t found = inheritance_find(inheritance, listener->service.proto, address,
					inherited, bindings->workers);

	for (unsigned worker = 0; worker < bindings->workers; worker++) {
		struct binding *binding =
			&bindings->items[worker * bindings->per_worker + item];
		int proto = listener->service.proto;
		int err = 0;

		binding->kind = listener->kind;
		binding->proto = listener->service.proto;
		binding->family = address->any.sa_family;
		binding->any_address = is_any(address);
		binding->alone = found == 0 || found >= bindings->workers;
		binding->fd = open_socket(binding, worker, inherited, found, address);
		if (binding->fd < 0)
			return binding->fd;
		if (listener->kind == LISTENER_FEED && proto == IPPROTO_TCP)
			err = socket_tune_feed(binding->fd);
		if (listener->kind == LISTENER_FEED && proto == IPPROTO_UDP &&
		    binding->any_address)
			err = socket_want_destination(binding->fd, binding->family);
		if (listener->kind == LISTENER_ECHO && proto == IPPROTO_UDP)
			err = tune_echo(binding);
		if (err)
			return err;
	}
	return 0;
}

/* Whether an inherited socket of both families serves IPv4 as well. */
static bool is_covered(const struct inheritance *inheritance,
		       const union socket_address *address, const struct service *service)
{
	return service->proto == IPPROTO_TCP && service->family == AF_UNSPEC &&
	       address->any.sa_family == AF_INET &&
	       inheritance_takes_both(inheritance, ntohs(address->v4.sin_port));
}

/* IPv4 and IPv6 apart: one socket for both would see IPv4 peers as mapped addresses. */
static int open_listener(struct bindings *bindings, size_t *item, bool ipv6,
			 const struct listener *listener, struct inheritance *inheritance,
			 struct args_why *why)
{
	static const sa_family_t FAMILIES[] = { AF_INET, AF_INET6 };
	const struct service *service = &listener->service;

	for (unsigned port = service->first_port; port <= service->last_port; port++) {
		for (size_t i = 0; i < sizeof(FAMILIES) / sizeof(FAMILIES[0]); i++) {
			union socket_address address;
			int err;

			if (!wants_family(service, FAMILIES[i], ipv6))
				continue;
			address = address_of(service, FAMILIES[i], (uint16_t)port);
			if (is_covered(inheritance, &address, service)) {
				/* Its place stays empty: no descriptor. */
				(*item)++;
				continue;
			}
			err = open_column(bindings, (*item)++, listener, &address,
					  inheritance);
			if (err)
				return cannot_listen(listener, (uint16_t)port, err, why);
		}
	}
	return 0;
}

int binding_open(struct bindings **out, const struct listener *listeners, size_t count,
		 unsigned workers, struct inheritance *inheritance, struct args_why *why)
{
	bool ipv6 = socket_have_ipv6();
	size_t per_worker = count_sockets(listeners, count, ipv6);
	size_t total = per_worker * workers;
	struct bindings *bindings;
	size_t item = 0;

	bindings = calloc(1, sizeof(*bindings) + total * sizeof(bindings->items[0]));
	if (!bindings) {
		snprintf(why->text, sizeof(why->text), "out of memory");
		return -ENOMEM;
	}
	bindings->per_worker = per_worker;
	bindings->workers = workers;
	/* So that binding_close() can tell what was opened when one fails. */
	for (size_t i = 0; i < total; i++)
		bindings->items[i].fd = -1;
	for (size_t i = 0; i < count; i++) {
		int err = open_listener(bindings, &item, ipv6, &listeners[i], inheritance,
					why);

		if (err) {
			binding_close(bindings);
			return err;
		}
	}
	*out = bindings;
	return 0;
}

struct binding *binding_of(struct bindings *bindings, unsigned worker, size_t *count)
{
	*count = bindings->per_worker;
	return &bindings->items[worker * bindings->per_worker];
}

int binding_steer(const struct bindings *bindings, struct args_why *why)
{
	for (size_t i = 0; i < bindings->per_worker && bindings->workers > 1; i++) {
		const struct binding *binding = &bindings->items[i];
		int err;

		/* A subscriber is known to one worker only: its way there must not change. */
		if (binding->fd < 0 || binding->proto != IPPROTO_UDP ||
		    binding->kind == LISTENER_FEED)
			continue;
		err = binding->alone ? socket_steer_by_cpu(binding->fd, bindings->workers)
				     : -EOPNOTSUPP;
		if (err == 0)
			continue;
		snprintf(why->text, sizeof(why->text),
			 "--steer-cpu: cannot steer UDP by CPU: %s",
			 binding->alone ? strerror(-err)
					: "fewer sockets were inherited than workers");
		return err;
	}
	return 0;
}

/* A child must not hold the sockets of the others: they would outlive their workers. */
static void close_range_of(struct bindings *bindings, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++) {
		if (bindings->items[i].fd >= 0)
			close(bindings->items[i].fd);
		bindings->items[i].fd = -1;
	}
}

void binding_keep(struct bindings *bindings, unsigned worker)
{
	size_t first = worker * bindings->per_worker;

	close_range_of(bindings, 0, first);
	close_range_of(bindings, first + bindings->per_worker,
		       bindings->per_worker * bindings->workers);
}

void binding_stop(struct bindings *bindings)
{
	close_range_of(bindings, 0, bindings->per_worker * bindings->workers);
}

uint64_t binding_overflows(const struct bindings *bindings)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < bindings->per_worker * bindings->workers; i++) {
		const struct binding *binding = &bindings->items[i];

		if (binding->fd >= 0 && binding->proto == IPPROTO_UDP && !binding->shared)
			sum += socket_overflows(binding->fd);
	}
	return sum;
}

int *binding_descriptors(const struct bindings *bindings, size_t *count)
{
	size_t total = bindings->per_worker * bindings->workers;
	int *fds = calloc(total + 1, sizeof(*fds));

	*count = 0;
	for (size_t i = 0; fds && i < total; i++)
		if (bindings->items[i].fd >= 0)
			fds[(*count)++] = bindings->items[i].fd;
	return fds;
}

void binding_close(struct bindings *bindings)
{
	if (!bindings)
		return;
	binding_stop(bindings);
	free(bindings);
}
