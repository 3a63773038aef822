// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/book.h"

#include "server/ledger.h"
#include "server/load_flows.h"

void book_not_sent(struct book *book, uint64_t i, int err)
{
	ledger_settle(book->ledger, i);
	tally_add(&book->result->errors, err, 1);
}

void book_sent(struct book *book, uint64_t n)
{
	book->result->sent += n;
}

void book_answered(struct book *book, uint64_t i)
{
	switch (ledger_settle(book->ledger, i)) {
	case LEDGER_FIRST: book->result->answered++; break;
	case LEDGER_AGAIN: book->result->duplicates++; break;
	case LEDGER_LATE: book->result->answered_late++; break;
	case LEDGER_UNKNOWN: book->result->unexpected++; break;
	}
}

void book_refused(struct book *book, uint64_t i, int err)
{
	if (ledger_settle(book->ledger, i) != LEDGER_FIRST)
		return;
	book->result->refused++;
	tally_add(&book->result->errors, err, 1);
}
