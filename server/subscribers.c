// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/subscribers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/pool.h"

enum { BUCKETS = SUBSCRIBERS_MAX / 4 };

struct subscribers {
	struct pool *pool;
	struct wheel wheel;
	uint64_t interval_ns;
	struct siphash_key key;
	size_t first; /* no bucket before it has one */
	struct subscriber *buckets[BUCKETS];
};

int subscribers_open(struct subscribers **out, const struct siphash_key *key,
		     uint64_t interval_ns, uint64_t tick_ns)
{
	struct subscribers *subscribers = calloc(1, sizeof(*subscribers));
	int err;

	if (!subscribers)
		return -ENOMEM;
	err = pool_open(&subscribers->pool, sizeof(struct subscriber), SIZE_MAX);
	if (err) {
		free(subscribers);
		return err;
	}
	wheel_init(&subscribers->wheel, tick_ns);
	subscribers->interval_ns = interval_ns;
	subscribers->key = *key;
	*out = subscribers;
	return 0;
}

void subscribers_close(struct subscribers *subscribers)
{
	if (!subscribers)
		return;
	pool_close(subscribers->pool);
	free(subscribers);
}

size_t subscribers_count(const struct subscribers *subscribers)
{
	return pool_used(subscribers->pool);
}

static size_t bucket_of(const struct subscribers *subscribers, const struct peer *peer)
{
	/* Keyed: peers choose their ports themselves, and none may fill one bucket on purpose. */
	return siphash(&subscribers->key, peer, sizeof(*peer)) % BUCKETS;
}

struct subscriber *subscribers_find(struct subscribers *subscribers,
				    const struct peer *peer)
{
	struct subscriber *subscriber =
		subscribers->buckets[bucket_of(subscribers, peer)];

	while (subscriber && memcmp(&subscriber->peer, peer, sizeof(*peer)) != 0)
		subscriber = subscriber->next;
	return subscriber;
}

/* An interval may be much longer than a lease. */
static void set_timer(struct subscribers *subscribers, struct subscriber *subscriber,
		      uint64_t now_ns)
{
	uint64_t due_ns = subscriber->due_ns;

	if (subscriber->expires_ns > 0 && subscriber->expires_ns < due_ns)
		due_ns = subscriber->expires_ns;
	wheel_add(&subscribers->wheel, &subscriber->timer, now_ns, due_ns);
}

struct subscriber *subscribers_add(struct subscribers *subscribers,
				   const struct peer *peer, uint64_t now_ns)
{
	size_t bucket = bucket_of(subscribers, peer);
	struct subscriber *subscriber;

	if (pool_used(subscribers->pool) == SUBSCRIBERS_MAX)
		return NULL;
	subscriber = pool_get(subscribers->pool);
	if (!subscriber)
		return NULL;
	*subscriber = (struct subscriber){
		.peer = *peer,
		.next = subscribers->buckets[bucket],
		.due_ns = now_ns + subscribers->interval_ns,
	};
	subscribers->buckets[bucket] = subscriber;
	if (bucket < subscribers->first)
		subscribers->first = bucket;
	set_timer(subscribers, subscriber, now_ns);
	return subscriber;
}

void subscribers_remove(struct subscribers *subscribers, struct subscriber *subscriber)
{
	struct subscriber **link =
		&subscribers->buckets[bucket_of(subscribers, &subscriber->peer)];

	while (*link != subscriber)
		link = &(*link)->next;
	*link = subscriber->next;
	wheel_remove(&subscribers->wheel, &subscriber->timer);
	pool_put(subscribers->pool, subscriber);
}

struct subscriber *subscribers_due(struct subscribers *subscribers, uint64_t now_ns)
{
	struct wheel_entry *timer = wheel_expired(&subscribers->wheel, now_ns);

	if (!timer)
		return NULL;
	return (struct subscriber *)((char *)timer - offsetof(struct subscriber, timer));
}

/* No drift: an interval counts from when the last one was due, unless that is long ago. */
void subscribers_again(struct subscribers *subscribers, struct subscriber *subscriber,
		       uint64_t now_ns)
{
	subscriber->due_ns += subscribers->interval_ns;
	if (subscriber->due_ns <= now_ns)
		subscriber->due_ns = now_ns + subscribers->interval_ns;
	set_timer(subscribers, subscriber, now_ns);
}

void subscribers_lease(struct subscribers *subscribers, struct subscriber *subscriber,
		       uint64_t now_ns, uint64_t expires_ns)
{
	wheel_remove(&subscribers->wheel, &subscriber->timer);
	subscriber->expires_ns = expires_ns;
	set_timer(subscribers, subscriber, now_ns);
}

struct subscriber *subscribers_any(struct subscribers *subscribers)
{
	/* Only an addition moves it back: to empty all of them is one walk over the buckets. */
	for (; subscribers->first < BUCKETS; subscribers->first++)
		if (subscribers->buckets[subscribers->first])
			return subscribers->buckets[subscribers->first];
	return NULL;
}
