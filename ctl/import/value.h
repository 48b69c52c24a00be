/*
 * Values of metabase properties as text: numbers, flags, switches, lists, binary data. Pure. Each function returns
 * false for a text that is no such value; then its result must not be used.
 */
#ifndef CTL_IMPORT_VALUE_H
#define CTL_IMPORT_VALUE_H

#include "common/base/str.h"

/* A name of a bit, as the metabase writes flags. */
struct value_flag {
	const char *word;
	uint32_t bit;
};

/* The flags that are known by word; each table ends with a NULL word. */
extern const struct value_flag value_auth_flags[], value_ssl_flags[], value_log_flags[];

/* "600", "-1" (all bits set, as older versions of IIS wrote "unlimited"), "0x258". */
bool value_number(const char *text, uint32_t *out);

/* "AuthBasic | AuthNTLM" by TABLE, or a number. *unknown (of SIZE) gets a word that is not in TABLE. */
bool value_flags(const char *text, const struct value_flag *table, uint32_t *out, char *unknown, size_t size);

/* "TRUE", "FALSE", or a number. */
bool value_yesno(const char *text, bool *out);

/*
 * Takes the next entry of a list off *REST: entries are separated by line ends, blanks (XML makes blanks of line ends),
 * and the characters of MORE. False at the end.
 */
bool value_entry(struct span *rest, const char *more, struct span *entry);

/* Hexadecimal digits, with or without 0x in front, appended to TO as octets. False also if TO is full. */
bool value_binary(const char *text, struct str *to);

#endif
