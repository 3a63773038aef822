/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUARD_WARDS_H
#define GUARD_WARDS_H

#include <stddef.h>

struct ward;

/* As many network namespaces as are guarded at most. */
enum { WARDS_MAX = 256 };

/* All that the guard guards. */
struct wards {
	size_t count;
	struct ward *list[WARDS_MAX];
};

#endif
