#include "smtpd/milter/milter_wire.h"

#include <string.h>

#include "t/fuzz/must.h"

static bool inside(struct span part, struct span whole)
{
	return part.at >= whole.at && part.at + part.len <= whole.at + whole.len;
}

static void check_choice(struct span data)
{
	struct milter_choice choice;
	const char *why = NULL;
	if (!milter_choice_parse(data, &choice, &why)) {
		MUST(why);
		return;
	}
	MUST(choice.version >= MILTER_VERSION_MIN && choice.version <= MILTER_VERSION);
	MUST(!(choice.actions & ~(uint32_t)MILTER_ACTIONS) && !(choice.protocol & ~(uint32_t)MILTER_PROTOCOL));
	for (int stage = 0; stage < MILTER_STAGE_COUNT; stage++) {
		struct span list = choice.lists[stage], name;
		MUST(!list.at || (list.len && inside(list, data)));
		while (milter_list_next(&list, &name))
			MUST(name.len && inside(name, data) && milter_macro_equal(name, name));
	}
}

static void check_reply(struct span data)
{
	struct milter_reply reply;
	const char *why = NULL;
	str_init(&reply.text, MILTER_REPLY_MAX);
	if (milter_reply_parse(data, &reply, &why)) {
		MUST(reply.code >= 400 && reply.code <= 599);
		MUST(!reply.enhanced.class || reply.enhanced.class == reply.code / 100);
		for (size_t i = 0; i < reply.text.len; i++) {
			char c = reply.text.at[i];
			MUST(c == '\n' || (c >= ' ' && c < 0x7f));
		}
	} else {
		MUST(why);
	}
	str_free(&reply.text);
}

/* Packets come out as they went in, and lie side by side. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = {(const char *)data, size};
	struct milter_packet packet;
	uint32_t length;
	size_t taken;
	while (milter_unwrap(rest, &packet, &taken, &length) == MILTER_WHOLE) {
		struct str again;
		MUST(taken == packet.data.len + MILTER_HEAD && taken <= rest.len && inside(packet.data, rest));
		str_init(&again, MILTER_PACKET_MAX);
		size_t at = milter_wrap(&again, packet.letter);
		str_append(&again, packet.data);
		milter_wrap_end(&again, at);
		MUST(span_equal(str_span(&again), (struct span){rest.at, taken}));
		str_free(&again);
		check_choice(packet.data);
		check_reply(packet.data);
		rest = span_skip(rest, taken);
	}
	MUST(!taken);
	check_choice((struct span){(const char *)data, size});
	check_reply((struct span){(const char *)data, size});
	return 0;
}
