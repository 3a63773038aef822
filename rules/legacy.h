/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_LEGACY_H
#define RULES_LEGACY_H

enum { LEGACY_FAMILIES = 2 };

/*
 * A look at the tables that iptables-legacy has in one network namespace. Only root may open the
 * kernel's lists of them; what was opened before privileges were given up is read on. What is in
 * them takes CAP_NET_ADMIN. It owns descriptors, which keep the namespace.
 */
struct legacy {
	int list_fd
		[LEGACY_FAMILIES]; /* -1: it could not be opened, or is not there yet */
	int socket[LEGACY_FAMILIES];
};

/* What was seen, a bit each. */
enum legacy_seen {
	LEGACY_IP4 = 1 << 0, /* there are tables with more than policies that accept */
	LEGACY_IP6 = 1 << 1,
	LEGACY_HIDDEN = 1 << 2, /* whether there are could not be seen */
};

/* Opens what it may of the calling thread's namespace. */
void legacy_open(struct legacy *out);
void legacy_close(struct legacy *legacy);

/*
 * What there is now, bits of enum legacy_seen. NULL: of the calling thread's namespace, with what may
 * be opened now. A table that lets every packet through is none: iptables-legacy makes all that it is
 * only asked about.
 */
unsigned legacy_look(const struct legacy *legacy);

#endif
