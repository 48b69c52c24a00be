/* The keys of DKIM that DNS has for a domain. */
#ifndef CTL_DOCTOR_SELECTORS_H
#define CTL_DOCTOR_SELECTORS_H

#include "common/dkim/dkim_record.h"
#include "ctl/doctor/ask.h"

enum { SELECTORS_NAME_MAX = 2 * DOMAIN_MAX + 20 };

enum selector_state {
	SELECTOR_UNKNOWN,  /* DNS gave no answer */
	SELECTOR_ABSENT,   /* there is no record */
	SELECTOR_UNUSABLE, /* `why` says what is wrong with it */
	SELECTOR_REVOKED,
	SELECTOR_OTHER, /* the key is another one than ours */
	SELECTOR_GOOD   /* the key is ours; or whether it is could not be asked */
};

struct selector {
	char name[SELECTORS_NAME_MAX]; /* SELECTOR._domainkey.DOMAIN */
	enum selector_state state;
	size_t count; /* records; a verifier may take any of several */
	struct dkim_record
		record; /* from SELECTOR_REVOKED on: ours if it is there, otherwise the first that is usable */
	char why[DKIM_RECORD_WHY_MAX];
	bool wildcard; /* a record of another selector, which does not exist, was found as well */
};

/* Looks up SELECTOR of DOMAIN. OURS: the public key that it should have; NULL = not known. */
void selectors_ask(struct ask *ask, const char *selector, const char *domain, const struct dkim_record *ours,
		   struct selector *out);

/* Whether receivers accept signatures of the key that was looked up: no other record, and nothing in it forbids them.
 */
bool selectors_accepted(const struct selector *found);

/* "published", "not published": the state for a table or JSON. */
const char *selectors_word(enum selector_state state);

/* The selectors that programs and providers use by default, NULL after the last. */
extern const char *const selectors_usual[];

#endif
