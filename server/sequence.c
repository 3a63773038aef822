// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/sequence.h"

enum sequence_verdict sequence_take(struct sequence *sequence, uint64_t number,
				    uint64_t *missed)
{
	uint64_t behind = sequence->last - number;
	uint64_t ahead = number - sequence->last;

	if (number == 0)
		return SEQUENCE_NONSENSE;
	if (number > sequence->last) {
		if (ahead > SEQUENCE_GAP_MAX)
			return SEQUENCE_NONSENSE;
		*missed = ahead - 1;
		sequence->seen = ahead < SEQUENCE_WINDOW ? sequence->seen << ahead : 0;
		sequence->seen |= 1;
		sequence->last = number;
		return SEQUENCE_NEXT;
	}
	if (behind >= SEQUENCE_WINDOW) {
		if (number > SEQUENCE_WINDOW)
			return SEQUENCE_NONSENSE;
		*missed = number - 1;
		*sequence = (struct sequence){ .last = number, .seen = 1 };
		return SEQUENCE_ANEW;
	}
	if (sequence->seen >> behind & 1)
		return SEQUENCE_AGAIN;
	sequence->seen |= UINT64_C(1) << behind;
	return SEQUENCE_BELATED;
}
