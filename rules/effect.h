/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_EFFECT_H
#define RULES_EFFECT_H

#include "rules/model.h"

struct run;

/*
 * The expressions that do something: each notes what in the run. They return what evaluate() does.
 * Pure.
 */
enum model_verdict_code effect_meta_set(struct run *run, const struct model_expr *expr);
enum model_verdict_code effect_ct_set(struct run *run, const struct model_expr *expr);
enum model_verdict_code effect_payload_set(struct run *run,
					   const struct model_expr *expr);
enum model_verdict_code effect_notrack(struct run *run);
enum model_verdict_code effect_object(struct run *run, const struct model_object *object);
enum model_verdict_code effect_translate(struct run *run, const struct model_expr *expr);

/* Drops the packet, and tells its sender; how: stands for what. */
enum model_verdict_code effect_reject(struct run *run, uint64_t how);

/* connlimit: invert is "over". */
enum model_verdict_code effect_connlimit(struct run *run, bool over, uint64_t id);

/* limit, quota: whether the packet is within it can be so or not. */
enum model_verdict_code effect_limit(struct run *run, uint64_t id);

/* Hands the packet to another program. MODEL_REPEAT: it comes back to where its base chain begins. */
enum model_verdict_code effect_elsewhere(struct run *run, enum model_kind kind,
					 uint64_t detail);

#endif
