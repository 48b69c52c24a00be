/* DMARC records (RFC 7489 6.3) and alignment (3.1). Pure; the text comes from DNS and is untrusted. */
#ifndef CTL_DOCTOR_DMARC_H
#define CTL_DOCTOR_DMARC_H

#include "common/base/span.h"

enum dmarc_policy { DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT };

struct dmarc {
	enum dmarc_policy policy, subdomain_policy; /* p, sp */
	bool strict_dkim, strict_spf;               /* adkim=s, aspf=s */
	unsigned percent;                           /* pct */
	struct span reports;                        /* rua, as written; empty = none */
};

enum { DMARC_WHY_MAX = 160 };

/* Whether TEXT, the joined strings of a TXT record, is a DMARC record. */
bool dmarc_is(struct span text);

/* Parses such a TEXT, into which *OUT points. False with WHY: receivers ignore the record, or treat it as p=none. */
bool dmarc_parse(struct span text, struct dmarc *out, char *why);

/*
 * Whether A, authenticated, speaks for B, the domain of From: the same, or with relaxed alignment one below the other.
 * Receivers compare organizational domains by the public suffix list; two sisters below one domain are aligned there,
 * and not here.
 */
bool dmarc_aligned(struct span a, struct span b, bool strict);

#endif
