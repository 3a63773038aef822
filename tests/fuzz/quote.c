// SPDX-License-Identifier: GPL-2.0-or-later
/* A listing by nft: every line that is found is in it. */
#include "rules/quote.c"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	}
	quote_close(quote);
	return 0;
}
