#include "delivery/smtp/outgoing.h"

#include <errno.h>

#include "common/base/log.h"
#include "common/dkim/sign.h"
#include "common/ipc/counters.h"
#include "common/mail/dot.h"
#include "common/spool/sent_header.h"
#include "delivery/smtp/body.h"
#include "delivery/smtp/client.h"

enum { FRONT_MAX = DKIM_SELECTORS_MAX * DKIM_SIGNATURE_FIELD_MAX + 2 * SEND_AS_HEADER_MAX };

/* The host gets signatures, if there is a key for them. FOUND: it was found by MX. */
static bool wants_signature(const struct client_job *job, bool found)
{
	static const struct config_outbound by_default = {.dkim = CONFIG_AUTO}; /* of ATRN, which has no block */
	const struct config_outbound *outbound = job->security ? &job->security->outbound : &by_default;
	return job->signing && config_outbound_signs(outbound, job->credentials && !found);
}

struct file {
	struct client *client;
	const struct client_job *job;
};

static struct span read_file(void *context, uint64_t at)
{
	const struct file *file = context;
	return body_read(file->client, file->job, at);
}

/* HEADER is that which is sent; the file goes on behind it at REST. */
static bool sign(struct client *c, const struct client_job *job, struct span header, uint64_t rest, struct outcome *why)
{
	struct outgoing *out = &c->outgoing;
	struct file file = {c, job};
	const struct sign_text text = {.signing = job->signing,
				       .id = job->id,
				       .header = header,
				       .line_max = job->fold_lines ? DOT_LINE_MAX : 0,
				       .at = rest,
				       .size = job->size,
				       .read = read_file,
				       .context = &file};
	bool good = sign_message(&text, &out->front, out->signed_by, why);
	out->added = out->front.len;
	return good;
}

static void log_long_header(const struct client_job *job, bool rewrites, bool wanted)
{
	if (rewrites)
		log_warning("a header of more than %d octets is sent as it is, without send_as", SEND_AS_HEADER_MAX);
	if (!wanted)
		return;
	count(COUNTER_DKIM_UNSIGNED_LENGTH);
	log_warning("id=%.*s: sent without a DKIM signature: its header has more than %d octets", SPAN_ARGS(job->id),
		    SEND_AS_HEADER_MAX);
}

/* ERR: -errno of reading the header. */
static bool must_wait(int err, struct outcome *why)
{
	return sign_must_wait(why, (struct enhanced){4, 3, 0}, outcome_unreadable(-err));
}

static bool add_header(struct outgoing *out, const struct str *header, uint64_t rest, struct outcome *why)
{
	out->at = rest;
	return str_append(&out->front, str_span(header)) || must_wait(-ENOMEM, why);
}

static bool make(struct client *c, const struct client_job *job, struct outcome *why)
{
	struct outgoing *out = &c->outgoing;
	struct message_text text = {.fd = job->message, .head = job->head, .at = job->body_at, .size = job->size};
	bool rewrites = job->send_as.address.len, good = true;
	struct str header;
	if (!rewrites && !out->wanted)
		return true;
	int err = sent_header(&text, &job->send_as, &header);
	if (err == -EFBIG) {
		log_long_header(job, rewrites, out->wanted);
	} else if (err) {
		good = must_wait(err, why);
	} else {
		good = (!out->wanted || sign(c, job, str_span(&header), text.at, why)) &&
		       (!rewrites || add_header(out, &header, text.at, why));
	}
	str_free(&header);
	return good;
}

bool outgoing_make(struct client *c, const struct client_job *job, bool found, struct outcome *why)
{
	struct outgoing *out = &c->outgoing;
	bool wanted = wants_signature(job, found);
	if (!out->made || out->wanted != wanted) {
		outgoing_forget(out);
		out->wanted = wanted;
		out->at = job->body_at;
		str_init(&out->front, FRONT_MAX);
		out->made = make(c, job, why);
	}
	return out->made;
}

void outgoing_forget(struct outgoing *out)
{
	str_free(&out->front);
	*out = (struct outgoing){0};
}
