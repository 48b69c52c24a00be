#include "delivery/local/local_jobs.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "delivery/local/copy.h"
#include "delivery/local/local.h"
#include "delivery/pool/job.h"

struct local_jobs {
	const struct worker *worker;
	struct local local;
	struct job job;
};

static bool do_copy(struct local_jobs *j, const struct ipc_packet *packet)
{
	struct wire_job_copy wire;
	if (!wire_decode_job_copy(packet->text, &wire) || packet->fd_count < 1)
		return worker_no_job();
	worker_busy(j->worker, wire.folder);
	if (!job_open(&j->job, packet, wire.id, wire.rcpts))
		return true;
	struct copy_job copy = {.server = j->local.server,
				.id = wire.id,
				.folder = wire.folder,
				.message = j->job.message,
				.size = wire.size,
				.return_path = wire.return_path,
				.envelope = &j->job.envelope};
	copy_deliver(&copy, &j->job.outcomes);
	job_report(&j->job);
	return true;
}

static bool do_notice(struct local_jobs *j, const struct ipc_packet *packet)
{
	struct wire_job_notice wire;
	struct job *job = &j->job;
	const char *why;
	if (!wire_decode_job_notice(packet->text, &wire) || packet->fd_count < 2)
		return worker_no_job();
	worker_busy(j->worker, SPAN("notice"));
	if (!job_open(job, packet, wire.id, wire.rcpts))
		return true;
	if (local_notice(&j->local, &wire, job->message, job->verdict.journal, &job->envelope, &job->outcomes, &why))
		job_report(job);
	else
		job_give_back(job, wire.rcpts, why);
	return true;
}

static bool do_job(void *context, struct ipc_packet *packet)
{
	if (wire_type_of(packet->text) == WIRE_job_copy)
		return do_copy(context, packet);
	return do_notice(context, packet);
}

/* smtpd tells the administrator what is wrong with a file. */
bool local_jobs_hear(void *lists, const struct config_server *server, const struct ipc_packet *packet)
{
	struct known *known = lists;
	struct wire_recipients news;
	if (wire_type_of(packet->text) == WIRE_reload)
		return known_prune(known, server);
	return wire_decode_recipients(packet->text, &news) && packet->fd_count == news.present &&
	       known_take(known, &news, news.present ? packet->fds[0] : -1);
}

int local_jobs_work(const struct worker *worker, const void *context)
{
	const struct local_common *common = context;
	static const struct worker_ops ops = {.link = WIRE_LINK_job_local, .work = do_job};
	struct local_jobs *j = calloc(1, sizeof(*j));
	if (!j)
		log_fatal(EXIT_TEMPORARY, "no memory for a worker");
	j->worker = worker;
	job_init(&j->job, worker->number);
	known_read_only(&common->known);
	local_open(&j->local, &common->spool, worker->child->server, &common->known, CHILD_FD_ARRIVALS);
	int status = worker_run(worker, &ops, j);
	local_close(&j->local);
	job_free(&j->job);
	free(j);
	return status;
}
