/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_GIVEBACK_H
#define GUARD_GIVEBACK_H

#include <stdbool.h>

struct policy_service;
struct policy_settings;
struct policy_view;

/*
 * How a service comes back: a slice at a time, each only if what it brings fits, so that the
 * table shows what it really brings before the next. Pure.
 */

/*
 * How long an entry of a one-shot UDP flow lives (nf_conntrack_udp_timeout's default), and that of a TCP
 * connection after its end (nf_conntrack_tcp_timeout_time_wait's).
 */
enum { GIVEBACK_LIFETIME_S = 30, GIVEBACK_TCP_LIFETIME_S = 120 };

/* What is known about the flows of a service that are not tracked. */
struct giveback_signs {
	double packets_per_s; /* untracked, towards it; INFINITY: not known */
	double opens_per_s; /* connections that are opened at this host, whoever's; INFINITY: not known */
	double connections; /* open ones of TCP; 0: it is not TCP; INFINITY: not known */
	unsigned percent;   /* out of tracking */
	double tracked_s;   /* how long the rest has been tracked in these proportions */
	double stock;       /* entries of the rest, INFINITY: not known */
	double lives_s;     /* an entry of a short flow */
};

/* What an entry of a short flow of the service lives. */
double giveback_lives_s(const struct policy_service *service);

/*
 * Entries that giving all of it back would bring. Each untracked packet may be a new flow that
 * lives lives_s, but for those that open connections may send, unless as many are opened; a part that is
 * tracked shows what the flows really bring. Open connections come back as they are. INFINITY if nothing is known.
 */
double giveback_returning(const struct giveback_signs *signs);

/* Whether no open connection would die of being tracked again, as far as is known. */
bool giveback_cuts_nothing(const struct policy_service *service);

/*
 * Percent of the service that should stay out: what it is now if nothing more fits. 0 at once
 * if what would return is little, else less by the largest slice that fits under
 * release_at and is not so fast that the table seems to be full within the horizon: it would be taken
 * out again. The smallest is a probe, which must be little.
 */
unsigned giveback_percent(const struct policy_settings *settings,
			  const struct policy_view *view,
			  const struct policy_service *service);

#endif
