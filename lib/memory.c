// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/memory.h"

#include <malloc.h>

/* From there on memory is the kernel's own: buffers of netlink conversations are larger. */
enum { LARGE_BYTES = 34 << 10 };

void memory_by_pages(void)
{
	/* Left alone, glibc raises this to the size of what is given back, up to 32 MiB. */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
	(void)mallopt(M_TOP_PAD, 0);
	/* Threads beside a loop seldom allocate. */
	(void)mallopt(M_ARENA_MAX, 1);
}
