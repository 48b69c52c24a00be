/* Encodes any text in 7 bits and lines of bounded length (RFC 2045, 2047). Pure. */
#ifndef COMMON_MAIL_MIME_H
#define COMMON_MAIL_MIME_H

#include "common/base/str.h"

enum { MIME_LINE_MAX = 998 /* RFC 5322 2.1.1 */ };

/* The length of the longest prefix of TEXT, at most MAX octets, that is valid UTF-8. */
size_t mime_utf8(struct span text, size_t max);

/* Appends UTF-8 text as encoded words of at most 75 octets, folded after each. */
void mime_append_words(struct str *to, struct span text);

/* Appends text of a header: as it is if it is plain, else as encoded words. */
void mime_append_text(struct str *to, struct span text);

/* Appends octets as lines of base64. */
void mime_append_base64(struct str *to, struct span octets);

/* Appends lines of text (ends: LF or CRLF, which become CRLF) as quoted-printable. */
void mime_append_quoted(struct str *to, struct span text);

/* Whether TEXT needs no encoding: no NUL, no 8-bit octet, no lone CR, no line beyond MIME_LINE_MAX. */
bool mime_plain(struct span text);

#endif
