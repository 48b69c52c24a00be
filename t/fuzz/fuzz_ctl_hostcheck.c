/* A packet of a name server, a text of /etc/hosts, a name to query: only a packet with the id of our query is an
 * answer, and a query is as long as its name. */
#include "ctl/hostcheck.h"

#include <string.h>

#include "t/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char question[HOSTCHECK_QUESTION_MAX];
	struct span text = {(const char *)data, size};
	char name[300];
	uint16_t id = 0;
	if (size > 1)
		id = (uint16_t)(data[0] << 8 | data[1]);
	MUST(hostcheck_judge(text, (uint16_t)(id + 1)) == HOSTCHECK_UNANSWERED);
	enum hostcheck_result result = hostcheck_judge(text, id);
	MUST(result == HOSTCHECK_UNANSWERED || (size >= 12 && data[2] & 0x80));
	MUST(!hostcheck_in_hosts(text, SPAN("a name that no word can be")));
	if (!span_copy(text, name, sizeof(name)))
		return 0;
	size_t len = hostcheck_question(id, name, 1, question);
	MUST(len == 0 || (len <= sizeof(question) && len >= 12 + 5 && len <= 12 + strlen(name) + 6));
	return 0;
}
