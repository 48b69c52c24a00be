/*
 * Where a recipient's mail goes, and which lines of the configuration say so. Pure: no look-ups, no files.
 *
 * The order: (1) the drop folder, for local domains, alias domains and literals of our own addresses; (2) the route of
 * the remote domain that fits best, if it has one; (3) the route of the connector that connector.h finds; (4) the smart
 * host; (5) the MX of the domain, or the address itself for a domain literal. With direct_first, (5) comes before (4),
 * in one route.
 *
 * The connection uses the outbound block of the connector, unless the hosts come from the remote domain; else that of
 * the remote domain; else that of the virtual server.
 */
#ifndef QUEUE_RULES_ROUTE_H
#define QUEUE_RULES_ROUTE_H

#include "common/config/config.h"
#include "common/config/connector.h"
#include "common/mail/address.h"

enum route_kind {
	ROUTE_DROP,    /* into the drop folder of `local` */
	ROUTE_HOSTS,   /* to `hosts`, in order */
	ROUTE_MX,      /* to the MX of `domain` */
	ROUTE_LITERAL, /* to the address `literal` */
	ROUTE_NONE,    /* nowhere; `why` says why */
	ROUTE_KIND_COUNT
};

/* One step of the decision: the setting, its value, and where it is written (file NULL = the default). */
struct route_rule {
	const char *what;
	struct span value;
	struct config_origin origin;
};

enum {
	ROUTE_RULES_MAX = 6,
	ROUTE_BLOCK_MAX = 320,
	ROUTE_HOSTS_MAX = 33 /* the most that smart_host or route may list, and the MX */
};

/*
 * The owner of an outbound block: {"virtual_server"}, {"remote_domain", "*.example.com"}, {"connector", "partner"}.
 * `of` NULL = none.
 */
struct route_block {
	const char *of;
	const char *name; /* NULL for the virtual server */
};

struct route {
	enum route_kind kind;
	const struct config_local_domain *local;
	const struct config_hosts *hosts;       /* of HOSTS; of MX and LITERAL: the fallback, NULL = none */
	const struct config_outbound *outbound; /* of HOSTS, MX, LITERAL */
	struct route_block security;            /* the block of `outbound` */
	struct route_block
		credentials; /* the block of the hosts, if we authenticate: only these hosts see its password */
	const struct config_outbound *user; /* the outbound settings of `credentials`; NULL = we do not authenticate */
	const struct config_outbound
		*identity;          /* the outbound settings of the block of the hosts, for send_as; NULL = none */
	struct span mailbox;        /* with username sender: the mailbox of this mail; empty = send_as of `identity` */
	struct route_block written; /* the block of the hosts; `of` NULL = none */
	struct config_origin written_at; /* the line of the hosts */
	struct route_block limits;       /* the block that sets the limits of `outbound` */
	struct span domain;              /* of the recipient */
	struct ipaddr literal;
	const struct config_remote_domain *remote; /* the one that fits best, with or without a route; NULL = none */
	struct connector_choice choice;            /* the connector that fits, used or not; may hold none */
	enum config_tristate private_mx;           /* of MX: as in config_remote_domain */
	const struct config_remote_domain
		*etrn; /* the mail waits until a client requests it with ETRN or ATRN; NULL = it does not wait */
	const char *why;
	struct route_rule rules[ROUTE_RULES_MAX];
	size_t rule_count;
};

/*
 * The domain that replaces SENDER's domain in mail to other hosts: masquerade_domain, for senders in a local or an
 * alias domain; empty = no change.
 */
struct span route_masquerade(const struct config_server *server, const struct address *sender);

/*
 * With username sender, mail of SENDER goes as SENDER itself if that is in a local or an alias domain, and mail of the
 * null sender as notice_sender: sets route->mailbox, which points into SENDER or SERVER.
 */
void route_choose_mailbox(const struct config_server *server, const struct address *sender, struct route *route);

/*
 * The sender with which mail goes by ROUTE, after route_choose_mailbox, in MAIL FROM and, as send_as_header of
 * route->identity says, in From: of mail that has a sender, or of mail with the NULL_SENDER. Empty: the sender stays.
 */
struct span route_sender(const struct route *route, bool null_sender);

/* True when the remote domain has a route, so that connectors and smart_host do not count. */
bool route_of_remote(const struct route *route);

const char *route_kind_name(enum route_kind kind);

enum { ROUTE_WRITTEN_MAX = 400 };

/* Writes to TO where the hosts of ROUTE are configured: "connector partner (route in FILE:12)"; "" = nowhere. */
void route_written_format(const struct route *route, char to[ROUTE_WRITTEN_MAX]);

/* Writes to TO how jobs name BLOCK: "remote_domain *.example.com"; "" = none. */
void route_block_format(const struct route_block *block, char to[ROUTE_BLOCK_MAX]);

/*
 * The part of route_decide that concerns hosts in the configuration. REMOTE is the remote domain of the mail (NULL =
 * none), CONNECTOR the connector that takes it (NULL = none). True when the mail goes to such hosts; *OUT, which the
 * caller has cleared, then says to which.
 */
bool route_to_hosts(const struct config_server *server, const struct config_remote_domain *remote,
		    const struct config_connector *connector, struct route *out);

/*
 * Appends the settings that say how we speak to the hosts of ROUTE, and with which account: for comparing or hashing.
 * ROUTE is not a drop folder.
 */
void route_append_manner(const struct config_server *server, const struct route *route, struct str *to);

/*
 * Decides where mail for RECIPIENT goes. *OUT points into SERVER and RECIPIENT. MAIL NULL: the mail is taken to meet
 * the conditions of every connector.
 */
void route_decide(const struct config_server *server, const struct address *recipient,
		  const struct connector_mail *mail, struct route *out);

#endif
