/* Packets and resolv.conf: only a packet with the id of our query is an answer; the number of servers is bounded,
 * and each has an address from the text. */
#include "common/net/nameserver.h"
#include "t/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct nameservers servers;
	uint16_t id = 0;
	if (size > 1)
		id = (uint16_t)(data[0] << 8 | data[1]);
	MUST(nameserver_judge(text, (uint16_t)(id + 1)) == NAMESERVER_UNKNOWN);
	MUST((nameserver_judge(text, id) != NAMESERVER_UNKNOWN) == (size >= 12 && (data[2] & 0x80)));
	nameservers_resolvconf(text, &servers);
	MUST(servers.n <= NAMESERVERS_MAX && servers.n * sizeof("nameserver") <= size + 1);
	for (size_t i = 0; i < servers.n; i++)
		MUST(servers.at[i].fd == -1 && servers.at[i].port == 53);
	return 0;
}
