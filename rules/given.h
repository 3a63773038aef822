/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_GIVEN_H
#define RULES_GIVEN_H

struct finding;
struct service;
struct surroundings;

/*
 * A range of this host's ports from which the kernel gives some to programs here that ask others: rewords a finding
 * about what these ask. Pure.
 */
void given_explain(const struct service *service, const struct surroundings *host,
		   struct finding *finding);

#endif
