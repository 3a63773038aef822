/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_INTERFACE_H
#define RULES_INTERFACE_H

#include "rules/packet.h"

struct world;

/* The symbols of a packet's interface: for packet_symbol(). Pure. */

/* Of its name, padded to 16 bytes: PACKET_IN_NAME, PACKET_OUT_NAME or PACKET_DEVICE_NAME. */
unsigned interface_name(const struct packet *packet, struct world *world,
			enum packet_field field);

/* Of its number: PACKET_IN_INDEX, PACKET_OUT_INDEX or PACKET_DEVICE_INDEX. */
unsigned interface_index(const struct packet *packet, struct world *world,
			 enum packet_field field);

#endif
