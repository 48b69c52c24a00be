#include "ctl/top/view.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>

#include "ctl/top/keyboard.h"

/* <term.h> calls capabilities so. */
#undef lines
#undef columns

enum { ESCAPE_MS = 50 };

static const attr_t attributes[] = {
	[CANVAS_PLAIN] = A_NORMAL,      [CANVAS_STRONG] = A_BOLD,   [CANVAS_BAD] = A_BOLD,
	[CANVAS_HEADING] = A_UNDERLINE, [CANVAS_FOCUS] = A_REVERSE, [CANVAS_SELECTED] = A_REVERSE | A_BOLD,
};

static bool utf8;

/* Whether the terminal can move its cursor. */
static bool is_screen(void)
{
	const char *name = getenv("TERM");
	int err;
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || !name || !name[0])
		return false;
	return setupterm(NULL, STDOUT_FILENO, &err) == OK && cursor_address;
}

bool view_open(void)
{
	setlocale(LC_CTYPE, "");
	utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (!is_screen() || !newterm(NULL, stdout, stdin))
		return false;
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	if (has_colors() && start_color() == OK && use_default_colors() == OK)
		init_pair(1, COLOR_RED, -1);
	return true;
}

void view_close(void)
{
	endwin();
}

bool view_utf8(void)
{
	return utf8;
}

void view_size(size_t *lines, size_t *columns)
{
	*lines = (size_t)getmaxy(stdscr);
	*columns = (size_t)getmaxx(stdscr);
}

void view_show(const struct canvas *canvas)
{
	erase();
	for (size_t i = 0; i < canvas->n; i++) {
		const struct canvas_run *run = &canvas->runs[i];
		attr_set(attributes[run->style], run->style == CANVAS_BAD && has_colors() ? 1 : 0, NULL);
		mvaddstr((int)run->line, (int)run->column, run->text);
	}
	refresh();
}

unsigned view_key(void)
{
	static const struct {
		wint_t code;
		unsigned key;
	} functions[] = {
		{KEY_UP, KEYBOARD_UP},           {KEY_DOWN, KEYBOARD_DOWN},           {KEY_PPAGE, KEYBOARD_PAGE_UP},
		{KEY_NPAGE, KEYBOARD_PAGE_DOWN}, {KEY_HOME, KEYBOARD_HOME},           {KEY_END, KEYBOARD_END},
		{KEY_BTAB, KEYBOARD_BACK_TAB},   {KEY_BACKSPACE, KEYBOARD_BACKSPACE}, {KEY_ENTER, KEYBOARD_ENTER},
		{KEY_RESIZE, KEYBOARD_RESIZE},
	};
	static const struct {
		wint_t code;
		unsigned key;
	} controls[] = {{'\t', KEYBOARD_TAB},    {'\r', KEYBOARD_ENTER},     {'\n', KEYBOARD_ENTER},
			{0x1b, KEYBOARD_ESCAPE}, {0x7f, KEYBOARD_BACKSPACE}, {'\b', KEYBOARD_BACKSPACE}};
	wint_t code;
	int kind = get_wch(&code);
	if (kind == ERR)
		return KEYBOARD_NONE;
	for (size_t i = 0; kind == KEY_CODE_YES && i < sizeof(functions) / sizeof(functions[0]); i++)
		if (functions[i].code == code)
			return functions[i].key;
	for (size_t i = 0; kind == OK && i < sizeof(controls) / sizeof(controls[0]); i++)
		if (controls[i].code == code)
			return controls[i].key;
	return kind == OK && code < KEYBOARD_NONE ? code : KEYBOARD_NONE;
}
