/* The DNS lists of connect: dnsbl and dnsbl_allow. */
#include "common/config/value.h"

#include "common/base/language.h"
#include "common/mail/dnsbl.h"

/* N or N-M. */
static bool parse_octet(struct span text, unsigned char *from, unsigned char *to)
{
	uint64_t low, high;
	struct span rest = text, first = span_take(&rest, '-');
	if (!span_to_u64(first, 255, &low))
		return false;
	high = low;
	if (first.len < text.len && (!span_to_u64(rest, 255, &high) || high < low))
		return false;
	*from = (unsigned char)low;
	*to = (unsigned char)high;
	return true;
}

/* Answers that are errors of the list or of the resolver, and never a listing (common/mail/dnsbl.h). */
static bool parse_answers(struct config_parse *parse, const struct config_item *item, struct config_answers *out)
{
	struct span rest = item->text;
	size_t dots = 0;
	for (size_t i = 0; i < rest.len; i++)
		dots += rest.at[i] == '.';
	bool good = dots == 3;
	for (size_t i = 0; good && i < 4; i++)
		good = parse_octet(span_take(&rest, '.'), &out->from[i], &out->to[i]);
	if (!good || out->from[0] != 127 || out->to[0] != 127)
		return config_value_refuse(
			parse, item,
			N_("answers are addresses such as 127.0.0.2 or 127.0.0.2-11; write a score as score 2, and another list on a line of its own"));
	if (!out->to[1] && !out->to[2] && out->from[3] <= 1)
		return config_value_refuse(parse, item, N_("127.0.0.1 is never a listing: begin with 127.0.0.2"));
	if (out->to[1] == 255 && out->to[2] == 255)
		return config_value_refuse(
			parse, item,
			N_("127.255.255.0/24 is never a listing: by these addresses a list refuses the name server that asks"));
	return true;
}

/* At the end of the line: "score N". FIRST is the word score. */
static bool parse_score(struct config_parse *parse, const struct config_item *first, size_t n, int sign, int64_t *score)
{
	uint64_t number;
	struct span text = n > 1 ? first[1].text : (struct span){NULL, 0};
	if (sign < 0 && span_starts(text, SPAN("-")))
		text = span_skip(text, 1);
	else if (sign < 0)
		text.len = 0;
	if (n == 2 && span_to_u64(text, CONFIG_DNSBL_SCORE_MAX, &number) && number) {
		*score = sign * (int64_t)number;
		return true;
	}
	return config_value_refuse(
		parse, &first[n > 1],
		sign < 0 ? N_("a score is a number from -100 to -1 at the end of the line: write score -1")
			 : N_("a score is a number from 1 to 100 at the end of the line: write score 1"));
}

/* The N words of a line. */
static bool parse_list(struct config_parse *parse, const struct config_item *words, size_t n, int sign,
		       struct config_dnsbl *out)
{
	size_t end = 1;
	*out = (struct config_dnsbl){.zone = config_value_domain(parse, words), .score = sign, .origin = words->origin};
	if (!out->zone)
		return false;
	if (span_of(out->zone).len > DNSBL_ZONE_MAX)
		return config_value_refuse(parse, words,
					   N_("the zone is too long for a name in DNS with an address before it"));
	while (end < n && !span_equal_nocase(words[end].text, SPAN("score")))
		end++;
	if (end == 1)
		return config_value_refuse(
			parse, words,
			N_("the answers that count are missing: write them after the zone, as in 127.0.0.2-11"));
	out->answers = arena_alloc(parse->arena, (end - 1) * sizeof(*out->answers));
	if (!out->answers) {
		parse->findings->no_memory = true;
		return false;
	}
	for (size_t i = 1; i < end; i++)
		out->n += parse_answers(parse, &words[i], &out->answers[out->n]);
	return out->n == end - 1 && (end == n || parse_score(parse, &words[end], n - end, sign, &out->score));
}

static bool parse_lists(struct config_parse *parse, int sign, struct config_dnsbls *lists)
{
	bool good = true;
	size_t n = config_value_is_none(parse) ? 0 : parse->n, words;
	lists->at = arena_alloc(parse->arena, CONFIG_DNSBL_MAX * sizeof(*lists->at));
	if (!lists->at) {
		parse->findings->no_memory = true;
		return false;
	}
	for (size_t i = 0; i < n; i += words) {
		words = 1;
		while (i + words < n && config_value_follows(parse, i + words))
			words++;
		if (lists->n == CONFIG_DNSBL_MAX)
			return config_value_refuse(parse, &parse->items[i],
						   N_("16 lists are the most: remove those that find least"));
		bool taken = parse_list(parse, &parse->items[i], words, sign, &lists->at[lists->n]);
		lists->n += taken;
		good = good && taken;
	}
	return good;
}

bool config_dnsbl_lists(struct config_parse *parse, void *to)
{
	return parse_lists(parse, 1, to);
}

bool config_dnsbl_allow_lists(struct config_parse *parse, void *to)
{
	return parse_lists(parse, -1, to);
}

void config_format_answers(struct str *to, const struct config_dnsbl *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct config_answers *answers = &list->answers[i];
		if (i)
			str_append_c(to, ' ');
		for (size_t octet = 0; octet < 4; octet++) {
			str_printf(to, "%s%u", octet ? "." : "", answers->from[octet]);
			if (answers->to[octet] != answers->from[octet])
				str_printf(to, "-%u", answers->to[octet]);
		}
	}
}

void config_format_dnsbl(struct str *to, const struct config_dnsbl *list)
{
	str_printf(to, "%s ", list->zone);
	config_format_answers(to, list);
	if (list->score != 1 && list->score != -1)
		str_printf(to, " score %lld", (long long)list->score);
}
