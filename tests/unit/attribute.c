// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>

#include "conntrack/attribute.h"
#include "conntrack/attribute_name.h"
#include "conntrack/host.h"

static uint8_t parse(const char *text, union flow_address *out)
{
	uint8_t family = strchr(text, ':') ? AF_INET6 : AF_INET;

	assert_int_equal(inet_pton(family, text, out), 1);
	return family;
}

/* A listener at address, or, NULL, at any of both families. */
static void listen_at(struct host *host, uint8_t proto, const char *address,
		      uint16_t port, uint64_t inode)
{
	struct host_listener listener = {
		.proto = proto, .port = port, .inode = inode, .any = !address
	};

	if (address)
		listener.family = parse(address, &listener.address);
	host_add_listener(host, &listener);
}

/*
 * A host with the addresses 192.0.2.1 (in 192.0.2.0/24), 10.0.0.1 and 2001:db8::1 that serves udp/9000 and tcp/8080 anywhere,
 * udp/53 at 192.0.2.1 and at 127.0.0.53, tcp/443 at its IPv6 address, and udp/5353 by one
 * socket at 192.0.2.1 and by another anywhere else.
 */
static int make_host(void **state)
{
	static const char *const ADDRESSES[] = { "192.0.2.1", "2001:db8::1", "10.0.0.1",
						 "192.0.2.255" };
	struct host *host = calloc(1, sizeof(*host));

	if (!host)
		return -1;
	for (size_t i = 0; i < 4; i++) {
		struct address_prefix address = { .shared = i == 3 };

		address.family = parse(ADDRESSES[i], &address.address);
		address.bits = address.family == AF_INET ? 32 : 128;
		addresses_add(&host->addresses, &address);
	}
	listen_at(host, IPPROTO_UDP, NULL, 9000, 1);
	listen_at(host, IPPROTO_TCP, NULL, 8080, 2);
	listen_at(host, IPPROTO_UDP, "192.0.2.1", 53, 3);
	listen_at(host, IPPROTO_UDP, "127.0.0.53", 53, 4);
	listen_at(host, IPPROTO_TCP, "2001:db8::1", 443, 5);
	listen_at(host, IPPROTO_UDP, NULL, 5353, 6);
	listen_at(host, IPPROTO_UDP, "192.0.2.1", 5353, 7);
	host_ready(host);
	*state = host;
	return 0;
}

static int free_host(void **state)
{
	free(*state);
	return 0;
}

static struct flow flow_between(uint8_t proto, const char *src, uint16_t src_port,
				const char *dst, uint16_t dst_port)
{
	struct flow flow = { .proto = proto };

	flow.family = parse(src, &flow.orig.src);
	parse(dst, &flow.orig.dst);
	flow.orig.src_port = src_port;
	flow.orig.dst_port = dst_port;
	flow.reply = (struct flow_tuple){ .src = flow.orig.dst,
					  .dst = flow.orig.src,
					  .src_port = dst_port,
					  .dst_port = src_port };
	return flow;
}

static void assert_service(const struct host *host, const struct flow *flow,
			   const char *direction, const char *name, uint64_t inode)
{
	struct attribute_key key;
	char text[ATTRIBUTE_NAME_MAX];
	uint64_t found = 99;

	assert_true(attribute_service(host, flow, &key, &found));
	attribute_name(&key, text);
	assert_string_equal(text, name);
	assert_string_equal(attribute_direction(&key), direction);
	assert_int_equal(found, inode);
}

static void assert_name(const struct attribute_key *key, const char *name)
{
	char text[ATTRIBUTE_NAME_MAX];

	attribute_name(key, text);
	assert_string_equal(text, name);
}

