/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_EXPORT_H
#define CONNTRACK_EXPORT_H

#include <jansson.h>

struct reading;
struct view;

/*
 * The JSON object of "ctwatch --json" (docs/design.md, 4; each member is described in
 * ctwatch(8)): a new one for the caller to release, NULL when memory ran out. What is not known
 * is null. Pure.
 */
json_t *export_reading(const struct view *view, const struct reading *reading);

#endif
