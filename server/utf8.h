/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_UTF8_H
#define SERVER_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether text can stand within a line that others read: UTF-8 by RFC 3629 without
 * control characters (C0, DEL and C1, so no newline either). An empty text can. Pure.
 */
bool utf8_is_line(const char *text, size_t length);

#endif
