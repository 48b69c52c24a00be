#include "common/tls/sni.h"

#include "common/mail/domain.h"

enum fit { FIT_NONE, FIT_WILDCARD, FIT_EXACT };

static bool is_wildcard(struct span name)
{
	return span_starts(name, SPAN("*."));
}

bool tls_sni_match(struct span name, struct span asked)
{
	if (!domain_valid(asked))
		return false;
	if (!is_wildcard(name))
		return span_equal_nocase(name, asked);
	return span_equal_nocase(span_skip(name, 1), span_skip(asked, span_find(asked, '.')));
}

static enum fit fit_of(const struct tls_sni_certificate *certificate, struct span asked)
{
	enum fit best = FIT_NONE;
	for (size_t i = 0; i < certificate->name_count && best < FIT_EXACT; i++)
		if (tls_sni_match(certificate->names[i], asked))
			best = is_wildcard(certificate->names[i]) ? FIT_WILDCARD : FIT_EXACT;
	return best;
}

static uint32_t choose(const struct tls_sni_certificate *certificates, size_t count, struct span asked)
{
	enum fit fits[TLS_SNI_CERTIFICATES];
	uint32_t chosen = 0;
	for (size_t i = 0; i < count; i++) {
		bool best = (fits[i] = fit_of(&certificates[i], asked)) != FIT_NONE;
		for (size_t j = 0; best && j < i; j++) {
			if (!(chosen & 1U << j) || certificates[j].kind != certificates[i].kind)
				continue;
			best = fits[i] > fits[j];
			if (best)
				chosen &= ~(1U << j);
		}
		if (best)
			chosen |= 1U << i;
	}
	return chosen;
}

/* The first certificate, and certificates with other key types that match it. A wildcard matches the same wildcard. */
static uint32_t choose_first(const struct tls_sni_certificate *certificates, size_t count)
{
	uint32_t chosen = 1;
	struct span first = certificates[0].name_count ? certificates[0].names[0] : (struct span){0};
	for (size_t i = 1; first.len && i < count; i++) {
		bool alone = true, same = false;
		for (size_t j = 0; j < i; j++)
			alone = alone && !(chosen & 1U << j && certificates[j].kind == certificates[i].kind);
		for (size_t j = 0; j < certificates[i].name_count; j++)
			same = same || span_equal_nocase(certificates[i].names[j], first);
		if (alone && same)
			chosen |= 1U << i;
	}
	return chosen;
}

uint32_t tls_sni_choose(const struct tls_sni_certificate *certificates, size_t count, struct span asked)
{
	if (!count)
		return 0;
	uint32_t chosen = choose(certificates, count, asked);
	return chosen ? chosen : choose_first(certificates, count);
}
