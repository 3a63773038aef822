// SPDX-License-Identifier: GPL-2.0-or-later
/* A line that a program sends to the guard: as a request to register, and as a report. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "guard/enrolment.h"
#include "lib/args.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was understood is text that is understood again. */
static void check(const struct enrolment *enrolment)
{
	json_t *names = enrolment_names(enrolment);
	size_t i;
	json_t *name;

	assert(enrolment->count >= 1 && enrolment->count <= ENROLMENT_SERVICES_MAX);
	assert(strlen(enrolment->program) > 0 && enrolment->netns > 0);
	json_array_foreach(names, i, name) {
		struct service again;
		struct args_why why;

		assert(service_parse(json_string_value(name), &again, &why) == 0);
		assert(service_equal(&again, &enrolment->services[i]));
	}
	json_decref(names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *request =
		json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
	struct enrolment enrolment;
	struct args_why why = { "" };
	uint64_t eperm = 0;

	if (enrolment_parse(request, &enrolment, &why) == 0)
		check(&enrolment);
	else
		assert(why.text[0] && strlen(why.text) < sizeof(why.text));
	json_decref(request);
	if (enrolment_parse_report((const char *)data, size, &eperm) == 0)
		assert(eperm > 0);
	return 0;
}
