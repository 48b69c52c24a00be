#include "smtpd/session/etrn.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"

enum { SOCKET_BUFFER = 4096, PACKET_MAX = 4096, ANSWER_MAX = 64 };

void etrn_connection_close(struct etrn_connection *c)
{
	fd_close(&c->stream);
	fd_close(&c->claim);
}

bool etrn_take(struct span packet, enum etrn_event *event, uint64_t *count)
{
	struct wire_etrn_answer answer;
	if (!wire_admit(WIRE_LINK_arrivals, WIRE_DOWN, packet) || !wire_decode_etrn_answer(packet, &answer))
		return false;
	if (answer.event >= ETRN_EVENT_COUNT)
		return false;
	*event = (enum etrn_event)answer.event;
	*count = answer.count;
	return true;
}

/* SILENT: the result when no answer comes in time, or the queue is gone: the request stays in the link. */
static enum etrn_event hear(int fd, enum etrn_event silent, uint64_t *count)
{
	char buffer[ANSWER_MAX];
	struct ipc_packet packet;
	enum etrn_event event = silent;
	*count = 0;
	int err = fd_await(fd, clock_mono_ms() + ETRN_ANSWER_MS);
	if (!err)
		err = ipc_receive(fd, buffer, sizeof(buffer), MSG_DONTWAIT, &packet);
	if (err)
		return silent;
	if (packet.eof || !etrn_take(packet.text, &event, count))
		event = silent;
	ipc_packet_close(&packet);
	return event;
}

/* False: the request could not be sent to the queue. */
static bool tell(int link, struct str *packet, bool encoded, const int *fds, size_t n)
{
	int err = encoded ? ipc_send(link, str_span(packet), fds, n) : -ENOMEM;
	str_free(packet);
	if (err)
		log_warning("can't tell the queue of ETRN or ATRN: %s", strerror(-err));
	return !err;
}

static enum etrn_event ask(void *context, const struct etrn_node *node, uint64_t *count)
{
	const struct wire_etrn question = {.domain = node->domain, .below = node->below};
	struct str packet;
	int ends[2];
	if (ipc_pair(ends, SOCKET_BUFFER))
		return ETRN_LATER;
	str_init(&packet, PACKET_MAX);
	bool encoded = wire_encode_etrn(&question, &packet);
	bool told = tell(*(const int *)context, &packet, encoded, &ends[1], 1);
	fd_close(&ends[1]);
	enum etrn_event event = told ? hear(ends[0], ETRN_BEGUN, count) : ETRN_LATER;
	fd_close(&ends[0]);
	return event;
}

static bool encode_offer(const struct etrn_offer *offer, struct str *packet)
{
	char client[IPADDR_TEXT_MAX];
	ipaddr_format(offer->client, client);
	const struct wire_atrn question = {
		.domains = offer->domains, .user = offer->user, .client = span_of(client), .tls = offer->tls};
	str_init(packet, PACKET_MAX);
	return wire_encode_atrn(&question, packet);
}

static enum etrn_event fetch(void *context, const struct etrn_offer *offer, struct etrn_connection *out)
{
	struct str packet;
	int answers[2], stream[2];
	uint64_t count;
	if (ipc_pair(answers, SOCKET_BUFFER))
		return ETRN_LATER;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) != 0) {
		fd_close(&answers[0]);
		fd_close(&answers[1]);
		return ETRN_LATER;
	}
	bool encoded = encode_offer(offer, &packet);
	bool told = tell(*(const int *)context, &packet, encoded, (int[]){answers[1], stream[1]}, 2);
	fd_close(&answers[1]);
	fd_close(&stream[1]);
	*out = (struct etrn_connection){.stream = stream[0], .claim = answers[0]};
	enum etrn_event event = told ? hear(answers[0], ETRN_LATER, &count) : ETRN_LATER;
	if (event != ETRN_BEGUN)
		etrn_connection_close(out);
	return event;
}

struct etrn etrn_of_queue(const int *link)
{
	return (struct etrn){(void *)link, ask, fetch};
}
