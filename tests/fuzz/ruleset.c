// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's messages about a ruleset, and the audit of what they make: nothing is read out of
 * bounds, and it comes to an end.
 */
#include <assert.h>
#include <libmnl/libmnl.h>
#include <stdint.h>
#include <string.h>

#include "rules/audit.h"
#include "rules/gather.h"
#include "rules/judge.h"
#include "rules/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Rules that are evaluated for an input: it shall not take long. */
enum { STEPS = 20000 };

static void judge(struct evidence *evidence, const struct service *service)
{
	static struct audit audit;
	json_t *object = json_object();

	if (audit_service(&evidence->model, &evidence->host, service, STEPS, NULL,
			  &audit) == 0) {
		assert((audit.verdict == AUDIT_SAFE) ==
		       (audit.count == 0 || audit.finding[0].weight == FINDING_HARMLESS));
		report_json(&audit, object);
	}
	json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct service in = { .proto = IPPROTO_UDP,
				    .first_port = 9000,
				    .last_port = 9000 };
	const struct service out = {
		.outbound = true, .proto = IPPROTO_TCP, .first_port = 1, .last_port = 1000
	};
	struct evidence evidence = { .model = { .generation = 1 } };
	struct gather gather = { .model = &evidence.model };
	const struct nlmsghdr *header = (const struct nlmsghdr *)data;
	int left = (int)size, err = 0;

	for (; !err && mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left))
		err = gather_message(&gather, header);
	if (model_complete(&evidence.model) == 0) {
		judge(&evidence, &in);
		judge(&evidence, &out);
	}
	evidence_clear(&evidence);
	return 0;
}
