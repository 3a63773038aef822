/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_BINDING_H
#define SERVER_BINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/listener.h"

struct args_why;
struct inheritance;

/* One listening socket of one worker. */
struct binding {
	int fd; /* -1: given up by binding_keep(), or not needed beside another */
	enum listener_kind kind;
	uint8_t proto;
	sa_family_t family;
	bool any_address; /* not bound to one address */
	bool shared;      /* another worker, before this one, has the same socket */
	bool alone;       /* no other worker has it: what is set of it holds */
};

/*
 * The sockets of all workers, opened before the first is forked: a port that is not to
 * be had is known before anything serves, and a worker that died is replaced by one with
 * the same sockets, whose queues went on filling meanwhile. Opaque: it owns descriptors.
 */
struct bindings;

/* How many sockets each worker will have for these listeners. */
size_t binding_count(const struct listener *listeners, size_t count);

/*
 * Opens the sockets of every worker for count listeners. What was inherited is used
 * instead, by all workers if there is less of it than of them. Returns 0, or -errno with
 * one sentence in *why, and nothing is open.
 */
int binding_open(struct bindings **out, const struct listener *listeners, size_t count,
		 unsigned workers, struct inheritance *inheritance, struct args_why *why);

/* All descriptors that are open, as many as *count says; the caller frees them. NULL: no memory. */
int *binding_descriptors(const struct bindings *bindings, size_t *count);

/* The sockets of one worker; how many in *count. Owned by bindings. */
struct binding *binding_of(struct bindings *bindings, unsigned worker, size_t *count);

/*
 * Gives the datagrams of every UDP listener but feeds to worker number CPU % workers. Returns 0, or
 * -errno with one sentence in *why.
 */
int binding_steer(const struct bindings *bindings, struct args_why *why);

/* Closes the sockets of every worker but this one, which runs in the calling process. */
void binding_keep(struct bindings *bindings, unsigned worker);

/* Closes all that are still open here. */
void binding_stop(struct bindings *bindings);

/* Datagrams that the kernel dropped at all open UDP sockets because a worker was slow. */
uint64_t binding_overflows(const struct bindings *bindings);

/* Closes the sockets and forgets them; NULL is allowed. */
void binding_close(struct bindings *bindings);

#endif
