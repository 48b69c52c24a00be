/*
 * The I/O around the dialogue: one connection at a time, kept between jobs for the same destination. Hosts are tried in
 * order until every recipient is decided; what came to nothing before the end of data may be tried with the next host.
 * Blocks; every wait has a bound. Messages of any size pass in constant memory.
 */
#ifndef DELIVERY_SMTP_CLIENT_H
#define DELIVERY_SMTP_CLIENT_H

#include "common/ipc/hosts.h"
#include "common/net/stream.h"
#include "common/tls/channel.h"
#include "delivery/auth/security.h"
#include "delivery/smtp/dialogue.h"
#include "delivery/smtp/fallback.h"
#include "delivery/smtp/send_as.h"
#include "delivery/smtp/transcript.h"

enum {
	CLIENT_DESTINATION_MAX = 1024,
	CLIENT_SOURCE_MAX = 100,     /* of job_smtp in wire.def */
	CLIENT_BLOCK_NAME_MAX = 320, /* of credentials */
	CLIENT_PEER_MAX = IPADDR_TEXT_MAX + 6,
	CLIENT_BLOCK = 64 * 1024,      /* read and sent at once */
	CLIENT_TRANSACTIONS_MAX = 64,  /* of one message: hosts take 100 recipients each (RFC 5321 4.5.3.1.8) */
	CLIENT_CONNECT_MS = 30 * 1000, /* for one address */
	CLIENT_CONNECT_NEXT_MS = 4000, /* when there is another one: two SYNs go unanswered */
	CLIENT_CLOSE_MS = 2000,        /* for a host to close after QUIT, when that is waited for */
	CLIENT_FAILED_MAX = 2048,      /* octets of a list of hosts */

	/* A job as a whole may take so many times the longest wait for a reply, a hundredth of it more for each
	 * recipient, and a second for so many octets: a host that is slow in everything gives its worker back. */
	CLIENT_JOB_REPLIES = 12,
	CLIENT_JOB_RCPTS = 100,
	CLIENT_JOB_RATE = 1024
};

struct client_job {
	struct dialogue_mail mail;
	int message;      /* descriptor of the message file */
	uint64_t size;    /* of the file */
	uint64_t body_at; /* where the message proper begins */
	struct span head; /* what has been read of the file, from offset 0; may reach into the message proper */
	struct span destination;
	struct span hosts; /* hosts.h */
	bool use_helo;
	bool fold_lines;                    /* those of more than DOT_LINE_MAX octets */
	struct send_as send_as;             /* as whom the header says that it comes; empty address = as it is */
	struct span helo;                   /* what we call ourselves; empty = as at the start */
	struct span source;                 /* our addresses to come from, a blank between; empty = any */
	int64_t timeout_ms;                 /* for one reply, at most */
	uint64_t max_messages;              /* over one connection; 0 = no bound */
	uint64_t found;                     /* hosts at the head of the list that see no credentials */
	uint64_t generation;                /* of the list */
	bool anew, patient;                 /* as in wire.def */
	bool turned;                        /* over the connection that a client has turned round, and no other */
	int stream;                         /* ... which comes with this job; owned; -1 = it does not */
	const struct security *security;    /* whose settings of TLS hold, without trouble; NULL = clear */
	const struct security *credentials; /* whose user authenticates to these hosts; NULL = nobody does */
};

/* What a job met, beside what became of it. */
struct client_report {
	unsigned transactions;
	char reached[CLIENT_PEER_MAX];  /* "ADDRESS PORT"; "" = no host */
	char failed[CLIENT_FAILED_MAX]; /* hosts that did not get as far as MAIL, one a line; what has no room is left
					   out */
};

struct client {
	struct dialogue dialogue;
	struct stream stream;
	struct transcript transcript; /* its writer is the owner's to set; NULL = no log */
	int fd;                       /* -1 = no connection */
	char destination[CLIENT_DESTINATION_MAX];
	size_t destination_len;
	char host[JOURNAL_HOST_MAX + 1]; /* "name[address]:port" of the connection, or of the host tried last */
	char host_name[HOST_NAME_MAX_OCTETS + 1];      /* its name alone, as in the list of hosts: for TLS and sasl */
	struct ipaddr ip;                              /* and its address */
	char peer[CLIENT_PEER_MAX];                    /* and port, as in a report */
	uint64_t generation;                           /* of the list that it was in */
	bool found;                                    /* it was one of the `found` first of it */
	bool patient, turned;                          /* see wire.def */
	int unsent;                                    /* errno of a send to it that failed; 0 = none did */
	struct client_report report;                   /* of the last job */
	struct tls_channel channel;                    /* ssl NULL = in clear */
	struct span dane_names, dane_records;          /* of it while it is being opened; they lead into the job */
	struct span name;                              /* ours, unless a job has another; borrowed */
	char helo[HOST_NAME_MAX_OCTETS + 1];           /* of the job for which it was opened */
	char source[CLIENT_SOURCE_MAX + 1];            /* the same */
	char tls[TLS_PEER_MAX];                        /* how it was secured when TLS last was, for logs */
	const struct security *security, *credentials; /* of the job for which it was opened */
	struct fallback fallback;
	uint64_t messages; /* sent over this connection */
	int64_t job_until; /* when the job in hand has taken too long */
	char *in, *out;    /* a block as read, and as sent */
};

/* NAME is what we call ourselves in EHLO (borrowed). False without memory. */
bool client_init(struct client *c, struct span name);
void client_free(struct client *c);

/* Decides for every recipient in OUTCOMES. Afterwards c->fd tells whether the connection is kept; a patient one is also
 * when it should be ended (client_spent), so that nothing is waited for before the verdict. */
void client_deliver(struct client *c, const struct client_job *job, struct outcomes *outcomes);

/* Opens a connection to the first host of JOB that takes us, up to READY. What is in JOB of a message does not matter.
 */
bool client_reach(struct client *c, const struct client_job *job);

/* The connection is kept, and has carried as many messages as it may. */
bool client_spent(const struct client *c, uint64_t max_messages);

/* How long the host may take now, ms. */
int64_t client_timeout(const struct client *c, const struct client_job *job);

/* A kept connection stands, and the host has said nothing to us but empty lines. (It may speak TLS with our layer.) */
bool client_silent(struct client *c);

/* Takes leave of a kept connection. Waits for the host to close only when the connection is `patient`. Harmless when
 * there is none. */
void client_quit(struct client *c);

/* Closes without a word: the host has closed already. */
void client_close(struct client *c);

#endif
