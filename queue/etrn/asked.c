#include "queue/etrn/asked.h"

#include <sys/socket.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "queue/etrn/demand.h"
#include "queue/etrn/turned.h"

/* Never waits: who does not take his answer goes without. */
static void answer(struct queue *q, int fd, enum etrn_event event, uint64_t count)
{
	const struct wire_etrn_answer packet = {.event = event, .count = count > UINT32_MAX ? UINT32_MAX : count};
	str_clear(&q->packet);
	if (wire_encode_etrn_answer(&packet, &q->packet))
		(void)!send(fd, q->packet.at, q->packet.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void ask(struct queue *q, const struct wire_etrn *packet, int *socket)
{
	const struct etrn_node node = {.domain = packet->domain, .below = packet->below};
	uint64_t count;
	enum etrn_event event = demand_asked(q, &node, &count);
	if (event == ETRN_BEGUN)
		log_info("etrn=%s%.*s waiting=%llu status=asked-for", node.below ? "@" : "", SPAN_ARGS(node.domain),
			 (unsigned long long)count);
	answer(q, *socket, event, count);
	fd_close(socket);
}

/* A connection that is taken keeps its socket, too: smtpd says by it that it is over. */
static void fetch(struct queue *q, const struct wire_atrn *packet, int *claim, int *stream)
{
	uint64_t count;
	enum etrn_event event = turned_offered(q, packet, *stream, *claim, &count);
	answer(q, *claim, event, count);
	if (event == ETRN_BEGUN) {
		*claim = *stream = -1;
		return;
	}
	fd_close(claim);
	fd_close(stream);
}

bool asked_receive(struct queue *q, struct span packet, int *fds, size_t n)
{
	struct wire_etrn etrn;
	struct wire_atrn atrn;
	struct etrn_node node;
	if (wire_decode_etrn(packet, &etrn) && n == 1 && etrn_parse(etrn.domain, &node) == ETRN_NODE && !node.below)
		ask(q, &etrn, &fds[0]);
	else if (wire_decode_atrn(packet, &atrn) && n == 2)
		fetch(q, &atrn, &fds[0], &fds[1]);
	else
		return false;
	return true;
}
