#include "sendmail/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "common/base/installed.h"
#include "common/base/program.h"
#include "common/mail/dsn.h"
#include "sendmail/dialogue.h"

static const char usage[] =
	"usage: sendmail [-i] [-t] [-f SENDER] [-F NAME] [-N never|success,failure,delay] [-R full|hdrs] [-V ID] [RECIPIENT ...]\n"
	"       sendmail -bs | -bp | -q[IID|RDOMAIN]      (also mailq, newaliases)\n"
	"The message on standard input goes to each RECIPIENT, with -t also to those in its To, Cc and Bcc. sendmail(8) has more.\n";

/* Logs the reason, too: under cron nobody sees standard error. */
static int tell(const struct failure *failure)
{
	fprintf(stderr, "sendmail: %s\n", failure->text);
	openlog("sendmail", LOG_PID, LOG_MAIL);
	syslog(LOG_ERR, "uid=%u status=%d %s", (unsigned)getuid(), failure->status, failure->text);
	return failure->status;
}

/* A message file must never get the number of a standard descriptor that the caller has closed. */
static bool fill_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		/* A closed standard input counts as empty. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDWR : O_WRONLY) != fd)
			return false;
	}
	return true;
}

/* Rights that the program has beyond the caller's are only for the folder. */
static bool drop_rights(void)
{
	gid_t gid = getgid();
	uid_t uid = getuid();
	return setresgid(gid, gid, gid) == 0 && setresuid(uid, uid, uid) == 0;
}

/*
 * Runs mailrootctl, beside this program or where it is installed: the queue belongs to the service, which knows its
 * operators.
 */
static int ask_service(const struct options *options)
{
	char path[PATH_MAX];
	const char *argv[10] = {"mailrootctl"};
	size_t n = 1;
	program_find("mailrootctl", MAILROOT_SBINDIR, path, sizeof(path));
	if (options->config) {
		argv[n++] = "-c";
		argv[n++] = options->config;
	}
	if (options->mode == OPTIONS_LIST) {
		argv[n++] = "mailq";
	} else {
		argv[n++] = "queue";
		argv[n++] = "retry";
		argv[n++] = "--yes";
		argv[n++] = !options->flush ? "--all" : options->flush_id ? options->flush : "--domain";
		argv[n] = options->flush && !options->flush_id ? options->flush : NULL;
	}
	execv(path, (char *const *)argv);
	struct failure failure;
	failure_set(&failure, failure_status(FAILURE_PROGRAM, -errno), "%s: %s", path, strerror(errno));
	return tell(&failure);
}

static bool address_message(struct submit *s, const struct options *options)
{
	const struct dsn_message dsn = {options->ret, span_of(options->envid)};
	struct compose *c = &s->compose;
	s->from_header = options->from_header;
	s->notify = options->notify;
	if (!submit_composed(s, compose_sender(c, options->sender ? options->sender : s->caller->address, &dsn)))
		return false;
	if (!options->sender)
		c->sender[0] = '\0'; /* no sender was given */
	for (size_t i = 0; i < options->recipient_count; i++) {
		struct span list = span_of(options->recipients[i]);
		if (!submit_composed(s, compose_recipients(c, list, &options->notify)))
			return false;
	}
	return c->rcpt_count || s->from_header ||
	       failure_set(&s->failure, EX_USAGE, "no recipient: name one, or take those of the message with -t");
}

static bool send_message(struct submit *s, struct input *input, const struct options *options)
{
	struct span octets;
	submit_reset(s, options->dot_is_text ? TEXT_DOTS_PLAIN : TEXT_DOTS_END);
	if (!address_message(s, options))
		return false;
	while (!s->text.ended && !s->failure.status && input_peek(input, &octets))
		input_taken(input, submit_text(s, octets));
	if (!s->failure.status && input->error)
		failure_set(&s->failure, failure_status(FAILURE_INPUT, input->error), "can't read standard input: %s",
			    strerror(-input->error));
	return submit_commit(s);
}

static int take_mail(const struct options *options, const struct place *place)
{
	struct submit submit;
	struct input input;
	struct caller caller;
	struct drop drop;
	struct failure failure;
	int err = caller_find(&caller);
	if (err) {
		failure_set(&failure, EX_TEMPFAIL, "can't read the user database now: %s", strerror(-err));
		return tell(&failure);
	}
	drop_arm();
	if (!drop_init(&drop, place, &failure)) {
		drop_free(&drop);
		return tell(&failure);
	}
	submit_init(&submit, &drop, &caller, options->full_name);
	input_init(&input, STDIN_FILENO);
	int status = EX_OK;
	if (options->mode == OPTIONS_SMTP)
		status = dialogue_run(&submit, &input, STDOUT_FILENO, place->host);
	else if (!send_message(&submit, &input, options))
		status = tell(&submit.failure);
	submit_free(&submit);
	drop_free(&drop);
	return status;
}

int program_run(int argc, char **argv)
{
	struct options options;
	struct failure failure;
	struct place place;
	char why[OPTIONS_WHY_MAX];
	if (!fill_descriptors()) /* EMFILE and the like; there is nowhere to report it */
		return EX_TEMPFAIL;
	umask(022);
	tzset();
	if (!options_parse(argc, argv, &options, why)) {
		failure_set(&failure, EX_USAGE, "%s", why);
		return tell(&failure);
	}
	bool sends = options.mode == OPTIONS_SEND || options.mode == OPTIONS_SMTP;
	if ((!sends || options.config) && !drop_rights()) {
		failure_set(&failure, errno == EAGAIN || errno == ENOMEM ? EX_TEMPFAIL : EX_OSERR,
			    "can't drop privileges: %s", strerror(errno));
		return tell(&failure);
	}
	if (options.mode == OPTIONS_HELP)
		fputs(usage, stdout);
	if (options.mode == OPTIONS_LIST || options.mode == OPTIONS_FLUSH)
		return ask_service(&options);
	if (!sends)
		return EX_OK;
	if (!place_find(options.config, &place, &failure))
		return tell(&failure);
	if (place.off) {
		failure_set(&failure, EX_UNAVAILABLE,
			    "sendmail_server is off in mailroot.conf, so mail of local programs is refused");
		return tell(&failure);
	}
	return take_mail(&options, &place);
}
