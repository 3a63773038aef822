// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard/enrolment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/args.h"

/* More than that were not sent since the last report. */
static const json_int_t EPERM_MAX = 1LL << 40;

static int refuse(struct args_why *why, const char *sentence)
{
	snprintf(why->text, sizeof(why->text), "register: %s", sentence);
	return -EINVAL;
}

/* Nothing that a terminal or a journal would stumble over. */
static int take_program(const json_t *value, struct enrolment *out, struct args_why *why)
{
	const char *text = json_string_value(value);

	if (!text || !text[0] || strlen(text) >= sizeof(out->program))
		return refuse(why, "\"program\" is not a name of up to 31 letters");
	for (const char *at = text; *at; at++)
		if (*at <= ' ' || *at > '~')
			return refuse(why, "\"program\" is not plain text");
	snprintf(out->program, sizeof(out->program), "%s", text);
	return 0;
}

static int take_service(const json_t *value, struct enrolment *out, struct args_why *why)
{
	struct service *service = &out->services[out->count];
	const char *text = json_string_value(value);

	if (!text)
		return refuse(why, "\"services\" has something that is no text");
	if (service_parse(text, service, why))
		return -EINVAL;
	for (size_t i = 0; i < out->count; i++)
		if (service_overlaps(service, &out->services[i]))
			return refuse(why, "\"services\" overlap");
	if (service->outbound)
		return refuse(why, "only services of this host are registered");
	out->count++;
	return 0;
}

static int take_services(const json_t *list, struct enrolment *out, struct args_why *why)
{
	/* 0 of what is no list. */
	size_t size = json_array_size(list);

	if (size == 0 || size > ENROLMENT_SERVICES_MAX)
		return refuse(why, "\"services\" is not a list of 1 to 64");
	for (size_t i = 0; i < size; i++) {
		int err = take_service(json_array_get(list, i), out, why);

		if (err)
			return err;
	}
	return 0;
}

int enrolment_parse(const json_t *request, struct enrolment *out, struct args_why *why)
{
	const json_t *netns = json_object_get(request, "netns");
	struct enrolment made = { 0 };
	int err = take_program(json_object_get(request, "program"), &made, why);

	/* 0 is what jansson makes of what is missing, or no integer. */
	if (!err && json_integer_value(netns) <= 0)
		err = refuse(why, "\"netns\" is not the number of a network namespace");
	if (!err)
		err = take_services(json_object_get(request, "services"), &made, why);
	if (err)
		return err;
	made.netns = (uint64_t)json_integer_value(netns);
	*out = made;
	return 0;
}

json_t *enrolment_names(const struct enrolment *enrolment)
{
	json_t *list = json_array();
	char name[SERVICE_TEXT_MAX];

	for (size_t i = 0; i < enrolment->count; i++) {
		service_format(&enrolment->services[i], name);
		json_array_append_new(list, json_string(name));
	}
	return list;
}

int enrolment_parse_report(const char *line, size_t length, uint64_t *eperm)
{
	json_t *report = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	json_int_t count = json_integer_value(json_object_get(report, "eperm"));
	bool good = json_is_object(report) && count > 0 && count <= EPERM_MAX;

	json_decref(report);
	if (!good)
		return -EINVAL;
	*eperm = (uint64_t)count;
	return 0;
}
