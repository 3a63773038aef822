// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is read of table inet ctkit. The first byte says what the rest is: the name of a chain, or a message
 * about the table, a rule, a map or its elements. Whatever it is, names are those of services, and few.
 */
#include "conntrack/untracked.c"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const char *name)
{
	char again[SERVICE_TEXT_MAX];
	struct service service;
	struct args_why why;

	assert(service_parse(name, &service, &why) == 0);
	service_format(&service, again);
	assert(strcmp(name, again) == 0);
}

static void read_chain(const uint8_t *data, size_t size)
{
	char *chain = malloc(size + 1), name[SERVICE_TEXT_MAX];
	bool answers;

	assert(chain);
	memcpy(chain, data, size);
	chain[size] = '\0';
	if (service_of(chain, name, &answers))
		check_name(name);
	free(chain);
}

static void read_message(mnl_cb_t cb, const uint8_t *data, size_t size)
{
	/* The kernel pads messages to 4 bytes. */
	size_t bytes = size & ~(size_t)3;
	struct nlmsghdr *message = malloc(bytes);
	struct survey survey = { 0 };
	struct untracked out;

	assert(message);
	memcpy(message, data, bytes);
	message->nlmsg_len = (uint32_t)bytes;
	assert(cb(message, &survey) == MNL_CB_OK);
	assert(survey.maps <= MAPS_MAX && survey.found.count <= UNTRACKED_MAX);
	for (size_t i = 0; i < survey.found.count; i++)
		check_name(survey.found.services[i].name);
	keep_active(&survey, &out);
	assert(out.count <= survey.found.count);
	free(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const mnl_cb_t READ[] = { table_cb, rule_cb, map_cb, elements_cb };

	if (size < 1 + MNL_NLMSG_HDRLEN)
		return 0;
	if (data[0] >= sizeof(READ) / sizeof(READ[0]))
		read_chain(data + 1, size - 1);
	else
		read_message(READ[data[0]], data + 1, size - 1);
	return 0;
}