static void a_flow_to_a_listening_socket_is_that_socket_s(void **state)
{
	struct flow flow =
		flow_between(IPPROTO_UDP, "198.51.100.7", 4000, "192.0.2.1", 9000);

	assert_service(*state, &flow, "in", "udp/9000", 1);
	flow = flow_between(IPPROTO_UDP, "198.51.100.7", 4000, "192.0.2.1", 53);
	assert_service(*state, &flow, "in", "udp/192.0.2.1:53", 3);
	flow = flow_between(IPPROTO_UDP, "198.51.100.7", 4000, "192.0.2.1", 5353);
	assert_service(*state, &flow, "in", "udp/192.0.2.1:5353", 7);
	flow = flow_between(IPPROTO_UDP, "198.51.100.7", 4000, "10.0.0.1", 5353);
	assert_service(*state, &flow, "in", "udp/5353", 6);
	flow = flow_between(IPPROTO_TCP, "2001:db8::77", 40000, "2001:db8::1", 443);
	assert_service(*state, &flow, "in", "tcp/[2001:db8::1]:443", 5);
	flow = flow_between(IPPROTO_TCP, "2001:db8::77", 40000, "2001:db8::1", 8080);
	assert_service(*state, &flow, "in", "tcp/8080", 2);
}

static void a_loopback_flow_belongs_to_the_listener(void **state)
{
	struct flow flow =
		flow_between(IPPROTO_UDP, "127.0.0.1", 4000, "127.0.0.1", 9000);

	assert_service(*state, &flow, "in", "udp/9000", 1);
	flow = flow_between(IPPROTO_UDP, "127.0.0.1", 4000, "127.0.0.53", 53);
	assert_service(*state, &flow, "in", "udp/127.0.0.53:53", 4);
	flow = flow_between(IPPROTO_TCP, "::1", 50000, "::1", 8080);
	assert_service(*state, &flow, "in", "tcp/8080", 2);
}

static void a_flow_that_the_host_opens_is_the_remote_port_s(void **state)
{
	struct flow flow =
		flow_between(IPPROTO_UDP, "192.0.2.1", 41000, "198.51.100.53", 53);

	assert_service(*state, &flow, "out", "out:udp/53", 0);
	/* Also where the source port is one that it listens at. */
	flow = flow_between(IPPROTO_UDP, "192.0.2.1", 9000, "198.51.100.53", 9000);
	assert_service(*state, &flow, "out", "out:udp/9000", 0);
}

static void what_comes_for_all_is_the_listener_s(void **state)
{
	static const char *const TO[] = { "224.0.0.251", "255.255.255.255",
					  "192.0.2.255" };
	struct flow flow;

	for (size_t i = 0; i < 3; i++) {
		flow = flow_between(IPPROTO_UDP, "192.0.2.7", 40000, TO[i], 5353);
		assert_service(*state, &flow, "in", "udp/5353", 6);
		/* Nobody listens, but somebody else's broadcast still gets an entry here. */
		flow = flow_between(IPPROTO_UDP, "0.0.0.0", 68, TO[i], 67);
		assert_service(*state, &flow, "in", "udp/67", 0);
		/* What this host sends to all, it has opened. */
		flow = flow_between(IPPROTO_UDP, "192.0.2.1", 5353, TO[i], 5353);
		assert_service(*state, &flow, "out", "out:udp/5353", 0);
	}
	flow = flow_between(IPPROTO_UDP, "fe80::7", 40000, "ff02::fb", 5353);
	assert_service(*state, &flow, "in", "udp/5353", 6);
	/* A broadcast of some other network is on its way there. */
	flow = flow_between(IPPROTO_UDP, "192.0.2.7", 40000, "198.51.100.255", 5353);
	assert_service(*state, &flow, "forward", "udp/5353", 0);
}

static void a_forwarded_flow_is_the_far_port_s(void **state)
{
	struct flow flow =
		flow_between(IPPROTO_TCP, "10.9.0.5", 40000, "198.51.100.1", 8080);

	assert_service(*state, &flow, "forward", "tcp/8080", 0);
	/* A reply that made an entry of its own. */
	flow = flow_between(IPPROTO_UDP, "198.51.100.1", 53, "10.9.0.5", 41174);
	assert_service(*state, &flow, "forward", "udp/53", 0);
	/* Who asks from such a port may well be behind another router. */
	flow = flow_between(IPPROTO_UDP, "10.9.0.5", 9100, "198.51.100.1", 51820);
	assert_service(*state, &flow, "forward", "udp/51820", 0);
}

