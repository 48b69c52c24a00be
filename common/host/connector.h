/*
 * Which connector takes mail for a domain: of those whose conditions the message meets, that with the most specific
 * address space; of several the one with the lowest cost, then the first of the file. Pure.
 */
#ifndef COMMON_HOST_CONNECTOR_H
#define COMMON_HOST_CONNECTOR_H

#include "common/host/config.h"
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

/* CONNECTOR is for messages of this size from this sender. */
bool connector_permits(const struct config_connector *connector, const struct connector_mail *mail);

/* MAIL NULL: no condition is looked at. False: there is none. *OUT leads into SERVER. */
bool connector_find(const struct config_server *server, struct span domain, const struct connector_mail *mail,
		    struct connector_choice *out);

#endif
