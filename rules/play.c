// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/play.h"

void play_note(struct play *play, const char *who, const char *what, const char *detail)
{
	text_add(&play->facts, "%s %s%s\n", who, what, detail);
}
