/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_COUNTERS_H
#define CONNTRACK_COUNTERS_H

#include <stdio.h>

struct table_counters;

/*
 * The counters of this network namespace from /proc/net/stat/nf_conntrack, readable without privilege:
 * a line of columns' names, then a line for each CPU, in hexadecimal
 * (net/netfilter/nf_conntrack_standalone.c). A column that this kernel lacks counts as 0. Returns
 * 0 or -errno (-ENOENT: not there, -EBADMSG: not of that form).
 */
int counters_read(struct table_counters *out);

/* The same from an open file. */
int counters_parse(FILE *file, struct table_counters *out);

#endif
