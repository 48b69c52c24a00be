/*
 * The process behind signer.h, and its packets. All of them are between processes of one program, so their numbers
 * have the form of the machine.
 *
 *	common link	signer: a report for each key, in the order of the configuration; then the clients' links come
 *	client's link	question, answer
 */
#ifndef DELIVERY_AUTH_SIGNER_PROCESS_H
#define DELIVERY_AUTH_SIGNER_PROCESS_H

#include <stddef.h>

#include "common/dkim/key.h"
#include "delivery/auth/signer.h"

struct signer_report {
	bool usable;
	enum dkim_algorithm algorithm;
	char why[DKIM_KEY_WHY_MAX];
};

struct signer_question {
	uint32_t serial; /* repeated in the answer */
	uint32_t key;    /* its number, over all blocks */
	uint8_t hash[DKIM_HASH];
};

struct signer_answer {
	uint32_t serial;
	uint8_t signature[DKIM_SIGNATURE_MAX]; /* to the end of the packet; none = refused */
};
enum { SIGNER_ANSWER_HEAD = offsetof(struct signer_answer, signature) };

/*
 * Answers QUESTION, one packet of a client, with KEYS (N of them; NULL = it can't be used). Returns the octets of the
 * answer; 0 = no client asks such a question, and the link is to be closed.
 */
size_t signer_answer_question(struct dkim_key *const *keys, size_t n, struct span question,
			      struct signer_answer *answer);

/*
 * Forks the signer, which keeps ENDS[1] and closes ENDS[0]. Returns its pid, or -1 with errno.
 */
pid_t signer_process_fork(const int ends[2], const struct config_server *server, const struct signer_jail *jail);

#endif
