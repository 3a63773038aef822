/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_MEMORY_H
#define LIB_MEMORY_H

/*
 * Has the allocator take what is large from the kernel page by page: of what is seldom full only what
 * is used is in memory, and what is given back goes, also after others of its size came and went.
 * Before any thread. Where it is refused, more memory is used.
 */
void memory_by_pages(void);

#endif
