// SPDX-License-Identifier: GPL-2.0-or-later
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/process.h"

static size_t find_by_plan(struct process *processes, size_t count, uint64_t netns);

static bool is_in_plan(const struct process *process);

#define process_find     find_by_plan
#define process_is_there is_in_plan
#include "conntrack/holders.c"

static const uint64_t SECOND = 1000000000;

enum { NETNS = 4026531840 };

/* Who holds which socket; and how often that was looked for. */
static struct plan {
	struct process holder[8];
	size_t holders;
	size_t walks;
	size_t asked; /* sockets of the last walk */
} plan;

static int compare_inodes(const void *left, const void *right)
{
	const struct process *a = left, *b = right;

	return (a->inode > b->inode) - (a->inode < b->inode);
}

static size_t find_by_plan(struct process *processes, size_t count, uint64_t netns)
{
	assert_int_equal(netns, NETNS);
	plan.walks++;
	plan.asked = count;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < plan.holders; j++) {
			if (plan.holder[j].inode == processes[i].inode)
				processes[i] = plan.holder[j];
		}
	}
	qsort(processes, count, sizeof(processes[0]), compare_inodes);
	return 0;
}

static bool is_in_plan(const struct process *process)
{
	for (size_t i = 0; i < plan.holders; i++) {
		if (plan.holder[i].pid == process->pid)
			return strcmp(plan.holder[i].name, process->name) == 0;
	}
	return false;
}

static void plan_holder(uint64_t inode, pid_t pid, const char *name)
{
	struct process *holder = &plan.holder[plan.holders++];

	*holder = (struct process){ .inode = inode, .pid = pid };
	snprintf(holder->name, sizeof(holder->name), "%s", name);
}

/* A host with three sockets at udp/53 and one at udp/123. */
struct situation {
	struct host host;
	struct attribute services;
	struct attribute sockets;
	struct holders holders;
};

static void add_socket(struct situation *s, uint16_t port, uint64_t inode)
{
	const struct host_listener listener = {
		.proto = IPPROTO_UDP,
		.family = AF_INET,
		.any = true,
		.port = port,
		.inode = inode,
	};

	host_add_listener(&s->host, &listener);
}

static void add_service(struct situation *s, uint16_t port, uint64_t inode)
{
	s->services.rows[s->services.count++] = (struct attribute_row){
		.key = { .kind = ATTRIBUTE_IN, .proto = IPPROTO_UDP, .port = port },
		.inode = inode,
		.flows = 10,
	};
}

static void add_flows(struct situation *s, enum attribute_holder holder, uint64_t inode,
		      uint32_t flows)
{
	struct attribute_row *row = &s->sockets.rows[s->sockets.count++];

	*row = (struct attribute_row){
		.key = { .kind = ATTRIBUTE_SOCKET, .state = (uint16_t)holder },
		.flows = flows,
	};
	memcpy(&row->key.address, &inode, sizeof(inode));
}

static struct situation *new_situation(void)
{
	struct situation *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	plan = (struct plan){ 0 };
	add_socket(s, 53, 11);
	add_socket(s, 53, 12);
	add_socket(s, 53, 13);
	add_socket(s, 123, 21);
	host_ready(&s->host);
	add_service(s, 53, 11);
	add_service(s, 123, 21);
	/* Of no socket: nobody holds it. */
	add_service(s, 9000, 0);
	add_flows(s, HOLDER_PROCESS, 11, 60);
	add_flows(s, HOLDER_PROCESS, 21, 30);
	add_flows(s, HOLDER_FORWARDED, 0, 7);
	add_flows(s, HOLDER_NONE, 0, 3);
	return s;
}

static void update(struct situation *s, uint64_t now_s)
{
	holders_update(&s->holders, &s->host, &s->services, &s->sockets, NETNS,
		       now_s * SECOND);
}

static void a_service_is_called_by_the_least_process_of_its_sockets(void **state)
{
	struct situation *s = new_situation();

	plan_holder(11, 300, "worker");
	plan_holder(12, 200, "dns");
	plan_holder(13, 300, "worker");
	update(s, 100);
	assert_int_equal(plan.walks, 1);
	assert_int_equal(plan.asked, 4);
	assert_int_equal(s->holders.services, 2);
	assert_int_equal(s->holders.service[0].inode, 11);
	assert_int_equal(s->holders.service[0].pid, 200);
	assert_string_equal(s->holders.service[0].name, "dns");
	/* Those that were not found are known to be nobody's. */
	assert_int_equal(s->holders.service[1].inode, 21);
	assert_int_equal(s->holders.service[1].pid, 0);
	free(s);
}

static void a_supervisor_that_holds_all_sockets_is_one_process(void **state)
{
	struct situation *s = new_situation();

	plan_holder(11, 200, "dns");
	plan_holder(12, 200, "dns");
	plan_holder(13, 200, "dns");
	update(s, 100);
	assert_int_equal(s->holders.service[0].count, 1);
	free(s);
	s = new_situation();
	plan_holder(11, 201, "dns");
	plan_holder(12, 202, "dns");
	plan_holder(13, 203, "dns");
	update(s, 100);
	assert_int_equal(s->holders.service[0].count, 3);
	free(s);
}

