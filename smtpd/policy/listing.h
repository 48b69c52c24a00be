/*
 * What DNS lists say of a client, and what follows from it (dnsbl in connect). Pure: a session asks the lists
 * (lists.h), and `mailrootctl explain relay` says which it would ask.
 */
#ifndef SMTPD_POLICY_LISTING_H
#define SMTPD_POLICY_LISTING_H

#include "common/mail/address.h"
#include "common/mail/dnsbl.h"
#include "smtpd/policy/policy.h"

/* Why a client is not looked up in lists, and does not wait for the greeting. */
enum listing_skip {
	LISTING_STRANGER, /* it is, and does */
	LISTING_EXCEPTED,
	LISTING_AUTHENTICATED,
	LISTING_MAY_RELAY
};

/*
 * *WANTS_NAME: the relay list has names, and that of the client was not looked up. If it is looked up, the result may
 * be LISTING_MAY_RELAY in place of LISTING_STRANGER.
 */
enum listing_skip listing_skip(const struct config_server *server, const struct policy_client *client,
			       bool *wants_name);

/* Recipients that also take mail of listed clients: postmaster (RFC 5321 4.5.1), where such a client can complain. */
bool listing_spares(const struct address *rcpt);

/* The lists in the order in which they are asked: those of dnsbl, then those of dnsbl_allow. */
size_t listing_count(const struct config_connect *connect);
const struct config_dnsbl *listing_at(const struct config_connect *connect, size_t i);

/* Appends their zones with a space between them, as in `listed_of`. */
void listing_zones(const struct config_connect *connect, struct str *to);

/* The first record of ANSWER that LIST counts; NULL = the client is not listed there. */
const unsigned char *listing_record(const struct config_dnsbl *list, const struct dnsbl_answer *answer);

struct listing_verdict {
	int64_t total; /* of all scores */
	bool refused;
	size_t worst; /* if refused: the list with the highest score, as in listing_at */
};

/* ANSWERS: one for each list. */
void listing_judge(const struct config_connect *connect, const struct dnsbl_answer *answers,
		   struct listing_verdict *out);

#endif
