/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_ASKERS_H
#define RULES_ASKERS_H

#include <stdint.h>

struct auditor;

/* Those that ask, beside clients of the service as there always are. Pure. */

/*
 * What the service's own socket asks of others, as those of NTP and DHT do. Most never do, and it cannot be
 * seen whether one does: that is said, but no reason for another verdict.
 */
void askers_own(struct auditor *auditor, uint8_t family);

/*
 * Of clients on this host those that give what they ask the service a mark, as VPNs do with what they send elsewhere:
 * the same.
 */
void askers_marked(struct auditor *auditor, uint8_t family);

/* What other programs here ask, whom the kernel gives ports of a range: nearly all do. */
void askers_given(struct auditor *auditor, uint8_t family);

/*
 * Hosts that ask this one from a port of an outbound service, which matters if that is a range of ports that clients use.
 * Their first packets are looked at as what nobody asked for is; these are the others, and the replies.
 */
void askers_remote(struct auditor *auditor, uint8_t family);

#endif
