/* Asks mailroot-kerberos for a password. It asks the KDC, which the jail of smtpd does not permit. */
#ifndef SMTPD_AUTH_KERBEROS_H
#define SMTPD_AUTH_KERBEROS_H

#include "common/base/span.h"
#include "common/config/types.h"
#include "common/ipc/passwords.h"

struct kerberos_answer {
	enum passwords_event event;
	bool lost; /* PASSWORDS_UNAVAILABLE: the process died over the question, which the KDC may have heard */
	char principal[PASSWORDS_PRINCIPAL_MAX + 1]; /* after PASSWORDS_RIGHT, with the realm */
	char why[PASSWORDS_WHY_MAX + 1];             /* after all others */
};

/*
 * Asks once on LINK (CHILD_FD_PASSWORDS) whether PASSWORD is that of NAME, and waits until UNTIL (clock_mono_ms). Both
 * fit into a question (kerberos_refuses). REALMS as in access kerberos_realm.
 */
void kerberos_ask(int link, struct span name, const struct config_words *realms, struct span password, int64_t until,
		  struct kerberos_answer *out);

/*
 * Why there is no need to ask: no directory has such a user or password. NULL = none. Never asked are an empty
 * password and one with NUL, with which some directories let everybody in.
 */
const char *kerberos_refuses(struct span name, struct span password);

/* Takes the answer. A malformed one is PASSWORDS_UNAVAILABLE. */
void kerberos_take(struct span packet, struct kerberos_answer *out);

/*
 * The name under which the user of PRINCIPAL is known in the session, at USER of ACCOUNT_NAME_MAX + 1 octets: without
 * the realm if it is the first one of REALMS. NULL, or the reason why it may not log in.
 */
const char *kerberos_user(const char *principal, const struct config_words *realms, char *user);

#endif
