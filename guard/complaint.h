/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_COMPLAINT_H
#define GUARD_COMPLAINT_H

struct text;

enum { COMPLAINT_MAX = 400 };

/* What is wrong with a configuration. Zero-initialised there is none. */
struct complaint {
	int line; /* of the file, where it is known */
	char sentence[COMPLAINT_MAX];
};

/*
 * Adds "PATH:LINE: SENTENCE" to out and, where the file shows it, the line with what is wrong marked
 * below it. A complaint whose line is not known is looked for; what is not found in the file
 * is said without a place.
 */
void complaint_tell(const struct complaint *complaint, const char *path,
		    struct text *out);

#endif
