#include "delivery/pool/job.h"

#include <errno.h>
#include <string.h>

#include "common/base/log.h"
#include "common/process/child.h"
#include "common/spool/envelope_file.h"

void job_init(struct job *job, uint32_t number)
{
	*job = (struct job){.verdict = {.link = CHILD_FD_VERDICTS, .worker = number}, .message = -1};
	arena_init(&job->arena, OUTCOME_ARENA_MAX);
	str_init(&job->head, 2 * ENVELOPE_MAX);
}

void job_free(struct job *job)
{
	arena_free(&job->arena);
	str_free(&job->head);
}

bool job_open(struct job *job, const struct ipc_packet *packet, struct span id, struct span rcpts)
{
	const char *why = NULL;
	job->verdict = (struct verdict_job){
		.link = job->verdict.link, .worker = job->verdict.worker, .id = id, .journal = packet->fds[1]};
	job->message = packet->fds[0];
	arena_reset(&job->arena);
	int err = envelope_file_read(job->message, &job->head, &job->arena, &job->envelope, &why);
	if (!err && outcomes_select(&job->outcomes, &job->arena, &job->envelope, rcpts)) {
		job->verdict.sender = job->envelope.sender.text;
		return true;
	}
	if (!err)
		why = "the job's recipients are not the message's";
	else if (err != -EBADMSG)
		why = strerror(-err);
	job_give_back(job, rcpts, why);
	return false;
}

void job_give_back(const struct job *job, struct span rcpts, const char *why)
{
	log_error("id=%.*s: can't work on the message: %s", SPAN_ARGS(job->verdict.id), why);
	verdict_send_none(&job->verdict, outcomes_first(rcpts), why);
}

void job_report(const struct job *job)
{
	verdict_send(&job->verdict, &job->outcomes);
}
