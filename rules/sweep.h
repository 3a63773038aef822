/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_SWEEP_H
#define RULES_SWEEP_H

#include <jansson.h>

#include "lib/text.h"
#include "rules/audit.h"
#include "rules/tenants.h"

struct evidence;
struct nl;

/* Who wants to know how far it is: called before each service and at the end, when done is all. */
struct sweep_progress {
	void (*tell)(size_t done, size_t all, void *data); /* NULL: nobody */
	void *data;
};

/* An audit of every service that somebody listens for here, by one reading of the ruleset. */
struct sweep {
	struct tenants tenants;
	struct text table;   /* a line each */
	json_t *services;    /* the same, with all that was found */
	bool unsafe, unsure; /* whether there is one such */
	int unquoted;        /* as in struct audit, for all of them */
};

/*
 * Judges the tenants by the evidence; nl is a conversation with NETLINK_NETFILTER. Zero-initialise,
 * but for tenants. Returns 0 or -ENOMEM; sweep_end() it in any case.
 */
int sweep_make(struct sweep *sweep, struct nl *nl, const struct evidence *evidence,
	       const struct sweep_progress *progress);
void sweep_end(struct sweep *sweep);

/* Unsafe if one is, else unknown if one is or was left out. */
enum audit_verdict sweep_verdict(const struct sweep *sweep);

/* For people, and added to an object. */
void sweep_text(const struct sweep *sweep, struct text *text);
void sweep_json(const struct sweep *sweep, json_t *object);

#endif
