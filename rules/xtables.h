/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_XTABLES_H
#define RULES_XTABLES_H

#include <stdbool.h>

struct model_data;

/*
 * What the extensions of iptables do that iptables-nft puts into nf_tables rules: the bits of enum
 * model_effect. One that was not known when this was written can do anything. Pure.
 */
unsigned xtables_match_effects(const char *name);
unsigned xtables_target_effects(const char *name);

/* All bits: something whose doings are not known. */
unsigned xtables_unknown_effects(void);

/* Whether what target CT keeps names a helper. */
bool xtables_gives_helper(const struct model_data *info);

#endif
