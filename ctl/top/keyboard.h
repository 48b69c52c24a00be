/* Keys of the terminal. */
#ifndef CTL_TOP_KEYBOARD_H
#define CTL_TOP_KEYBOARD_H

/* A key is the code point of its character, or one of these. */
enum {
	KEYBOARD_NONE = 0x110000,
	KEYBOARD_UP,
	KEYBOARD_DOWN,
	KEYBOARD_PAGE_UP,
	KEYBOARD_PAGE_DOWN,
	KEYBOARD_HOME,
	KEYBOARD_END,
	KEYBOARD_TAB,
	KEYBOARD_BACK_TAB,
	KEYBOARD_ENTER,
	KEYBOARD_ESCAPE,
	KEYBOARD_BACKSPACE,
	KEYBOARD_RESIZE,
	KEYBOARD_GONE, /* the terminal has gone away */
};

#endif
