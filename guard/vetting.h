/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_VETTING_H
#define GUARD_VETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/midstream.h"

struct config;
struct legacy;
struct service;
struct text;

/*
 * Keeps the audit's verdict on each configured service warm, so that none is waited for when the
 * table fills: judged at the start and again whenever the ruleset is not the one that was
 * judged. Opaque: owns a netlink conversation.
 */
struct vetting;

/* How a service stands. */
enum vetting_verdict {
	VETTING_SAFE,
	VETTING_UNSAFE,  /* untracked, some of its packets would fare differently */
	VETTING_UNKNOWN, /* that cannot be told */
	VETTING_FORCED,  /* not asked: the configuration says that it is safe */
	VETTING_PENDING, /* it was not judged yet */
};

/*
 * config and legacy (may be NULL: what may be opened now) must outlive it. Returns 0 or -errno.
 * Nothing is judged yet: all is VETTING_PENDING.
 */
int vetting_open(struct vetting **out, const struct config *config,
		 const struct legacy *legacy);

/* NULL is allowed. */
void vetting_close(struct vetting *vetting);

/*
 * Judges all services anew, by the rules, if the ruleset has changed, or iptables-legacy has got tables or lost
 * them: some milliseconds each; else it costs a look at both, microseconds. Of rules that take long, some of the services, and the
 * next call goes on with the others, which stand as they did. Returns 0, or -errno if the ruleset cannot be read: what was
 * known counts until that has failed for some seconds, then all is VETTING_UNKNOWN.
 */
int vetting_update(struct vetting *vetting);

/* The same of service i alone, however long that takes: it is about to be taken out. */
int vetting_update_one(struct vetting *vetting, size_t i);

/* Whether that would have nothing to do: what is known of it is by the rules of now. */
bool vetting_knows(const struct vetting *vetting, size_t i);

/*
 * Whether it must be seen if live entries of service i are translated: true once after a change
 * of the ruleset that says nothing against it. That takes long in a full table, so somebody
 * else does it; the first time vetting_update() does. Until it is told, the service stands
 * as it did.
 */
bool vetting_wants_look(struct vetting *vetting, size_t i);

/* The look that is wanted is one that was wanted before, and has not been begun. */
void vetting_share_look(struct vetting *vetting, size_t i);

/* So many entries of the service are translated; or err, -errno: that could not be seen. */
void vetting_note_look(struct vetting *vetting, const struct service *service,
		       unsigned translated, int err);

/* Whether the verdict on service i, or its reason, is new: true once. */
bool vetting_take_news(struct vetting *vetting, size_t i);

/*
 * After a change of ours: the ruleset of now is as good as the one that was judged, as long as
 * nobody else changed it meanwhile, which before tells: vetting_is_current() just before it.
 */
void vetting_keep(struct vetting *vetting, bool before);
bool vetting_is_current(struct vetting *vetting);

/* Whether it is of that generation of the ruleset, and of iptables-legacy as it is now. */
bool vetting_is_of(const struct vetting *vetting, uint32_t generation);

enum vetting_verdict vetting_verdict(const struct vetting *vetting, size_t i);

/* Whether open connections of service i would be cut off if they were tracked again. */
struct midstream vetting_midstream(const struct vetting *vetting, size_t i);

/* Whether the guard may take service i out: it is safe, or forced. */
bool vetting_allows(const struct vetting *vetting, size_t i);

/* Whether it may not stay out: it may not be taken out, and not for want of time to judge it. */
bool vetting_condemns(const struct vetting *vetting, size_t i);

/* Why it is not safe, as a sentence; "" if it is. Valid until the next update. */
const char *vetting_why(const struct vetting *vetting, size_t i);

#endif
