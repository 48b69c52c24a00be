#include "ctl/unpack.h"

#include <string.h>

#include "common/base/language.h"
#include "common/spool/journal_file.h"
#include "ctl/archive.h"

static enum unpack_kind bad(const char **why, const char *text)
{
	*why = text;
	return UNPACK_BAD;
}

static enum unpack_kind take_log(struct unpack *unpack, const char **why)
{
	struct span name = span_of(unpack->entry.name), id = {name.at, MSGID_LEN};
	if (name.len != MSGID_LEN + 4 || !msgid_valid(id) || !span_equal(span_skip(name, MSGID_LEN), SPAN(".log")))
		return bad(why, N_("no export gives a file this name"));
	if (*unpack->log_of)
		return bad(
			why,
			N_("the message of the journal before it is missing; an archive keeps the order of the export"));
	if (unpack->entry.size > JOURNAL_FILE_MAX)
		return bad(why, N_("it is larger than a journal may be"));
	span_copy(id, unpack->log_of, sizeof(unpack->log_of));
	memcpy(unpack->name.id, unpack->log_of, sizeof(unpack->name.id));
	return UNPACK_LOG;
}

static enum unpack_kind take_message(struct unpack *unpack, const char **why)
{
	if (*unpack->log_of && strcmp(unpack->log_of, unpack->name.id) != 0)
		return bad(
			why,
			N_("the message of the journal before it is missing; an archive keeps the order of the export"));
	if (unpack->entry.size != unpack->name.size)
		return bad(why, N_("its size is not that in its name"));
	if (unpack->entry.size > unpack->message_max)
		return bad(why, N_("it is larger than max_message_size of the server permits"));
	unpack->log_of[0] = '\0';
	return UNPACK_MESSAGE;
}

enum unpack_kind unpack_header(struct unpack *unpack, const char block[USTAR_BLOCK], const char **why)
{
	bool first = !unpack->begun;
	unpack->begun = true;
	switch (ustar_parse(block, &unpack->entry, why)) {
	case USTAR_BAD:
		return UNPACK_BAD;
	case USTAR_END:
		return *unpack->log_of ? bad(why, N_("the archive ends before the message of the last journal"))
				       : UNPACK_END;
	case USTAR_FILE:
		break;
	}
	if (first && strcmp(unpack->entry.name, ARCHIVE_HEAD) == 0 && unpack->entry.size == ARCHIVE_NUMBER_LEN + 1)
		return UNPACK_HEAD;
	if (msgname_parse(span_of(unpack->entry.name), &unpack->name))
		return take_message(unpack, why);
	return take_log(unpack, why);
}

void unpack_text(struct unpack_text *seen, struct span piece)
{
	for (size_t i = 0; i < piece.len; i++) {
		char c = piece.at[i];
		seen->bare |= (c == '\n') != (seen->last == '\r');
		seen->eight_bit |= (unsigned char)c > 127;
		seen->last = c;
	}
}
