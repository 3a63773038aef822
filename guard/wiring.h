/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_WIRING_H
#define GUARD_WIRING_H

#include <stdbool.h>

struct config;
struct journal;
struct legacy;
struct log;
struct text;

/*
 * The running guard: its wards, and what there is once for all of them. Opaque.
 */
struct guard;

/* Where a guard listens for orders unless it is told otherwise. */
#define GUARD_CONTROL_PATH "/run/ctkit/ctguard.sock"

/* What a guard is started with; all of it is borrowed and must outlive the guard. */
struct guard_setup {
	const struct config *config; /* the first; reread() brings others */
	struct journal *journal;
	const struct log *log;
	const struct legacy *legacy; /* opened before privileges were given up */
	bool rehearse;               /* it changes nothing */
	/*
	 * Reads the configuration again. Returns 0, or -errno with the reason in *why. NULL: there
	 * is no file.
	 */
	int (*reread)(struct config *out, struct text *why, void *data);
	void *data;
};

/*
 * Opens everything that the guard needs and takes over the leases of an earlier one. On failure
 * returns -errno with a sentence in *why: -EPERM (no CAP_NET_ADMIN), -ENOENT (no conntrack in
 * the kernel), -EADDRINUSE (another guard runs in this namespace), -EADDRNOTAVAIL (it cannot take orders, or
 * serve metrics, where it should), -EEXIST (the nft table is somebody else's).
 */
int guard_open(struct guard **out, const struct guard_setup *setup, struct text *why);

/*
 * Guards until SIGINT or the order to stop, which take the guard's rules away, or SIGTERM, which
 * leaves their leases to run out so that a restarted guard takes them over. SIGHUP
 * reads the configuration again; without a file it is as SIGTERM. Returns 0, or -errno if
 * the rules could not be taken away.
 */
int guard_run(struct guard *guard);

/* Closes it without touching the rules; NULL is allowed. */
void guard_close(struct guard *guard);

#endif
