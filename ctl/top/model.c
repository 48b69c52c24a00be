#include "ctl/top/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/language.h"

void model_init(struct model *model, bool utf8)
{
	*model = (struct model){.utf8 = utf8, .focus = PANE_QUEUE};
}

void model_free(struct model *model)
{
	for (enum pane pane = 0; pane < PANES; pane++)
		picklist_free(&model->panes[pane]);
	for (size_t i = 0; i < MODEL_PAGES_MAX; i++)
		picklist_free(&model->pages[i].list);
}

void model_size(struct model *model, size_t lines, size_t columns)
{
	model->lines = lines;
	model->columns = columns;
}

struct model_page *model_page(struct model *model)
{
	return model->page_count ? &model->pages[model->page_count - 1] : NULL;
}

struct picklist *model_list(struct model *model)
{
	return model->page_count ? &model->pages[model->page_count - 1].list : &model->panes[model->focus];
}

void model_say(struct model *model, int64_t mono_ms, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(model->message, sizeof(model->message), format, args);
	va_end(args);
	model->message_until = mono_ms + MODEL_MESSAGE_MS;
}

const char *model_filter(const struct model *model, enum pane pane)
{
	return pane == PANE_SERVERS ? "" : model->filter;
}

void model_news(struct model *model, struct news *news, int64_t mono_ms)
{
	model->heard = true;
	snprintf(model->why, sizeof(model->why), "%s", news->why);
	if (!news->up)
		return;
	model->why[0] = '\0';
	model->news_ms = mono_ms;
	model->age_s = news->age_s;
	memcpy(model->version, news->version, sizeof(model->version));
	for (enum pane pane = 0; pane < PANES; pane++)
		picklist_take(&model->panes[pane], &news->rows[pane], model_filter(model, pane));
}

/* --- answers --- */

void model_send(struct model *model, const struct order *order)
{
	model->order = *order;
	model->order.width = model->columns;
	model->busy = true;
}

static void ask(struct model *model, const struct order *pending, const char *question)
{
	model->pending = *pending;
	model->prompt = MODEL_CONFIRMS;
	snprintf(model->question, sizeof(model->question), _("%s Continue? [y/N]"), question);
}

/* Another attempt for one message does no harm. */
static void counted(struct model *model, const struct answer *answer, int64_t mono_ms)
{
	const struct actwords *words = actwords_find(answer->order.action);
	struct order act = answer->order;
	char text[ACTWORDS_MAX];
	act.kind = ORDER_ACT;
	if (!answer->counts[ACTWORDS_DONE]) {
		actwords_nothing(words, answer->counts[ACTWORDS_ALREADY], text);
		model_say(model, mono_ms, "%s", text);
	} else if (act.id[0] && act.action == ROW_RETRY) {
		model_send(model, &act);
	} else {
		actwords_will(words, answer->counts[ACTWORDS_DONE], text);
		ask(model, &act, text);
	}
}

/* The page in front may list what was changed. */
static void acted(struct model *model, const struct answer *answer, int64_t mono_ms)
{
	char text[ACTWORDS_MAX];
	actwords_done(actwords_find(answer->order.action), answer->counts, text);
	model_say(model, mono_ms, "%s", text);
	if (model->page_count && model_page(model)->order.kind)
		model_send(model, &model_page(model)->order);
}

static void open_page(struct model *model, struct answer *answer)
{
	struct model_page *page = model_page(model);
	const struct order *order = &answer->order;
	bool renewed = page && page->order.kind == order->kind;
	if (!renewed && model->page_count == MODEL_PAGES_MAX)
		return;
	if (!renewed) {
		page = &model->pages[model->page_count++];
		picklist_free(&page->list);
	}
	page->order = *order;
	if (order->kind == ORDER_LIST)
		snprintf(page->title, sizeof(page->title), _("Mail for %.400s"), order->hop);
	else
		snprintf(page->title, sizeof(page->title), _("Message %s"), order->id);
	picklist_take(&page->list, &answer->rows, "");
}

void model_answer(struct model *model, struct answer *answer, int64_t mono_ms)
{
	model->busy = false;
	if (!answer->good) {
		model_say(model, mono_ms, "%s", answer->said[0] ? answer->said : _("the service refused it"));
		return;
	}
	switch (answer->order.kind) {
	case ORDER_COUNT:
		counted(model, answer, mono_ms);
		return;
	case ORDER_ACT:
		acted(model, answer, mono_ms);
		return;
	case ORDER_LIST:
	case ORDER_SHOW:
		open_page(model, answer);
		return;
	case ORDER_SERVER:
		model_say(model, mono_ms, _("server %s was told"), answer->order.server);
		return;
	case ORDER_NOTHING:
		return;
	}
}