/* A client whose port is one that others listen at, and a service at a port that others are given. */
static void tcp_that_was_seen_from_its_first_packet_is_as_it_was_opened(void **state)
{
	struct flow flow =
		flow_between(IPPROTO_TCP, "192.0.2.1", 25600, "198.51.100.7", 40000);
	struct attribute_keys keys;

	flow.handshake = true;
	assert_service(*state, &flow, "out", "out:tcp/40000", 0);
	attribute_keys(*state, &flow, &keys);
	assert_name(&keys.source, "192.0.2.0/24");
	assert_int_equal(keys.socket.state, HOLDER_OUTBOUND);
	/* Also where it listens at its own port. */
	flow = flow_between(IPPROTO_TCP, "192.0.2.1", 8080, "198.51.100.7", 40000);
	flow.handshake = true;
	assert_service(*state, &flow, "out", "out:tcp/40000", 0);
	flow = flow_between(IPPROTO_TCP, "10.9.0.5", 2000, "198.51.100.1", 40000);
	flow.handshake = true;
	assert_service(*state, &flow, "forward", "tcp/40000", 0);
}

static void what_rules_send_elsewhere_is_a_question(void **state)
{
	static const uint8_t PROTOS[] = { IPPROTO_TCP, IPPROTO_UDP };

	for (size_t i = 0; i < 2; i++) {
		struct flow flow =
			flow_between(PROTOS[i], "198.51.100.7", 700, "192.0.2.1", 32768);

		parse("10.5.5.5", &flow.reply.src);
		flow.reply.src_port = 80;
		flow.status = IPS_DST_NAT;
		assert_service(*state, &flow, "forward", i ? "udp/32768" : "tcp/32768",
			       0);
	}
}

static void tcp_picked_up_the_wrong_way_round_is_the_right_service_s(void **state)
{
	struct flow flow =
		flow_between(IPPROTO_TCP, "192.0.2.1", 8080, "198.51.100.7", 38760);

	assert_service(*state, &flow, "in", "tcp/8080", 2);
	/* Even if the client's port is an unusual one: the listener decides. */
	flow = flow_between(IPPROTO_TCP, "192.0.2.1", 8080, "198.51.100.7", 1234);
	assert_service(*state, &flow, "in", "tcp/8080", 2);
	/* An answer to a connection that this host had opened. */
	flow = flow_between(IPPROTO_TCP, "198.51.100.7", 443, "192.0.2.1", 45000);
	assert_service(*state, &flow, "out", "out:tcp/443", 0);
}

static void a_translated_flow_is_the_real_destination_s(void **state)
{
	struct flow flow =
		flow_between(IPPROTO_TCP, "198.51.100.7", 40000, "192.0.2.1", 80);

	/* Redirected to a listener here. */
	flow.reply.src_port = 8080;
	assert_service(*state, &flow, "in", "tcp/8080", 2);
	/* Sent on to a backend: a port that nobody here listens at. */
	flow = flow_between(IPPROTO_TCP, "198.51.100.7", 40000, "192.0.2.1", 8080);
	parse("10.5.5.5", &flow.reply.src);
	assert_service(*state, &flow, "forward", "tcp/8080", 0);
	/* Whatever port the backend has: the one that was asked for is the service. */
	flow.reply.src_port = 80;
	assert_service(*state, &flow, "forward", "tcp/8080", 0);
	/* A flow whose source is masqueraded as this host's is still not its own. */
	flow = flow_between(IPPROTO_UDP, "10.9.0.5", 40000, "198.51.100.1", 53);
	parse("192.0.2.1", &flow.reply.dst);
	assert_service(*state, &flow, "forward", "udp/53", 0);
	/* A port of this host that a local client was sent to instead of a remote one. */
	flow = flow_between(IPPROTO_TCP, "192.0.2.1", 40000, "198.51.100.1", 80);
	parse("127.0.0.1", &flow.reply.src);
	flow.reply.src_port = 8080;
	assert_service(*state, &flow, "in", "tcp/8080", 2);
}

