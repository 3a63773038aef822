/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_DETOURS_H
#define RULES_DETOURS_H

#include <stddef.h>
#include <stdint.h>

struct model;

/*
 * To which ports of other hosts programs here may send what NAT turns elsewhere on the way out, as to a proxy of this host. Pure.
 */
enum { DETOURS_MAX = 8 };

struct detours {
	size_t count;
	uint16_t port[DETOURS_MAX];
};

/*
 * Those that rules name in tables with a nat chain of output, the first few of them, whatever their protocol; 80 if they name none. None without such
 * a chain.
 */
void detours_find(const struct model *model, struct detours *out);

#endif
