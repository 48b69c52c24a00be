#include "common/dkim/dkim_fields.h"

#include "common/base/ascii.h"
#include "common/base/language.h"
#include "common/mail/fields.h"
#include "common/mail/mailbox.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const standard[] = {
	"From",
	"Sender",
	"Reply-To",
	"To",
	"Cc",
	"Subject",
	"Date",
	"Message-ID",
	"In-Reply-To",
	"References",
	"MIME-Version",
	"Content-Type",
	"Content-Transfer-Encoding",
	"Content-Disposition",
	"Content-ID",
	"Content-Description",
	"Content-Language",
	"List-ID",
	"List-Help",
	"List-Unsubscribe",
	"List-Unsubscribe-Post",
	"List-Subscribe",
	"List-Post",
	"List-Owner",
	"List-Archive",
};

/* Fields of which a message has one, and which a mail program would show or obey. */
static const char *const once[] = {
	"From",    "Sender", "Reply-To",     "To",           "Cc",
	"Subject", "Date",   "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
};

static bool has(const char *const *names, size_t n, struct span name)
{
	for (size_t i = 0; i < n; i++) {
		if (span_equal_nocase(span_of(names[i]), name))
			return true;
	}
	return false;
}

/* The fields of a header that the list has, in the order of the header. */
struct found {
	struct {
		size_t name; /* number in the list */
		struct span whole;
	} at[DKIM_FIELDS_MAX];
	size_t n;
	size_t from;
};

/* A list without its repetitions, and with From. */
struct list {
	const char *at[DKIM_FIELDS_NAMES_MAX + 1];
	size_t n;
};

static struct list list_of(struct dkim_names names)
{
	struct list list = {.n = 0};
	if (!names.n)
		names = (struct dkim_names){standard, COUNT(standard)};
	if (!has(names.at, names.n, SPAN("From")))
		list.at[list.n++] = "From";
	for (size_t i = 0; i < names.n && list.n < COUNT(list.at); i++) {
		if (!has(list.at, list.n, span_of(names.at[i])))
			list.at[list.n++] = names.at[i];
	}
	return list;
}

/* False: there is no more room. */
static bool note(const struct list *list, const struct field *field, struct found *found)
{
	size_t name = 0;
	found->from += field_is(field, "From");
	while (name < list->n && !field_is(field, list->at[name]))
		name++;
	if (name == list->n)
		return true;
	if (found->n == COUNT(found->at))
		return false;
	found->at[found->n].name = name;
	found->at[found->n++].whole = field->whole;
	return true;
}

static const char *from_fault(size_t n)
{
	if (n > 1)
		return N_("it has more than one field From");
	return n ? NULL : N_("it has no field From");
}

static const char *find(struct span header, const struct list *list, struct found *found)
{
	struct field field;
	while (field_next(&header, &field)) {
		if (!note(list, &field, found))
			return N_("it has more than 128 header fields of those that are signed");
	}
	if (header.len)
		return N_("a line of its header is no field: it has no colon");
	return from_fault(found->from);
}

static void add(struct dkim_fields *out, const char *name, struct span whole)
{
	out->at[out->n++] = (struct dkim_field){name, whole};
}

bool dkim_fields_select(struct span header, struct dkim_names names, bool oversign, struct dkim_fields *out,
			const char **why)
{
	struct list list = list_of(names);
	struct found found = {.n = 0};
	out->n = 0;
	*why = find(header, &list, &found);
	if (*why)
		return false;
	for (size_t name = 0; name < list.n; name++) {
		for (size_t i = found.n; i-- > 0;) {
			if (found.at[i].name == name)
				add(out, list.at[name], found.at[i].whole);
		}
		if (oversign && has(once, COUNT(once), span_of(list.at[name])))
			add(out, list.at[name], (struct span){0});
	}
	return true;
}

/* The value of the one field From. */
static const char *find_from(struct span header, struct span *value)
{
	struct field field;
	size_t n = 0;
	while (field_next(&header, &field)) {
		if (!field_is(&field, "From"))
			continue;
		*value = field.value;
		n++;
	}
	return from_fault(n);
}

static void append_lower(struct str *to, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		str_append_c(to, ascii_lower(text.at[i]));
}

/* Appends the domain of the one address in LIST. A part of a name without quotes (Acme, Inc.) is no address. */
static const char *find_domain(struct span list, struct str *domain)
{
	const char *why;
	enum mailbox_result result;
	struct mailbox mailbox;
	size_t n = 0;
	while ((result = mailbox_next(&list, &mailbox, &why)) == MAILBOX_FOUND) {
		if (mailbox.address.domain.len && n++ == 0)
			append_lower(domain, mailbox.address.domain);
	}
	if (result == MAILBOX_BAD)
		return N_("its field From has text that is no address");
	if (n > 1)
		return N_("its field From has more than one address");
	return n ? NULL : N_("its field From has no address with a domain");
}

bool dkim_fields_from(struct span header, struct str *domain, const char **why)
{
	struct span value;
	*why = find_from(header, &value);
	if (!*why)
		*why = find_domain(value, domain);
	return !*why;
}
