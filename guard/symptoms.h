/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_SYMPTOMS_H
#define GUARD_SYMPTOMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conntrack/active.h"
#include "conntrack/table.h"
#include "guard/budget.h"

/* What "ctguard doctor" judges: a plain value, so that tests can make any. */

enum {
	SYMPTOMS_PLACES_MAX = 8,
	SYMPTOMS_SERVICES_MAX = 32,
	SYMPTOMS_TIMEOUTS = 11,
	SYMPTOMS_TEXT_MAX = 200,
};

/* Places in the ruleset that do something; those that do not fit are counted. */
struct symptoms_places {
	size_t count; /* of all */
	char text[SYMPTOMS_PLACES_MAX]
		 [SYMPTOMS_TEXT_MAX]; /* "ct in table inet filter, chain input" */
};

/* A number that a file sets at boot. */
struct symptoms_setting {
	bool found;
	uint64_t value;
	char file[SYMPTOMS_TEXT_MAX];
};

enum symptoms_verdict {
	SYMPTOMS_UNAUDITED,
	SYMPTOMS_SAFE,
	SYMPTOMS_UNSAFE,
	SYMPTOMS_UNKNOWN,
};

struct symptoms_service {
	char name[SYMPTOMS_TEXT_MAX];
	bool configured; /* it may be taken out; else somebody listens there */
	enum symptoms_verdict verdict;
	char reason[SYMPTOMS_TEXT_MAX * 2]; /* of the verdict */
};

struct symptoms_timeout {
	const char *name; /* below /proc/sys/net/netfilter */
	uint32_t usual_s; /* the kernel's default */
	uint32_t now_s;   /* 0: not there */
};

struct symptoms {
	bool everywhere; /* this network namespace is one of all that are looked at */
	bool elsewhere;  /* and not the first: what is the host's is not looked at */
	char lacking[SYMPTOMS_TEXT_MAX]; /* capabilities that everywhere takes */
	int table_err;                   /* the table cannot be read: -errno */
	struct table_usage usage;
	uint32_t buckets; /* 0: not known */
	uint64_t memory_bytes;
	enum active active;

	int rules_err; /* the ruleset cannot be read: -errno */
	struct symptoms_places
		trackers; /* rules that need tracking, and so switch it on */
	struct symptoms_places untrackers; /* rules that untrack, and are not ctkit's */
	bool legacy;        /* iptables-legacy has more than empty tables here */
	bool legacy_hidden; /* whether it has could not be seen */

	bool first_netns; /* where the limit can be set */
	bool module;      /* nf_conntrack is a module, not part of the kernel */
	struct symptoms_setting kept_limit;    /* by sysctl.d(5) */
	struct symptoms_setting kept_hashsize; /* by modprobe.d(5) */
	struct symptoms_setting kept_module;   /* it is loaded by modules-load.d(5) */
	struct symptoms_timeout timeouts[SYMPTOMS_TIMEOUTS];

	struct budget_reach budget;
	bool conntrackd;   /* runs on this host */
	bool guard_runs;   /* in this network namespace */
	bool config_asked; /* there is a configuration, or was asked for */
	char config_problem[SYMPTOMS_TEXT_MAX * 4]; /* "": it is good */
	size_t service_count;
	struct symptoms_service services[SYMPTOMS_SERVICES_MAX];
	size_t listeners_left_out;
};

struct config;

/*
 * Looks at this host and this network namespace. config has the services that may be taken out. What cannot be seen is left as
 * not known; if that is the table (table_err) nothing else is looked at. Changes nothing but that
 * it sends a datagram to 127.0.0.1. *out is zero-initialised but for everywhere, elsewhere, lacking and
 * what is about the configuration.
 */
void symptoms_read(const struct config *config, struct symptoms *out);

#endif
