/*
 * One question to the KDC: does it give a ticket for this user and password, and is it the KDC that gave us the key
 * tab? A false KDC can say yes to any password, but it does not have our key, so each ticket is used to get one for
 * ourselves, which the key tab must decrypt.
 *
 * The library can't be interrupted, so this runs in a process of its own, which may be killed.
 */
#ifndef SMTPD_KERBEROS_ASKER_H
#define SMTPD_KERBEROS_ASKER_H

#include "common/base/span.h"
#include "common/gss/keytab.h"
#include "smtpd/kerberos/verdict.h"

struct asker_question {
	char name[PASSWORDS_NAME_MAX + 1];
	char realms[PASSWORDS_REALMS_MAX + 1]; /* separated by blanks; "" = the default realm of krb5.conf */
	char password[PASSWORDS_PASSWORD_MAX + 1];
};

/*
 * Asks about Q->name, which is tried in this form:
 *
 *	user          user@REALM, REALM being the first one
 *	user@suffix   as an enterprise name in the first realm (RFC 6806 5), so a user principal name of Active
 *Directory; if it is none, and suffix is one of the realms in whatever case, user@REALM
 *
 * Without Q->realms, users of the default realm alone may log in.
 *
 * PRINCIPAL: the only key of KEYS to prove the answer with; NULL or "" = any.
 */
void asker_ask(const struct keytab *keys, const char *principal, const struct asker_question *q, struct verdict *out);

#endif
