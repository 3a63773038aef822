// SPDX-License-Identifier: GPL-2.0-or-later
/* A listing by nft: every line that is found is in it. */
#include "rules/quote.c"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct quote *quote = calloc(1, sizeof(*quote));
	char *listing = strndup((const char *)data, size);

	assert(quote && listing);
	if (take_listing(quote, listing))
		abort();
	for (size_t i = 0; i < quote->count; i++) {
		const struct line *line = &quote->lines[i];
		const char *end = quote->listing + strlen(listing);

		assert(line->text >= quote->listing && line->text + line->bytes <= end);
		assert(strlen(line->chain) + strlen(line->table) + strlen(line->family) <
		       size);
	}
	free(listing);
	quote_close(quote);
	return 0;
}
