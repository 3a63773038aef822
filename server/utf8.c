// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/utf8.h"

#include <stdint.h>

/* The bytes of a character that starts with this one; 0 if none does. */
static size_t length_of(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xc2 && lead < 0xe0)
		return 2;
	if (lead >= 0xe0 && lead < 0xf0)
		return 3;
	return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

/*
 * What the second byte may be. It is here that overlong forms, surrogates, what lies
 * beyond U+10FFFF, and the control characters U+0080 to U+009F are told apart.
 */
static bool second_fits(uint8_t lead, uint8_t second)
{
	switch (lead) {
	case 0xc2: return second >= 0xa0;
	case 0xe0: return second >= 0xa0;
	case 0xed: return second < 0xa0;
	case 0xf0: return second >= 0x90;
	case 0xf4: return second < 0x90;
	default: return true;
	}
}

bool utf8_is_line(const char *text, size_t length)
{
	const uint8_t *bytes = (const uint8_t *)text;
	size_t at = 0;

	while (at < length) {
		size_t size = length_of(bytes[at]);

		if (size == 0 || size > length - at)
			return false;
		if (size == 1 && (bytes[at] < ' ' || bytes[at] == 0x7f))
			return false;
		if (size > 1 && !second_fits(bytes[at], bytes[at + 1]))
			return false;
		for (size_t i = 1; i < size; i++)
			if ((bytes[at + i] & 0xc0) != 0x80)
				return false;
		at += size;
	}
	return true;
}
