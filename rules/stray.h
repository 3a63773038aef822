/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_STRAY_H
#define RULES_STRAY_H

struct auditor;

/* Packets that are not the service's, but that NAT may make look so. */

/*
 * NAT that turns packets for others, or for other ports, to the service: its replies would not be turned
 * back.
 */
void stray_judge(struct auditor *auditor);

/* Hosts behind this one that are given its address: what is answered to it would not reach them. */
void stray_judge_passing(struct auditor *auditor);

#endif
