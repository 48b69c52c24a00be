/*
 * Which clients may connect, send, and relay (mailroot.conf(5), relay), as pure functions of the configuration, the
 * client, and what MAIL and RCPT say. rules.h has the part of the client rules. The server, `mailrootctl explain relay`
 * and the tests call the same functions.
 */
#ifndef SMTPD_POLICY_POLICY_H
#define SMTPD_POLICY_POLICY_H

#include "common/config/config.h"
#include "common/mail/address.h"
#include "common/mail/domain.h"

enum { POLICY_WHY_MAX = 161 };

enum policy_name {
	POLICY_NAME_UNASKED, /* not looked up yet */
	POLICY_NAME_CONFIRMED,
	POLICY_NAME_UNCONFIRMED
};

/* The client: its address, and its DNS name if that leads back to the address. */
struct policy_client {
	struct ipaddr ip;
	enum policy_name name_state;
	char name[DOMAIN_MAX + 1]; /* when confirmed; lower case */
	char why[POLICY_WHY_MAX];  /* when unconfirmed */
	const char *user;          /* the authenticated user; NULL = none */
	bool tls;
};

enum policy_rule {
	POLICY_CONNECT_LISTED, /* the client is in connect list */
	POLICY_CONNECT_NOT_LISTED,
	POLICY_TLS_REQUIRED,         /* mail is taken over TLS only */
	POLICY_NOT_ANONYMOUS,        /* mail is taken from authenticated clients only */
	POLICY_CLIENT_RULE,          /* a client rule fits the client, or would if the client had a confirmed name */
	POLICY_CLIENT_TLS,           /* the rule requires TLS */
	POLICY_CLIENT_AUTH,          /* the rule requires authentication */
	POLICY_CLIENT_SENDER,        /* the rule has senders */
	POLICY_CLIENT_SENDER_UNSAID, /* and the sender is not known */
	POLICY_CLIENT_SIZE,          /* the rule has a maximum size */
	POLICY_DEFAULT_DOMAIN, /* the address had no domain, or that of a listener, or the default domain itself */
	POLICY_LOCAL_DOMAIN,
	POLICY_ALIAS_DOMAIN,
	POLICY_REMOTE_DOMAIN, /* relay yes or no of the best matching remote domain */
	POLICY_CONNECTOR,     /* relay yes or no of the connector with the best matching address space */
	POLICY_AUTHENTICATED, /* the client has authenticated, and relay authenticated says yes or no */
	POLICY_RELAY_LISTED,  /* the client is in relay list */
	POLICY_RELAY_NOT_LISTED,
	POLICY_CLIENT_RECIPIENT, /* the client rule has recipients */
	POLICY_CLIENT_FROM,      /* the client rule has senders for the header, too */
	POLICY_CLIENT_FROM_BAD,  /* and the addresses there can't be read */
	POLICY_RULE_COUNT
};

/* One rule of the chain. The last step of a chain is the one that decided. */
struct policy_step {
	enum policy_rule rule;
	bool accepts;     /* the rule accepts; false = the next rule decides, or refused when last */
	const char *text; /* the domain, pattern, connector, network, user or client rule; NULL = none; points into
			     configuration or client */
	const struct config_origin *origin; /* its place in the file; file NULL = the default */
	const char *unconfirmed;            /* the list holds names, and why the client has none; in the client */
};

enum { POLICY_STEPS_MAX = 8 };

struct policy_decision {
	/* Nothing is decided, so nothing is accepted: the caller has to look up the client's name first. The last
	 * step, if there is one, is the client rule that wants the name. True only when a consulted list holds names,
	 * none of its networks matches the client, and the name is POLICY_NAME_UNASKED. */
	bool wants_name;
	bool accepted;
	const char *stamp; /* the domain that replaces the address's: default for none, a listener and an alias; NULL =
			      unchanged */
	struct policy_step steps[POLICY_STEPS_MAX];
	size_t step_count;
};

/* Decides whether the client may connect. One step. */
void policy_connect_decide(const struct config_server *server, const struct policy_client *client,
			   struct policy_decision *out);

/* What MAIL says. */
struct policy_mail {
	const struct address *sender; /* as written; empty text = the null sender; NULL = not known */
	uint64_t size;                /* octets; 0 = not declared */
};

/*
 * Decides whether the client may begin a message: MAIL NULL, any message at all. No step where nothing is required;
 * otherwise one for each requirement, the first unmet one last.
 */
void policy_mail_decide(const struct config_server *server, const struct policy_client *client,
			const struct policy_mail *mail, struct policy_decision *out);

/*
 * Whether the client is one of ours, for which we complete messages (RFC 6409 8) and make DKIM signatures: it has
 * authenticated, is on this machine, or may relay. *WANTS_NAME as in struct policy_decision: the result is false and
 * means nothing.
 */
bool policy_is_ours(const struct config_server *server, const struct policy_client *client, bool *wants_name);

/* Decides whether the client may send to DOMAIN, the recipient's; empty when the address has none. */
void policy_relay_decide(const struct config_server *server, const struct policy_client *client, struct span domain,
			 struct policy_decision *out);

/*
 * The same as if the rules before FIRST did not exist: POLICY_REMOTE_DOMAIN skips our own domains, POLICY_CONNECTOR
 * remote domains too, POLICY_AUTHENTICATED everything but the client itself, POLICY_RELAY_LISTED everything but the
 * client's list.
 */
void policy_relay_from(const struct config_server *server, const struct policy_client *client, struct span domain,
		       enum policy_rule first, struct policy_decision *out);

/*
 * RCPT with the domain that DECISION assigns. TEXT, of ADDRESS_MAX + 1 octets, holds it if that is another one than its
 * own.
 */
struct address policy_stamp(const struct policy_decision *decision, const struct address *rcpt, char *text);

/* Whether ENTRY of a list matches CLIENT. */
bool policy_client_match(const struct config_client *entry, const struct policy_client *client);

/* Formats a step: "remote_domain *.example.net has relay no: goes on". */
void policy_step_format(const struct config_server *server, const struct policy_step *step, struct str *to);

#endif
