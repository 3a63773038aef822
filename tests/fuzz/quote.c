// SPDX-License-Identifier: GPL-2.0-or-later
/* A listing by nft: every line that is found is in it, and what is made of a rule's words is a whole command. */
#include "rules/quote.c"

#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>

#include "lib/service.h"
#include "rules/finding.h"
#include "rules/twin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_twin(const struct line *line)
{
	static const struct service service = { .proto = IPPROTO_UDP,
						.first_port = 53,
						.last_port = 53 };
	static const struct model_table table = { .name = "t" };
	static const struct model_chain chain = { .table = &table, .name = "c" };
	static const struct model_rule rule = { .chain = &chain };
	static struct finding finding;

	finding = (struct finding){ .code = "state", .rule = &rule, .twin = true };
	snprintf(finding.rule_text, sizeof(finding.rule_text), "%.*s", (int)line->bytes,
		 line->text);
	twin_reword(&service, &finding);
	assert(memchr(finding.fix, '\0', sizeof(finding.fix) - 1));
	assert(!finding.fix[0] || strstr(finding.fix, "ct state untracked"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct quote *quote = calloc(1, sizeof(*quote));

	assert(quote);
	text_add(&quote->listing, "%.*s", (int)size, (const char *)data);
	if (!text_ok(&quote->listing) || take_listing(quote))
		abort();
	for (size_t i = 0; i < quote->count; i++) {
		const struct line *line = &quote->lines[i];
		const struct text *listing = &quote->listing;

		assert(line->text >= listing->data &&
		       line->text + line->bytes <= listing->data + listing->length);
		assert(strlen(line->chain) + strlen(line->table) + strlen(line->family) <
		       size);
		try_twin(line);
	}
	quote_close(quote);
	return 0;
}
