/* What the service is like at a moment: the rows of each pane, asked of its processes. */
#ifndef CTL_TOP_NEWS_H
#define CTL_TOP_NEWS_H

#include "ctl/link.h"
#include "ctl/service.h"
#include "ctl/top/layout.h"
#include "ctl/top/make.h"
#include "ctl/top/rows.h"

enum { NEWS_VERSION_MAX = 64 };

struct news {
	bool up;                     /* the service answers */
	char why[LINK_TEXT_MAX + 1]; /* it does not: the reason */
	char version[NEWS_VERSION_MAX];
	uint64_t age_s;          /* of the service */
	struct rows rows[PANES]; /* owned */
};

/*
 * Asks the service of RUN_DIR. ALL, SERVICE_SERVERS_MAX of them, are brought up to date. It may take as long as a
 * process does not answer.
 */
void news_ask(const char *run_dir, struct make_rates *all, struct news *out);
void news_free(struct news *news);

#endif
