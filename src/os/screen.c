/* SPDX-License-Identifier: MIT */
#include "os/screen.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "base/utf8.h"
#include "os/signals.h"

/* How long the rest of the sequence of an arrow key may take. A key that is
 * waited for is time in which nobody samples. */
#define ESCAPE_MS 25

/* Numbers of SGR sequences, and the colour pairs for some of them. */
#define SGR_RED 31
#define SGR_GREEN 32
#define SGR_YELLOW 33

static struct {
	SCREEN *curses;
	FILE *in, *out;
	int fd;
	bool utf8;
	bool hung_up;
	/* For the last moment, when nothing may be allocated any more. */
	struct termios modes;
	bool has_modes;
	char restore[128];
	size_t restore_size;
} screen = { .fd = -1 };

/* ---- which terminal ----------------------------------------------------- */

int screen_terminal(void)
{
	static const int standard[] = { STDOUT_FILENO, STDERR_FILENO,
					STDIN_FILENO };

	for (size_t i = 0; i < sizeof(standard) / sizeof(*standard); i++)
		if (isatty(standard[i]))
			return fcntl(standard[i], F_DUPFD_CLOEXEC, 3);
	return open("/dev/tty", O_RDWR | O_CLOEXEC);
}

int screen_check(int fd, struct err *err)
{
	const char *term = getenv("TERM");
	int found = 0, rc = ERR_OK;

	if (!term || !*term)
		return err_set(err, ERR_UNSUPPORTED,
			       "TERM does not say which terminal this is");
	if (setupterm(term, fd, &found) != OK)
		return err_set(err, ERR_UNSUPPORTED,
			       "the terminal '%s' (TERM) is not known here",
			       term);
	if (!cursor_address || !clear_screen)
		rc = err_set(err, ERR_UNSUPPORTED,
			     "the terminal '%s' (TERM) cannot move its cursor",
			     term);
	del_curterm(cur_term);
	return rc;
}

/*
 * What the terminal shows is up to the user's locale; safe_text.c escapes
 * what is not text in any.
 */
static bool speaks_utf8(void)
{
	locale_t user = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool utf8;

	if (!user)
		return false;
	utf8 = strcmp(nl_langinfo_l(CODESET, user), "UTF-8") == 0;
	freelocale(user);
	return utf8;
}

/* ---- the last moment ---------------------------------------------------- */

/* A capability without its delays ("$<5>"), which no terminal of today needs.
 */
static void keep_restoring(const char *capability)
{
	const char *at = capability;

	while (at && *at && screen.restore_size < sizeof(screen.restore)) {
		if (at[0] == '$' && at[1] == '<' && strchr(at, '>')) {
			at = strchr(at, '>') + 1;
			continue;
		}
		screen.restore[screen.restore_size++] = *at++;
	}
}

static void prepare_restoring(void)
{
	screen.restore_size = 0;
	keep_restoring(exit_attribute_mode);
	keep_restoring(keypad_local);
	keep_restoring(cursor_normal);
	keep_restoring(exit_ca_mode ? exit_ca_mode : clear_screen);
}

/* In a signal handler: system calls only. */
static void restore_at_death(void)
{
	ssize_t ignored = write(screen.fd, screen.restore, screen.restore_size);

	(void)ignored;
	if (screen.has_modes)
		tcsetattr(screen.fd, TCSANOW, &screen.modes);
}

/* ---- opening and closing ------------------------------------------------ */

static void start_colours(bool colour)
{
	if (!colour || !has_colors() || start_color() != OK)
		return;
	use_default_colors();
	init_pair(1, COLOR_RED, -1);
	init_pair(2, COLOR_GREEN, -1);
	init_pair(3, COLOR_YELLOW, -1);
}

static bool open_streams(int fd)
{
	int out = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	int in = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	screen.out = out < 0 ? NULL : fdopen(out, "w");
	screen.in = in < 0 ? NULL : fdopen(in, "r");
	if (screen.out && screen.in)
		return true;
	if (!screen.out && out >= 0)
		close(out);
	if (!screen.in && in >= 0)
		close(in);
	return false;
}

static void close_streams(void)
{
	if (screen.out)
		fclose(screen.out);
	if (screen.in)
		fclose(screen.in);
	screen.out = screen.in = NULL;
}

