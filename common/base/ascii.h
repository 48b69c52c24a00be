/* Case of ASCII letters, whatever the locale. All other octets stay as they are. */
#ifndef COMMON_BASE_ASCII_H
#define COMMON_BASE_ASCII_H

static inline char ascii_lower(char octet)
{
	return (char)(octet >= 'A' && octet <= 'Z' ? octet + ('a' - 'A') : octet);
}

/* All of TEXT, in place. */
static inline void ascii_lower_text(char *text)
{
	for (; *text; text++)
		*text = ascii_lower(*text);
}

#endif