static void a_port_without_a_listener_is_still_a_port_of_this_host(void **state)
{
	struct flow flow =
		flow_between(IPPROTO_UDP, "198.51.100.7", 4000, "192.0.2.1", 7777);

	assert_service(*state, &flow, "in", "udp/7777", 0);
}

static void protocols_without_ports_fit_no_service(void **state)
{
	struct flow flow = flow_between(IPPROTO_ICMP, "198.51.100.7", 0, "192.0.2.1", 0);
	struct attribute_key key;
	uint64_t inode;

	assert_false(attribute_service(*state, &flow, &key, &inode));
}

static void sources_are_networks_and_states_have_names(void **state)
{
	struct flow flow = flow_between(IPPROTO_TCP, "10.8.3.77", 4000, "192.0.2.1", 53);
	struct attribute_keys keys;

	flow.tcp_state = TCP_CONNTRACK_TIME_WAIT;
	attribute_keys(*state, &flow, &keys);
	assert_name(&keys.source, "10.8.3.0/24");
	assert_name(&keys.state, "tcp time-wait");
	flow.tcp_state = 250;
	attribute_keys(*state, &flow, &keys);
	assert_name(&keys.state, "tcp unknown");
	flow = flow_between(IPPROTO_UDP, "2001:db8:1:2:3::4", 1, "2001:db8::1", 2);
	attribute_keys(*state, &flow, &keys);
	assert_name(&keys.source, "2001:db8:1:2::/64");
	assert_name(&keys.state, "udp unreplied");
	flow = flow_between(IPPROTO_ICMPV6, "2001:db8:1:2:3::4", 0, "2001:db8::1", 0);
	flow.status = IPS_SEEN_REPLY;
	attribute_keys(*state, &flow, &keys);
	assert_false(keys.has_service);
	assert_name(&keys.state, "icmpv6 replied");
	flow.proto = 253;
	flow.status |= IPS_ASSURED;
	attribute_keys(*state, &flow, &keys);
	assert_name(&keys.state, "protocol 253 assured");
}

/* An entry that an answer made: who opened the flow is at its other end. */
static void the_source_of_a_reversed_flow_is_the_client(void **state)
{
	struct flow flow =
		flow_between(IPPROTO_TCP, "192.0.2.1", 8080, "198.51.100.7", 38760);
	struct attribute_keys keys;

	attribute_keys(*state, &flow, &keys);
	assert_name(&keys.source, "198.51.100.0/24");
	/* UDP, from a socket that listens to a port that only clients have. */
	flow = flow_between(IPPROTO_UDP, "192.0.2.1", 9000, "10.20.30.40", 45000);
	attribute_keys(*state, &flow, &keys);
	assert_name(&keys.service, "udp/9000");
	assert_name(&keys.source, "10.20.30.0/24");
	/* An answer to a connection that this host had opened. */
	flow = flow_between(IPPROTO_TCP, "198.51.100.7", 443, "192.0.2.1", 45000);
	attribute_keys(*state, &flow, &keys);
	assert_name(&keys.source, "192.0.2.0/24");
	/* Forwarded: the answer of a backend. */
	flow = flow_between(IPPROTO_UDP, "198.51.100.1", 53, "10.9.0.5", 41174);
	attribute_keys(*state, &flow, &keys);
	assert_name(&keys.source, "10.9.0.0/24");
}

static void assert_socket(const struct host *host, const struct flow *flow,
			  enum attribute_holder holder, uint64_t inode)
{
	struct attribute_keys keys;
	uint64_t found;

	attribute_keys(host, flow, &keys);
	assert_int_equal(keys.socket.state, holder);
	memcpy(&found, &keys.socket.address, sizeof(found));
	assert_int_equal(found, inode);
}

