/* MX records, and a look-up that has begun. */
#ifndef T_UNIT_LOOKUP_FIXTURE_H
#define T_UNIT_LOOKUP_FIXTURE_H

#include <check.h>
#include <string.h>

#include "common/dns/lookup.h"

/* An MX record: preference and name in wire form. The final NUL of the literal is the root label. */
#define MX(preference_octets, wire_name)                                                                               \
	((struct span){preference_octets wire_name, sizeof(preference_octets wire_name)})
#define NULL_MX ((struct span){"\0\0\0", 3})

static inline struct lookup begin(const char *name)
{
	struct lookup l;
	ck_assert(lookup_begin(&l, span_of(name), 25, 0));
	return l;
}

static inline void expect(const struct lookup *l, enum lookup_event event, const char *enhanced, const char *text)
{
	ck_assert_int_eq(l->event, event);
	ck_assert_str_eq(l->enhanced, enhanced);
	ck_assert_msg(strstr(l->text, text), "%s", l->text);
}

#endif
