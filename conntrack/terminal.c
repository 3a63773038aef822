// SPDX-License-Identifier: GPL-2.0-or-later
#include "conntrack/terminal.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <ncurses.h>
#include <term.h>

#include "conntrack/canvas.h"
#include "conntrack/keys.h"
#include "lib/streams.h"

/* Escape alone is told from the beginning of a key's sequence by what follows within this. */
enum { ESCAPE_MS = 25 };

/* Signals that end the program of its own fault. */
static const int FATAL[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT };
enum { FATALS = sizeof(FATAL) / sizeof(FATAL[0]) };

struct terminal {
	SCREEN *screen;
	bool colours;
};

/* newterm() would find that out, too, but leaks when it fails. */
static bool is_known(void)
{
	int status;

	if (setupterm(NULL, STDOUT_FILENO, &status) != OK)
		return false;
	del_curterm(cur_term);
	return true;
}

bool terminal_is_there(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term &&
	       strcmp(term, "dumb") != 0 && is_known();
}

bool terminal_is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* On the terminal's own background; pair n is colour n. */
static void start_colours(struct terminal *terminal)
{
	const char *none = getenv("NO_COLOR");

	if ((none && *none) || !has_colors() || start_color() == ERR)
		return;
	use_default_colors();
	for (short colour = COLOR_RED; colour <= COLOR_WHITE; colour++)
		init_pair(colour, colour, -1);
	terminal->colours = true;
}

/* What endwin() risks here is less than what a shell would be left with. */
static void on_fatal(int number)
{
	endwin();
	raise(number);
}

/* Somebody else's handler, such as a sanitizer's, has its reasons. */
static void handle_fatal(bool ours)
{
	struct sigaction action = { .sa_handler = ours ? on_fatal : SIG_DFL,
				    .sa_flags = (int)(SA_RESETHAND | SA_NODEFER) };
	struct sigaction now;

	for (int i = 0; i < FATALS; i++)
		if (sigaction(FATAL[i], NULL, &now) == 0 &&
		    now.sa_handler == (ours ? SIG_DFL : on_fatal))
			sigaction(FATAL[i], &action, NULL);
}

int terminal_open(struct terminal **out)
{
	struct terminal *terminal = calloc(1, sizeof(*terminal));

	if (!terminal)
		return -ENOMEM;
	/*
	 * For ncurses to know whether it may send UTF-8; LC_NUMERIC stays as it is: numbers have
	 * a point.
	 */
	setlocale(LC_CTYPE, "");
	/* initscr() would end the program itself if it failed. */
	terminal->screen = newterm(NULL, stdout, stdin);
	if (!terminal->screen) {
		free(terminal);
		return -ENOTTY;
	}
	handle_fatal(true);
	set_escdelay(ESCAPE_MS);
	start_colours(terminal);
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	*out = terminal;
	return 0;
}

void terminal_close(struct terminal *terminal)
{
	if (!terminal)
		return;
	/* Output that Ctrl-S holds back would hold the program back, too. */
	tcflow(STDOUT_FILENO, TCOON);
	endwin();
	delscreen(terminal->screen);
	handle_fatal(false);
	free(terminal);
}

int terminal_fit(struct canvas *canvas)
{
	struct winsize size;

	/*
	 * A serial line says 0 x 0: then what ncurses takes from the environment or terminfo is
	 * left.
	 */
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 &&
	    size.ws_col > 0)
		resizeterm(size.ws_row, size.ws_col);
	clearok(curscr, TRUE);
	return canvas_resize(canvas, COLS, LINES);
}

/* With colours or without: bold and reverse alone must do, and the words. */
static void style_on(const struct terminal *terminal, uint8_t style)
{
	static const struct {
		attr_t plain;
		attr_t coloured;
		short pair;
	} LOOKS[STYLES] = {
		[STYLE_PLAIN] = { A_NORMAL, A_NORMAL, 0 },
		[STYLE_FAINT] = { A_NORMAL, A_DIM, 0 },
		[STYLE_STRONG] = { A_BOLD, A_BOLD, 0 },
		[STYLE_HEADING] = { A_REVERSE, A_REVERSE, 0 },
		[STYLE_CALM] = { A_NORMAL, A_NORMAL, COLOR_GREEN },
		[STYLE_WARN] = { A_BOLD, A_BOLD, COLOR_YELLOW },
		[STYLE_ALARM] = { A_BOLD | A_REVERSE, A_BOLD, COLOR_RED },
		[STYLE_ALARM_BLOCK] = { A_BOLD, A_BOLD, COLOR_RED },
	};

	if (terminal->colours)
		attr_set(LOOKS[style].coloured, LOOKS[style].pair, NULL);
	else
		attr_set(LOOKS[style].plain, 0, NULL);
}

/* Cells of one style at a time. */
static void paint_row(const struct terminal *terminal, const struct canvas *canvas,
		      int row)
{
	const struct canvas_cell *cells = &canvas->cells[row * canvas->width];
	wchar_t run[CANVAS_WIDTH_MAX];

	for (int column = 0; column < canvas->width;) {
		uint8_t style = cells[column].style;
		int length = 0;

		while (column + length < canvas->width &&
		       cells[column + length].style == style) {
			run[length] = (wchar_t)cells[column + length].rune;
			length++;
		}
		style_on(terminal, style);
		mvaddnwstr(row, column, run, length);
		column += length;
	}
}

void terminal_paint(const struct terminal *terminal, const struct canvas *canvas)
{
	if (streams_would_wait(STDOUT_FILENO))
		return;
	for (int row = 0; row < canvas->height; row++)
		paint_row(terminal, canvas, row);
	refresh();
}

/* KEY_RESIZE and the like are KEYS_OTHER: sizes come with SIGWINCH. */
static int code_of(int key)
{
	switch (key) {
	case KEY_UP: return KEYS_UP;
	case KEY_DOWN: return KEYS_DOWN;
	case KEY_PPAGE: return KEYS_PAGE_UP;
	case KEY_NPAGE: return KEYS_PAGE_DOWN;
	case KEY_HOME: return KEYS_HOME;
	case KEY_END: return KEYS_END;
	case KEY_BACKSPACE: return KEYS_BACKSPACE;
	case KEY_F(1): return KEYS_HELP;
	case KEY_ENTER:
	case '\r': return '\n';
	default: return key < KEY_MIN ? key : KEYS_OTHER;
	}
}

int terminal_key(void)
{
	int key = getch();

	return key == ERR ? -1 : code_of(key);
}

bool terminal_is_gone(void)
{
	int waiting = 0;

	return ioctl(STDIN_FILENO, FIONREAD, &waiting) < 0 || waiting == 0;
}

void terminal_suspend(void)
{
	endwin();
	kill(getpid(), SIGTSTP);
	reset_prog_mode();
}

void terminal_resume(void)
{
	reset_prog_mode();
}