static void a_flow_is_of_a_socket_or_it_is_told_why_not(void **state)
{
	struct flow flow =
		flow_between(IPPROTO_UDP, "198.51.100.7", 4000, "192.0.2.1", 9000);

	assert_socket(*state, &flow, HOLDER_PROCESS, 1);
	flow = flow_between(IPPROTO_UDP, "198.51.100.7", 4000, "192.0.2.1", 7777);
	assert_socket(*state, &flow, HOLDER_NONE, 0);
	flow = flow_between(IPPROTO_TCP, "192.0.2.1", 41000, "198.51.100.53", 53);
	assert_socket(*state, &flow, HOLDER_OUTBOUND, 0);
	/* A UDP socket that asks, and is not connected, is known too. */
	flow = flow_between(IPPROTO_UDP, "192.0.2.1", 9000, "198.51.100.53", 53);
	assert_socket(*state, &flow, HOLDER_PROCESS, 1);
	flow = flow_between(IPPROTO_TCP, "10.9.0.5", 40000, "198.51.100.1", 8080);
	assert_socket(*state, &flow, HOLDER_FORWARDED, 0);
	flow = flow_between(IPPROTO_ICMP, "198.51.100.7", 0, "192.0.2.1", 0);
	assert_socket(*state, &flow, HOLDER_NONE, 0);
}

static void where_listeners_were_left_out_nobody_says_that_there_is_none(void **state)
{
	struct flow flow =
		flow_between(IPPROTO_UDP, "198.51.100.7", 4000, "192.0.2.1", 7777);
	struct host *host = *state;

	host->left_out = 1;
	assert_int_equal(host_left_out(host), 1);
	assert_socket(host, &flow, HOLDER_UNKNOWN, 0);
	host->left_out = 0;
	host->addresses.left_out = 2;
	assert_int_equal(host_left_out(host), 2);
	assert_socket(host, &flow, HOLDER_UNKNOWN, 0);
	flow = flow_between(IPPROTO_UDP, "198.51.100.7", 4000, "192.0.2.1", 9000);
	assert_socket(host, &flow, HOLDER_PROCESS, 1);
}

static void processes_have_their_name_and_others_a_reason(void **state)
{
	struct attribute_key key;

	attribute_process("nginx", HOLDER_PROCESS, &key);
	assert_name(&key, "nginx");
	attribute_process("a name of more than it may have", HOLDER_PROCESS, &key);
	assert_name(&key, "a name of more ");
	attribute_process(NULL, HOLDER_UNKNOWN, &key);
	assert_name(&key, "[unknown]");
	attribute_process(NULL, HOLDER_FORWARDED, &key);
	assert_name(&key, "[forwarded]");
}

static void without_a_listener_the_ports_tell_which_way_round_tcp_is(void **state)
{
	struct flow flow =
		flow_between(IPPROTO_TCP, "192.0.2.1", 7000, "198.51.100.7", 38760);

	assert_service(*state, &flow, "in", "tcp/7000", 0);
	flow = flow_between(IPPROTO_TCP, "127.0.0.1", 7000, "127.0.0.1", 38760);
	assert_service(*state, &flow, "in", "tcp/7000", 0);
	/* A datagram to a high port is as likely a question. */
	flow = flow_between(IPPROTO_UDP, "192.0.2.1", 7000, "198.51.100.7", 38760);
	assert_service(*state, &flow, "out", "out:udp/38760", 0);
}

