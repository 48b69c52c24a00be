/*
 * Certificates and a requested name of any octets: at most one certificate of each key type is chosen, and at least
 * one; the chosen ones have the name if any has it, otherwise the first is among them.
 */
#include "common/mail/domain.h"
#include "common/tls/sni.h"
#include "t/fuzz/must.h"

enum { CERTIFICATES = 8, NAMES = 4, KINDS = 3 };

struct input {
	struct tls_sni_certificate certificates[CERTIFICATES];
	struct span names[CERTIFICATES][NAMES];
	size_t count;
};

/* One certificate per line: its key type in one octet, then names separated by spaces. The last line is the
 * requested name. */
static struct span parse(struct span rest, struct input *in)
{
	while (in->count < CERTIFICATES && span_find(rest, '\n') < rest.len) {
		struct span line = span_take(&rest, '\n');
		struct tls_sni_certificate *to = &in->certificates[in->count];
		to->kind = line.len ? (uint8_t)line.at[0] % KINDS : 0;
		to->names = in->names[in->count++];
		for (line = span_skip(line, 1); line.len && to->name_count < NAMES;)
			in->names[in->count - 1][to->name_count++] = span_take(&line, ' ');
	}
	return rest;
}

static bool has(const struct tls_sni_certificate *c, struct span asked)
{
	bool found = false;
	for (size_t i = 0; i < c->name_count; i++)
		found = found || tls_sni_match(c->names[i], asked);
	return found;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {0};
	struct span asked = parse((struct span){(const char *)data, size}, &in);
	uint32_t chosen = tls_sni_choose(in.certificates, in.count, asked);
	unsigned shown[KINDS] = {0};
	bool any = false;
	for (size_t i = 0; i < in.count; i++)
		any = any || has(&in.certificates[i], asked);
	MUST((chosen != 0) == (in.count != 0) && !(chosen >> in.count));
	MUST(!any || domain_valid(asked));
	for (size_t i = 0; i < in.count; i++) {
		if (chosen & 1U << i) {
			MUST(++shown[in.certificates[i].kind] == 1);
			MUST(!any || has(&in.certificates[i], asked));
		}
	}
	for (size_t i = 0; any && i < in.count; i++)
		MUST(!has(&in.certificates[i], asked) || shown[in.certificates[i].kind]);
	MUST(any || !in.count || chosen & 1);
	return 0;
}
