// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/exposition.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/metrics.h"
#include "lib/text.h"
#include "server/stats.h"

enum { NAME_BYTES = 100 };

/* What a counter is called where the unit comes last, and what it means. */
struct family {
	const char *name; /* without ctkit_serve_ and _total; NULL: as in the line */
	const char *help;
};

static const struct family FAMILIES[STAT_COUNT] = {
	[STAT_CONNS_OPEN] = { NULL, "TCP connections that are open." },
	[STAT_CONNS_ACCEPTED] = { NULL, "TCP connections that were accepted." },
	[STAT_CONNS_CLOSED] = { NULL, "TCP connections that are closed again." },
	[STAT_CONNS_BROKEN] = { NULL, "TCP connections that ended with an error." },
	[STAT_CONNS_DROPPED] = { NULL, "TCP connections closed for want of memory or a "
				       "client that reads." },
	[STAT_CONNS_REFUSED] = { NULL, "TCP connections reset as their source has as "
				       "many as it may." },
	[STAT_CONNS_UNCHECKED] = { NULL, "TCP connections admitted without being counted "
					 "by source, as the table was full." },
	[STAT_CONNS_IDLE] = { NULL, "TCP connections closed since nothing came." },
	[STAT_UDP_PACKETS_IN] = { "udp_received_packets", "Datagrams received." },
	[STAT_UDP_PACKETS_OUT] = { "udp_sent_packets", "Datagrams sent." },
	[STAT_UDP_BYTES_IN] = { "udp_received_bytes", "Bytes in datagrams received." },
	[STAT_UDP_BYTES_OUT] = { "udp_sent_bytes", "Bytes in datagrams sent." },
	[STAT_UDP_OVERFLOWS] = { NULL, "Datagrams that the kernel dropped, mostly since "
				       "a receive buffer was full." },
	[STAT_UDP_REFUSED] = { NULL,
			       "Datagrams that an echo did not answer on purpose." },
	[STAT_UDP_BURSTS_SPLIT] = { NULL, "Bursts that were sent as single datagrams." },
	[STAT_UDP_LIMITED] = { NULL, "Datagrams not answered as their source sends more "
				     "than it may." },
	[STAT_SUBSCRIBERS] = { NULL, "Feeds over UDP that have a lease." },
	[STAT_SUBSCRIPTIONS] = { NULL, "Feeds over UDP that were begun." },
	[STAT_SUBSCRIPTIONS_REFUSED] = { NULL, "Feeds over UDP refused as there are too "
					       "many." },
	[STAT_SUBSCRIPTIONS_UNCHECKED] = { NULL, "Feeds over UDP begun without being "
						 "counted for --per-source." },
	[STAT_COOKIES_SENT] = { NULL, "Cookies sent to clients of feeds over UDP." },
	[STAT_FRAMES_BAD] = { NULL, "Datagrams to feeds that are no frame." },
	[STAT_MESSAGES_IN] = { NULL, "Messages read from the publish socket." },
	[STAT_MESSAGES_REFUSED] = { NULL, "Datagrams there that are no message." },
	[STAT_MESSAGES_UNHEARD] = { NULL, "Messages to an id that no feed has." },
	[STAT_MESSAGES_STALLED] = { NULL, "Messages that a worker that hangs did not "
					  "get." },
	[STAT_MESSAGES_OUT] = { NULL, "Messages given to feeds." },
	[STAT_MESSAGES_LOST] = { NULL, "Messages dropped since the client does not "
				       "read." },
	[STAT_UDP_ERRORS] = { NULL, "Failures to receive datagrams." },
	[STAT_TCP_BYTES_IN] = { "tcp_received_bytes", "Bytes received over TCP." },
	[STAT_TCP_BYTES_OUT] = { "tcp_sent_bytes", "Bytes sent over TCP." },
	[STAT_SENDS_DROPPED] = { NULL, "Datagrams that could not be sent, EPERM apart." },
	[STAT_SENDS_SHORT] = { NULL, "Times that the kernel took only a part." },
	[STAT_SENDS_EPERM] = { NULL, "Datagrams not permitted: conntrack table full "
				     "or an output rule." },
	[STAT_ACCEPT_EMFILE] = { NULL, "Times that a connection had to wait for a "
				       "descriptor or memory." },
	[STAT_ACCEPT_ERRORS] = { NULL, "Connections that failed before they were "
				       "accepted." },
	[STAT_HTTP_REQUESTS] = { NULL, "Requests whose head was complete." },
	[STAT_HTTP_ERRORS] = { NULL, "Answers that were not 200." },
	[STAT_CHUNKS_SENT] = { NULL, "Chunks of feeds that the kernel took, or will." },
	[STAT_CHUNKS_LOST] = { NULL, "Chunks skipped since the client does not read." },
	[STAT_WORKER_RESTARTS] = { NULL, "Workers that died and were replaced." },
};

/* A counter that has no row is there all the same. */
static void add(struct text *text, enum stats_counter counter, uint64_t value)
{
	const struct family *family = &FAMILIES[counter];
	bool falls = counter == STAT_CONNS_OPEN || counter == STAT_SUBSCRIBERS;
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), "ctkit_serve_%s%s",
		 family->name ? family->name : stats_name(counter),
		 falls ? "" : "_total");
	metrics_family(text, name, falls ? METRICS_GAUGE : METRICS_COUNTER,
		       family->help ? family->help : "See ctserve(8).");
	metrics_integer(text, name, NULL, value);
}

void exposition_add(const struct stats *stats, struct text *text)
{
	for (unsigned i = 0; i < STAT_COUNT; i++)
		add(text, i, stats->value[i]);
}
