// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/result.h"

#include <errno.h>

#include "lib/metainfo.h"
#include "lib/options.h"
#include "lib/service.h"
#include "rules/audit.h"
#include "rules/report.h"
#include "rules/request.h"
#include "rules/verify.h"

int result_code(int err)
{
	switch (err) {
	case 0: return EXIT_OK;
	case -EPERM:
	case -EPROTONOSUPPORT:
	case -EAFNOSUPPORT: return EXIT_UNREACHABLE;
	default: return EXIT_FAILED;
	}
}

int result_of_verdict(enum audit_verdict verdict)
{
	switch (verdict) {
	case AUDIT_SAFE: return EXIT_OK;
	case AUDIT_UNSAFE: return EXIT_UNSAFE;
	default: return EXIT_UNKNOWN;
	}
}

/* In and out as this host sees it: of an outbound service the packets to it go out. */
static json_t *verify_json(const struct verify *verify)
{
	bool outbound = verify->service.outbound;
	uint64_t in = verify->moved[outbound ? LAYOUT_OUT : LAYOUT_IN];
	uint64_t out = verify->moved[outbound ? LAYOUT_IN : LAYOUT_OUT];

	return json_pack("{s:b, s:I, s:I, s:f}", "ok", verify->end == VERIFY_MOVED,
			 "in_packets", (json_int_t)in, "out_packets", (json_int_t)out,
			 "seconds", verify->elapsed_s);
}

json_t *result_json(const struct result *result)
{
	const struct request *request = result->request;
	json_t *object = metainfo_object(result->program);
	char name[SERVICE_TEXT_MAX];

	json_object_set_new(object, "command", json_string(request_name(request)));
	if (request_takes_service(request)) {
		service_format(&request->service, name);
		json_object_set_new(object, "service", json_string(name));
	}
	json_object_set_new(object, "applied", json_boolean(result->applied));
	if (result->script)
		json_object_set_new(object, "nft", json_string(result->script));
	if (result->audit)
		report_json(result->audit, object);
	if (request->verify_s > 0 && result->applied)
		json_object_set_new(object, "verified", verify_json(result->verify));
	return object;
}
