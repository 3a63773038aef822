/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_POLICY_H
#define GUARD_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decides what the guard does. Pure: what was observed goes in, one action with
 * its reason comes out; no I/O, no clock, no state of its own, so that tests and
 * replays see exactly what the live guard saw.
 */

enum { POLICY_SERVICES_MAX = 64, POLICY_WHY_MAX = 260 };

/* Percent of a service that is all of it. */
enum { POLICY_WHOLE = 100 };

/* Memory that an entry takes at most: measured on 6.18, one with an extension. */
enum { POLICY_ENTRY_BYTES = 384 };

struct policy_settings {
	double engage_at;  /* share of the limit at which a service must go */
	double release_at; /* share of the limit that is fine again */
	double horizon_s;  /* or when the table is forecast to be full within this time */
	uint32_t raise_to; /* the limit may be raised to this; 0: it stays as it is */
};

/* What is known of one service that may be taken out of tracking. */
struct policy_service {
	const char *name;
	bool unsafe;  /* what is audited says that it must be tracked: it is left alone */
	bool bounded; /* the kernel bounds it, by a budget: so is this */
	bool held;    /* a rule of somebody else's keeps it out for ever: so is this */
	bool fragile; /* connections that fall back into tracking would die */
	unsigned percent;       /* of its flows that are out of tracking now; 0: none */
	double release_after_s; /* how long it must have been calm before some comes back */
	uint64_t changed_ns;    /* when percent was last changed */
	uint64_t calm_since_ns; /* since when some of it would fit; 0: none does */
	double stock;           /* its tracked entries now, from the sample */
	double grown;     /* by how many it has grown since the baseline, for certain */
	double returning; /* entries that all that is out would bring; INFINITY: not known */
	double lives_s; /* what an entry of a short flow of it lives; 0: GIVEBACK_LIFETIME_S */
	double connections;  /* open, at its end of TCP; INFINITY: not known */
	uint64_t deleted_ns; /* when what remains of it was last deleted again */
	unsigned deletions;  /* so often, since the table was in no trouble */
};

/* One look at the table. */
struct policy_view {
	uint64_t now_ns;
	uint32_t entries;
	uint32_t limit;
	double slope;          /* entries per second, smoothed */
	double climb;          /* the same since the last look */
	double surge;          /* the same over the last rise worth the name; 0: none */
	double full_in_s;      /* INFINITY: not in sight */
	double leaving;        /* entries that are being deleted at this moment */
	bool deleting;         /* some are, though more may have gone than were to */
	bool purging;          /* expired entries are being collected */
	uint64_t purged_ns;    /* when that was last begun; 0: never */
	bool raisable;         /* this is the namespace whose limit can be raised */
	uint32_t limit_before; /* what it was before the guard raised it; 0: it did not */
	double lower_after_s;  /* how long it must have been calm before it is lowered */
	uint64_t low_since_ns; /* since when the table would fit; 0: it does not */
	double awaited; /* entries that there will be by what was given back (guard/awaited.h) */
	uint64_t awaited_until_ns; /* when all of it has come */
	uint64_t given_ns;         /* when something was last given back; 0: never */
	bool attributed;           /* stock and grown below are fresh */
	double grown_total; /* of all who have grown since the baseline; 0: not known */
	double grown_in_s;  /* how old that is */
	const char *top;  /* who fills the table most, allowed or not; NULL: not known */
	double top_share; /* its share */
	size_t count;
	struct policy_service services[POLICY_SERVICES_MAX];
};

/* In the order in which they are tried. */
enum policy_action {
	POLICY_REST,      /* nothing to do */
	POLICY_PURGE,     /* make the kernel collect what has expired but is counted */
	POLICY_ATTRIBUTE, /* trouble ahead: find out who it is, then ask again */
	POLICY_DELETE,    /* delete what remains of a service that is wholly out */
	POLICY_RAISE,     /* raise the limit to raise_to */
	POLICY_ENGAGE,    /* take so many percent of the service out of tracking */
	POLICY_RELEASE,   /* give some of the service back, or all */
	POLICY_LOWER,     /* set the limit back to limit_before */
	POLICY_HELPLESS,  /* trouble ahead, and no allowed service would relieve it */
};

struct policy_decision {
	enum policy_action action;
	size_t service;   /* index of it; DELETE, ENGAGE and RELEASE only */
	unsigned percent; /* of its flows that are to be out from now on */
	double projected; /* entries at the horizon, after the step */
	char why[POLICY_WHY_MAX];
};

/* Whether the table is filling so that the guard must act: by the mark or by the forecast. */
bool policy_triggered(const struct policy_settings *settings,
		      const struct policy_view *view);

/* Growth since a baseline that is older may be that of another flood, which is over. */
#define POLICY_FRESH_S 2.0

/*
 * Whether it is worth to wait and see who grows, with a fresh baseline: that is not known, and the
 * forecast leaves time. Who has most may be nothing but a bystander.
 */
bool policy_should_wait(const struct policy_settings *settings,
			const struct policy_view *view);

/*
 * Chooses the next step, the gentlest that helps and that there is time for: expired entries
 * are collected before anybody is blamed, unless the table is far beyond the mark already; what
 * remains of services that are wholly out is deleted again; the limit is raised, where that is
 * allowed and enough; then services go, one a call, each on a fresh look. Of those that are allowed
 * it is the one that fills the table: by what came since the baseline, else by what it has; where
 * it is none of them, one without which the table is calm all the same. A bystander is left
 * alone. As much of it goes as the projection needs; of one that is out in part, more. Where time
 * is short all of it goes at once.
 *
 * It gives back one a call, as giveback_percent() says, after that has fit for
 * release_after_s. When all are back, so is the limit, if the table is calm under that, too.
 */
void policy_decide(const struct policy_settings *settings, const struct policy_view *view,
		   struct policy_decision *out);

/*
 * The same where stock and grown are of a moment ago, and so many entries came since that nobody has looked at.
 * Returns false, nothing then written, if that is not enough to take something out: who grows must be known,
 * if the table does, and be the same whoever those are.
 */
bool policy_decide_by_memory(const struct policy_settings *settings,
			     const struct policy_view *view, double unseen,
			     struct policy_decision *out);

/* Brings calm_since_ns and deletions of each service, and low_since_ns, up to date. Call once for each view, before policy_decide(). */
void policy_note_calm(const struct policy_settings *settings, struct policy_view *view);

/* Entries of the limit that is fine again. */
double policy_calm_level(const struct policy_settings *settings,
			 const struct policy_view *view);

/* Entries by which the count must rise to surge: bursts that come to less are left to the slope. */
double policy_surge_rise(uint32_t limit);

enum { POLICY_POLL_MIN_MS = 5, POLICY_POLL_MAX_MS = 1000 };

/*
 * Seconds until the next look: a fraction of the time in which the table could reach
 * the mark, by the forecast or by the fastest flood there could be. Less than POLICY_POLL_MIN_MS only
 * if the table will be at the mark before that, as it climbs.
 */
double policy_poll_interval_s(const struct policy_settings *settings,
			      const struct policy_view *view);

#endif
