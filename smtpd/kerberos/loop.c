#include "smtpd/kerberos/loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/gss/paths.h"
#include "common/ipc/ask.h"
#include "common/jail/syscalls.h"
#include "common/process/privs.h"
#include "smtpd/kerberos/asker.h"

enum { ASKER_LINK = 3 /* the descriptor of the link in a child */, POLL_CONTROL = 0, POLL_QUESTIONS, POLL_ASKERS };

void loop_load(struct loop *l, struct child *child)
{
	const struct config_access *access = &child->server->access;
	char why[PASSWORDS_WHY_MAX];
	*l = (struct loop){.child = child, .control = CHILD_FD_CONTROL, .questions = CHILD_FD_PASSWORDS};
	trouble_init(&l->told);
	/* Its replay cache would be a file. What is proven here is a ticket that was made a moment ago. */
	setenv("KRB5RCACHENAME", "none:", 1);
	if (!access->keytab || !keytab_open(access->keytab, access->principal, &l->keytab, why, sizeof(why)))
		snprintf(l->trouble, sizeof(l->trouble), N_("%s; passwords are not checked by Kerberos"),
			 access->keytab ? why : "there is no key tab: set keytab in access");
}

void loop_free(struct loop *l)
{
	keytab_close(&l->keytab);
	trouble_free(&l->told);
}

/* The library looks for a KDC in the files of the name service, too. */
void loop_jail(const struct loop *l)
{
	const struct config *config = &l->child->config;
	struct gss_paths paths;
	gss_paths_collect(&paths, getenv("KRB5_CONFIG"));
	const struct privs_jail jail = {
		.user = config->kerberos_user,
		.may_fork = true,
		.readable = (const char *const *)paths.at,
	};
	privs_enter(&jail);
	gss_paths_free(&paths);
	syscalls_enter(SYSCALLS_kerberos, config->sandbox.seccomp);
}

/* --- the child --- */

static void encode(const struct verdict *verdict, struct str *to)
{
	const struct wire_password_fits fits = {
		.event = verdict->event, .principal = span_of(verdict->principal), .why = span_of(verdict->why)};
	str_init(to, WIRE_PACKET_MAX);
	wire_encode_password_fits(&fits, to);
}

/* Keeps only the link and the log, and ends with its parent. */
static _Noreturn void become_asker(const struct loop *l, int link, pid_t parent, const struct asker_question *q)
{
	const struct rlimit nothing = {0, 0};
	struct verdict verdict;
	struct str packet;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_NPROC, &nothing);
	if (getppid() != parent || dup2(link, ASKER_LINK) != ASKER_LINK || close_range(ASKER_LINK + 1, UINT_MAX, 0))
		_exit(1);
	asker_ask(&l->keytab, l->child->server->access.principal, q, &verdict);
	encode(&verdict, &packet);
	_exit(ipc_send(ASKER_LINK, str_span(&packet), NULL, 0) ? 1 : 0);
}

/* --- the parent --- */

/* Never waits for a worker that does not read its answer. */
static void reply(int fd, const struct verdict *verdict)
{
	struct str packet;
	encode(verdict, &packet);
	ipc_send_now(fd, str_span(&packet)); /* an error means that the worker has ended or no longer waits */
	str_free(&packet);
}

static void reply_unavailable(int fd, const char *why)
{
	struct verdict verdict;
	verdict_unavailable(why, &verdict);
	reply(fd, &verdict);
}

static void release(struct loop_question *q)
{
	kill(q->asker, SIGKILL);
	while (waitpid(q->asker, NULL, 0) < 0 && errno == EINTR)
		;
	fd_close(&q->link);
	fd_close(&q->answer);
	*q = (struct loop_question){0};
}

static void tell_trouble(struct loop *l)
{
	char text[sizeof(l->trouble)];
	snprintf(text, sizeof(text), "%s", l->trouble);
	if (!text[0] && l->away.event == PASSWORDS_UNAVAILABLE)
		snprintf(text, sizeof(text), N_("passwords can't be checked by Kerberos: %s"), l->away.why);
	trouble_tell(&l->told, span_of(text), clock_wall_ms() / 1000);
}

static void finish(struct loop *l, struct loop_question *q, const struct verdict *verdict)
{
	reply(q->answer, verdict);
	release(q);
	l->away = *verdict;
	tell_trouble(l);
}

/* The child is no more trusted than the KDC that it has heard. */
static void take_answer(struct loop *l, struct loop_question *q)
{
	struct ipc_packet packet;
	struct wire_password_fits fits;
	struct verdict verdict;
	int err = ipc_receive(q->link, l->packet, sizeof(l->packet), MSG_DONTWAIT, &packet);
	if (ipc_passes(err))
		return;
	verdict_unavailable(N_("the process that asked the KDC has died"), &verdict);
	if (!err && !packet.eof && wire_admit(WIRE_LINK_passwords, WIRE_DOWN, packet.text) &&
	    wire_decode_password_fits(packet.text, &fits) && fits.event <= PASSWORDS_UNAVAILABLE) {
		verdict = (struct verdict){.event = (enum passwords_event)fits.event};
		span_copy(fits.principal, verdict.principal, sizeof(verdict.principal));
		span_copy(fits.why, verdict.why, sizeof(verdict.why));
	}
	if (!err)
		ipc_packet_close(&packet);
	finish(l, q, &verdict);
}

static void end_overdue(struct loop *l)
{
	struct verdict verdict;
	verdict_unavailable(N_("no KDC has answered in time: is it up, and port 88 open to it?"), &verdict);
	for (size_t i = 0; i < LOOP_QUESTIONS; i++)
		if (l->at[i].asker && l->at[i].deadline <= clock_mono_ms())
			finish(l, &l->at[i], &verdict);
}

