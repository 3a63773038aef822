/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_INCIDENTS_H
#define GUARD_INCIDENTS_H

#include <jansson.h>

struct text;

/*
 * Incidents from the events of a journal: from the first service that is taken out, or the
 * first word that nothing helps, until all services are back or the guard has ended, in each network
 * namespace for itself. Pure.
 */

/*
 * A new array of objects: number (from 1), netns (where events tell it), from, to (null while it goes on), services, why
 * (of the first event), entries_max, limit, helpless, events. NULL when memory ran out. Events
 * may be anything: what does not fit is passed over.
 */
json_t *incidents_find(const json_t *events);

/* A line for each, for people; and one whole, with its events. */
void incidents_list(const json_t *incidents, struct text *text);
void incidents_show(const json_t *incident, struct text *text);

#endif
