/*
 * How much each client sends, and whether that is within the rates of `client` in the configuration. Workers count in
 * shared memory of a fixed size, by address (IPv6: by network of 64 bits) or by user. There is no lock: each counter is
 * a word that is replaced whole, so a worker may die at any moment. A worker that was taken over may write anything
 * there; the worst result is that clients are refused for a period, or not limited.
 *
 * When all slots for a client are taken, the client that was idle for longest is forgotten. A secret decides
 * which slots a client may have, so no client can choose the one that it displaces.
 */
#ifndef SMTPD_POLICY_USAGE_H
#define SMTPD_POLICY_USAGE_H

#include "common/config/config.h"

enum usage_kind { USAGE_CONNECTIONS, USAGE_MESSAGES, USAGE_RECIPIENTS, USAGE_OCTETS, USAGE_ERRORS, USAGE_KINDS };

enum {
	USAGE_SLOTS = 16384,        /* clients that are remembered, 5 MiB in all */
	USAGE_USERS = 4096,         /* of them users: no number of addresses displaces a user */
	USAGE_NAME_MAX = 63,        /* octets that are kept of a user's name */
	USAGE_QUIET_MS = 60 * 1000, /* at most one log line in this time about one client */
	USAGE_LINES_MAX = 100       /* and at most so many about all clients */
};

/* The setting for KIND, "messages", and its value in SERVER. */
const char *usage_setting(enum usage_kind kind);
const struct config_rate *usage_limit(const struct config_server *server, enum usage_kind kind);

/* A rate as it stands in the configuration: "300/1m", "500M/1h". */
void usage_format(enum usage_kind kind, const struct config_rate *limit, struct str *to);

/* Where `client connection_rate` and so on is written. */
const struct config_origin *usage_origin(const struct config_server *server, enum usage_kind kind);

/* The entry of `client except_list` that has CLIENT: no limit concerns it, but it is counted. NULL = none. */
const struct config_client *usage_excepted(const struct config_server *server, const struct ipaddr *client);

/* All addresses of one IPv6 network of 64 bits are one client, because one customer gets a /64. Never 0. */
uint64_t usage_net(const struct ipaddr *client);

/* The client that is counted: a user, or if that is NULL an address. Borrowed. */
struct usage_who {
	const struct ipaddr *ip;
	const char *user;
	const char *rule; /* the client rule for which it is counted apart; NULL = for the limits of `client` */
};

/* The first limit that is written in the configuration and concerns CLIENT; NULL = there is none. */
const struct config_origin *usage_written(const struct config_server *server, const struct ipaddr *client);

/* For which client an event of KIND counts. Errors and connections are known before the user, so they count by address.
 */
struct usage_who usage_counted(const struct config_server *server, enum usage_kind kind, const struct ipaddr *ip,
			       const char *user);

/* The same for a client of RULE, by user if the rule has users. */
struct usage_who usage_counted_for(const struct config_client_rule *rule, const struct ipaddr *ip, const char *user);

/* The rate of RULE for KIND, its setting, and where that is written; NULL = rules have none. */
struct usage_rule_limit {
	const struct config_rate *limit;
	const char *setting;
	const struct config_origin *origin;
};
struct usage_rule_limit usage_rule_limit(const struct config_client_rule *rule, enum usage_kind kind);

struct usage;

struct usage *usage_new(void);    /* NULL with errno */
void usage_free(struct usage *u); /* NULL is fine */

/*
 * Worker: counts N more events of WHO at MONO_MS if they fit into LIMIT, or if FORCE. Returns 0, or how many
 * milliseconds later they would have fit. Two workers that come at once never both take the last place.
 */
int64_t usage_take(struct usage *u, const struct usage_who *who, enum usage_kind kind, uint64_t n,
		   const struct config_rate *limit, bool force, int64_t mono_ms);

/* The same without counting. */
int64_t usage_wait_ms(const struct usage *u, const struct usage_who *who, enum usage_kind kind, uint64_t n,
		      const struct config_rate *limit, int64_t mono_ms);

/* How many events WHO has used of LIMIT now: the counter leaks. Up to twice LIMIT; 0 when LIMIT is none. */
uint64_t usage_used(const struct usage *u, const struct usage_who *who, enum usage_kind kind,
		    const struct config_rate *limit, int64_t mono_ms);

/*
 * Worker: WHO was over a limit once more. Returns how often it was since the last log line, this time included, if
 * another line is due; otherwise 0. Among more than USAGE_LINES_MAX clients some have to wait for their line.
 */
unsigned usage_over(struct usage *u, const struct usage_who *who, int64_t mono_ms);

/* Parent: how many lines were due since the last call and had no room among USAGE_LINES_MAX. */
unsigned usage_take_unsaid(struct usage *u);

/* What one client did. */
struct usage_row {
	char name[USAGE_NAME_MAX + 1]; /* printable: "192.0.2.1", "2001:db8:0:1::/64", or the user's */
	bool user;
	uint64_t net; /* usage_net of an address */
	int64_t idle_ms;
	uint64_t counts[USAGE_KINDS]; /* in the last hour, or nearly so */
	uint64_t over;                /* how often it was over a limit, in the same time */
	enum usage_kind nearest;      /* the limit that it comes nearest to */
	unsigned percent;             /* of that limit; 0 = it is near to none */
	int64_t wait_ms;              /* until one more fits into that limit; 0 = it fits now */
};

/*
 * Parent: the client in slot I of USAGE_SLOTS. False: there is none, it did nothing for an hour, or it is counted for a
 * client rule.
 */
bool usage_get(const struct usage *u, size_t i, const struct config_server *server, int64_t mono_ms,
	       struct usage_row *out);

#endif
