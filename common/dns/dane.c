#include "common/dns/dane.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

enum { TLSA_HEAD = 3, FULL = 0, NAME_TEXT_MAX = 253 /* 255 octets in wire form */ };

void dane_name(struct span expanded, const char *name, char *to)
{
	if (expanded.len && expanded.at[expanded.len - 1] == '.')
		expanded.len--;
	if (domain_valid(expanded) && !span_equal_nocase(expanded, span_of(name)))
		span_copy(expanded, to, DOMAIN_MAX + 1);
}

void dane_address(struct dane *d, const char *host, const struct dane_answer *answer)
{
	if (!answer->good || !answer->n)
		return;
	d->seen = true;
	d->insecure |= !answer->secure;
	dane_name(answer->expanded, host, d->expanded);
}

void dane_begin(struct dane *d, bool wanted)
{
	if (!wanted || !d->seen || (d->insecure && !*d->expanded))
		return;
	/* Until DNS answers. */
	d->result = HOST_DANE_LATER;
	d->step = d->insecure ? DANE_ASK_ALIAS : *d->expanded ? DANE_ASK_EXPANDED : DANE_ASK_HOST;
}

static void decide(struct dane *d, enum host_dane result)
{
	d->step = DANE_DECIDED;
	d->result = result;
}

bool dane_question(struct dane *d, const char *host, uint16_t port, char to[DANE_QUESTION_MAX], bool *alias)
{
	const char *name = d->step == DANE_ASK_EXPANDED ? d->expanded : host;
	*alias = d->step == DANE_ASK_ALIAS;
	if (d->step == DANE_NOTHING || d->step == DANE_DECIDED)
		return false;
	int len = *alias ? snprintf(to, DANE_QUESTION_MAX, "%s", name)
			 : snprintf(to, DANE_QUESTION_MAX, "_%u._tcp.%s", port, name);
	if (len <= NAME_TEXT_MAX)
		return true;
	/* A name can't be so long, so it has no record. The host's own name may be shorter than the expanded name. */
	dane_take(d, &(struct dane_answer){.good = true});
	return dane_question(d, host, port, to, alias);
}

/* Makes a digest of full data, so that all records hold digests. */
static bool hash(struct span data, struct tlsa *out)
{
	out->matching = TLSA_SHA512;
	return data.len && EVP_Digest(data.at, data.len, out->digest, NULL, EVP_sha512(), NULL) == 1;
}

/* Usages 0 and 1 are not for mail (RFC 7672 3.1.3). Records with unknown values or a wrong length are unusable. */
static bool usable(struct span rdata, struct tlsa *out)
{
	if (rdata.len <= TLSA_HEAD)
		return false;
	unsigned char usage = (unsigned char)rdata.at[0], selector = (unsigned char)rdata.at[1],
		      matching = (unsigned char)rdata.at[2];
	struct span data = span_skip(rdata, TLSA_HEAD);
	if ((usage != TLSA_AUTHORITY && usage != TLSA_HOST) || selector > TLSA_KEY || matching > TLSA_SHA512)
		return false;
	*out = (struct tlsa){.usage = usage, .selector = selector, .matching = matching};
	if (matching == FULL)
		return hash(data, out);
	if (data.len != tlsa_len(out))
		return false;
	memcpy(out->digest, data.at, data.len);
	return true;
}

/* Of the records with one usage and selector, only those with the strongest digest are used (RFC 7671 9). */
static bool is_outdone(const struct tlsa *record, const struct dane_answer *answer)
{
	const char stronger[TLSA_HEAD] = {(char)record->usage, (char)record->selector, TLSA_SHA512};
	for (size_t i = 0; record->matching == TLSA_SHA256 && i < answer->n; i++)
		if (answer->rdata[i].len == TLSA_HEAD + TLSA_DIGEST_MAX &&
		    memcmp(answer->rdata[i].at, stronger, sizeof(stronger)) == 0)
			return true;
	return false;
}

static void take_records(struct dane *d, const struct dane_answer *answer)
{
	for (size_t i = 0; i < answer->n && d->count < TLSA_MAX; i++) {
		struct tlsa *record = &d->records[d->count];
		d->count += usable(answer->rdata[i], record) && !is_outdone(record, answer);
	}
	d->by_expanded = d->step == DANE_ASK_EXPANDED;
	decide(d, d->count ? HOST_DANE_MATCH : HOST_DANE_ENCRYPT);
}

void dane_take(struct dane *d, const struct dane_answer *answer)
{
	if (!answer->good)
		decide(d, HOST_DANE_LATER);
	else if (d->step == DANE_ASK_ALIAS && answer->secure && answer->n)
		d->step = DANE_ASK_HOST;
	else if (d->step != DANE_ASK_ALIAS && answer->secure && answer->n)
		take_records(d, answer);
	else if (d->step == DANE_ASK_EXPANDED)
		d->step = DANE_ASK_HOST;
	else
		decide(d, HOST_DANE_NONE);
}
