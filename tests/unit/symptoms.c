// SPDX-License-Identifier: GPL-2.0-or-later
/* What "ctguard doctor" sees of a network namespace. */
#include "tests/unit/sandbox.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "guard/config.h"
#include "guard/lock.h"
#include "guard/symptoms.h"
#include "lib/nl.h"
#include "lib/text.h"
#include "rules/apply.h"
#include "rules/terms.h"

static struct config config;
static struct symptoms symptoms;

static int begin(void **state)
{
	struct text why = { 0 };

	sandbox_setup(state);
	config_init(&config);
	symptoms = (struct symptoms){ 0 };
	return config_add_service(&config, "udp/9000", &why);
}

static void see(void)
{
	symptoms_read(&config, &symptoms);
	assert_int_equal(symptoms.table_err, 0);
	assert_int_equal(symptoms.rules_err, 0);
}

static void the_table_and_what_turned_tracking_on_are_seen(void **state)
{
	sandbox_needed(state);
	sandbox_do("ctfill -P 9000 -d 10.77.0.1 40");
	see();
	assert_int_equal(symptoms.usage.entries, 40);
	assert_true(symptoms.usage.limit > 0 && symptoms.buckets > 0);
	assert_true(symptoms.memory_bytes > 0);
	assert_int_equal(symptoms.active, ACTIVE_YES);
	assert_int_equal(symptoms.trackers.count, 1);
	assert_string_equal(symptoms.trackers.text[0],
			    "ct in table inet firewall, chain input");
	assert_int_equal(symptoms.untrackers.count, 0);
	assert_false(symptoms.first_netns);
}

static void where_nothing_asks_for_tracking_there_is_none(void **state)
{
	sandbox_needed(state);
	sandbox_do("nft flush ruleset");
	see();
	assert_int_equal(symptoms.active, ACTIVE_NO);
	assert_int_equal(symptoms.trackers.count, 0);
}

static void each_chain_that_tracks_or_untracks_is_one_place(void **state)
{
	static const struct terms TERMS = { .lease_ms = 60000,
					    .holder = { "ctguard", 1 } };
	struct apply_why why;
	struct nl *nl;

	sandbox_needed(state);
	sandbox_do("nft 'add table ip nat; add chain ip nat post "
		   "{ type nat hook postrouting priority 100; }; "
		   "add rule ip nat post masquerade; add rule ip nat post masquerade'");
	sandbox_do("nft 'add table ip raw; add chain ip raw pre "
		   "{ type filter hook prerouting priority -300; }; "
		   "add rule ip raw pre udp dport 53 notrack'");
	/* What is ctkit's own is no news. */
	assert_int_equal(nl_open(&nl, NETLINK_NETFILTER), 0);
	assert_int_equal(apply_add(nl, &config.services[0].service, &TERMS, &why), 0);
	nl_close(nl);
	see();
	assert_int_equal(symptoms.trackers.count, 2);
	assert_int_equal(symptoms.untrackers.count, 1);
	assert_string_equal(symptoms.untrackers.text[0],
			    "notrack in table ip raw, chain pre");
}

static void more_places_than_there_is_room_for_are_counted(void **state)
{
	sandbox_needed(state);
	sandbox_do("nft add table inet many");
	sandbox_do("for i in 1 2 3 4 5 6 7 8 9; do nft add chain inet many c$i && "
		   "nft add rule inet many c$i ct state new; done");
	see();
	assert_int_equal(symptoms.trackers.count, 10);
	assert_int_not_equal(symptoms.trackers.text[SYMPTOMS_PLACES_MAX - 1][0], '\0');
	assert_int_equal(symptoms.untrackers.count, 0);
	assert_int_equal(symptoms.untrackers.text[0][0], '\0');
}

/* By iptables-nft, whose other targets do not. */
static void what_iptables_untracks_is_a_place_too(void **state)
{
	sandbox_needed(state);
	sandbox_do("iptables-nft -t raw -A PREROUTING -p udp --dport 53 -j CT --notrack");
	sandbox_do("iptables-nft -t mangle -A PREROUTING -j TTL --ttl-set 64");
	see();
	assert_int_equal(symptoms.untrackers.count, 1);
	assert_string_equal(symptoms.untrackers.text[0],
			    "CT in table ip raw, chain PREROUTING");
}

/* One of them that is listed. */
static const struct symptoms_service *service(const char *name)
{
	for (size_t i = 0; i < symptoms.service_count; i++) {
		if (strcmp(symptoms.services[i].name, name) == 0)
			return &symptoms.services[i];
	}
	fail_msg("%s is not listed", name);
	return &symptoms.services[0];
}

