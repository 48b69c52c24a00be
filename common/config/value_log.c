#include <ctype.h>

#include "common/config/value.h"

bool config_log_format(struct config_parse *parse, void *to)
{
	int choice = config_value_choice(parse, &parse->items[0], config_log_format_words);
	*(enum config_log_format *)to = choice > 0 ? (enum config_log_format)choice : CONFIG_LOG_OFF;
	return choice >= 0;
}

bool config_log_period(struct config_parse *parse, void *to)
{
	const struct config_item *item = &parse->items[0];
	struct config_period *period = to;
	*period = (struct config_period){.kind = CONFIG_PERIOD_SIZE};
	if (item->text.len && isdigit((unsigned char)item->text.at[0]))
		return config_value_size(parse, item, &period->octets);
	int choice = config_value_choice(parse, item, config_period_words + 1);
	if (choice >= 0)
		period->kind = (enum config_period_kind)(choice + 1);
	return choice >= 0;
}

bool config_log_fields(struct config_parse *parse, void *to)
{
	enum {
		OF_IIS = 1U << LOG_FIELD_TIME | 1U << LOG_FIELD_C_IP | 1U << LOG_FIELD_METHOD |
			 1U << LOG_FIELD_URI_STEM | 1U << LOG_FIELD_STATUS
	};
	unsigned *fields = to;
	bool good = true;
	if (parse->n == 1 && span_equal_nocase(parse->items[0].text, SPAN("iis"))) {
		*fields = OF_IIS;
		return true;
	}
	for (size_t i = 0; i < parse->n; i++) {
		int choice = config_value_choice(parse, &parse->items[i], config_log_field_words);
		if (choice >= 0)
			*fields |= 1U << choice;
		good = good && choice >= 0;
	}
	return good;
}
