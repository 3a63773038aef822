/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_GAUGES_H
#define GUARD_GAUGES_H

struct status;
struct text;

/* Adds the page in the Prometheus text format; labels are configured services, and
 * network namespaces where they have names. Pure. */
void gauges_add(const struct status *status, struct text *text);

#endif