/* The same port of both families held by different sockets. */
static void of_two_listeners_the_kernel_s_choice_counts(void **state)
{
	struct host *host = *state;
	struct host_listener v4 = { .proto = IPPROTO_UDP,
				    .family = AF_INET,
				    .any = true,
				    .port = 9000,
				    .inode = 99 };
	struct flow flow =
		flow_between(IPPROTO_UDP, "198.51.100.7", 4000, "192.0.2.1", 9000);
	uint64_t inodes[4] = { 0 };

	host_add_listener(host, &v4);
	v4.inode = 98;
	host_add_listener(host, &v4);
	host_ready(host);
	assert_service(host, &flow, "in", "udp/9000", 98);
	flow = flow_between(IPPROTO_UDP, "2001:db8::77", 4000, "2001:db8::1", 9000);
	assert_service(host, &flow, "in", "udp/9000", 1);
	/* One service all the same, of three sockets. */
	assert_int_equal(host_group(host, &v4, inodes, 2), 3);
	assert_int_equal(inodes[0], 98);
	assert_int_equal(inodes[1], 99);
	assert_int_equal(inodes[2], 0);
}

static void a_group_is_of_one_address(void **state)
{
	struct host *host = *state;
	struct host_listener bound = { .proto = IPPROTO_UDP,
				       .family = AF_INET,
				       .port = 5353 };
	uint64_t inodes[4];

	inet_pton(AF_INET, "192.0.2.1", &bound.address);
	assert_int_equal(host_group(host, &bound, inodes, 4), 1);
	assert_int_equal(inodes[0], 7);
	bound.family = AF_UNSPEC;
	bound.any = true;
	assert_int_equal(host_group(host, &bound, inodes, 4), 1);
	assert_int_equal(inodes[0], 6);
}

static void add_port(struct attribute *attribute, uint16_t port, uint32_t status)
{
	const struct attribute_key key = { .kind = ATTRIBUTE_IN,
					   .proto = IPPROTO_UDP,
					   .port = port };
	const struct flow flow = { .status = status };

	attribute_add(attribute, &key, 0, &flow);
}

static void rows_add_up_and_are_sorted(void **state)
{
	struct attribute *attribute = calloc(1, sizeof(*attribute));
	const struct flow icmp = { .status = IPS_SEEN_REPLY };

	for (int i = 0; i < 30; i++)
		add_port(attribute, 53, i % 3 ? IPS_SEEN_REPLY | IPS_ASSURED : 0);
	for (int i = 0; i < 50; i++)
		add_port(attribute, 9000, IPS_DST_NAT);
	attribute_add(attribute, NULL, 0, &icmp);
	attribute_sort(attribute);
	assert_int_equal(attribute->count, 2);
	assert_int_equal(attribute->rows[0].key.port, 9000);
	assert_int_equal(attribute->rows[0].nat, 50);
	assert_int_equal(attribute->rows[1].flows, 30);
	assert_int_equal(attribute->rows[1].unreplied, 10);
	assert_int_equal(attribute->rows[1].assured, 20);
	assert_int_equal(attribute->other.flows, 1);
	assert_int_equal(attribute->total.flows, 81);
	attribute_clear(attribute);
	assert_int_equal(attribute->total.flows, 0);
	add_port(attribute, 53, 0);
	assert_int_equal(attribute->count, 1);
	assert_int_equal(attribute->rows[0].flows, 1);
	free(attribute);
}

/* A port scan around two services: rows stay bounded, nothing is lost, the services are seen. */
static void rows_stay_bounded_whatever_arrives(void **state)
{
	struct attribute *attribute = calloc(1, sizeof(*attribute));
	unsigned int seed = (unsigned int)time(NULL);
	uint32_t sum = 0, sent[2] = { 0 };

	print_message("seed %u\n", seed);
	for (int i = 0; i < 100000; i++) {
		int chance = rand_r(&seed) % 100;

		if (chance < 30)
			add_port(attribute, 9000, 0);
		else if (chance < 40)
			add_port(attribute, 53, 0);
		else
			add_port(attribute, (uint16_t)(10000 + rand_r(&seed) % 50000), 0);
		sent[0] += chance < 30;
		sent[1] += chance >= 30 && chance < 40;
	}
	attribute_sort(attribute);
	assert_int_equal(attribute->count, ATTRIBUTE_ROWS);
	assert_int_equal(attribute->rows[0].flows, sent[0]);
	assert_int_equal(attribute->rows[1].flows, sent[1]);
	for (size_t i = 0; i < attribute->count; i++)
		sum += attribute->rows[i].flows;
	assert_int_equal(sum + attribute->other.flows, 100000);
	assert_int_equal(attribute->total.flows, 100000);
	free(attribute);
}

