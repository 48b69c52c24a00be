/*
 * What `mailrootctl top` shows, and what keys, news and answers make of it. Pure: it asks nobody, and paints nothing.
 * It wants something of the service by setting `order`, which the caller passes on (asker.h) and clears.
 */
#ifndef CTL_TOP_MODEL_H
#define CTL_TOP_MODEL_H

#include "ctl/top/keyboard.h"
#include "ctl/top/news.h"
#include "ctl/top/order.h"
#include "ctl/top/picklist.h"

enum { MODEL_FILTER_MAX = 100, MODEL_TEXT_MAX = 600, MODEL_PAGES_MAX = 2, MODEL_MESSAGE_MS = 10000 };

/* What the last line asks for. */
enum model_prompt { MODEL_NO_PROMPT, MODEL_FILTERS, MODEL_CONFIRMS };

struct model_page { /* in front of the panes: messages, or a text */
	struct picklist list;
	struct order order; /* that it answers; ORDER_NOTHING = none */
	char title[MODEL_TEXT_MAX];
};

struct model {
	size_t lines, columns;
	bool utf8; /* the terminal takes it */
	struct picklist panes[PANES];
	enum pane focus;
	struct model_page pages[MODEL_PAGES_MAX];
	size_t page_count;
	bool help;
	bool quit;
	char filter[MODEL_FILTER_MAX + 1];
	enum model_prompt prompt;
	struct order pending; /* what is done when it is confirmed */
	char question[MODEL_TEXT_MAX];
	char message[MODEL_TEXT_MAX]; /* what happened */
	int64_t message_until;        /* monotonic */
	struct order order;           /* ORDER_NOTHING = none */
	bool busy;                    /* an answer is awaited */
	bool heard;                   /* there were news */
	int64_t news_ms;              /* monotonic, of the last good ones */
	char why[LINK_TEXT_MAX + 1];  /* the service does not answer; "" = it does */
	char version[NEWS_VERSION_MAX];
	uint64_t age_s;
};

void model_init(struct model *model, bool utf8);
void model_free(struct model *model);

/* The size of the terminal. */
void model_size(struct model *model, size_t lines, size_t columns);

/* Takes over the rows of NEWS. Without an answer of the service the last rows stay. */
void model_news(struct model *model, struct news *news, int64_t mono_ms);

/* Takes over the rows of ANSWER. */
void model_answer(struct model *model, struct answer *answer, int64_t mono_ms);

/* A key was pressed (keyboard.h). */
void model_key(struct model *model, unsigned key, int64_t mono_ms);

/* The list that has the focus. */
struct picklist *model_list(struct model *model);

/* The page in front; NULL = none. */
struct model_page *model_page(struct model *model);

/* What PANE is filtered by: servers are few and always shown. */
const char *model_filter(const struct model *model, enum pane pane);

/* Wants ORDER of the service. */
void model_send(struct model *model, const struct order *order);

/* Shows the message FORMAT in the last line for MODEL_MESSAGE_MS. */
void model_say(struct model *model, int64_t mono_ms, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
