// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/twin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Before the headers of the kernel, which define the same otherwise. */
#include <netinet/in.h>

#include <linux/netfilter.h>

#include <cmocka.h>

#include "lib/service.h"
#include "rules/finding.h"
#include "rules/model.h"

static const struct service UDP_53 = { .proto = IPPROTO_UDP,
				       .first_port = 53,
				       .last_port = 53 };

static const char PLAIN[] = "nft insert rule inet t input handle 7 udp dport 53 ct state "
			    "untracked accept";

static struct model_table table = { .family = NFPROTO_INET, .name = "t" };
static struct model_chain chain = { .table = &table, .name = "input" };
static struct model_rule rule = { .chain = &chain, .handle = 7 };

/* Of a rule with these words. */
static struct finding finding_of(const char *words)
{
	struct finding finding = { .code = "state",
				   .rule = &rule,
				   .chain = &chain,
				   .twin = true,
				   .request = true };

	snprintf(finding.rule_text, sizeof(finding.rule_text), "%s", words);
	snprintf(finding.fix, sizeof(finding.fix), "%s", PLAIN);
	return finding;
}

static void becomes(const char *words, const char *fix)
{
	struct finding finding = finding_of(words);

	twin_reword(&UDP_53, &finding);
	assert_string_equal(finding.fix, fix);
}

static void the_twin_asks_what_the_rule_asks(void **state)
{
	becomes("ip saddr 10.0.0.0/8 ct state { established, new } counter accept",
		"nft insert rule inet t input handle 7 udp dport 53 ip saddr 10.0.0.0/8 "
		"ct "
		"state untracked counter accept");
	becomes("udp dport { 53, 54 } ct state new accept",
		"nft insert rule inet t input handle 7 udp dport { 53, 54 } ct state "
		"untracked accept");
	becomes("iifname \"eth*\" ct state untracked,invalid counter drop",
		"nft insert rule inet t input handle 7 'udp dport 53 iifname \"eth*\" ct "
		"state untracked counter accept'");
}

static void words_in_strings_are_nothing_but_text(void **state)
{
	/* The comment is not repeated. */
	becomes("ct state established accept comment \"do not drop the port of ssh\"",
		PLAIN);
	becomes("ct state established log prefix \"ct state new drop \" accept",
		"nft insert rule inet t input handle 7 'udp dport 53 ct state untracked "
		"log "
		"prefix \"ct state new drop \" accept'");
	becomes("ct state invalid log prefix \"fw drop \" drop",
		"nft insert rule inet t input handle 7 'udp dport 53 ct state untracked "
		"log "
		"prefix \"fw drop \" accept'");
	/* A string without an end may hide anything. */
	becomes("ct state new log prefix \"half accept", PLAIN);
}

static void what_is_on_loopback_stays_there(void **state)
{
	struct finding finding = finding_of("iif \"lo\" ct state new accept");

	finding.way = PACKET_LOOPS;
	twin_reword(&UDP_53, &finding);
	assert_string_equal(
		finding.fix,
		"nft insert rule inet t input handle 7 'udp dport 53 iif \"lo\" "
		"ct state untracked accept'");
	finding = finding_of("ct state new accept comment \"not for iif \"");
	finding.way = PACKET_LOOPS;
	twin_reword(&UDP_53, &finding);
	assert_string_equal(
		finding.fix,
		"nft insert rule inet t input handle 7 iif lo udp dport 53 ct "
		"state untracked accept");
}

static void what_is_cut_off_or_has_no_list_of_states_is_left(void **state)
{
	char words[FINDING_TEXT_MAX + 100] = "ct state new ip saddr { ";

	becomes("ct state vmap { established : accept, invalid : drop }", PLAIN);
	becomes("ct state != new accept", PLAIN);
	becomes("ct mark 5 accept", PLAIN);
	becomes("", PLAIN);
	while (strlen(words) < FINDING_TEXT_MAX)
		strcat(words, "192.0.2.1, ");
	becomes(words, PLAIN);
}

static void other_fixes_are_left(void **state)
{
	struct finding finding = finding_of("ct state established accept");

	finding.twin = false;
	snprintf(finding.fix, sizeof(finding.fix), "keep it tracked");
	twin_reword(&UDP_53, &finding);
	assert_string_equal(finding.fix, "keep it tracked");
	finding = finding_of("ct state established counter accept");
	finding.code = "given-port";
	twin_reword(&UDP_53, &finding);
	assert_string_equal(finding.fix, PLAIN);
}

/* The kernel takes any bytes as a name: what a shell, or nft, could take for more is in no command. */
static void names_that_no_command_can_have_are_in_none(void **state)
{
	static const char *const NAMES[] = {
		"x; touch /tmp/y #", "in$(id)", "a b", "", "-f", "\x1b[2J", "x'y"
	};

	for (size_t i = 0; i < 2 * sizeof(NAMES) / sizeof(NAMES[0]); i++) {
		struct finding finding = finding_of("ct state new accept");

		*(i % 2 ? &table.name : &chain.name) = NAMES[i / 2];
		twin_reword(&UDP_53, &finding);
		table.name = "t";
		chain.name = "input";
		assert_string_equal(
			finding.fix,
			"in front of the rule, whose table or chain no command "
			"can name, put: udp dport 53 ct state untracked accept");
	}
	chain.name = "ufw-before_input.4";
	becomes("ct state new accept", "nft insert rule inet t ufw-before_input.4 handle "
				       "7 udp dport 53 ct state "
				       "untracked accept");
	chain.name = "input";
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_twin_asks_what_the_rule_asks),
		cmocka_unit_test(words_in_strings_are_nothing_but_text),
		cmocka_unit_test(what_is_on_loopback_stays_there),
		cmocka_unit_test(what_is_cut_off_or_has_no_list_of_states_is_left),
		cmocka_unit_test(other_fixes_are_left),
		cmocka_unit_test(names_that_no_command_can_have_are_in_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
