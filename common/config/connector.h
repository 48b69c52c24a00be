/*
 * Which connector takes mail for a domain. Of the connectors whose conditions the message meets, it is the one with the
 * most specific address space; of several, the one with the lowest cost, then the first in the file. Pure.
 */
#ifndef COMMON_CONFIG_CONNECTOR_H
#define COMMON_CONFIG_CONNECTOR_H

#include "common/config/config.h"
#include "common/mail/address.h"

/* The properties of a message that the conditions of a connector test. */
struct connector_mail {
	const struct address *sender; /* empty text = the null sender */
	uint64_t size;                /* octets */
};

struct connector_choice {
	const struct config_connector *connector;
	const struct config_space *space; /* its address space that has the domain */
};

enum connector_verdict { CONNECTOR_TAKES, CONNECTOR_TOO_LARGE, CONNECTOR_OTHER_SENDERS, CONNECTOR_SENDER_REFUSED };

/* Whether CONNECTOR is for messages of this size from this sender. */
enum connector_verdict connector_judge(const struct config_connector *connector, const struct connector_mail *mail);

/* The address space of CONNECTOR that matches DOMAIN best, or NULL. */
const struct config_space *connector_space(const struct config_connector *connector, struct span domain);

/* The connector for DOMAIN. MAIL NULL: conditions are not tested. False: there is none. *out points into SERVER. */
bool connector_find(const struct config_server *server, struct span domain, const struct connector_mail *mail,
		    struct connector_choice *out);

#endif
