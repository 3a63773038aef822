// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/stats.h"

#include <errno.h>
#include <jansson.h>

#include "lib/metainfo.h"
#include "lib/text.h"

/* The names in the line and in JSON. */
static const char *const NAMES[STAT_COUNT] = {
	[STAT_CONNS_OPEN] = "connections_open",
	[STAT_CONNS_ACCEPTED] = "connections_accepted",
	[STAT_CONNS_CLOSED] = "connections_closed",
	[STAT_CONNS_BROKEN] = "connections_broken",
	[STAT_CONNS_DROPPED] = "connections_dropped",
	[STAT_CONNS_REFUSED] = "connections_refused",
	[STAT_CONNS_UNCHECKED] = "connections_unchecked",
	[STAT_CONNS_IDLE] = "connections_idle",
	[STAT_UDP_PACKETS_IN] = "udp_packets_in",
	[STAT_UDP_PACKETS_OUT] = "udp_packets_out",
	[STAT_UDP_BYTES_IN] = "udp_bytes_in",
	[STAT_UDP_BYTES_OUT] = "udp_bytes_out",
	[STAT_UDP_OVERFLOWS] = "udp_overflows",
	[STAT_UDP_REFUSED] = "udp_refused",
	[STAT_UDP_ERRORS] = "udp_errors",
	[STAT_UDP_BURSTS_SPLIT] = "udp_bursts_split",
	[STAT_UDP_LIMITED] = "udp_limited",
	[STAT_SUBSCRIBERS] = "subscribers",
	[STAT_SUBSCRIPTIONS] = "subscriptions",
	[STAT_SUBSCRIPTIONS_REFUSED] = "subscriptions_refused",
	[STAT_SUBSCRIPTIONS_UNCHECKED] = "subscriptions_unchecked",
	[STAT_COOKIES_SENT] = "cookies_sent",
	[STAT_FRAMES_BAD] = "frames_bad",
	[STAT_TCP_BYTES_IN] = "tcp_bytes_in",
	[STAT_TCP_BYTES_OUT] = "tcp_bytes_out",
	[STAT_SENDS_DROPPED] = "sends_dropped",
	[STAT_SENDS_SHORT] = "sends_short",
	[STAT_SENDS_EPERM] = "sends_eperm",
	[STAT_ACCEPT_EMFILE] = "accept_emfile",
	[STAT_ACCEPT_ERRORS] = "accept_errors",
	[STAT_HTTP_REQUESTS] = "http_requests",
	[STAT_HTTP_ERRORS] = "http_errors",
	[STAT_CHUNKS_SENT] = "chunks_sent",
	[STAT_CHUNKS_LOST] = "chunks_lost",
	[STAT_MESSAGES_IN] = "messages_in",
	[STAT_MESSAGES_REFUSED] = "messages_refused",
	[STAT_MESSAGES_UNHEARD] = "messages_unheard",
	[STAT_MESSAGES_STALLED] = "messages_stalled",
	[STAT_MESSAGES_OUT] = "messages_out",
	[STAT_MESSAGES_LOST] = "messages_lost",
	[STAT_WORKER_RESTARTS] = "worker_restarts",
};

const char *stats_name(enum stats_counter counter)
{
	return NAMES[counter];
}

static char *format_text(const struct stats *stats, const struct stats_about *about)
{
	struct text text = { 0 };

	text_add(&text, "uptime_s=%.1f workers=%u", about->uptime_s, about->workers);
	for (unsigned i = 0; i < STAT_COUNT; i++)
		text_add(&text, " %s=%llu", NAMES[i],
			 (unsigned long long)stats->value[i]);
	if (!text_ok(&text))
		text_free(&text);
	return text.data;
}

/* json_integer() is signed; no counter lives long enough to notice. */
static int add_counters(const struct stats *stats, json_t *object)
{
	for (unsigned i = 0; i < STAT_COUNT; i++) {
		json_t *value = json_integer((json_int_t)stats->value[i]);

		if (json_object_set_new(object, NAMES[i], value) < 0)
			return -ENOMEM;
	}
	return 0;
}

static char *format_json(const struct stats *stats, const struct stats_about *about)
{
	json_t *object = metainfo_object(about->program);
	char *line = NULL;

	if (object &&
	    json_object_set_new(object, "uptime_seconds", json_real(about->uptime_s)) ==
		    0 &&
	    json_object_set_new(object, "workers", json_integer(about->workers)) == 0 &&
	    add_counters(stats, object) == 0)
		line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_decref(object);
	return line;
}

char *stats_line(const struct stats *stats, const struct stats_about *about, bool json)
{
	return json ? format_json(stats, about) : format_text(stats, about);
}
