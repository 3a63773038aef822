/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_PRECEDENT_H
#define RULES_PRECEDENT_H

#include <stdbool.h>

struct auditor;
struct run;

/*
 * Whether there is a conversation, in the case that is assumed, in which the packet comes: what must
 * precede it was let through when it was tracked. Leaves the world as it was.
 */
bool precedent_exists(struct auditor *auditor, struct run *tracked);

#endif
