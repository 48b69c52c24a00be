/*
 * Where a recipient's mail goes, and which lines of the configuration say so. Pure: no look-ups, no files.
 *
 * Order: local and alias domains, and literals of our addresses, go to their drop folder; the remote domain that fits
 * best, if it has a route, goes there; then the connector of connector.h; then the smart host; then the MX of the
 * domain, or the address itself where the domain is a literal. With direct_first the smart host stands behind these, in
 * the same route.
 *
 * What holds for the connection is the outbound block of whoever gave the hosts, if he has one: a connector's own
 * before that of a remote domain without route, and that before the virtual server's.
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
	ROUTE_NONE,    /* nowhere: no mail can go there, `why` says it */
	ROUTE_KIND_COUNT
};

/* One step of the way to the decision: what was looked at, and where it is written (file NULL = by default). */
struct route_rule {
	const char *what;
	struct span value;
	struct config_origin origin;
};

enum {
	ROUTE_RULES_MAX = 6,
	ROUTE_BLOCK_MAX = 320,
	ROUTE_HOSTS_MAX = 33 /* bound of the settings smart_host and route, and one more that is found */
};

/* An outbound block: of what, and of which; {"virtual_server"}, {"remote_domain", "*.example.com"}, {"connector",
 * "partner"}. `of` NULL = none.
 */
struct route_block {
	const char *of;
	const char *name; /* NULL where there is only one */
};

struct route {
	enum route_kind kind;
	const struct config_local_domain *local;
	const struct config_hosts *hosts;       /* of HOSTS; of MX and LITERAL: when these can't be had, NULL = none */
	const struct config_outbound *outbound; /* of HOSTS, MX, LITERAL */
	struct route_block security;            /* where `outbound` is written */
	struct route_block
		credentials; /* where the hosts are written, if it authenticates: they alone see its password */
	const struct config_outbound *user; /* the outbound block of `credentials`; NULL = we authenticate to nobody */
	struct route_block written;         /* where the hosts are written; of NULL = nowhere */
	struct config_origin written_at;    /* and the line */
	struct route_block limits;          /* where the limits of `outbound` are written */
	struct span domain;                 /* of the recipient */
	struct ipaddr literal;
	const struct config_remote_domain *remote; /* that fits best, whether or not it has a route; NULL = none */
	struct connector_choice choice; /* of all connectors, asked for or not; without connector where there is none */
	enum config_tristate private_mx; /* of MX: as in config_remote_domain */
	const struct config_remote_domain
		*etrn; /* the mail waits until its host asks for it with ETRN or ATRN; NULL = it does not wait */
	const char *why;
	struct route_rule rules[ROUTE_RULES_MAX];
	size_t rule_count;
};

/* The domain that other hosts hear of in place of SENDER's: masquerade_domain for a local or an alias domain; empty =
 * its own. */
struct span route_masquerade(const struct config_server *server, const struct address *sender);

/* The remote domain says where to, so that neither connectors nor smart_host are asked. */
bool route_of_remote(const struct route *route);

const char *route_kind_name(enum route_kind kind);

enum { ROUTE_WRITTEN_MAX = 400 };

/* "connector partner (route in FILE:12)": where the hosts of ROUTE are written; "" = nowhere. */
void route_written_format(const struct route *route, char to[ROUTE_WRITTEN_MAX]);

/* As jobs name it: "remote_domain *.example.com"; "" for none. */
void route_block_format(const struct route_block *block, char to[ROUTE_BLOCK_MAX]);

/*
 * The part of route_decide that is about hosts written in the configuration: true with *OUT (cleared by the caller)
 * filled when mail for REMOTE (NULL = for no remote domain) that CONNECTOR takes (NULL = that none takes) goes to such
 * hosts.
 */
bool route_to_hosts(const struct config_server *server, const struct config_remote_domain *remote,
		    const struct config_connector *connector, struct route *out);

/* Appends all that says how ROUTE, which leads to a host, speaks to it, and as whom: to be compared or hashed. */
void route_append_manner(const struct config_server *server, const struct route *route, struct str *to);

/* Pointers in *out lead into SERVER and RECIPIENT. MAIL NULL: as if it met the conditions of every connector. */
void route_decide(const struct config_server *server, const struct address *recipient,
		  const struct connector_mail *mail, struct route *out);

#endif