static void set_modes(void)
{
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	leaveok(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
}

int screen_open(int fd, bool colour, struct err *err)
{
	int rc = screen_check(fd, err);

	if (rc)
		return rc;
	screen.hung_up = false;
	screen.fd = fd;
	screen.utf8 = speaks_utf8();
	if (screen.utf8)
		screen.utf8 = setlocale(LC_CTYPE, "") != NULL;
	if (!open_streams(fd)) {
		err_sys(err, "cannot open the terminal");
		close_streams();
		return err->code;
	}
	screen.has_modes = tcgetattr(fd, &screen.modes) == 0;
	/* These would outlive a resize. (So does the first size itself with
	 * use_env(FALSE) in ncurses 6.4.) */
	unsetenv("LINES");
	unsetenv("COLUMNS");
	screen.curses = newterm(NULL, screen.out, screen.in);
	if (!screen.curses) {
		close_streams();
		return err_set(err, ERR_UNSUPPORTED,
			       "cannot take over the terminal");
	}
	prepare_restoring();
	signals_on_death(restore_at_death);
	start_colours(colour);
	set_modes();
	return ERR_OK;
}

void screen_close(void)
{
	if (!screen.curses)
		return;
	endwin();
	signals_on_death(NULL);
	delscreen(screen.curses);
	screen.curses = NULL;
	close_streams();
	/* Not what curses took for the usual ones, but what was. */
	if (screen.has_modes)
		tcsetattr(screen.fd, TCSADRAIN, &screen.modes);
	screen.fd = -1;
}

/* ---- drawing ------------------------------------------------------------ */

void screen_size(unsigned *width, unsigned *height)
{
	*width = COLS > 0 ? (unsigned)COLS : 80;
	*height = LINES > 0 ? (unsigned)LINES : 24;
}

static void set_style(long number)
{
	switch (number) {
	case 0:
		attrset(A_NORMAL);
		break;
	case 1:
		attron(A_BOLD);
		break;
	case 2:
		attron(A_DIM);
		break;
	case 4:
		attron(A_UNDERLINE);
		break;
	case 7:
		attron(A_REVERSE);
		break;
	case SGR_RED:
		attron(COLOR_PAIR(1));
		break;
	case SGR_GREEN:
		attron(COLOR_PAIR(2));
		break;
	case SGR_YELLOW:
		attron(COLOR_PAIR(3));
		break;
	default:
		break;
	}
}

/* Something of the same width that every terminal has. */
static char in_ascii(uint32_t code)
{
	switch (code) {
	case 0x2026: /* ellipsis */
		return '~';
	case 0x2013: /* dash */
		return '-';
	case 0xb7: /* middle dot */
		return '.';
	case 0x2514: /* corner of a tree */
		return '`';
	case 0xd7: /* times */
		return 'x';
	case 0xb5: /* micro */
		return 'u';
	default:
		return '?';
	}
}

static void put_character(const char *at, size_t size, uint32_t code)
{
	int width;

	if (screen.utf8) {
		addnstr(at, (int)size);
		return;
	}
	if (code < 0x80) {
		addch((chtype)code);
		return;
	}
	width = wcwidth((wchar_t)code);
	/* Without a locale the width is not known: of a mark it is a column
	 * too much, of a wide character one too few. */
	for (int i = 0; i < (width < 1 ? 1 : width); i++)
		addch((chtype)in_ascii(code));
}

void screen_put(unsigned row, const char *text, size_t size)
{
	const char *end = text + size;

	if (!screen.curses || row >= (unsigned)LINES)
		return;
	move((int)row, 0);
	attrset(A_NORMAL);
	while (text < end) {
		uint32_t code;
		size_t step;
		char *after;

		if (text[0] == '\033' && text[1] == '[') {
			set_style(strtol(text + 2, &after, 10));
			text = *after ? after + 1 : after;
			continue;
		}
		step = utf8_decode(text, &code);
		if (getcurx(stdscr) >= COLS - 1 && row + 1 == (unsigned)LINES)
			break; /* the last corner would scroll some */
		if (getcury(stdscr) != (int)row)
			break; /* past the edge: the next row */
		if (step && code >= 0x20)
			put_character(text, step, code);
		text += step ? step : 1;
	}
	attrset(A_NORMAL);
	if (getcury(stdscr) == (int)row && text >= end)
		clrtoeol();
}

void screen_show(void)
{
	if (screen.curses)
		refresh();
}

void screen_redraw(void)
{
	if (screen.curses)
		clearok(stdscr, TRUE);
}

/* ---- keys --------------------------------------------------------------- */

static bool has_hung_up(void)
{
	struct pollfd fd = { .fd = screen.fd, .events = POLLIN };

	return poll(&fd, 1, 0) > 0 && fd.revents & (POLLHUP | POLLERR);
}

int screen_key(void)
{
	static const struct {
		int curses, key;
	} keys[] = {
		{ KEY_UP, SCREEN_UP },	       { KEY_DOWN, SCREEN_DOWN },
		{ KEY_PPAGE, SCREEN_PAGE_UP }, { KEY_NPAGE, SCREEN_PAGE_DOWN },
		{ KEY_HOME, SCREEN_HOME },     { KEY_END, SCREEN_END },
		{ KEY_BTAB, SCREEN_BACK_TAB }, { KEY_RESIZE, SCREEN_RESIZED },
	};
	int key;

	if (!screen.curses || has_hung_up())
		return SCREEN_GONE;
	key = getch();
	if (key == ERR)
		return SCREEN_NO_KEY;
	if (key > 0 && key < KEY_MIN)
		return key;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].curses == key)
			return keys[i].key;
	return SCREEN_OTHER_KEY;
}
