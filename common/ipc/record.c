#include "common/ipc/record.h"

#include "common/base/fd.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"

enum { LIST_MAX = 32768, LENGTH_OCTETS = 2, FULL = 24 * 1024 };

void record_writer_init(struct record_writer *w, int fd)
{
	*w = (struct record_writer){.fd = fd};
	fd_random(&w->sender, sizeof(w->sender));
	str_init(&w->list, LIST_MAX);
	str_init(&w->packet, WIRE_PACKET_MAX);
}

void record_writer_free(struct record_writer *w)
{
	record_flush(w);
	if (w->dropped)
		log_warning("records=%llu status=lost: the transaction log did not keep up",
			    (unsigned long long)w->dropped);
	str_free(&w->list);
	str_free(&w->packet);
}

static void cut(struct span *text, size_t max)
{
	if (text->len > max)
		text->len = max;
}

/* Writes a length of two octets, most significant first, then the record. */
static bool append(struct str *list, const struct wire_record *record)
{
	size_t start = list->len;
	if (!str_append(list, SPAN("\0\0")) || !wire_encode_record(record, list)) {
		list->len = start;
		return false;
	}
	size_t len = list->len - start - LENGTH_OCTETS;
	list->at[start] = (char)(len >> 8);
	list->at[start + 1] = (char)(len & 0xff);
	return true;
}

void record_add(struct record_writer *w, const struct wire_record *record)
{
	struct wire_record fitting = *record;
	cut(&fitting.name, RECORD_NAME_MAX);
	cut(&fitting.verb, RECORD_VERB_MAX);
	cut(&fitting.argument, RECORD_ARGUMENT_MAX);
	cut(&fitting.text, RECORD_TEXT_MAX);
	if (append(&w->list, &fitting))
		w->count++;
	else
		w->dropped++;
	if (w->list.len >= FULL)
		record_flush(w);
}

void record_flush(struct record_writer *w)
{
	if (!w->count)
		return;
	const struct wire_records records = {w->sender, w->serial + 1, w->dropped, str_span(&w->list)};
	str_clear(&w->packet);
	bool sent = wire_encode_records(&records, &w->packet) && ipc_send(w->fd, str_span(&w->packet), NULL, 0) == 0;
	w->serial += sent;
	w->dropped = sent ? 0 : w->dropped + w->count;
	w->count = 0;
	str_clear(&w->list);
}

bool record_next(struct span *list, struct wire_record *out)
{
	if (list->len < LENGTH_OCTETS)
		return false;
	size_t len = (size_t)(unsigned char)list->at[0] << 8 | (unsigned char)list->at[1];
	struct span rest = span_skip(*list, LENGTH_OCTETS);
	if (len > rest.len || !wire_decode_record((struct span){rest.at, len}, out))
		return false;
	*list = span_skip(rest, len);
	return true;
}
