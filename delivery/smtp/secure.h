/*
 * TLS on the client's connection: what a job's block asks of a host, the handshake, and whether the host is the one
 * that is meant.
 */
#ifndef DELIVERY_SMTP_SECURE_H
#define DELIVERY_SMTP_SECURE_H

#include "delivery/smtp/client.h"

/* Before dialogue_start: what JOB asks of HOST. PLAIN: opportunistic TLS has failed with it. */
void secure_demand(struct client *c, const struct client_job *job, const struct host *host, bool plain);

/* DNS did not say what it asks of HOST (DANE), and JOB wants to know. */
bool secure_must_wait(const struct client_job *job, const struct host *host);

/* The handshake that the dialogue wants, within the stream's deadline. */
enum dialogue_next secure_handshake(struct client *c, const struct client_job *job);

/* Why reading or sending failed with errno ERR, in words: what TLS says, where it has a part in it. */
const char *secure_reason(const struct client *c, int err);

/* Says close_notify; harmless in clear. */
void secure_close(struct client *c);

#endif
