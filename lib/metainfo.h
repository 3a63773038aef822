/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_METAINFO_H
#define LIB_METAINFO_H

#include <jansson.h>

/*
 * {"metainfo":{"program":…,"version":…,"json_schema_version":1}}: a new object for
 * the caller to add its members to and to release; NULL when memory ran out. Every
 * JSON output starts with it.
 */
json_t *metainfo_object(const char *program);

#endif
