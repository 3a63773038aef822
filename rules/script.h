/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_SCRIPT_H
#define RULES_SCRIPT_H

struct change;
struct plan;
struct text;

/* Changes as text that "nft -f" takes. Pure. */

/* One change as one nft statement, without a newline. */
void script_statement(const struct change *change, struct text *text);

/* The whole plan, a line each; it does what the batch does. */
void script_render(const struct plan *plan, struct text *text);

#endif
