// SPDX-License-Identifier: GPL-2.0-or-later
#include "lib/metainfo.h"

enum { JSON_SCHEMA_VERSION = 1 };

json_t *metainfo_object(const char *program)
{
	return json_pack("{s:{s:s, s:s, s:i}}", "metainfo", "program", program, "version",
			 CTKIT_VERSION, "json_schema_version", JSON_SCHEMA_VERSION);
}
