/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_REASON_H
#define GUARD_REASON_H

#include <stddef.h>

struct policy_decision;
struct policy_service;
struct policy_settings;
struct policy_view;

/* Words a decision: writes its why, after all else of it, as a sentence without a stop. Pure. */

/* "80.2 % full" or "full in 6.1 s at 41000 entries/s". */
void reason_trigger(const struct policy_settings *settings,
		    const struct policy_view *view, char *text, size_t size);

void reason_purge(const struct policy_settings *settings, const struct policy_view *view,
		  struct policy_decision *out);
void reason_raise(const struct policy_settings *settings, const struct policy_view *view,
		  struct policy_decision *out);

/* Whose the entries are, and the growth where anybody's is known. */
void reason_engage(const struct policy_settings *settings, const struct policy_view *view,
		   struct policy_decision *out);

/* rest is a service that is out, and whose entries remain; NULL: there is none. */
void reason_helpless(const struct policy_settings *settings,
		     const struct policy_view *view, const struct policy_service *rest,
		     struct policy_decision *out);

/* What would return, and what is on its way already. */
void reason_release(const struct policy_settings *settings,
		    const struct policy_view *view, struct policy_decision *out);

void reason_lower(const struct policy_settings *settings, const struct policy_view *view,
		  struct policy_decision *out);

#endif
