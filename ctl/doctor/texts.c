#include "ctl/doctor/texts.h"

#include "common/dns/txt.h"

enum { JOINED_MAX = 1 << 16 /* an answer has no more octets */ };

static void keep(struct texts *texts, struct span text)
{
	if (texts->n < TEXTS_KEPT) {
		str_append(&texts->joined, text);
		texts->end[texts->n] = texts->joined.len;
	}
	texts->n++;
}

void texts_ask(struct ask *ask, const char *name, bool (*fits)(struct span text), struct texts *out)
{
	struct ask_answer answer;
	struct str text;
	str_init(&text, JOINED_MAX);
	*out = (struct texts){.answered = false};
	str_init(&out->joined, JOINED_MAX);
	ask_name(ask, name, DNS_TXT, &answer);
	out->answered = answer.answer.rcode == LOOKUP_NOERROR || answer.answer.rcode == LOOKUP_NXDOMAIN;
	for (size_t i = 0; i < answer.answer.n; i++, str_clear(&text))
		if (txt_join(answer.rdata[i], &text) && (!fits || fits(str_span(&text))))
			keep(out, str_span(&text));
	ask_free(&answer);
	str_free(&text);
}

void texts_free(struct texts *texts)
{
	str_free(&texts->joined);
}

struct span texts_at(const struct texts *texts, size_t i)
{
	size_t begin = i ? texts->end[i - 1] : 0;
	return (struct span){str_text(&texts->joined) + begin, texts->end[i] - begin};
}
