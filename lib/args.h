/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_ARGS_H
#define LIB_ARGS_H

#include <stdint.h>

/*
 * Text from a command line or a configuration file to a number, strictly: the
 * whole text, in range, or an error. Each function returns 0 and writes *out, or
 * returns -EINVAL (not of the form) or -ERANGE (outside min..max), leaves *out
 * alone and writes one sentence that quotes the text into *why.
 */
struct args_why {
	char text[200];
};

/* "500", "10k", "1.5M": k, M and G are powers of ten. */
int args_count(const char *text, uint64_t min, uint64_t max, uint64_t *out,
	       struct args_why *why);

/* "250ms", "10s", "5m", "2h", to seconds; a bare number is in seconds. min and max in seconds. */
int args_duration(const char *text, double min_s, double max_s, double *out_s,
		  struct args_why *why);

/* "80%" to 0.8; the % is required. min and max as ratios. */
int args_share(const char *text, double min, double max, double *out,
	       struct args_why *why);

#endif
