/*
 * Kerberos through GSSAPI (MIT's library, called directly): the common part of smtpd and delivery. An exchange has raw
 * tokens; the caller handles base64. Failures become texts for an administrator.
 */
#ifndef COMMON_GSS_WORDS_H
#define COMMON_GSS_WORDS_H

#include <krb5.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GSS_LINE_MAX = 12288,                 /* one token in base64 (RFC 4954 4) */
	GSS_TOKEN_MAX = GSS_LINE_MAX / 4 * 3, /* octets */
	GSS_ROUNDS_MAX = 10,                  /* Kerberos needs 3, SPNEGO with a wrong guess 5 */
	GSS_WHY_MAX = 400
};

enum gss_step {
	GSS_MORE,  /* send the reply, and call again with the answer */
	GSS_DONE,  /* authenticated; the reply may hold a last token */
	GSS_FAILED /* see the reason */
};

/*
 * Writes the meaning of the status codes of a gss_ function ("Clock skew too great: ...") and, where one is known, the
 * remedy. Printable ASCII, one line, cut to SIZE.
 */
void gss_words(uint32_t major, uint32_t minor, char *to, size_t size);

/* The same of a krb5_ function, which failed with CODE in CONTEXT (NULL = there is none). */
void gss_words_krb5(krb5_context context, krb5_error_code code, char *to, size_t size);

#endif
