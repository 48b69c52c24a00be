/* Our side of SCRAM-SHA-256 (RFC 5802, RFC 7677), by libgsasl. */
#ifndef DELIVERY_AUTH_SCRAM_H
#define DELIVERY_AUTH_SCRAM_H

#include "common/base/str.h"

enum {
	SCRAM_WHY_MAX = 400,
	SCRAM_ITERATIONS_MAX = 1000 * 1000 /* about a second: limits the work that a host can cause */
};

struct scram;
struct tls_channel;

/*
 * Begins an exchange for USER, bound to the TLS of CHANNEL (SCRAM-SHA-256-PLUS) unless that is NULL. NULL with *why.
 * Free with scram_end.
 */
struct scram *scram_begin(const char *user, const char *password, const struct tls_channel *channel, const char **why);

/* CHANNEL has TLS that SCRAM can be bound to. */
bool scram_can_bind(const struct tls_channel *channel);

/* Takes the host's MESSAGE, empty at first, and appends our next one to TO in base64. False with scram_why. */
bool scram_step(struct scram *s, struct span message, struct str *to);
const char *scram_why(const struct scram *s);

/* The host has proved that it knows our password. */
bool scram_proved(const struct scram *s);

/* NULL is permitted. */
void scram_end(struct scram *s);

/*
 * The iteration count in a host's first message "r=...,s=...,i=4096"; 0 = none, or more than SCRAM_ITERATIONS_MAX.
 * Pure.
 */
unsigned scram_iterations(struct span message);

#endif
