/* The TXT records of a name, each with its strings joined. The text is untrusted. */
#ifndef CTL_DOCTOR_TEXTS_H
#define CTL_DOCTOR_TEXTS_H

#include "ctl/doctor/ask.h"

enum { TEXTS_KEPT = 16 };

struct texts {
	bool answered;          /* DNS gave an answer, if only that there is no such name */
	size_t n;               /* records that fit; those beyond TEXTS_KEPT are not kept */
	struct str joined;      /* all, one behind the other */
	size_t end[TEXTS_KEPT]; /* of each, in `joined` */
};

/* Asks for those records of NAME that FITS (NULL = all). Free *OUT with texts_free. */
void texts_ask(struct ask *ask, const char *name, bool (*fits)(struct span text), struct texts *out);
void texts_free(struct texts *texts);

/* Record I of those that are kept. */
struct span texts_at(const struct texts *texts, size_t i);

#endif
