// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/craft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <netinet/in.h>

static const uint8_t MAC[6] = { 2, 0, 0, 0, 0, 9 };

static struct craft question(bool v6, uint8_t proto)
{
	struct craft packet = { .v6 = v6,
				.proto = proto,
				.from = { .address = { 10, 77, 0, 2 }, .port = 40000 },
				.to = { .address = { 10, 77, 0, 1 }, .port = 9000 },
				.flags = proto == IPPROTO_TCP ? CRAFT_ACK : 0,
				.seq = proto == IPPROTO_TCP ? 0xfffffffe : 0,
				.ack = proto == IPPROTO_TCP ? 5000 : 0,
				.bytes = 5 };

	if (v6) {
		packet.from.address[0] = packet.to.address[0] = 0xfd;
		packet.from.address[15] = 2;
		packet.to.address[15] = 1;
	}
	memcpy(packet.data, "hello", 5);
	return packet;
}

static void what_is_written_is_read(void **state)
{
	static const uint8_t PROTOS[] = { IPPROTO_UDP, IPPROTO_TCP };
	uint8_t frame[CRAFT_BYTES_MAX];

	for (int i = 0; i < 4; i++) {
		struct craft packet = question(i & 1, PROTOS[i >> 1]), back;
		size_t bytes = craft_write(&packet, MAC, frame);

		assert_true(craft_read(frame, bytes, &back));
		assert_memory_equal(&packet, &back, sizeof(packet));
		assert_memory_equal(frame, MAC, sizeof(MAC));
	}
}

static void a_frame_that_is_cut_off_is_refused(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct craft packet = question(i, IPPROTO_TCP), back;
		uint8_t frame[CRAFT_BYTES_MAX];
		size_t bytes = craft_write(&packet, MAC, frame);

		for (size_t cut = 0; cut < bytes; cut++) {
			/* Of its own, so that a read behind its end is seen. */
			uint8_t *copy = malloc(cut + 1);

			memcpy(copy, frame, cut);
			assert_false(craft_read(copy, cut, &back));
			free(copy);
		}
	}
}

static void random_frames_are_survived(void **state)
{
	unsigned seed = (unsigned)time(NULL);
	uint8_t frame[CRAFT_BYTES_MAX];
	char text[CRAFT_TEXT_MAX];

	print_message("seed %u\n", seed);
	srand(seed);
	for (int i = 0; i < 20000; i++) {
		struct craft packet = question(i & 1, i & 2 ? IPPROTO_TCP : IPPROTO_UDP);
		size_t bytes = craft_write(&packet, MAC, frame);

		for (int k = 0; k < 4; k++)
			frame[12 + (size_t)rand() % (bytes - 12)] = (uint8_t)rand();
		if (craft_read(frame, bytes, &packet))
			craft_text(&packet, text);
	}
}

static void an_error_quotes_what_it_is_about(void **state)
{
	struct craft packet = question(false, IPPROTO_UDP), back;
	struct craft error = { .proto = IPPROTO_ICMP,
			       .from = packet.to,
			       .to = packet.from,
			       .type = 3,
			       .code = 4 };
	uint8_t frame[CRAFT_BYTES_MAX], about[CRAFT_BYTES_MAX];
	size_t bytes = craft_write(&packet, MAC, about);
	size_t size = craft_error(about, bytes, &error, 1400, MAC, frame);
	char text[CRAFT_TEXT_MAX];

	assert_int_equal(size, 14 + 20 + 8 + bytes - 14);
	assert_memory_equal(frame + 14 + 20 + 8, about + 14, bytes - 14);
	assert_true(craft_read(frame, size, &back));
	craft_text(&back, text);
	assert_string_equal(text,
			    "10.77.0.1 sends the ICMP error \"fragmentation needed\" "
			    "(3/4) to 10.77.0.2");
	assert_int_equal(craft_error(about, 14, &error, 1400, MAC, frame), 0);
}

static void a_packet_is_told_without_what_is_never_the_same(void **state)
{
	struct craft packet = question(true, IPPROTO_TCP);
	char text[CRAFT_TEXT_MAX];

	craft_text(&packet, text);
	assert_string_equal(text, "[fd4d:2::2]:40000 sends TCP data to [fd4d:1::1]:9000");
	packet.bytes = 0;
	craft_text(&packet, text);
	assert_string_equal(text, "");
	packet.flags = CRAFT_SYN | CRAFT_ACK;
	craft_text(&packet, text);
	assert_string_equal(text,
			    "[fd4d:2::2]:40000 sends a TCP SYN-ACK to [fd4d:1::1]:9000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_frame_that_is_cut_off_is_refused),
		cmocka_unit_test(random_frames_are_survived),
		cmocka_unit_test(an_error_quotes_what_it_is_about),
		cmocka_unit_test(a_packet_is_told_without_what_is_never_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