/* A socket of that port at that address, to be closed. */
static int listening(in_addr_t address, uint16_t port)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons(port),
					.sin_addr.s_addr = htonl(address) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void what_is_configured_and_who_listens_everywhere_is_listed_once(void **state)
{
	int fds[3];

	sandbox_needed(state);
	fds[0] = listening(INADDR_ANY, 9000);
	fds[1] = listening(INADDR_ANY, 9100);
	fds[2] = listening(INADDR_LOOPBACK, 9200);
	see();
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	assert_int_equal(symptoms.service_count, 2);
	assert_true(service("udp/9000")->configured);
	assert_false(service("udp/9100")->configured);
	assert_int_equal(symptoms.listeners_left_out, 0);
}

static void those_that_are_too_many_are_counted(void **state)
{
	int fds[SYMPTOMS_SERVICES_MAX + 4];

	sandbox_needed(state);
	for (int i = 0; i < SYMPTOMS_SERVICES_MAX + 4; i++)
		fds[i] = listening(INADDR_ANY, (uint16_t)(10000 + i));
	see();
	for (int i = 0; i < SYMPTOMS_SERVICES_MAX + 4; i++)
		close(fds[i]);
	assert_int_equal(symptoms.service_count, SYMPTOMS_SERVICES_MAX);
	/* The configured one has a place. */
	assert_int_equal(symptoms.listeners_left_out, 5);
	assert_true(service("udp/9000")->configured);
}

static void each_service_is_audited_with_the_reason(void **state)
{
	sandbox_needed(state);
	see();
	assert_int_equal(service("udp/9000")->verdict, SYMPTOMS_SAFE);
	sandbox_do("nft 'add table inet strict; add chain inet strict output "
		   "{ type filter hook output priority 0; policy drop; }; "
		   "add rule inet strict output ct state established accept'");
	symptoms = (struct symptoms){ 0 };
	see();
	assert_int_equal(service("udp/9000")->verdict, SYMPTOMS_UNSAFE);
	assert_non_null(strstr(service("udp/9000")->reason,
			       "replies pass because they are tracked"));
	assert_non_null(strstr(service("udp/9000")->reason, "ct state established"));
}

static void timeouts_are_those_of_this_namespace(void **state)
{
	bool found = false;

	sandbox_needed(state);
	if (!sandbox_write("/proc/sys/net/netfilter/nf_conntrack_udp_timeout", "17"))
		skip();
	see();
	for (size_t i = 0; i < SYMPTOMS_TIMEOUTS; i++) {
		const struct symptoms_timeout *timeout = &symptoms.timeouts[i];

		if (strcmp(timeout->name, "nf_conntrack_udp_timeout") == 0) {
			found = true;
			assert_int_equal(timeout->now_s, 17);
			assert_int_equal(timeout->usual_s, 30);
		}
	}
	assert_true(found);
}

static void a_guard_that_runs_here_is_seen_and_not_disturbed(void **state)
{
	int fd;

	sandbox_needed(state);
	see();
	assert_false(symptoms.guard_runs);
	fd = lock_take();
	assert_true(fd >= 0);
	symptoms = (struct symptoms){ 0 };
	see();
	assert_true(symptoms.guard_runs);
	close(fd);
	/* To look took no lock that stays. */
	fd = lock_take();
	assert_true(fd >= 0);
	close(fd);
}

static void of_a_namespace_among_others_what_is_the_hosts_is_not_looked_at(void **state)
{
	sandbox_needed(state);
	symptoms.everywhere = symptoms.elsewhere = true;
	see();
	assert_int_equal(symptoms.buckets, 0);
	assert_int_equal(symptoms.memory_bytes, 0);
	assert_int_equal(symptoms.trackers.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SYMPTOMS_TEST(name) cmocka_unit_test_setup(name, begin)
		SYMPTOMS_TEST(the_table_and_what_turned_tracking_on_are_seen),
		SYMPTOMS_TEST(where_nothing_asks_for_tracking_there_is_none),
		SYMPTOMS_TEST(each_chain_that_tracks_or_untracks_is_one_place),
		SYMPTOMS_TEST(more_places_than_there_is_room_for_are_counted),
		SYMPTOMS_TEST(what_iptables_untracks_is_a_place_too),
		SYMPTOMS_TEST(
			what_is_configured_and_who_listens_everywhere_is_listed_once),
		SYMPTOMS_TEST(those_that_are_too_many_are_counted),
		SYMPTOMS_TEST(each_service_is_audited_with_the_reason),
		SYMPTOMS_TEST(timeouts_are_those_of_this_namespace),
		SYMPTOMS_TEST(a_guard_that_runs_here_is_seen_and_not_disturbed),
		SYMPTOMS_TEST(
			of_a_namespace_among_others_what_is_the_hosts_is_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
