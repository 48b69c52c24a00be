#include "ctl/replay/sessions.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"

enum { AUTHENTICATED = 235, TLS_READY = 220 };

struct key {
	struct ipaddr client;
	uint64_t session;
};

struct entry {
	UT_hash_handle hh; /* in the order of their last rows */
	struct key key;
	struct old_session session;
	int64_t seen_s, mail_s;
	unsigned open; /* sessions that said HELO and not QUIT */
	bool greets_again;
};

struct sessions {
	struct entry *entries;
};

struct sessions *sessions_new(void)
{
	return calloc(1, sizeof(struct sessions));
}

void sessions_free(struct sessions *sessions)
{
	struct entry *entry, *next;
	HASH_ITER(hh, sessions->entries, entry, next)
	{
		HASH_DEL(sessions->entries, entry);
		free(entry);
	}
	free(sessions);
}

/* The entry of KEY, the newest in the order; a new one takes the memory of the oldest if there are too many. */
static struct entry *entry_of(struct sessions *sessions, const struct key *key)
{
	struct entry *entry;
	HASH_FIND(hh, sessions->entries, key, sizeof(*key), entry);
	if (entry) {
		if (entry->hh.next) {
			HASH_DEL(sessions->entries, entry);
			HASH_ADD(hh, sessions->entries, key, sizeof(*key), entry);
		}
		return entry;
	}
	if (HASH_COUNT(sessions->entries) >= SESSIONS_MAX) {
		entry = sessions->entries;
		HASH_DEL(sessions->entries, entry);
	} else {
		entry = malloc(sizeof(*entry));
	}
	if (!entry)
		return NULL;
	*entry = (struct entry){.key = *key, .seen_s = ROW_NO_TIME};
	HASH_ADD(hh, sessions->entries, key, sizeof(*key), entry);
	if (HASH_ADDED(entry))
		return entry;
	free(entry);
	return NULL;
}

static void forget(struct entry *entry)
{
	entry->session = (struct old_session){0};
	entry->open = 0;
	entry->greets_again = false;
}

static bool passed(int64_t then_s, int64_t now_s)
{
	return then_s >= 0 && now_s >= 0 && (now_s - then_s > SESSIONS_SILENT_S || then_s - now_s > SESSIONS_SILENT_S);
}

static bool accepted(const struct row *row)
{
	return row->status >= 200 && row->status < 300;
}

static void take_hello(struct entry *entry, const struct row *row)
{
	if (!entry->greets_again && accepted(row))
		entry->open++;
	entry->greets_again = false;
}

static void take_mail(struct entry *entry, const struct row *row)
{
	struct address sender;
	const char *why;
	entry->session.recipients = 0;
	entry->session.octets = 0;
	entry->session.sender[0] = '\0';
	entry->session.mail = accepted(row);
	entry->mail_s = row->time_s;
	if (row_address(row, "FROM:", &sender, &why))
		span_clean(sender.text, entry->session.sender, sizeof(entry->session.sender));
}

/* The rows of BDAT add up. */
static void take_text(struct entry *entry, const struct row *row)
{
	if (row->octets == ROW_NO_OCTETS || entry->session.octets == ROW_NO_OCTETS)
		entry->session.octets = ROW_NO_OCTETS;
	else if (accepted(row) && row->octets < INT64_MAX / 2 - entry->session.octets)
		entry->session.octets += row->octets;
}

static void take_quit(struct entry *entry)
{
	if (entry->open)
		entry->open--;
	if (!entry->open)
		forget(entry);
}

const struct old_session *sessions_take(struct sessions *sessions, const struct row *row)
{
	struct key key = {row->client, row->session};
	struct entry *entry = entry_of(sessions, &key);
	if (!entry)
		return NULL;
	if (passed(entry->seen_s, row->time_s))
		forget(entry);
	entry->seen_s = row->time_s;
	if (passed(entry->mail_s, row->time_s))
		entry->session.mail = false;
	entry->session.authenticated |= row->status == AUTHENTICATED;
	if (row_is(row, "EHLO") || row_is(row, "HELO")) {
		take_hello(entry, row);
	} else if (row_is(row, "STARTTLS") && row->status == TLS_READY) {
		entry->session.tls = entry->greets_again = true;
	} else if (row_is(row, "MAIL")) {
		take_mail(entry, row);
	} else if (row_is(row, "RCPT") && accepted(row)) {
		entry->session.recipients++;
	} else if (row_is(row, "DATA") || row_is(row, "BDAT")) {
		take_text(entry, row);
	} else if (row_is(row, "QUIT")) {
		take_quit(entry);
	}
	return &entry->session;
}
