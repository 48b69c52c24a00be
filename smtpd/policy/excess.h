/* What is said when a client is over a rate of `client` or of its client rule: to the client, and in the log. */
#ifndef SMTPD_POLICY_EXCESS_H
#define SMTPD_POLICY_EXCESS_H

#include "smtpd/policy/usage.h"

struct excess {
	const struct config_server *server;
	const struct usage_who *who;
	enum usage_kind kind;
	int64_t wait_ms;                       /* until one more fits */
	bool refused;                          /* false: over log */
	const struct config_client_rule *rule; /* whose limit it is; NULL = that of `client` */
};

/* Appends "Client 192.0.2.1 has reached its limit messages 300/1m, try again in 12s" for a reply. */
void excess_reply(const struct excess *e, struct str *to);

/* Appends "192.0.2.1: at most 50 at a time", for a client with more connections. */
void excess_crowd_reply(const struct ipaddr *client, size_t most, struct str *to);

/* Counts the excess, and writes a line about all since the last one when USAGE_QUIET_MS have passed. */
void excess_log(const struct excess *e, struct usage *usage, int64_t mono_ms);

/* Parent, from time to time: writes a line about the clients that got none, because USAGE_LINES_MAX others had one. */
void excess_log_unsaid(struct usage *usage);

#endif
