/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_EXPOSITION_H
#define SERVER_EXPOSITION_H

struct stats;
struct text;

/* Adds the ctkit_serve_* families of all counters, for Prometheus. */
void exposition_add(const struct stats *stats, struct text *text);

#endif
