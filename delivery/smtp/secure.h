/* TLS on the client's connection: what a job's block requires, the handshake, and the verification of the host. */
#ifndef DELIVERY_SMTP_SECURE_H
#define DELIVERY_SMTP_SECURE_H

#include "delivery/smtp/client.h"

/* Before dialogue_start: sets what JOB requires of HOST. PLAIN: opportunistic TLS has failed with this host. */
void secure_demand(struct client *c, const struct client_job *job, const struct host *host, bool plain);

/* DNS gave no answer about DANE for HOST, and JOB needs one. */
bool secure_must_wait(const struct client_job *job, const struct host *host);

/* Runs the handshake for the dialogue, within the stream's deadline. */
enum dialogue_next secure_handshake(struct client *c, const struct client_job *job);

/* The reason why reading or sending failed with errno ERR, with the TLS error if there is one. */
const char *secure_reason(const struct client *c, int err);

/* Sends close_notify; harmless without TLS. */
void secure_close(struct client *c);

#endif
