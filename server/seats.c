// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/seats.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct seats {
	unsigned limit;
	unsigned fresh;      /* from here on they were never taken */
	unsigned back_count; /* of those that came back */
	int back[];
};

/* The kernel gives calloc() so much memory untouched. */
int seats_open(struct seats **out, unsigned limit)
{
	struct seats *seats = calloc(1, sizeof(*seats) + limit * sizeof(seats->back[0]));

	if (!seats)
		return -ENOMEM;
	seats->limit = limit;
	*out = seats;
	return 0;
}

void seats_close(struct seats *seats)
{
	free(seats);
}

int seats_take(struct seats *seats)
{
	if (seats->back_count > 0)
		return seats->back[--seats->back_count];
	if (seats->fresh == seats->limit)
		return -ENOSPC;
	return (int)seats->fresh++;
}

void seats_give(struct seats *seats, int seat)
{
	assert(seat >= 0 && (unsigned)seat < seats->fresh &&
	       seats->back_count < seats->fresh);
	seats->back[seats->back_count++] = seat;
}
