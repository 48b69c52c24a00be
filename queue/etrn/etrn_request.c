#include "queue/etrn/etrn_request.h"

#include <sys/socket.h>

#include "common/base/fd.h"
#include "common/base/log.h"
#include "queue/etrn/atrn_server.h"

/* Never blocks: a worker that does not read gets no answer. */
static void answer(struct queue *q, int fd, enum etrn_event event, uint64_t count)
{
	const struct wire_etrn_answer packet = {.event = event, .count = count > UINT32_MAX ? UINT32_MAX : count};
	str_clear(&q->packet);
	if (wire_encode_etrn_answer(&packet, &q->packet))
		(void)!send(fd, q->packet.at, q->packet.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void ask(struct etrn *e, const struct wire_etrn *packet, int *socket)
{
	const struct etrn_node node = {.domain = packet->domain, .below = packet->below};
	uint64_t count;
	enum etrn_event event = etrn_server_request(e, &node, &count);
	if (event == ETRN_BEGUN)
		log_info("etrn=%s%.*s waiting=%llu status=requested", node.below ? "@" : "", SPAN_ARGS(node.domain),
			 (unsigned long long)count);
	answer(e->queue, *socket, event, count);
	fd_close(socket);
}

/* An accepted connection keeps the socket as its claim (atrn.h). */
static void fetch(struct etrn *e, const struct wire_atrn *packet, int *claim, int *stream)
{
	uint64_t count;
	enum etrn_event event = atrn_server_request(e, packet, *stream, *claim, &count);
	answer(e->queue, *claim, event, count);
	if (event == ETRN_BEGUN) {
		*claim = *stream = -1;
		return;
	}
	fd_close(claim);
	fd_close(stream);
}

bool etrn_request_receive(struct etrn *e, struct span packet, int *fds, size_t n)
{
	struct wire_etrn etrn;
	struct wire_atrn atrn;
	struct etrn_node node;
	if (wire_decode_etrn(packet, &etrn) && n == 1 && etrn_parse(etrn.domain, &node) == ETRN_NODE && !node.below)
		ask(e, &etrn, &fds[0]);
	else if (wire_decode_atrn(packet, &atrn) && n == 2)
		fetch(e, &atrn, &fds[0], &fds[1]);
	else
		return false;
	return true;
}
