/* SPDX-License-Identifier: Apache-2.0 */
/* A full-screen display on a terminal. See screen.h. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/common.h"
#include "cmd/screen.h"

#define ENTER	"\033[?1049h\033[?25l"	/* other screen, no cursor */
#define LEAVE	"\033[?25h\033[?1049l"
#define HOME	"\033[H"
#define REST	"\033[K"		/* of the line: empty */
#define BELOW	"\033[J"
#define BRIGHT	"\033[7m"
#define NORMAL	"\033[0m"

static struct termios before;
static bool begun;
static volatile sig_atomic_t ended;
static struct {
	FILE *text;
	char *data;
	size_t len;
	int rows, columns, row;
} picture;

static void on_end(int signum)
{
	(void)signum;
	ended = 1;
}

static void on_resize(int signum)
{
	(void)signum;		/* poll returns, and it is drawn anew */
}

bool screen_begin(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_end };
	struct termios raw;
	size_t i;

	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before) < 0)
		return false;
	raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
		return false;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &sa, NULL);
	sa.sa_handler = on_resize;
	sigaction(SIGWINCH, &sa, NULL);
	fputs(ENTER, stdout);
	fflush(stdout);
	begun = true;
	return true;
}

void screen_end(void)
{
	if (!begun)
		return;
	begun = false;
	fputs(LEAVE, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

void screen_size(int *rows, int *columns)
{
	struct winsize w = { 0 };

	*rows = 24;
	*columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row &&
	    w.ws_col) {
		*rows = w.ws_row;
		*columns = w.ws_col;
	}
}

/* ---- pictures ---- */

void screen_clear(void)
{
	screen_size(&picture.rows, &picture.columns);
	picture.row = 0;
	picture.text = open_memstream(&picture.data, &picture.len);
	if (!picture.text)
		die("out of memory");
	fputs(HOME, picture.text);
}

/* The bytes of TEXT that fill COLUMNS at most: characters of UTF-8 count
 * once, and what is no character is left out. */
static void put_cut(const char *text, int columns)
{
	for (; *text; text++) {
		bool first = ((unsigned char)*text & 0xc0) != 0x80;

		if (first && columns-- == 0)
			break;
		if ((unsigned char)*text >= ' ' && *text != 127)
			putc(*text, picture.text);
	}
}

void screen_line(bool bright, const char *fmt, ...)
{
	char *text;
	va_list ap;

	if (picture.row >= picture.rows)
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		die("out of memory");
	va_end(ap);
	if (picture.row++)
		fputs("\r\n", picture.text);
	if (bright)
		fputs(BRIGHT, picture.text);
	put_cut(text, picture.columns);
	fputs(NORMAL REST, picture.text);
	free(text);
}

int screen_rows_left(void)
{
	return picture.rows - picture.row;
}

void screen_show(void)
{
	fputs(BELOW, picture.text);
	if (fclose(picture.text) == EOF)
		die("out of memory");
	fwrite(picture.data, 1, picture.len, stdout);
	fflush(stdout);
	free(picture.data);
}

/* ---- keys ---- */

static int next_byte(int ms)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	unsigned char byte;
	int n = poll(&p, 1, ms);

	if (ended)
		return KEY_END;
	if (n < 0)
		return errno == EINTR ? KEY_NONE : KEY_END;
	if (n == 0)
		return KEY_NONE;
	return read(STDIN_FILENO, &byte, 1) == 1 ? byte : KEY_END;
}

int screen_key(int ms)
{
	int key = next_byte(ms);

	if (key != '\033')
		return key;
	/* what a key sends comes at once */
	key = next_byte(50);
	if (key != '[' && key != 'O')
		return key;
	switch (next_byte(50)) {
	case 'A': return KEY_UP;
	case 'B': return KEY_DOWN;
	case 'C': return KEY_RIGHT;
	case 'D': return KEY_LEFT;
	}
	return KEY_NONE;
}
