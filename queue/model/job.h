/*
 * Jobs: what a worker is asked to do for one message. A job waits at its destination, then is on its way in a worker,
 * then ends; its message counts it all the while. The recipients of a job are ordinals of the envelope.
 */
#ifndef QUEUE_ATTEMPT_JOBS_H
#define QUEUE_ATTEMPT_JOBS_H

#include "common/mail/envelope.h"
#include "queue/model/pool.h"

enum job_kind { JOB_SMTP, JOB_COPY, JOB_NOTICE };

enum { JOB_RCPT_MAX = 100 /* RFC 5321 4.5.3.1.8: no host need take more */, JOB_BITMAP = ENVELOPE_RCPT_MAX / 8 };

struct job {
	TAILQ_ENTRY(job) place;      /* destination->jobs or worker->jobs */
	TAILQ_ENTRY(job) of_message; /* whole->jobs */
	struct message *message;
	struct destination *destination; /* counted */
	struct pool *pool;               /* that serves the destination */
	struct worker *worker;           /* NULL while it waits */
	struct provider *provider;       /* that it went through on its way to the worker, or NULL; counted */
	enum job_kind kind;
	uint8_t went_over; /* messages that the other end has seen of it, as far as we know */
	size_t rcpt_count;
	size_t bitmap_len;
	unsigned char bitmap[]; /* bit 0 of octet 0 first */
};

bool job_has(const struct job *j, size_t rcpt);

/* Its first recipient: every job has one. */
size_t job_first(const struct job *j);

/*
 * The job of M for D with room for one more recipient, made when there is none; NULL without memory. It takes RCPT and
 * waits at D, which P serves, from now on.
 */
struct job *job_take(struct pool *p, struct message *m, struct destination *d, enum job_kind kind, size_t rcpt,
		     int64_t now_ms);

/* The job is over or was never begun: takes it away from everywhere. CONNECTED: its worker keeps the connection. */
void job_end(struct job *j, bool connected, int64_t now_ms);

/* Ends all jobs of M that still wait at their destinations. */
void job_cancel_all(struct message *m, int64_t now_ms);

/* The id of the notice that J asks for: the same for the same facts, so that it is written once. */
void job_notice_id(const struct job *j, char *to);

#endif
