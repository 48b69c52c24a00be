#include "smtpd/policy/lists.h"

#include "common/ipc/ask.h"

enum { QUESTION_MAX = DNSBL_ZONES_MAX + 256, ANSWER_MAX = DNSBL_ANSWERS_MAX + 256 };

static void begin(void *context, const struct wire_listed_of *question, int *fd)
{
	struct str packet;
	str_init(&packet, QUESTION_MAX);
	*fd = wire_encode_listed_of(question, &packet) ? ask_begin(*(const int *)context, str_span(&packet)) : -1;
	if (*fd < 0)
		*fd = -1;
	str_free(&packet);
}

static bool take(struct span packet, char *to)
{
	struct wire_listed listed;
	return wire_admit(WIRE_LINK_names, WIRE_DOWN, packet) && wire_decode_listed(packet, &listed) &&
	       span_copy(listed.answers, to, DNSBL_ANSWERS_MAX + 1);
}

static bool finish(void *context, const struct wire_listed_of *question, int *fd, int64_t until, char *to)
{
	char buffer[ANSWER_MAX];
	struct ipc_packet answer;
	struct str packet;
	bool good = false;
	str_init(&packet, QUESTION_MAX);
	if (wire_encode_listed_of(question, &packet) &&
	    ask_finish(*fd, *(const int *)context, str_span(&packet), until, buffer, sizeof(buffer), &answer) == 0) {
		good = take(answer.text, to);
		ipc_packet_close(&answer);
	}
	*fd = -1;
	str_free(&packet);
	return good;
}

struct lists lists_of_resolver(const int *link)
{
	return (struct lists){(void *)link, begin, finish};
}
