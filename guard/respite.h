/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_RESPITE_H
#define GUARD_RESPITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The rest after work that holds the loop up, in proportion to the CPU time that it took: so, however
 * often there is a reason for it, the rest of the guard has most of the loop's time. Zero-initialise.
 */
struct respite {
	uint64_t begun_ns; /* of clock_spent_ns(), when the work did */
	uint64_t ended_ns; /* of clock_now_ns(); 0: there was none */
	double seconds;    /* how long the rest is */
};

/* Whether work may begin; it then ends with respite_end(). sharers do such work, each at most its share. */
bool respite_begin(struct respite *respite);
void respite_end(struct respite *respite, size_t sharers);

#endif
