/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVER_LEASES_H
#define SERVER_LEASES_H

struct clients_count;
struct clients_orders;
struct clients_share;

/*
 * clients_run() for feeds over UDP: a socket each, which asks for a cookie, subscribes with
 * it for load->lease_s and renews that in time, until the orders say that it is over; then it
 * cancels. A server that is not heard of for a whole lease has ended the feed; one that
 * comes back before that goes on with it.
 */
int leases_run(const struct clients_share *share, struct clients_count *count,
	       const struct clients_orders *orders);

#endif
