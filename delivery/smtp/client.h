/*
 * The I/O of the dialogue: one connection at a time, kept between jobs for the same destination. Hosts are tried in
 * order until every recipient is decided; a transaction that failed before the end of data may be tried with the next
 * host. Blocks; every wait is bounded. Messages of any size take constant memory.
 */
#ifndef DELIVERY_SMTP_CLIENT_H
#define DELIVERY_SMTP_CLIENT_H

#include "common/ipc/hosts.h"
#include "common/mail/send_as.h"
#include "common/net/stream.h"
#include "common/tls/channel.h"
#include "delivery/auth/security.h"
#include "delivery/smtp/dialogue.h"
#include "delivery/smtp/fallback.h"
#include "delivery/smtp/outgoing.h"
#include "delivery/smtp/transcript.h"

enum {
	CLIENT_DESTINATION_MAX = 1024,
	CLIENT_SOURCE_MAX = 100,     /* of job_smtp in wire.def */
	CLIENT_BLOCK_NAME_MAX = 320, /* of credentials */
	CLIENT_PEER_MAX = IPADDR_TEXT_MAX + 6,
	CLIENT_BLOCK = 64 * 1024,      /* octets read and sent at once */
	CLIENT_TRANSACTIONS_MAX = 64,  /* of one message: hosts take 100 recipients each (RFC 5321 4.5.3.1.8) */
	CLIENT_CONNECT_MS = 30 * 1000, /* for one address */
	CLIENT_CONNECT_NEXT_MS = 4000, /* when there is another address: two SYNs remain unanswered */
	CLIENT_CLOSE_MS = 2000,        /* for the host to close after QUIT, where that is awaited */
	CLIENT_FAILED_MAX = 2048,      /* octets of a list of hosts */

	/* A whole job may take this many times the longest wait for a reply, plus a hundredth of it for each recipient,
	 * plus a second for each so many octets: a slow host can't hold its worker for ever. */
	CLIENT_JOB_REPLIES = 12,
	CLIENT_JOB_RCPTS = 100,
	CLIENT_JOB_RATE = 1024
};

struct client_job {
	struct span id; /* of the message, for the log */
	struct dialogue_mail mail;
	int message;         /* descriptor of the message file */
	uint64_t size;       /* of the file */
	uint64_t body_at;    /* offset of the message proper */
	struct span head;    /* the file's first octets, read already; may reach into the message proper */
	struct span mailbox; /* authenticates in place of the username of `credentials`; empty = that */
	struct span destination;
	struct span hosts; /* hosts.h */
	bool use_helo;
	bool fold_lines;                 /* fold lines of more than DOT_LINE_MAX octets */
	struct send_as send_as;          /* the sender for the header; empty address = the header stays */
	const struct signing *signing;   /* for DKIM; NULL = the message is not signed */
	struct span helo;                /* our name in EHLO; empty = the one of client_init */
	struct span source;              /* our source addresses, separated by blanks; empty = any */
	int64_t timeout_ms;              /* for one reply at most */
	uint64_t max_messages;           /* over one connection; 0 = no limit */
	uint64_t found;                  /* number of hosts at the head of the list that get no credentials */
	uint64_t generation;             /* of the list */
	bool anew, patient;              /* as in wire.def */
	bool turned;                     /* use the ATRN connection, and no other */
	int stream;                      /* that connection, if it comes with this job; owned; -1 = none */
	const struct security *security; /* the block whose TLS settings apply, without trouble; NULL = no TLS */
	const struct security
		*credentials; /* the block whose user authenticates to these hosts; NULL = no authentication */
};

/* Facts about a job beside its outcomes. */
struct client_report {
	unsigned transactions;
	char reached[CLIENT_PEER_MAX];  /* "ADDRESS PORT"; "" = no host */
	char failed[CLIENT_FAILED_MAX]; /* hosts that failed before MAIL, one a line; cut to fit */
	char signed_by[SIGN_NAMES_MAX]; /* as in struct outgoing, of the last transaction */
	uint64_t refused_token;         /* serial of the access token that a host refused; 0 = none */
};

struct client {
	struct dialogue dialogue;
	struct stream stream;
	struct transcript transcript; /* the owner sets its writer; NULL = no log */
	int fd;                       /* -1 = no connection */
	char destination[CLIENT_DESTINATION_MAX];
	size_t destination_len;
	char host[JOURNAL_HOST_MAX + 1]; /* "name[address]:port" of the connection, or of the host tried last */
	char host_name[HOST_NAME_MAX_OCTETS + 1]; /* the host's name as in the list of hosts: for TLS and sasl */
	struct ipaddr ip;                         /* its address */
	uint16_t port;
	char peer[CLIENT_PEER_MAX];  /* its port, as in a report */
	uint64_t generation;         /* generation of the list of hosts */
	bool found;                  /* the host was one of the list's first `found` */
	bool patient, turned;        /* see wire.def */
	int unsent;                  /* errno of the send that failed; 0 = none */
	struct client_report report; /* of the last job */
	struct tls_channel channel;  /* ssl NULL = no TLS */
	struct span dane_names,
		dane_records; /* of the host while the connection is being opened; they point into the job */
	struct span name;     /* our default name; borrowed */
	char helo[HOST_NAME_MAX_OCTETS + 1];           /* of the job for which the connection was opened */
	char source[CLIENT_SOURCE_MAX + 1];            /* the same */
	char tls[TLS_PEER_MAX];                        /* TLS parameters of the last TLS connection, for logs */
	const struct security *security, *credentials; /* of the job for which the connection was opened */
	struct outgoing outgoing;                      /* of the current job */
	struct fallback fallback;
	uint64_t messages; /* sent over this connection */
	int64_t job_until; /* deadline of the current job */
	char *in, *out;    /* one block, before and after dot-stuffing */
};

/* NAME is our name in EHLO (borrowed). False: no memory. */
bool client_init(struct client *c, struct span name);
void client_free(struct client *c);

/*
 * Decides for every recipient in OUTCOMES. Afterwards c->fd tells whether the connection is kept. A patient connection
 * is kept even when it should be closed (client_spent), so that the verdict does not wait for the close.
 */
void client_deliver(struct client *c, const struct client_job *job, struct outcomes *outcomes);

/* Opens a connection, up to READY, to the first host of JOB that accepts us. The message in JOB does not matter. */
bool client_reach(struct client *c, const struct client_job *job);

/* The kept connection has carried its maximum number of messages. */
bool client_spent(const struct client *c, uint64_t max_messages);

/* How long the host may take for the next reply, ms. */
int64_t client_timeout(const struct client *c, const struct client_job *job);

/* The kept connection is open, and the host has sent nothing but empty lines. (It may have sent records of TLS.) */
bool client_silent(struct client *c);

/*
 * Ends a kept connection with QUIT. Waits for the host to close only when the connection is `patient`. Harmless when
 * there is none.
 */
void client_quit(struct client *c);

/* Closes without QUIT: the host has closed already. */
void client_close(struct client *c);

/* Sends the rest of the output, and closes. */
void client_leave(struct client *c);

#endif
