/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_REGISTERS_H
#define RULES_REGISTERS_H

struct model_rule;

/*
 * Makes those expressions of a rule opaque that read a register which no expression before them in the
 * rule has written. Kernels from 6.12 on refuse such rules (nft_validate_register_load()); in older
 * ones there is what another rule left, or nothing.
 */
void registers_check(struct model_rule *rule);

#endif
