/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_DATUM_H
#define RULES_DATUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/model.h"

struct nlattr;

/* What single attributes of nf_tables hold, checked. Copies are the model's. Pure. */

/* False if there is none (NULL), or it has no number that fits. */
bool datum_number(const struct nlattr *attr, uint32_t *out);

/*
 * Where a register begins, or MODEL_VERDICT_REGISTER: nft_parse_register() in the kernel, four old
 * registers of 16 bytes over sixteen of 4. False if it is none.
 */
bool datum_register(const struct nlattr *attr, uint8_t *out);

/* A string; any bytes, at most max. Return 0, -ENOMEM or -EBADMSG. */
int datum_name(struct model *model, const struct nlattr *attr, const char **out);
int datum_bytes(struct model *model, const struct nlattr *attr, size_t max,
		struct model_data *out);

/*
 * Reads NFTA_DATA_: a value, copied to *value, or a verdict, which sets *is_verdict. Returns 0,
 * -ENOMEM or -EBADMSG.
 */
int datum_read(struct model *model, const struct nlattr *nest, struct model_data *value,
	       bool *is_verdict, struct model_verdict *verdict);

#endif
