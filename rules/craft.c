// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/craft.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum {
	ETHER_BYTES = 14,
	IP4_BYTES = 20,
	IP6_BYTES = 40,
	UDP_BYTES = 8,
	TCP_BYTES = 20,
	ICMP_BYTES = 8
};
enum { HOPS = 64, WINDOW = 65535 };

static void put16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static void put32(uint8_t *to, uint32_t value)
{
	put16(to, value >> 16);
	put16(to + 2, value);
}

static uint16_t get16(const uint8_t *from)
{
	return (uint16_t)(from[0] << 8 | from[1]);
}

static uint32_t get32(const uint8_t *from)
{
	return (uint32_t)get16(from) << 16 | get16(from + 2);
}

/* RFC 1071; sum is what was summed up before. */
static uint32_t add_up(const uint8_t *data, size_t bytes, uint32_t sum)
{
	for (size_t i = 0; i + 1 < bytes; i += 2)
		sum += get16(data + i);
	if (bytes % 2)
		sum += (uint32_t)data[bytes - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static size_t address_bytes(bool v6)
{
	return v6 ? 16 : 4;
}

/* Everything before the payload, which has that many bytes. Returns where that begins. */
static uint8_t *put_headers(const struct craft *packet, const uint8_t mac[6],
			    size_t bytes, uint8_t *frame)
{
	uint8_t *ip = frame + ETHER_BYTES;
	size_t size = address_bytes(packet->v6);

	memcpy(frame, mac, 6);
	/* A locally administered address. */
	memcpy(frame + 6, "\x02\0\0\0\0\x01", 6);
	put16(frame + 12, packet->v6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	if (packet->v6) {
		memset(ip, 0, IP6_BYTES);
		ip[0] = 0x60;
		put16(ip + 4, (uint32_t)bytes);
		ip[6] = packet->proto;
		ip[7] = HOPS;
		memcpy(ip + 8, packet->from.address, size);
		memcpy(ip + 24, packet->to.address, size);
		return ip + IP6_BYTES;
	}
	memset(ip, 0, IP4_BYTES);
	ip[0] = 0x45;
	put16(ip + 2, (uint32_t)(IP4_BYTES + bytes));
	ip[8] = HOPS;
	ip[9] = packet->proto;
	memcpy(ip + 12, packet->from.address, size);
	memcpy(ip + 16, packet->to.address, size);
	put16(ip + 10, ~add_up(ip, IP4_BYTES, 0));
	return ip + IP4_BYTES;
}

/* With the addresses, but for ICMP of IPv4. */
static uint16_t checksum(const struct craft *packet, const uint8_t *data, size_t bytes)
{
	size_t size = address_bytes(packet->v6);
	uint32_t sum = 0;

	if (packet->proto != IPPROTO_ICMP) {
		sum = add_up(packet->from.address, size, packet->proto + (uint32_t)bytes);
		sum = add_up(packet->to.address, size, sum);
	}
	sum = ~add_up(data, bytes, sum) & 0xffff;
	/* RFC 768: 0 would say that there is none. */
	return sum || packet->proto != IPPROTO_UDP ? (uint16_t)sum : 0xffff;
}

size_t craft_write(const struct craft *packet, const uint8_t mac[6],
		   uint8_t frame[CRAFT_BYTES_MAX])
{
	bool tcp = packet->proto == IPPROTO_TCP;
	size_t head = tcp ? TCP_BYTES : UDP_BYTES, bytes = head + packet->bytes;
	uint8_t *at = put_headers(packet, mac, bytes, frame);

	memset(at, 0, head);
	put16(at, packet->from.port);
	put16(at + 2, packet->to.port);
	if (tcp) {
		put32(at + 4, packet->seq);
		put32(at + 8, packet->ack);
		at[12] = TCP_BYTES / 4 << 4;
		at[13] = packet->flags;
		put16(at + 14, WINDOW);
	} else {
		put16(at + 4, (uint32_t)bytes);
	}
	memcpy(at + head, packet->data, packet->bytes);
	put16(at + (tcp ? 16 : 6), checksum(packet, at, bytes));
	return (size_t)(at - frame) + bytes;
}

/* Of the packet that an error is about, this much is quoted. */
enum { QUOTED_BYTES_MAX = 128 };

size_t craft_error(const uint8_t *quoted, size_t bytes, const struct craft *error,
		   uint16_t mtu, const uint8_t mac[6], uint8_t frame[CRAFT_BYTES_MAX])
{
	size_t about = bytes < ETHER_BYTES + IP4_BYTES ? 0 : bytes - ETHER_BYTES;
	uint8_t *at;

	if (!about)
		return 0;
	if (about > QUOTED_BYTES_MAX)
		about = QUOTED_BYTES_MAX;
	at = put_headers(error, mac, ICMP_BYTES + about, frame);
	memset(at, 0, ICMP_BYTES);
	at[0] = error->type;
	at[1] = error->code;
	/* IPv4 has it in the lower half (RFC 1191), IPv6 in the whole (RFC 4443). */
	put32(at + 4, mtu);
	memcpy(at + ICMP_BYTES, quoted + ETHER_BYTES, about);
	put16(at + 2, checksum(error, at, ICMP_BYTES + about));
	return (size_t)(at - frame) + ICMP_BYTES + about;
}

static bool read_transport(const uint8_t *at, size_t bytes, struct craft *out)
{
	size_t head = UDP_BYTES;

	if (bytes < UDP_BYTES)
		return false;
	if (out->proto == IPPROTO_ICMP || out->proto == IPPROTO_ICMPV6) {
		out->type = at[0];
		out->code = at[1];
		return true;
	}
	out->from.port = get16(at);
	out->to.port = get16(at + 2);
	if (out->proto == IPPROTO_TCP) {
		if (bytes < TCP_BYTES)
			return false;
		out->seq = get32(at + 4);
		out->ack = get32(at + 8);
		out->flags = at[13];
		head = (size_t)(at[12] >> 4) * 4;
	} else if (out->proto != IPPROTO_UDP) {
		return false;
	}
	if (head > bytes)
		return false;
	out->bytes = bytes - head < CRAFT_DATA_MAX ? bytes - head : CRAFT_DATA_MAX;
	memcpy(out->data, at + head, out->bytes);
	return true;
}

bool craft_read(const uint8_t *frame, size_t bytes, struct craft *out)
{
	const uint8_t *ip = frame + ETHER_BYTES;
	uint16_t type = bytes < ETHER_BYTES ? 0 : get16(frame + 12);
	size_t head, size;

	*out = (struct craft){ .v6 = type == ETHERTYPE_IPV6 };
	if (type != ETHERTYPE_IPV6 && type != ETHERTYPE_IP)
		return false;
	bytes -= ETHER_BYTES;
	if (bytes < (out->v6 ? IP6_BYTES : IP4_BYTES))
		return false;
	head = out->v6 ? IP6_BYTES : (size_t)(ip[0] & 15) * 4;
	size = out->v6 ? IP6_BYTES + (size_t)get16(ip + 4) : get16(ip + 2);
	if (head < IP4_BYTES || size < head || size > bytes)
		return false;
	out->proto = out->v6 ? ip[6] : ip[9];
	memcpy(out->from.address, ip + (out->v6 ? 8 : 12), address_bytes(out->v6));
	memcpy(out->to.address, ip + (out->v6 ? 24 : 16), address_bytes(out->v6));
	return read_transport(ip + head, size - head, out);
}

static const char *kind_of(const struct craft *packet)
{
	if (packet->proto == IPPROTO_UDP)
		return "a UDP datagram";
	if (packet->flags & CRAFT_RST)
		return "a TCP reset";
	if (packet->flags & CRAFT_SYN)
		return packet->flags & CRAFT_ACK ? "a TCP SYN-ACK" : "a TCP SYN";
	return packet->bytes ? "TCP data" : NULL;
}

/* Those that differ most in what they mean: RFC 792, RFC 4443. */
static const char *error_name(bool v6, uint8_t type, uint8_t code)
{
	static const char *const UNREACHABLE4[] = {
		"network unreachable", "host unreachable", "protocol unreachable",
		"port unreachable", "fragmentation needed"
	};
	static const char *const UNREACHABLE6[] = { "no route", "prohibited",
						    "beyond scope", "address unreachable",
						    "port unreachable" };

	if (v6 ? type == 2 : type == 4)
		return v6 ? "packet too big" : "source quench";
	if (type == (v6 ? 3 : 11))
		return "time exceeded";
	if (type == (v6 ? 4 : 12))
		return "parameter problem";
	if (type != (v6 ? 1 : 3))
		return "error";
	/* Both lists are as long. */
	if (code >= sizeof(UNREACHABLE4) / sizeof(UNREACHABLE4[0]))
		return "prohibited";
	return v6 ? UNREACHABLE6[code] : UNREACHABLE4[code];
}

void craft_error_text(bool v6, uint8_t type, uint8_t code, char text[CRAFT_TEXT_MAX])
{
	snprintf(text, CRAFT_TEXT_MAX, "the ICMP error \"%s\" (%u/%u)",
		 error_name(v6, type, code), type, code);
}

void craft_end_text(const struct craft_end *end, bool v6, char text[CRAFT_TEXT_MAX])
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(v6 ? AF_INET6 : AF_INET, end->address, address, sizeof(address));
	snprintf(text, CRAFT_TEXT_MAX, v6 ? "[%s]:%u" : "%s:%u", address, end->port);
}

bool craft_is_error(const struct craft *packet)
{
	/* The others come by themselves, such as those about neighbours. */
	if (packet->proto != IPPROTO_ICMP && packet->proto != IPPROTO_ICMPV6)
		return false;
	return packet->v6 ? packet->type <= 4 : packet->type == 3 || packet->type >= 11;
}

void craft_text(const struct craft *packet, char text[CRAFT_TEXT_MAX])
{
	int family = packet->v6 ? AF_INET6 : AF_INET;
	char from[CRAFT_TEXT_MAX], to[CRAFT_TEXT_MAX], what[CRAFT_TEXT_MAX];
	const char *kind = what;

	text[0] = '\0';
	if (craft_is_error(packet)) {
		inet_ntop(family, packet->from.address, from, sizeof(from));
		inet_ntop(family, packet->to.address, to, sizeof(to));
		craft_error_text(packet->v6, packet->type, packet->code, what);
	} else if (packet->proto == IPPROTO_TCP || packet->proto == IPPROTO_UDP) {
		craft_end_text(&packet->from, packet->v6, from);
		craft_end_text(&packet->to, packet->v6, to);
		kind = kind_of(packet);
	} else {
		return;
	}
	if (kind)
		snprintf(text, CRAFT_TEXT_MAX, "%.48s sends %.50s to %.48s", from, kind,
			 to);
}
