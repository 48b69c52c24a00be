#include "delivery/pool/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"

enum { IDLE_SEND_MS = 5000 };

/* The link that the signal handler closes. */
static int retiring_link = -1;

/* No new job can be sent from now on; jobs that were sent are still received, then EOF. */
static void retire(int signo)
{
	int keep = errno;
	(void)signo;
	shutdown(retiring_link, SHUT_RD);
	errno = keep;
}

static void heed_signals(int job_link)
{
	struct sigaction action = {.sa_handler = retire, .sa_flags = SA_RESTART};
	retiring_link = job_link;
	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
}

bool worker_no_job(void)
{
	log_error("unexpected packet on the job link, which is closed now");
	return false;
}

void worker_busy(const struct worker *worker, struct span doing)
{
	prefork_busy(worker->prefork, worker->slot, doing);
}

void worker_say_idle(const struct worker *worker)
{
	struct wire_idle idle = {worker->number};
	struct str packet;
	str_init(&packet, 64);
	int err = wire_encode_idle(&idle, &packet) ? ipc_send(worker->job_link, str_span(&packet), NULL, 0) : -EMSGSIZE;
	if (err && err != -EPIPE)
		log_warning("can't tell the queue that a connection is closed: %s", strerror(-err));
	str_free(&packet);
}

static void wait_for_job(const struct worker *worker, const struct worker_ops *ops, void *context)
{
	struct pollfd link = {.fd = worker->job_link, .events = POLLIN};
	prefork_idle(worker->prefork, worker->slot);
	if (ops->wait)
		ops->wait(context);
	else if (poll(&link, 1, -1) < 0)
		fd_rest(errno);
}

int worker_run(const struct worker *worker, const struct worker_ops *ops, void *context)
{
	static char room[WIRE_PACKET_MAX];
	struct ipc_packet packet;
	uint64_t served = 0;
	int pause_ms = 0;
	heed_signals(worker->job_link);
	ipc_set_send_deadline(worker->job_link, IDLE_SEND_MS);
	for (;;) {
		int err = ipc_receive(worker->job_link, room, sizeof(room), MSG_DONTWAIT, &packet);
		if (err != -EAGAIN && ipc_passes(err)) {
			clock_back_off(&pause_ms);
			continue;
		}
		pause_ms = 0;
		if (err == -EAGAIN) {
			wait_for_job(worker, ops, context);
			continue;
		}
		if (err || packet.eof)
			return 0;
		bool good =
			wire_admit(ops->link, WIRE_DOWN, packet.text) ? ops->work(context, &packet) : worker_no_job();
		ipc_packet_close(&packet);
		if (!good)
			return EXIT_TEMPORARY;
		scoreboard_served(prefork_scoreboard(worker->prefork), worker->slot);
		if (++served == worker->jobs)
			retire(0);
	}
}
