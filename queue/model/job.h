/*
 * Jobs: one message for some of its recipients, for one worker. A job waits at its destination, then a worker has it,
 * then it ends. Its message counts it all the time. The recipients of a job are ordinals of the envelope.
 */
#ifndef QUEUE_ATTEMPT_JOBS_H
#define QUEUE_ATTEMPT_JOBS_H

#include "common/mail/envelope.h"
#include "queue/model/pool.h"

enum job_kind { JOB_SMTP, JOB_COPY, JOB_NOTICE };

enum { JOB_RCPT_MAX = 100 /* RFC 5321 4.5.3.1.8: no host need take more */, JOB_BITMAP = ENVELOPE_RCPT_MAX / 8 };

struct job {
	TAILQ_ENTRY(job) place;      /* destination->jobs or worker->jobs */
	TAILQ_ENTRY(job) of_message; /* loaded->jobs */
	struct message *message;
	struct destination *destination; /* counted */
	struct pool *pool;               /* that serves the destination */
	struct worker *worker;           /* NULL while it waits */
	struct provider *provider;       /* whose limits it counts for, at a worker; NULL = none. Counted. */
	enum job_kind kind;
	uint8_t transactions; /* messages that the other end has counted for it, as far as we know */
	bool outdated;        /* other credentials came after a worker had got it */
	size_t rcpt_count;
	size_t bitmap_len;
	unsigned char bitmap[]; /* bit 0 of octet 0 first */
};

/* True when RCPT is a recipient of J. */
bool job_has(const struct job *j, size_t rcpt);

/* The first recipient of J. Every job has one. */
size_t job_first(const struct job *j);

/*
 * Puts recipient RCPT of M into a job of KIND that waits at D, which pool P serves. Creates the job when none has room.
 * M owns it. NULL without memory.
 */
struct job *job_take(struct pool *p, struct message *m, struct destination *d, enum job_kind kind, size_t rcpt,
		     int64_t now_ms);

/* Frees J, which has ended or never began. CONNECTED: its worker keeps the connection. */
void job_end(struct job *j, bool connected, int64_t now_ms);

/* Ends all jobs of M that no worker has. */
void job_cancel_all(struct message *m, int64_t now_ms);

/*
 * Writes the id of the notice that job J makes to TO, which holds MSGID_LEN + 1. Equal facts give an equal id, so that
 * a notice is written only once.
 */
void job_notice_id(const struct job *j, char *to);

#endif