/* A worker serves one client at a time, so a new question means that it no longer waits for the old one. */
static void forget(struct loop *l, pid_t worker)
{
	for (size_t i = 0; i < LOOP_QUESTIONS; i++)
		if (l->at[i].asker && l->at[i].worker == worker)
			release(&l->at[i]);
}

static struct loop_question *free_place(struct loop *l)
{
	size_t most = l->away.event == PASSWORDS_UNAVAILABLE ? LOOP_QUESTIONS_AWAY : LOOP_QUESTIONS, used = 0;
	struct loop_question *place = NULL;
	for (size_t i = 0; i < LOOP_QUESTIONS; i++) {
		if (l->at[i].asker)
			used++;
		else
			place = &l->at[i];
	}
	return used < most ? place : NULL;
}

static bool start_asker(const struct loop *l, const struct asker_question *what, struct loop_question *q)
{
	int ends[2];
	pid_t parent = getpid();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	pid_t pid = fork();
	if (pid == 0)
		become_asker(l, ends[1], parent, what);
	fd_close(&ends[1]);
	if (pid < 0) {
		fd_close(&ends[0]);
		return false;
	}
	q->asker = pid;
	q->link = ends[0];
	return true;
}

static void begin(struct loop *l, const struct asker_question *what, int *fd)
{
	pid_t worker = ask_peer(*fd);
	/* An answer to a worker that has left would only count as one more wrong password. */
	if (!worker || ask_has_left(*fd))
		return;
	forget(l, worker);
	struct loop_question *q = free_place(l);
	if (l->trouble[0])
		reply_unavailable(*fd, l->trouble);
	else if (!q && l->away.event == PASSWORDS_UNAVAILABLE)
		reply(*fd, &l->away);
	else if (!q)
		reply_unavailable(*fd, "too many passwords are being checked");
	else if (!start_asker(l, what, q))
		reply_unavailable(*fd, "no process can be started that asks the KDC: memory or processes are short");
	else {
		q->worker = worker;
		q->deadline = clock_mono_ms() + PASSWORDS_DEADLINE_MS;
		q->answer = *fd;
		*fd = -1;
	}
}

static bool decode(struct ipc_packet *packet, struct asker_question *to)
{
	struct wire_password_of wire;
	return packet->fd_count == 1 && wire_admit(WIRE_LINK_passwords, WIRE_UP, packet->text) &&
	       wire_decode_password_of(packet->text, &wire) && wire.name.len && wire.password.len &&
	       !memchr(wire.password.at, '\0', wire.password.len) && span_copy(wire.name, to->name, sizeof(to->name)) &&
	       span_copy(wire.realms, to->realms, sizeof(to->realms)) &&
	       span_copy(wire.password, to->password, sizeof(to->password));
}

static void take_question(struct loop *l)
{
	struct ipc_packet packet;
	struct asker_question what;
	int err = ipc_receive(l->questions, l->packet, sizeof(l->packet), MSG_DONTWAIT, &packet);
	if (ipc_passes(err) || err == -EMSGSIZE)
		return;
	/* Master keeps both ends open, so that the next process can continue. */
	if (err)
		log_fatal(EXIT_TEMPORARY, "can't read questions about passwords: %s", strerror(-err));
	if (packet.eof) {
		l->questions = -1;
		return;
	}
	if (decode(&packet, &what))
		begin(l, &what, &packet.fds[0]);
	ipc_packet_close(&packet);
	explicit_bzero(&what, sizeof(what));
	explicit_bzero(l->packet, sizeof(l->packet));
}

/* All settings of this role act on new processes: a reload changes nothing here. */
static void obey(struct loop *l)
{
	struct ipc_packet packet;
	if (child_order(l->control, CHILD_KERBEROS, l->packet, sizeof(l->packet), &packet) == WIRE_stop)
		l->stopping = true;
	ipc_packet_close(&packet);
}

static int until_deadline(const struct loop *l)
{
	int64_t next = -1, now = clock_mono_ms();
	for (size_t i = 0; i < LOOP_QUESTIONS; i++)
		if (l->at[i].asker)
			next = clock_sooner(next, l->at[i].deadline > now ? l->at[i].deadline - now : 0);
	return (int)next;
}

static void turn(struct loop *l)
{
	struct pollfd fds[POLL_ASKERS + LOOP_QUESTIONS] = {
		[POLL_CONTROL] = {.fd = l->control, .events = POLLIN},
		[POLL_QUESTIONS] = {.fd = l->questions, .events = POLLIN},
	};
	for (size_t i = 0; i < LOOP_QUESTIONS; i++)
		fds[POLL_ASKERS + i] = (struct pollfd){.fd = l->at[i].asker ? l->at[i].link : -1, .events = POLLIN};
	if (poll(fds, POLL_ASKERS + LOOP_QUESTIONS, until_deadline(l)) < 0) {
		fd_rest(errno);
		return;
	}
	for (size_t i = 0; i < LOOP_QUESTIONS; i++)
		if (fds[POLL_ASKERS + i].revents)
			take_answer(l, &l->at[i]);
	end_overdue(l);
	if (fds[POLL_CONTROL].revents)
		obey(l);
	if (fds[POLL_QUESTIONS].revents)
		take_question(l);
}

void loop_run(struct loop *l)
{
	tell_trouble(l);
	while (!l->stopping)
		turn(l);
	for (size_t i = 0; i < LOOP_QUESTIONS; i++)
		if (l->at[i].asker)
			release(&l->at[i]);
}
