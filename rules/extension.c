// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/extension.h"
#include "rules/run.h"

enum { FACT_EXTENSION = 0x80 };

enum model_verdict_code extension_match(struct run *run, const struct model_expr *expr)
{
	run_note(run, RUN_OPAQUE, run_place(run));
	return run_assume(run, FACT_EXTENSION, run_place(run)) ? MODEL_CONTINUE
							       : MODEL_BREAK;
}

enum model_verdict_code extension_target(struct run *run, const struct model_expr *expr)
{
	run_note(run, RUN_OPAQUE, run_place(run));
	return MODEL_CONTINUE;
}
