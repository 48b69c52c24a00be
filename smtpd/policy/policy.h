/*
 * Who may connect, who may send, and who may send to whom (mailroot.conf(5), relay), as pure functions of the
 * configuration, the client and the recipient's domain. The server, `mailrootctl explain relay` and the tests call the
 * same ones.
 */
#ifndef SMTPD_POLICY_POLICY_H
#define SMTPD_POLICY_POLICY_H

#include "common/config/config.h"
#include "common/mail/domain.h"

enum { POLICY_WHY_MAX = 161 };

enum policy_name {
	POLICY_NAME_UNASKED, /* nobody has looked yet */
	POLICY_NAME_CONFIRMED,
	POLICY_NAME_UNCONFIRMED
};

/* Who asks: the address, and the name that it has in DNS and that leads back to it. */
struct policy_client {
	struct ipaddr ip;
	enum policy_name name_state;
	char name[DOMAIN_MAX + 1]; /* when confirmed; lower case */
	char why[POLICY_WHY_MAX];  /* when unconfirmed */
	const char *user;          /* who it has authenticated as; NULL = nobody */
	bool tls;
};

enum policy_rule {
	POLICY_CONNECT_LISTED, /* the client is in connect list */
	POLICY_CONNECT_NOT_LISTED,
	POLICY_TLS_REQUIRED,   /* mail is taken over TLS only */
	POLICY_NOT_ANONYMOUS,  /* mail is taken from who has authenticated only */
	POLICY_DEFAULT_DOMAIN, /* the address had no domain, or that of a listener, or the default domain itself */
	POLICY_LOCAL_DOMAIN,
	POLICY_ALIAS_DOMAIN,
	POLICY_REMOTE_DOMAIN, /* relay yes or no of the best matching remote domain */
	POLICY_CONNECTOR,     /* relay yes or no of the connector with the best matching address space */
	POLICY_AUTHENTICATED, /* the client has authenticated, and relay authenticated says yes or no */
	POLICY_RELAY_LISTED,  /* the client is in relay list */
	POLICY_RELAY_NOT_LISTED,
	POLICY_RULE_COUNT
};

/* One rule that was looked at. The last step of a chain is the one that decided. */
struct policy_step {
	enum policy_rule rule;
	bool accepts;     /* would accept; false = goes on, or refuses when last */
	const char *text; /* the domain, pattern, connector, network or user of the rule; NULL = none; in configuration
			     or client */
	const struct config_origin *origin; /* where it stands; file NULL = the default */
	const char *unconfirmed;            /* the list holds names, and why the client has none; in the client */
};

enum { POLICY_STEPS_MAX = 4 };

struct policy_decision {
	/* Nothing is decided (and nothing accepted): the client's name must be looked up first. Only when a list that
	 * is consulted holds names, none of its networks has the client, and the name is POLICY_NAME_UNASKED. */
	bool wants_name;
	bool accepted;
	const char *
		stamp; /* the domain that the address gets: default for none, a listener and an alias; NULL = its own */
	struct policy_step steps[POLICY_STEPS_MAX];
	size_t step_count;
};

/* May the client connect at all? One step. */
void policy_connect_decide(const struct config_server *server, const struct policy_client *client,
			   struct policy_decision *out);

/* May it begin a message? No step where nothing is asked of it, else one for each thing, the first that it lacks last.
 */
void policy_mail_decide(const struct config_server *server, const struct policy_client *client,
			struct policy_decision *out);

/*
 * Is the client one of ours, which may leave it to us to complete its messages (RFC 6409 8)? It has authenticated, or
 * is on this machine, or may relay. A name that nobody has looked up is none.
 */
bool policy_is_ours(const struct config_server *server, const struct policy_client *client);

/* DOMAIN is that of the recipient, empty when it had none. */
void policy_relay_decide(const struct config_server *server, const struct policy_client *client, struct span domain,
			 struct policy_decision *out);

/* The same as if no rule before FIRST were there: POLICY_REMOTE_DOMAIN passes our own domains over,
 * POLICY_CONNECTOR remote domains too, POLICY_AUTHENTICATED all but the client itself, POLICY_RELAY_LISTED all but the
 * client's list. */
void policy_relay_from(const struct config_server *server, const struct policy_client *client, struct span domain,
		       enum policy_rule first, struct policy_decision *out);

/* ENTRY of a list stands for CLIENT. */
bool policy_client_match(const struct config_client *entry, const struct policy_client *client);

/* A step in words: "remote_domain *.example.net has relay no: goes on". */
void policy_step_format(const struct config_server *server, const struct policy_step *step, struct str *to);

#endif
