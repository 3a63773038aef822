// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/quote.h"

#include <errno.h>
#include <fcntl.h>
#include <nftables/libnftables.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/text.h"
#include "rules/deputy.h"
#include "rules/model.h"

/* nft indents what is in a table with one tab, rules with two. */
static const char HANDLE[] = " # handle ";

/* What ends a rule that there is no room for. */
static const char CUT[] = " ...";

/* Many times what rulesets need that work. */
enum { LISTING_BYTES_MAX = 256 << 20, MEMORY_BYTES_MAX = 1 << 30 };

struct line {
	uint64_t handle;
	const char *family, *table, *chain; /* as they stand in the text */
	const char *text;
	size_t bytes;
};

struct quote {
	struct text listing;
	size_t count, capacity;
	struct line *lines;
};

static int add_line(struct quote *quote, const struct line *line)
{
	if (quote->count == quote->capacity) {
		size_t capacity = quote->capacity ? 2 * quote->capacity : 256;
		struct line *more =
			realloc(quote->lines, capacity * sizeof(*quote->lines));

		if (!more)
			return -ENOMEM;
		quote->lines = more;
		quote->capacity = capacity;
	}
	quote->lines[quote->count++] = *line;
	return 0;
}

/* Cuts the next word, which may be quoted, off the line; NULL at its end. */
static char *next_word(char **rest)
{
	char *word = *rest;
	size_t length = strcspn(word, " ");

	if (length == 0)
		return NULL;
	*rest = word + length;
	if (**rest)
		*(*rest)++ = '\0';
	return word;
}

/* Where the handle is that ends the line, or NULL. */
static char *find_handle(char *line)
{
	char *found = NULL;

	/* The last of them: a comment may say the same. */
	for (char *at = strstr(line, HANDLE); at; at = strstr(at + 1, HANDLE))
		found = at;
	return found;
}

/* One line of the listing; here has the table and chain that it is in. */
static int take_line(struct quote *quote, char *line, struct line *here)
{
	char *handle = find_handle(line);

	if (strncmp(line, "table ", 6) == 0) {
		line += 6;
		here->family = next_word(&line);
		here->table = next_word(&line);
		here->chain = NULL;
		return 0;
	}
	if (line[0] == '\t' && line[1] != '\t') {
		here->chain = NULL;
		if (strncmp(line, "\tchain ", 7) != 0)
			return 0;
		line += 7;
		here->chain = next_word(&line);
		return 0;
	}
	if (!handle || !here->chain || !here->table || strncmp(line, "\t\t", 2) != 0)
		return 0;
	here->handle = strtoull(handle + sizeof(HANDLE) - 1, NULL, 10);
	here->text = line + 2;
	here->bytes = (size_t)(handle - here->text);
	return add_line(quote, here);
}

static int take_listing(struct quote *quote)
{
	struct line here = { 0 };
	char *line, *end;
	int err = 0;

	for (line = quote->listing.data; line && !err; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		err = take_line(quote, line, &here);
	}
	return err;
}

/*
 * The library has a buffer for errors, but complains of files of names that it cannot read, such as
 * connlabel.conf, on stderr: names that no rule here needs.
 */
static void confine(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null >= 0)
		dup2(null, STDERR_FILENO);
/* AddressSanitizer maps terabytes that it never uses. */
#ifndef __SANITIZE_ADDRESS__
	setrlimit(RLIMIT_AS, &(struct rlimit){ MEMORY_BYTES_MAX, MEMORY_BYTES_MAX });
#endif
}

static int list(const void *data, struct text *out)
{
	struct nft_ctx *nft;
	int err = -EIO;

	confine();
	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft)
		return -ENOMEM;
	nft_ctx_output_set_flags(nft, NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_TERSE |
					      NFT_CTX_OUTPUT_STATELESS);
	if (!nft_ctx_buffer_output(nft) && !nft_ctx_buffer_error(nft) &&
	    !nft_run_cmd_from_buffer(nft, "list ruleset")) {
		text_add(out, "%s", nft_ctx_get_output_buffer(nft));
		err = 0;
	}
	nft_ctx_free(nft);
	return err;
}

/*
 * In a process of its own: the library goes round for ever, and takes ever more memory, over what it does
 * not know, as 1.0.6 does over a chain for "eth*".
 */
int quote_open(struct quote **out)
{
	const struct deputy deputy = { list, NULL, QUOTE_SECONDS_MAX, LISTING_BYTES_MAX };
	struct quote *quote = calloc(1, sizeof(*quote));
	int err = quote ? deputy_run(&deputy, &quote->listing) : -ENOMEM;

	if (!err)
		err = take_listing(quote);
	if (err)
		quote_close(quote);
	else
		*out = quote;
	return err;
}

const char *quote_why(int err)
{
	switch (err) {
	case -ETIMEDOUT: return "libnftables has not listed the rules in time";
	case -ECANCELED: return "libnftables cannot list the rules";
	case -E2BIG: return "libnftables lists too much";
	default: return strerror(-err);
	}
}

static bool is_line_of(const struct line *line, const struct model_rule *rule)
{
	const struct model_chain *chain = rule->chain;

	return line->handle == rule->handle && strcmp(line->chain, chain->name) == 0 &&
	       strcmp(line->table, chain->table->name) == 0 &&
	       strcmp(line->family, model_family_name(chain->table->family)) == 0;
}

void quote_rule(const struct quote *quote, const struct model_rule *rule, char *text,
		size_t bytes)
{
	size_t i = 0, length;

	while (i < quote->count && !is_line_of(&quote->lines[i], rule))
		i++;
	length = i < quote->count ? quote->lines[i].bytes : 0;
	if (length >= bytes)
		length = bytes - 1;
	if (length)
		memcpy(text, quote->lines[i].text, length);
	text[length] = '\0';
	if (length && length < quote->lines[i].bytes && length >= strlen(CUT))
		memcpy(text + length - strlen(CUT), CUT, strlen(CUT));
}

void quote_close(struct quote *quote)
{
	if (!quote)
		return;
	free(quote->lines);
	text_free(&quote->listing);
	free(quote);
}
