/* What mailrootctl asks about aliases. */
#ifndef SMTPD_ANSWER_ALIAS_H
#define SMTPD_ANSWER_ALIAS_H

#include "smtpd/answer.h"
#include "smtpd/policy/explain.h"

/* If E is about an alias: the aliases behind it, and where its mail goes in the end. One ROW_RULE each. */
void answer_alias_rules(struct answer *a, const struct config_server *server, const struct known_lists *lists,
			const struct explanation *e);

/* Answers explain_alias in PACKET. False: it is invalid. */
bool answer_alias(struct answer *a, struct span packet, const struct config_server *server,
		  const struct known_lists *lists);

#endif
