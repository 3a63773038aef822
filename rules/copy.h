/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_COPY_H
#define RULES_COPY_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;
struct settings;

/*
 * A network namespace as the kernel dumps it: interfaces, addresses, routes, policy rules and the whole of nf_tables,
 * as messages, to be made again in another one. Messages are kept as they came, so nothing is lost in
 * translation, xtables extensions included. Opaque.
 */
struct copy;

/* An interface. */
struct copy_link {
	int index;
	bool up;
	bool routes_apart; /* a VRF: routing asks it */
	uint32_t mtu;
	uint8_t mac[6]; /* 0: it has none */
	char name[IF_NAMESIZE];
};

enum { COPY_LINKS_MAX = 64, COPY_TEXT_MAX = 120, COPY_MISSING_MAX = 16 };

/* What could not be copied, in words. Zero-initialise. */
struct copy_missing {
	size_t count; /* of all; no more than COPY_MISSING_MAX have words */
	char text[COPY_MISSING_MAX][COPY_TEXT_MAX];
};
void copy_miss(struct copy_missing *missing, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Reads the namespace of the calling thread. Returns 0, -E2BIG if it is larger than is sensible,
 * -EAGAIN if it kept changing, or another -errno. copy_free() it (NULL is allowed).
 */
int copy_read(struct copy **out);
void copy_free(struct copy *copy);

/* Of its rules. */
uint32_t copy_generation(const struct copy *copy);

/* The interfaces but lo, those that are up first; returns how many. */
size_t copy_links(const struct copy *copy, const struct copy_link **out);

/* How many there were more than COPY_LINKS_MAX. */
size_t copy_links_left_out(const struct copy *copy);

/* Settings of the namespace and of these interfaces. */
const struct settings *copy_settings(const struct copy *copy);

/* In the order in which they can be made: what is named must be there. */
enum copy_kind {
	COPY_TABLES,
	COPY_CHAINS,
	COPY_SETS,
	COPY_OBJECTS,
	COPY_FLOWTABLES,
	COPY_ELEMENTS,
	COPY_RULES, /* the last of nf_tables */
	COPY_ADDRESSES,
	COPY_NEXTHOPS,
	COPY_ROUTES,
	COPY_POLICIES,
	COPY_KINDS
};

/* The message at *at, which begins with 0 and is moved on; NULL at the end. And how many bytes all have. */
const struct nlmsghdr *copy_next(const struct copy *copy, enum copy_kind kind,
				 size_t *at);
size_t copy_bytes(const struct copy *copy, enum copy_kind kind);

#endif
