/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_LOOKOUT_H
#define GUARD_LOOKOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "guard/policy.h"

struct chores;
struct midstream;
struct config;
struct leases;
struct limit_change;

/*
 * Watches the table: counts it, keeps its forecast, finds out who fills it when the
 * policy asks, and so turns the kernel's state into decisions. Changes nothing.
 * Opaque: owns a netlink conversation.
 */
struct lookout;

/*
 * config, leases and chores must outlive it. Rehearsing, it sees the table as it would be without
 * the services that leases pretends to have taken out. Returns 0 or -errno (-EPERM: no
 * CAP_NET_ADMIN).
 */
int lookout_open(struct lookout **out, const struct config *config,
		 const struct leases *leases, struct chores *chores, bool rehearse);

/* NULL is allowed. */
void lookout_close(struct lookout *lookout);

/*
 * Takes one look and decides. Returns 0; -errno if the table could not be read: the view
 * is then that of the last look and *out is POLICY_REST; or if this host's addresses could not be
 * read, which changes nothing else.
 */
int lookout_decide(struct lookout *lookout, struct policy_decision *out);

/*
 * Nothing helped: finds out who has most of the table, and decides again, now with that name. Returns 0 or
 * -errno, *out then unchanged.
 */
int lookout_name_top(struct lookout *lookout, struct policy_decision *out);

/*
 * Whether the table has hardly moved since a look that left it alone, within_s seconds ago at most, with nothing
 * under way, so that another would find the same. Counts it, which takes a microsecond and no network
 * namespace to be entered; the next look knows of that.
 */
bool lookout_is_still(struct lookout *lookout, double within_s);

/* What the last decision was made on. */
const struct policy_view *lookout_view(const struct lookout *lookout);

/* Seconds until the next look is due. */
double lookout_next_s(const struct lookout *lookout);

/*
 * After a change of ours the past says nothing about the future: counts the table anew and forgets
 * the forecast. *entries (may be NULL) is the count. Returns 0 or -errno.
 */
int lookout_restart(struct lookout *lookout, uint32_t *entries);

/* So many percent of service number i are out from now on; no look has seen that yet. */
void lookout_note_change(struct lookout *lookout, size_t i, unsigned percent);

/*
 * Expired entries were collected, of a table that counted before: counts it anew, into *entries, and
 * forgets the past if that had counted many that were not there. Returns 0 or -errno.
 */
int lookout_note_purge(struct lookout *lookout, uint32_t before, uint32_t *entries);

/*
 * So many connections of service number i are open at this host's end; INFINITY if that is
 * not known. Looks, too, whether they would survive being tracked again.
 */
void lookout_note_connections(struct lookout *lookout, size_t i, double connections);

/* What becomes of connections of service number i that are tracked again; UDP has none. */
void lookout_note_midstream(struct lookout *lookout, size_t i,
			    struct midstream midstream);

/*
 * Whether the audit says that service number i must stay tracked; so must one that no program serves
 * any more.
 */
void lookout_note_unsafe(struct lookout *lookout, size_t i, bool unsafe);

/* What the guard has made of the limit: as long as that is so, it may be lowered. */
void lookout_note_limit(struct lookout *lookout, const struct limit_change *change);

#endif
