/*
 * What one filter changes of a message: fields of the header, recipients, sender, quarantine. Edits are collected while
 * they arrive and applied only after the last answer of the filter. Pure. Texts are copied. The new body goes past it:
 * the caller stores the pieces (milter.h), and only `body` is noted here.
 *
 * Fields are changed as by Postfix. Each edit applies to the header that the earlier ones left:
 *
 *	add       goes to the end of the header
 *	insert    stands in front of field INDEX, counted from 0 with our own Received; at the end if there are fewer
 *	change    replaces field INDEX of that name, counted from 1 without our own Received, which no filter sees; if
 *	          there is none, it is added. INDEX 0 is 1
 *	delete    is a change to an empty value; if there is no such field, nothing happens
 */
#ifndef SMTPD_MILTER_EDITS_H
#define SMTPD_MILTER_EDITS_H

#include "common/base/arena.h"
#include "common/mail/address.h"
#include "common/mail/dsn.h"

enum {
	EDITS_FIELDS_MAX = 1000,
	EDITS_FIELDS_OCTETS_MAX = 1 << 20, /* names and values of all edits */
	EDITS_HEADER_MAX = 1 << 20,        /* octets of the header that edits_header takes */
	EDITS_REASON_MAX = 200             /* octets of the reason for quarantine that are kept */
};

enum edit_kind { EDIT_ADD, EDIT_INSERT, EDIT_CHANGE };

struct edit_field {
	struct edit_field *next;
	enum edit_kind kind;
	uint32_t index;
	struct span name;
	struct span value; /* with the blank after the colon, if there is one; empty: EDIT_CHANGE deletes */
};

struct edit_rcpt {
	struct edit_rcpt *next;
	struct address address;
	struct dsn_rcpt dsn; /* of an added one */
	bool cancelled;      /* added, and removed again later */
};

/* Zeroed and initialized by edits_init. Read the members, call the functions to change them. */
struct edits {
	struct arena arena;
	struct edit_field *fields, **last_field; /* in the order of arrival */
	size_t field_count;
	size_t field_octets;
	struct edit_rcpt *added, **last_added;
	struct edit_rcpt *removed, **last_removed;
	size_t rcpt_count;         /* of both */
	bool sender;               /* it is replaced */
	struct address new_sender; /* text empty: the null sender */
	bool body;                 /* it is replaced */
	bool quarantine;
	struct span reason; /* printable ASCII */
};

void edits_init(struct edits *e);
void edits_free(struct edits *e);
void edits_reset(struct edits *e); /* for the next message */

/* Whether there is none. */
bool edits_none(const struct edits *e);

/*
 * Each notes one edit. NULL: noted. Otherwise the fault as a phrase, such as "is beyond 1000 edits of fields";
 * the message must not be changed then.
 *
 * NAME is of printable ASCII without a colon. VALUE has its lines separated by LF or CRLF; a line that does not begin
 * with a blank is given a tab. SPACE: a blank goes between colon and value.
 */
const char *edits_add(struct edits *e, struct span name, struct span value, bool space);
const char *edits_insert(struct edits *e, uint32_t index, struct span name, struct span value, bool space);
const char *edits_change(struct edits *e, uint32_t index, struct span name, struct span value, bool space);

/*
 * ADDRESS with or without brackets. *remark, NULL at first, receives what had no effect: the null address as a
 * recipient, ESMTP parameters (PARAMS) other than valid NOTIFY and ORCPT.
 */
const char *edits_add_rcpt(struct edits *e, struct span address, struct span params, const char **remark);
const char *edits_remove_rcpt(struct edits *e, struct span address);
const char *edits_sender(struct edits *e, struct span address);
const char *edits_quarantine(struct edits *e, struct span reason);

/*
 * Appends HEADER with the edits. Field *OURS of it, from 0, is our own Received: the first one before any edit; *ours
 * becomes its number afterwards. HEADER may have the empty line at its end, and more: what follows the last field is
 * copied unchanged. Line ends are CRLF. A field whose name is that of an envelope line never comes first; our own
 * Received does then. False: HEADER is larger than EDITS_HEADER_MAX, TO is full, or there is no memory.
 */
bool edits_header(const struct edits *e, struct span header, size_t *ours, struct str *to);

#endif
