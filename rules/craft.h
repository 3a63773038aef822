/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RULES_CRAFT_H
#define RULES_CRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Packets as they are on a cable: Ethernet, IPv4 or IPv6, and UDP, TCP or an error of ICMP. Pure. */

enum { CRAFT_BYTES_MAX = 512, CRAFT_DATA_MAX = 64, CRAFT_TEXT_MAX = 160 };

/* Bits of TCP's flags. */
enum { CRAFT_FIN = 1, CRAFT_SYN = 2, CRAFT_RST = 4, CRAFT_ACK = 16 };

/* An end of a conversation. IPv4 addresses are in the first four bytes. */
struct craft_end {
	uint8_t address[16];
	uint16_t port; /* host byte order */
};

struct craft {
	bool v6;
	uint8_t proto; /* IPPROTO_ */
	struct craft_end from, to;
	uint8_t flags; /* TCP */
	uint32_t seq, ack;
	uint8_t type, code; /* ICMP */
	size_t bytes;       /* of data */
	char data[CRAFT_DATA_MAX];
};

/* Writes the frame of a UDP or TCP packet to the interface with that MAC; returns its size. */
size_t craft_write(const struct craft *packet, const uint8_t mac[6],
		   uint8_t frame[CRAFT_BYTES_MAX]);

/*
 * Writes the frame of an error about the packet that quoted is the frame of, from the host "from"; mtu
 * is only for those that have one. Returns its size; 0 if quoted is no packet.
 */
size_t craft_error(const uint8_t *quoted, size_t bytes, const struct craft *error,
		   uint16_t mtu, const uint8_t mac[6], uint8_t frame[CRAFT_BYTES_MAX]);

/* Reads a frame; false if it is none of these, or cut off. Data are cut to CRAFT_DATA_MAX. */
bool craft_read(const uint8_t *frame, size_t bytes, struct craft *out);

/* Whether it is an error of ICMP, about another packet. */
bool craft_is_error(const struct craft *packet);

/* "the ICMP error "port unreachable" (3/3)". */
void craft_error_text(bool v6, uint8_t type, uint8_t code, char text[CRAFT_TEXT_MAX]);

/* "192.0.2.1:53", "[2001:db8::1]:53". */
void craft_end_text(const struct craft_end *end, bool v6, char text[CRAFT_TEXT_MAX]);

/*
 * "192.0.2.1:53 sends a UDP datagram to 192.0.2.2:9000": what of a packet is the same each time; "" of
 * mere ACKs, and of what is none of a conversation.
 */
void craft_text(const struct craft *packet, char text[CRAFT_TEXT_MAX]);

#endif
