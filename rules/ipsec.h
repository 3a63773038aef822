/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_IPSEC_H
#define RULES_IPSEC_H

#include <stdbool.h>

/*
 * Whether there is a policy of IPsec in this network namespace, and whether one asks for a mark of packets. *marks and *any
 * are set, never reset. What cannot be read, or is not in this kernel, has none. Returns 0 or -ENOMEM.
 */
int ipsec_read(bool *marks, bool *any);

#endif
