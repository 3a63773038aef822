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

enum { POLICY_SERVICES_MAX = 64, POLICY_WHY_MAX = 240 };

struct policy_settings {
	double engage_at;  /* share of the limit at which a service must go */
	double release_at; /* share of the limit that is fine again */
	double horizon_s;  /* or when the table is forecast to be full within this time */
};

/* What is known of one service that may be taken out of tracking. */
struct policy_service {
	const char *name;
	bool engaged;           /* out of tracking now */
	double release_after_s; /* how long it must have been calm before it comes back */
	uint64_t engaged_since_ns; /* when it was taken out */
	uint64_t calm_since_ns;    /* since when what would return fits; 0: it does not */
	double stock;              /* its entries now, from the sample */
	double grown;              /* how many of them came since the baseline sample */
	double returning; /* entries that giving it back would bring (engaged only) */
};

/* One look at the table. */
struct policy_view {
	uint64_t now_ns;
	uint32_t entries;
	uint32_t limit;
	double slope;       /* entries per second, smoothed */
	double full_in_s;   /* INFINITY: not in sight */
	bool attributed;    /* stock and grown below are fresh */
	double grown_total; /* entries of the whole table since the baseline */
	const char *top;  /* who fills the table most, allowed or not; NULL: not known */
	double top_share; /* its share */
	size_t count;
	struct policy_service services[POLICY_SERVICES_MAX];
};

enum policy_action {
	POLICY_REST,      /* nothing to do */
	POLICY_ATTRIBUTE, /* trouble ahead: find out who it is, then ask again */
	POLICY_ENGAGE,    /* take the service out of tracking */
	POLICY_RELEASE,   /* give the service back */
	POLICY_HELPLESS,  /* trouble ahead, and no allowed service would relieve it */
};

struct policy_decision {
	enum policy_action action;
	size_t service;   /* index of it; ENGAGE and RELEASE only */
	double projected; /* entries at the horizon (ENGAGE: without the service) */
	char why[POLICY_WHY_MAX];
};

/* Whether the table is filling so that the guard must act: by the mark or by the forecast. */
bool policy_triggered(const struct policy_settings *settings,
		      const struct policy_view *view);

/*
 * Chooses the next step. Of the allowed services it engages, one a call, the one that fills
 * the table: by what came since the baseline, else by what it has; where it is none of them,
 * one without which the table is calm all the same. A bystander is left alone. It
 * releases one a call, when what would return fits under release_at and has done so for
 * release_after_s.
 */
void policy_decide(const struct policy_settings *settings, const struct policy_view *view,
		   struct policy_decision *out);

/* Brings calm_since_ns of each service up to date. Call once for each view, before policy_decide(). */
void policy_note_calm(const struct policy_settings *settings, struct policy_view *view);

/*
 * The part of the growth that is the service's: of what came since the baseline where
 * that is known, else in proportion to what it has.
 */
double policy_growth_part(const struct policy_view *view,
			  const struct policy_service *service);

enum { POLICY_POLL_MIN_MS = 5, POLICY_POLL_MAX_MS = 1000 };

/*
 * Seconds until the next look: a fraction of the time in which the table could reach
 * the mark, by the forecast or by the fastest flood there could be.
 */
double policy_poll_interval_s(const struct policy_settings *settings,
			      const struct policy_view *view);

#endif
