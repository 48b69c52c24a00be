#include "smtpd/milter/dial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/fd.h"
#include "common/ipc/ask.h"

enum { QUESTION_MAX = 256, ANSWER_MAX = 1024 };

static int fail(const char *reason, char *why, size_t size)
{
	snprintf(why, size, "%s", reason);
	return -DIAL_OURS;
}

/* Takes the socket out of ANSWER. */
static int take(struct ipc_packet *answer, char *why, size_t size)
{
	struct wire_filter_is is;
	bool good = wire_admit(WIRE_LINK_filters, WIRE_DOWN, answer->text) == WIRE_filter_is &&
		    wire_decode_filter_is(answer->text, &is);
	if (!good || answer->fd_count != (is.error == 0))
		return fail("mailroot-filters sent a malformed answer", why, size);
	if (is.error) {
		snprintf(why, size, "%.*s", SPAN_ARGS(is.why));
		return -(int)is.error;
	}
	int fd = answer->fds[0];
	if (fd_set_nonblock(fd, true) != 0)
		return fail("the connection from mailroot-filters can't be used", why, size);
	answer->fds[0] = -1;
	return fd;
}

/* FD: where the answer will come. Waits for it, or for the order to stop: -ECANCELED. After an error FD is closed. */
static int await_answer(int fd, int64_t until, const struct dial_stop *stop)
{
	*stop->waiting_fd = fd;
	int err = *stop->ordered ? -ECANCELED : fd_await(fd, until);
	*stop->waiting_fd = -1;
	if (*stop->ordered)
		err = -ECANCELED;
	if (!err || err == -ETIMEDOUT)
		return 0; /* ask_finish finds that out, too */
	fd_close(&fd);
	return err;
}

static int ask(int link, struct span question, int64_t until, const struct dial_stop *stop, char *buffer, size_t size,
	       struct ipc_packet *answer)
{
	int fd = stop ? ask_begin(link, question) : -1;
	int err = fd >= 0 ? await_answer(fd, until, stop) : 0;
	return err ? err : ask_finish(fd >= 0 ? fd : -1, link, question, until, buffer, size, answer);
}

int dial_filter(int link, const char *name, int64_t until, const struct dial_stop *stop, char *why, size_t size)
{
	const struct wire_filter_of of = {span_of(name)};
	char buffer[ANSWER_MAX];
	struct ipc_packet answer;
	struct str question;
	str_init(&question, QUESTION_MAX);
	int result = wire_encode_filter_of(&of, &question)
			     ? ask(link, str_span(&question), until, stop, buffer, sizeof(buffer), &answer)
			     : -ENOMEM;
	str_free(&question);
	if (result == -ECANCELED) {
		snprintf(why, size, "the service stops");
		return result;
	}
	if (result == -ETIMEDOUT)
		return fail("mailroot-filters did not answer in time: does it run?", why, size);
	if (result)
		return fail("can't ask mailroot-filters: does it run?", why, size);
	result = take(&answer, why, size);
	ipc_packet_close(&answer);
	return result;
}

void dial_doubt(int link, const char *name)
{
	const struct wire_filter_doubted doubted = {span_of(name)};
	struct str packet;
	str_init(&packet, QUESTION_MAX);
	if (wire_encode_filter_doubted(&doubted, &packet))
		ipc_send_now(link, str_span(&packet)); /* the next wait that is in vain tells it again */
	str_free(&packet);
}
