/*
 * Which connector takes mail for a domain: of those whose conditions the message meets, that with the most specific
 * address space; of several the one with the lowest cost, then the first of the file. Pure.
 */
#ifndef COMMON_CONFIG_CONNECTOR_H
#define COMMON_CONFIG_CONNECTOR_H

#include "common/config/config.h"
#include "common/mail/address.h"

/* What the conditions of a connector look at. */
struct connector_mail {
	const struct address *sender; /* without text = the null sender */
	uint64_t size;                /* octets */
};

struct connector_choice {
	const struct config_connector *connector;
	const struct config_space *space; /* of it, that has the domain */
};

enum connector_verdict { CONNECTOR_TAKES, CONNECTOR_TOO_LARGE, CONNECTOR_OTHER_SENDERS, CONNECTOR_SENDER_REFUSED };

/* Whether CONNECTOR is for messages of this size from this sender. */
enum connector_verdict connector_judge(const struct config_connector *connector, const struct connector_mail *mail);

/* The address space of CONNECTOR that has DOMAIN and fits best, or NULL. */
const struct config_space *connector_space(const struct config_connector *connector, struct span domain);

/* MAIL NULL: no condition is looked at. False: there is none. *OUT leads into SERVER. */
bool connector_find(const struct config_server *server, struct span domain, const struct connector_mail *mail,
		    struct connector_choice *out);

#endif
