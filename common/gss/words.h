/*
 * Kerberos through GSSAPI (MIT's library, called directly): what smtpd and delivery share. An exchange is raw tokens
 * in, raw tokens out; base64 is the caller's. Failures become words for an administrator.
 */
#ifndef COMMON_GSS_WORDS_H
#define COMMON_GSS_WORDS_H

#include <stddef.h>
#include <stdint.h>

enum {
	GSS_LINE_MAX = 12288,                 /* one token in base64 (RFC 4954 4) */
	GSS_TOKEN_MAX = GSS_LINE_MAX / 4 * 3, /* octets */
	GSS_ROUNDS_MAX = 10,                  /* Kerberos needs 3, SPNEGO with a wrong guess 5 */
	GSS_WHY_MAX = 400
};

enum gss_step {
	GSS_MORE,  /* send the reply, and come back with the answer */
	GSS_DONE,  /* it is proved; the reply may hold a last token */
	GSS_FAILED /* why says so */
};

/*
 * Writes what the status codes of a gss_ function mean ("Clock skew too great: ...") and, where one is known, the
 * remedy. Printable ASCII, one line, cut to SIZE.
 */
void gss_words(uint32_t major, uint32_t minor, char *to, size_t size);

#endif