static void the_error_of_a_share_covers_the_truth_19_times_of_20(void **state)
{
	unsigned int seed = (unsigned int)time(NULL);
	int covered = 0;

	print_message("seed %u\n", seed);
	for (int i = 0; i < 2000; i++) {
		struct attribute_share share;
		uint32_t flows = 0;

		for (int n = 0; n < 500; n++)
			flows += rand_r(&seed) / (RAND_MAX + 1.0) < 0.3;
		share = attribute_share(500, flows, false);
		covered += fabs(share.ratio - 0.3) <= share.error;
	}
	assert_in_range(covered, 1860, 1960);
}

/* Where the share is so small that the sample has a handful of it, if any. */
static void the_error_of_a_small_share_covers_the_truth_too(void **state)
{
	unsigned int seed = (unsigned int)time(NULL);
	int covered = 0, shown = 0;

	print_message("seed %u\n", seed);
	for (int i = 0; i < 5000; i++) {
		struct attribute_share share;
		uint32_t flows = 0;

		for (int n = 0; n < 1000; n++)
			flows += rand_r(&seed) / (RAND_MAX + 1.0) < 0.004;
		if (!flows)
			continue;
		share = attribute_share(1000, flows, false);
		shown++;
		covered += fabs(share.ratio - 0.004) <= share.error;
	}
	assert_true(covered >= 0.95 * shown);
}

static void a_share_of_nothing_or_of_everything_is_a_number(void **state)
{
	struct attribute_share share = attribute_share(0, 0, false);

	assert_true(share.ratio == 0 && share.error == 0);
	share = attribute_share(40, 40, true);
	assert_true(share.ratio == 1 && share.error == 0);
	share = attribute_share(40, 0, false);
	assert_true(share.ratio == 0 && share.error > 0.01);
}

#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, make_host, free_host)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_HOST(a_flow_to_a_listening_socket_is_that_socket_s),
		WITH_HOST(a_loopback_flow_belongs_to_the_listener),
		WITH_HOST(a_flow_that_the_host_opens_is_the_remote_port_s),
		WITH_HOST(what_comes_for_all_is_the_listener_s),
		WITH_HOST(a_forwarded_flow_is_the_far_port_s),
		WITH_HOST(tcp_that_was_seen_from_its_first_packet_is_as_it_was_opened),
		WITH_HOST(what_rules_send_elsewhere_is_a_question),
		WITH_HOST(tcp_picked_up_the_wrong_way_round_is_the_right_service_s),
		WITH_HOST(a_translated_flow_is_the_real_destination_s),
		WITH_HOST(a_port_without_a_listener_is_still_a_port_of_this_host),
		WITH_HOST(protocols_without_ports_fit_no_service),
		WITH_HOST(without_a_listener_the_ports_tell_which_way_round_tcp_is),
		WITH_HOST(of_two_listeners_the_kernel_s_choice_counts),
		WITH_HOST(a_group_is_of_one_address),
		WITH_HOST(sources_are_networks_and_states_have_names),
		WITH_HOST(the_source_of_a_reversed_flow_is_the_client),
		WITH_HOST(a_flow_is_of_a_socket_or_it_is_told_why_not),
		WITH_HOST(where_listeners_were_left_out_nobody_says_that_there_is_none),
		cmocka_unit_test(processes_have_their_name_and_others_a_reason),
		cmocka_unit_test(rows_add_up_and_are_sorted),
		cmocka_unit_test(rows_stay_bounded_whatever_arrives),
		cmocka_unit_test(the_error_of_a_share_covers_the_truth_19_times_of_20),
		cmocka_unit_test(the_error_of_a_small_share_covers_the_truth_too),
		cmocka_unit_test(a_share_of_nothing_or_of_everything_is_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
