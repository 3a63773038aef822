/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_CUSTODY_H
#define GUARD_CUSTODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard/policy.h"
#include "rules/tables.h"

struct leases;
struct nl;

/* Why rules of ours are gone. */
enum custody_loss {
	CUSTODY_LAPSED,  /* their lease ran out: the guard was not there to refresh it */
	CUSTODY_FLUSHED, /* another tool replaced the ruleset, and ours went with it */
	CUSTODY_REMOVED, /* our table was deleted, and nothing else was touched */
	CUSTODY_CHANGED, /* something in our table was deleted */
};

/* What is known when rules are gone. */
struct custody_scene {
	bool table_gone;
	bool others_known;    /* what other tables there were when ours was seen last */
	bool others_any;      /* there were any */
	bool others_same;     /* and they are there still, with none in addition */
	double unrefreshed_s; /* since the leases were refreshed */
	double lease_s;       /* INFINITY: what is gone had none */
	double flushed_s; /* since another tool replaced the ruleset; INFINITY: never */
};

/*
 * Tells why. Nothing of the kernel's says whether a table was deleted for its own sake or with
 * others, or by whom; but "flush ruleset" and a new ruleset leave no other table what it was. In
 * doubt it was a flush: who means our table can delete it again. Pure.
 */
enum custody_loss custody_judge(const struct custody_scene *scene);

/* Keeps an eye on what is ours in the ruleset. Pointers are borrowed; zero-initialise the rest. */
struct custody {
	struct nl *nl;
	struct leases *leases;
	double lease_s;
	bool known;           /* what follows was read while our table was there */
	uint32_t generation;  /* of the ruleset then */
	struct tables others; /* then */
	uint64_t
		flushed_ns; /* last time that another tool replaced the ruleset; 0: never */
};

/* What is gone: configured services that were out of tracking, and why they are not now. */
struct custody_report {
	size_t count;
	size_t services[POLICY_SERVICES_MAX];
	enum custody_loss loss[POLICY_SERVICES_MAX];
	bool held[POLICY_SERVICES_MAX]; /* it was a rule of somebody else's */
};

/* Whether the ruleset was changed since the last check; false also if nothing is out. */
int custody_moved(const struct custody *custody, bool *out);

/*
 * Reads the rules of what is out, and their counters, and reports what is gone; the leases know
 * then that it is. Returns 0, or -errno and reports nothing.
 */
int custody_check(struct custody *custody, uint64_t now_ns, struct custody_report *out);

/* Takes note of the other tables if it has not: after something was taken out. */
int custody_begin(struct custody *custody);

#endif
