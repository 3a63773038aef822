/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CONNTRACK_ATTRIBUTE_NAME_H
#define CONNTRACK_ATTRIBUTE_NAME_H

struct attribute_key;

enum { ATTRIBUTE_NAME_MAX = 96 };

/* What rows are called: "udp/9000", "out:udp/53", "10.8.0.0/24", "tcp established", "nginx", "[forwarded]". */
void attribute_name(const struct attribute_key *key, char text[ATTRIBUTE_NAME_MAX]);

/* "in", "out" or "forward" of a service's key. */
const char *attribute_direction(const struct attribute_key *key);

#endif
