/*
 * The signer is a process that holds the private keys of DKIM and signs hashes for the SMTP clients, which never have
 * the keys. It is forked before the jail, reads the files as root, and enters a jail of its own, without files and
 * network. Each SMTP client has a link of its own, so it can neither read the answers of another one nor keep it
 * waiting for long: one question of each is answered in turn. The signer ends when the parent and all SMTP clients are
 * gone.
 */
#ifndef DELIVERY_AUTH_SIGNER_H
#define DELIVERY_AUTH_SIGNER_H

#include <sys/types.h>

#include "common/config/config.h"
#include "common/dkim/signature.h"

enum { SIGNER_WHY_MAX = 700 };

/* What the SMTP clients know of a key. */
struct signer_key {
	const struct config_selector *selector;
	enum dkim_algorithm algorithm;
	char *why; /* it can't be used: the reason, and where it is set; NULL = it can */
};

struct signer {
	pid_t pid;                          /* 0 = there is nothing to sign */
	int link;                           /* takes the links of the clients; -1 = none */
	const struct config_server *server; /* borrowed */
	struct signer_key *keys;            /* of all blocks dkim, in their order */
	size_t n;
};

struct signer_jail {
	const char *user; /* of the jail; key files belong to root or to this user */
	enum config_seccomp seccomp;
	size_t clients; /* at most */
};

/*
 * As root: forks the signer for the blocks dkim of SERVER, and waits until it has read the keys. A key that can't be
 * used has its reason in *out, and a line in the log. Nothing happens without such a block. Ends the process with
 * EXIT_TEMPORARY when there can be no signer.
 */
void signer_start(struct signer *out, const struct config_server *server, const struct signer_jail *jail);

/* Closes the link; the signer goes on while there are clients. */
void signer_free(struct signer *s);

/* In the parent: whether the signer has ended, which it never should; true once, and TEXT (SIGNER_WHY_MAX) says how. */
bool signer_ended(const struct signer *s, char *text);

/* Appends the keys that can't be used, one line each, for child_trouble. */
void signer_trouble(const struct signer *s, struct str *to);

/* The keys of DKIM, a block of the server; their number is that of its selectors. */
const struct signer_key *signer_keys(const struct signer *s, const struct config_dkim *dkim);

/*
 * In a client, before it reads anything from the network: makes its link to the signer, and gives up the common one.
 * Returns the link, or -1: there is no signer.
 */
int signer_connect(struct signer *s);

/*
 * In a client: asks for the signature of HASH (DKIM_HASH octets) by KEY of s->keys, until UNTIL (clock_mono_ms).
 * SIGNATURE has DKIM_SIGNATURE_MAX octets. Returns the octets of the signature, or -errno: -ETIMEDOUT, -ECONNRESET =
 * the signer is gone, -EKEYREJECTED = it refuses.
 */
int signer_ask(const struct signer *s, int link, const struct signer_key *key, const uint8_t *hash, int64_t until,
	       uint8_t *signature);

#endif
