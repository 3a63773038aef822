// SPDX-License-Identifier: GPL-2.0-or-later
/* User data of an element: a holder that is found is written as it was read. */
#include <assert.h>
#include <libnftnl/udata.h>
#include <string.h>

#include "rules/comment.h"
#include "rules/terms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length = 0;
	const char *comment =
		comment_find(data, size, NFTNL_UDATA_SET_ELEM_COMMENT, &length);
	char text[HOLDER_TEXT_MAX];
	struct holder holder;

	if (!comment || !length)
		return 0;
	assert((const uint8_t *)comment + length <= data + size);
	holder = holder_parse(comment, length - 1);
	holder_format(&holder, text);
	if (text[0])
		assert(strlen(text) == length - 1 &&
		       memcmp(text, comment, length - 1) == 0);
	return 0;
}
