// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/wheel.h"

#include <assert.h>

/* So few entries at one time are no crowd. */
enum { CROWD_LEAST = 16 };

void wheel_init(struct wheel *wheel, uint64_t tick_ns)
{
	assert(tick_ns > 0);
	*wheel = (struct wheel){ .tick_ns = tick_ns };
}

void wheel_add(struct wheel *wheel, struct wheel_entry *entry, uint64_t now_ns,
	       uint64_t due_ns)
{
	struct wheel_entry **slot;

	assert(!entry->link);
	uint64_t first;

	/* An empty wheel was not turned: let it start from here. */
	if (wheel->count == 0 && !wheel->scanning)
		wheel->tick = now_ns / wheel->tick_ns + 1;
	/* Never into the slot that is being scanned: a caller that re-adds would spin. */
	first = wheel->tick + (wheel->scanning ? 1 : 0);
	entry->due = due_ns / wheel->tick_ns + (due_ns % wheel->tick_ns != 0);
	if (entry->due < first)
		entry->due = first;
	slot = &wheel->slots[entry->due % WHEEL_SLOTS];
	entry->next = *slot;
	entry->link = slot;
	if (*slot)
		(*slot)->link = &entry->next;
	*slot = entry;
	wheel->crowd[entry->due % WHEEL_SLOTS]++;
	wheel->count++;
}

/* Within half as many again as the average nothing is moved: chance alone does that. */
uint64_t wheel_spread(const struct wheel *wheel, uint64_t due_ns, uint64_t span_ns)
{
	uint64_t first = due_ns / wheel->tick_ns + (due_ns % wheel->tick_ns != 0);
	uint64_t ticks = span_ns / wheel->tick_ns;
	uint64_t most;

	if (ticks > WHEEL_SLOTS)
		ticks = WHEEL_SLOTS;
	if (ticks == 0)
		return due_ns;
	most = wheel->count + wheel->count / 2;
	most = most / ticks + CROWD_LEAST;
	for (uint64_t i = 0; i < ticks; i++) {
		if (wheel->crowd[(first + i) % WHEEL_SLOTS] < most)
			return i == 0 ? due_ns : (first + i) * wheel->tick_ns;
	}
	return due_ns;
}

void wheel_remove(struct wheel *wheel, struct wheel_entry *entry)
{
	if (!entry->link)
		return;
	if (wheel->scan == entry)
		wheel->scan = entry->next;
	*entry->link = entry->next;
	if (entry->next)
		entry->next->link = entry->link;
	entry->next = NULL;
	entry->link = NULL;
	wheel->crowd[entry->due % WHEEL_SLOTS]--;
	wheel->count--;
}

/* The next due entry of the current slot; others there wait for a later turn. */
static struct wheel_entry *scan_slot(struct wheel *wheel)
{
	if (!wheel->scanning) {
		wheel->scan = wheel->slots[wheel->tick % WHEEL_SLOTS];
		wheel->scanning = true;
	}
	while (wheel->scan) {
		struct wheel_entry *entry = wheel->scan;

		wheel->scan = entry->next;
		if (entry->due <= wheel->tick)
			return entry;
	}
	wheel->scanning = false;
	return NULL;
}

struct wheel_entry *wheel_expired(struct wheel *wheel, uint64_t now_ns)
{
	uint64_t now = now_ns / wheel->tick_ns;

	/* After a long pause one turn finds all that is due. */
	if (now > wheel->tick + WHEEL_SLOTS && !wheel->scanning)
		wheel->tick = now - WHEEL_SLOTS;
	while (wheel->tick <= now) {
		struct wheel_entry *entry = scan_slot(wheel);

		if (entry) {
			wheel_remove(wheel, entry);
			return entry;
		}
		wheel->tick++;
	}
	return NULL;
}
