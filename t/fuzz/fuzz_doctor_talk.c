/* Whatever a host says: each reply has a code or none, and what is shown of it is printable ASCII. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/doctor/talk.h"
#include "t/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int ends[2];
	struct talk t = {.fd = -1};
	if (size > 64 * 1024 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return 0;
	MUST(send(ends[1], data, size, 0) == (ssize_t)size);
	shutdown(ends[1], SHUT_WR);
	t.fd = ends[0];
	MUST(stream_init(&t.stream, t.fd, TALK_MS));
	while (talk_read(&t)) {
		MUST(t.code >= 0 && t.code <= 599);
		MUST(is_printable(t.said) && strlen(t.said) >= 3);
		MUST(strlen(t.mechanisms) < sizeof(t.mechanisms));
	}
	MUST(t.code == 0);
	talk_close(&t);
	close(ends[1]);
	return 0;
}
