/* What the KDC says of a password: events for smtpd, and words for an administrator. */
#ifndef SMTPD_KERBEROS_VERDICT_H
#define SMTPD_KERBEROS_VERDICT_H

#include <krb5.h>

#include "common/ipc/passwords.h"

struct verdict {
	enum passwords_event event;
	char principal[PASSWORDS_PRINCIPAL_MAX + 1]; /* after PASSWORDS_RIGHT; otherwise "" */
	char why[PASSWORDS_WHY_MAX + 1];             /* with the remedy; after PASSWORDS_RIGHT "" */
};

/* The request for a ticket with the password failed with ERROR. Not for 0. CONTEXT: NULL = none. */
void verdict_of_ticket(krb5_context context, krb5_error_code error, struct verdict *out);

/* The ticket could not be proven with the key tab, so the KDC may be a false one: ERROR. */
void verdict_of_proof(krb5_context context, krb5_error_code error, struct verdict *out);

/* PASSWORDS_UNAVAILABLE, or PASSWORDS_REFUSED, with this reason. */
void verdict_unavailable(const char *why, struct verdict *out);
void verdict_refused(const char *why, struct verdict *out);

#endif
