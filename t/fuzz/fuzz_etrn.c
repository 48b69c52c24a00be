/* Arguments of ETRN and ATRN, and the answer of the queue: an accepted domain fits into a packet, and the functions
 * about a node agree. */
#include "common/config/etrn.h"
#include "common/mail/domain.h"
#include "smtpd/session/etrn.h"
#include "t/fuzz/must.h"

static void try_list(struct span list)
{
	struct span domain, before = list;
	int got;
	while ((got = etrn_next(&list, &domain)) == 1) {
		MUST(domain_valid(domain));
		MUST(list.len < before.len);
		before = list;
	}
	MUST(got == -1 || !list.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {(const char *)data, size};
	struct etrn_node node;
	enum etrn_event event;
	uint64_t count;
	if (etrn_parse(text, &node) == ETRN_NODE) {
		MUST(domain_valid(node.domain) && node.domain.len + node.below == size);
		MUST(etrn_means(&node, node.domain));
	}
	try_list(text);
	if (etrn_take(text, &event, &count))
		MUST(event < ETRN_EVENT_COUNT && count <= UINT32_MAX);
	return 0;
}
