// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/log.h"

enum { PIPE_BYTES = 4 * PIPE_BUF };

/* A log through a pipe. */
struct pipe_log {
	int saved;
	int ends[2];
	unsigned long lost;
	struct log log;
};

/* Puts a small pipe in place of stderr. */
static int set_up(void **state)
{
	struct pipe_log *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	unsetenv("JOURNAL_STREAM");
	assert_int_equal(pipe2(p->ends, O_CLOEXEC), 0);
	assert_true(fcntl(p->ends[0], F_SETPIPE_SZ, PIPE_BYTES) > 0);
	assert_int_equal(fcntl(p->ends[0], F_SETFL, O_NONBLOCK), 0);
	p->saved = dup(STDERR_FILENO);
	assert_int_equal(dup2(p->ends[1], STDERR_FILENO), STDERR_FILENO);
	log_init(&p->log, "prog", &p->lost);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct pipe_log *p = *state;

	dup2(p->saved, STDERR_FILENO);
	close(p->saved);
	close(p->ends[0]);
	close(p->ends[1]);
	free(p);
	return 0;
}

/* What the pipe holds, as a string. */
static const char *drained(const struct pipe_log *p, char text[PIPE_BYTES + 1])
{
	ssize_t bytes = read(p->ends[0], text, PIPE_BYTES);

	text[bytes > 0 ? bytes : 0] = '\0';
	return text;
}

static void a_line_has_the_name_of_the_program(void **state)
{
	struct pipe_log *p = *state;
	char text[PIPE_BYTES + 1];

	log_info(&p->log, "%d of %s", 3, "them");
	assert_string_equal(drained(p, text), "prog: 3 of them\n");
}

static void only_what_is_urgent_enough_is_written(void **state)
{
	struct pipe_log *p = *state;
	char text[PIPE_BYTES + 1];

	log_debug(&p->log, "debug");
	assert_string_equal(drained(p, text), "");
	p->log.level = LOG_LEVEL_ERROR;
	log_warn(&p->log, "warning");
	log_error(&p->log, "error");
	assert_string_equal(drained(p, text), "prog: error\n");
	assert_int_equal(p->lost, 0);
}

static void the_journal_gets_the_level_instead(void **state)
{
	struct pipe_log *p = *state;
	char text[PIPE_BYTES + 1];
	char stream[64];
	struct stat st;

	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init(&p->log, "prog", &p->lost);
	log_warn(&p->log, "careful");
	assert_string_equal(drained(p, text), "<4>careful\n");
	setenv("JOURNAL_STREAM", "1:1", 1);
	log_init(&p->log, "prog", &p->lost);
	log_warn(&p->log, "careful");
	assert_string_equal(drained(p, text), "prog: careful\n");
	unsetenv("JOURNAL_STREAM");
}

static void a_long_line_is_cut_and_stays_one_line(void **state)
{
	struct pipe_log *p = *state;
	char text[PIPE_BYTES + 1], longer[3000];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	log_info(&p->log, "%s", longer);
	drained(p, text);
	assert_int_equal(strlen(text), 2047);
	assert_ptr_equal(strchr(text, '\n'), text + 2046);
	assert_memory_equal(text, "prog: xxx", 9);
}

static void lines_that_nobody_reads_are_lost_and_counted(void **state)
{
	struct pipe_log *p = *state;
	char text[PIPE_BYTES + 1];

	for (int i = 0; i < 100; i++)
		log_info(&p->log, "%d %01000d", i, 0);
	assert_true(p->lost > 80);
	assert_memory_equal(drained(p, text), "prog: 0 000", 11);
	p->lost = 97;
	log_info(&p->log, "read again");
	assert_string_equal(drained(p, text), "prog: (97 lines before this were lost)\n"
					      "prog: read again\n");
	assert_int_equal(p->lost, 0);
	log_info(&p->log, "and again");
	assert_string_equal(drained(p, text), "prog: and again\n");
}

static void one_lost_line_is_not_called_many(void **state)
{
	struct pipe_log *p = *state;
	char text[PIPE_BYTES + 1];

	p->lost = 1;
	log_info(&p->log, "next");
	assert_string_equal(drained(p, text), "prog: (1 line before this was lost)\n"
					      "prog: next\n");
}

static void a_reader_that_went_away_is_no_sigpipe(void **state)
{
	struct pipe_log *p = *state;

	close(p->ends[0]);
	log_info(&p->log, "into the void");
	assert_int_equal(p->lost, 1);
	p->ends[0] = -1;
}

static void losses_need_not_be_counted(void **state)
{
	struct pipe_log *p = *state;
	char text[PIPE_BYTES + 1];

	log_init(&p->log, "prog", NULL);
	for (int i = 0; i < 20; i++)
		log_info(&p->log, "%01000d", 0);
	drained(p, text);
	log_info(&p->log, "next");
	assert_string_equal(drained(p, text), "prog: next\n");
}

#define PIPED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PIPED(a_line_has_the_name_of_the_program),
		PIPED(only_what_is_urgent_enough_is_written),
		PIPED(the_journal_gets_the_level_instead),
		PIPED(a_long_line_is_cut_and_stays_one_line),
		PIPED(lines_that_nobody_reads_are_lost_and_counted),
		PIPED(one_lost_line_is_not_called_many),
		PIPED(a_reader_that_went_away_is_no_sigpipe),
		PIPED(losses_need_not_be_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
