/* SPDX-License-Identifier: Apache-2.0 */
/* A full-screen display on a terminal, by the sequences that all terminals
 * know. One a process. */
#ifndef WEIR_CMD_SCREEN_H
#define WEIR_CMD_SCREEN_H

#include <stdbool.h>

enum key {
	KEY_NONE,		/* the time is over */
	KEY_END,		/* a signal, or the terminal is gone */
	KEY_UP = 256, KEY_DOWN, KEY_LEFT, KEY_RIGHT,
	/* others are their character */
};

/* False, with errno: standard input or output is no terminal. */
bool screen_begin(void);
void screen_end(void);	/* as it was; nothing happens without screen_begin */
void screen_size(int *rows, int *columns);

/* A new picture: lines from the top, cut at the edge; those that are not given
 * are empty. It is shown at once by screen_show. */
void screen_clear(void);
void screen_line(bool bright, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int screen_rows_left(void);
void screen_show(void);

/* The next key within MS milliseconds. */
int screen_key(int ms);

#endif