/* How many flows that process has. */
static uint32_t flows_of(const struct attribute *rows, const char *name)
{
	for (size_t i = 0; i < rows->count; i++) {
		if (strcmp((const char *)&rows->rows[i].key.address, name) == 0 &&
		    rows->rows[i].key.state == HOLDER_PROCESS)
			return rows->rows[i].flows;
	}
	return 0;
}

static void flows_are_added_up_by_name_or_by_why_there_is_none(void **state)
{
	struct situation *s = new_situation();
	const struct attribute *sum = &s->holders.by_process;

	plan_holder(11, 200, "same");
	plan_holder(21, 201, "same");
	s->sockets.other.flows = 5;
	update(s, 100);
	assert_int_equal(sum->count, 3);
	assert_int_equal(sum->total.flows, 105);
	assert_int_equal(sum->other.flows, 5);
	assert_int_equal(flows_of(sum, "same"), 90);
	assert_int_equal(sum->rows[0].flows, 90);
	assert_int_equal(sum->rows[1].key.state, HOLDER_FORWARDED);
	assert_int_equal(sum->rows[2].key.state, HOLDER_NONE);
	free(s);
	s = new_situation();
	sum = &s->holders.by_process;
	update(s, 100);
	assert_int_equal(sum->rows[0].key.state, HOLDER_UNKNOWN);
	assert_int_equal(sum->rows[0].flows, 90);
	free(s);
}

static void a_walk_is_made_for_what_is_new_and_not_too_soon(void **state)
{
	struct situation *s = new_situation();

	plan_holder(11, 200, "dns");
	update(s, 180);
	update(s, 200);
	assert_int_equal(plan.walks, 1);
	add_flows(s, HOLDER_PROCESS, 31, 1);
	s->holders.walked_ns = 199 * SECOND;
	s->holders.walk_cost_s = 0.0001;
	update(s, 200);
	assert_int_equal(plan.walks, 1);
	update(s, 202);
	assert_int_equal(plan.walks, 2);
	/* One that takes long comes seldom. */
	add_flows(s, HOLDER_PROCESS, 32, 1);
	s->holders.walk_cost_s = 0.05;
	update(s, 300);
	assert_int_equal(plan.walks, 2);
	update(s, 303);
	assert_int_equal(plan.walks, 3);
	free(s);
}

static void a_holder_that_ends_or_has_another_name_is_looked_for_anew(void **state)
{
	struct situation *s = new_situation();

	plan_holder(11, 200, "old");
	update(s, 100);
	s->holders.walk_cost_s = 0.0001;
	/* Its child goes on. */
	plan.holder[0] = (struct process){ .inode = 11, .pid = 201, .name = "new" };
	update(s, 101);
	assert_int_equal(s->holders.service[0].pid, 200);
	update(s, 103);
	assert_int_equal(s->holders.service[0].pid, 201);
	assert_int_equal(plan.walks, 2);
	snprintf(plan.holder[0].name, sizeof(plan.holder[0].name), "newer");
	s->holders.walk_cost_s = 0.0001;
	update(s, 106);
	assert_string_equal(s->holders.service[0].name, "newer");
	/* Who is there is no reason. */
	s->holders.walk_cost_s = 0.0001;
	update(s, 109);
	assert_int_equal(plan.walks, 3);
	free(s);
}

static void all_are_looked_for_anew_each_half_minute(void **state)
{
	struct situation *s = new_situation();

	plan_holder(11, 1, "systemd");
	plan_holder(12, 200, "dns");
	update(s, 100);
	assert_int_equal(s->holders.service[0].pid, 1);
	/* Handed on, to one that is there, too; and what nobody held is somebody's. */
	plan.holder[0] = (struct process){ .inode = 21, .pid = 201, .name = "ntp" };
	plan_holder(1111, 1, "systemd");
	update(s, 129);
	assert_int_equal(plan.walks, 1);
	update(s, 131);
	assert_int_equal(plan.walks, 2);
	assert_int_equal(s->holders.service[0].pid, 200);
	assert_int_equal(s->holders.service[1].pid, 201);
	/* A walk that takes long, more seldom. */
	s->holders.walk_cost_s = 0.05;
	update(s, 165);
	assert_int_equal(plan.walks, 2);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_is_called_by_the_least_process_of_its_sockets),
		cmocka_unit_test(a_supervisor_that_holds_all_sockets_is_one_process),
		cmocka_unit_test(flows_are_added_up_by_name_or_by_why_there_is_none),
		cmocka_unit_test(a_walk_is_made_for_what_is_new_and_not_too_soon),
		cmocka_unit_test(
			a_holder_that_ends_or_has_another_name_is_looked_for_anew),
		cmocka_unit_test(all_are_looked_for_anew_each_half_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
