#include "ctl/screen.h"

void screen_init(struct screen *screen, FILE *to, enum screen_kind kind)
{
	*screen = (struct screen){.kind = kind, .to = to};
	json_init(&screen->json, to);
}

static void write_octet(FILE *to, char octet)
{
	if ((octet >= ' ' && octet <= '~') || octet == '\n' || octet == '\t')
		fputc(octet, to);
	else if (octet != '\r') /* CR is dropped: the line ends of a message are CRLF */
		fprintf(to, "\\x%02X", (unsigned char)octet);
}

static void write_visible(void *context, struct span text)
{
	while (text.len) {
		size_t len = utf8_length(text);
		bool shown = len > 1 && !utf8_commands(text);
		if (shown)
			fwrite(text.at, 1, len, context);
		for (size_t i = 0; !shown && i < (len ? len : 1); i++)
			write_octet(context, text.at[i]);
		text = span_skip(text, len ? len : 1);
	}
}

void screen_write(struct screen *screen, struct span piece)
{
	if (!piece.len)
		return;
	if (screen->kind == SCREEN_JSON && !screen->begun) {
		json_object(&screen->json);
		json_key(&screen->json, "text");
		json_begin_string(&screen->json);
	}
	screen->begun = true;
	if (screen->kind == SCREEN_JSON)
		json_more_string(&screen->json, piece);
	else if (screen->kind == SCREEN_TERMINAL)
		utf8_take(&screen->pieces, piece, write_visible, screen->to);
	else
		fwrite(piece.at, 1, piece.len, screen->to);
}

bool screen_end(struct screen *screen)
{
	utf8_take(&screen->pieces, (struct span){0}, write_visible, screen->to);
	if (screen->kind == SCREEN_JSON && screen->begun) {
		json_end_string(&screen->json);
		json_end_object(&screen->json);
		json_finish(&screen->json);
	}
	return fflush(screen->to) == 0 && !ferror(screen->to);
}
