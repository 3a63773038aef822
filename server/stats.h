/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_STATS_H
#define SERVER_STATS_H

#include <stdbool.h>
#include <stdint.h>

/* What a ctserve counts; ctserve(8) says what each one means. */
enum stats_counter {
	STAT_CONNS_OPEN, /* also falls */
	STAT_CONNS_ACCEPTED,
	STAT_CONNS_CLOSED,
	STAT_CONNS_BROKEN,
	STAT_CONNS_DROPPED,
	STAT_CONNS_REFUSED,
	STAT_CONNS_UNCHECKED,
	STAT_CONNS_IDLE,
	STAT_UDP_PACKETS_IN,
	STAT_UDP_PACKETS_OUT,
	STAT_UDP_BYTES_IN,
	STAT_UDP_BYTES_OUT,
	STAT_UDP_OVERFLOWS,
	STAT_UDP_REFUSED,
	STAT_UDP_ERRORS,
	STAT_UDP_BURSTS_SPLIT,
	STAT_UDP_LIMITED,
	STAT_SUBSCRIBERS, /* also falls */
	STAT_SUBSCRIPTIONS,
	STAT_SUBSCRIPTIONS_REFUSED,
	STAT_SUBSCRIPTIONS_UNCHECKED,
	STAT_COOKIES_SENT,
	STAT_FRAMES_BAD,
	STAT_TCP_BYTES_IN,
	STAT_TCP_BYTES_OUT,
	STAT_SENDS_DROPPED,
	STAT_SENDS_SHORT,
	STAT_SENDS_EPERM,
	STAT_ACCEPT_EMFILE,
	STAT_ACCEPT_ERRORS,
	STAT_HTTP_REQUESTS,
	STAT_HTTP_ERRORS,
	STAT_CHUNKS_SENT,
	STAT_CHUNKS_LOST,
	STAT_MESSAGES_IN,
	STAT_MESSAGES_REFUSED,
	STAT_MESSAGES_UNHEARD,
	STAT_MESSAGES_STALLED,
	STAT_MESSAGES_OUT,
	STAT_MESSAGES_LOST,
	STAT_WORKER_RESTARTS,
	STAT_COUNT,
};

/* One writer; readers in other processes may see it at any time. */
struct stats {
	uint64_t value[STAT_COUNT];
} __attribute__((aligned(64)));

/* Adds to a counter; only its own process does. */
static inline void stats_add(struct stats *stats, enum stats_counter counter,
			     uint64_t count)
{
	uint64_t old = __atomic_load_n(&stats->value[counter], __ATOMIC_RELAXED);

	__atomic_store_n(&stats->value[counter], old + count, __ATOMIC_RELAXED);
}

/* The same for what is open, when one has gone. */
static inline void stats_drop(struct stats *stats, enum stats_counter counter,
			      uint64_t count)
{
	stats_add(stats, counter, -count);
}

/* One value, of any process. */
static inline uint64_t stats_get(const struct stats *stats, enum stats_counter counter)
{
	return __atomic_load_n(&stats->value[counter], __ATOMIC_RELAXED);
}

/* The name of a counter in the line and in JSON. */
const char *stats_name(enum stats_counter counter);

/* What a line of counters says besides them. */
struct stats_about {
	const char *program;
	double uptime_s;
	unsigned workers;
};

/* A line of counters, as text or a JSON object, without a newline; the caller frees it. NULL: no memory. */
char *stats_line(const struct stats *stats, const struct stats_about *about, bool json);

#endif
