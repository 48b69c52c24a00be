/* What a person wants of the service: done by the asker (asker.h), answered to the model. */
#ifndef CTL_TOP_ORDER_H
#define CTL_TOP_ORDER_H

#include "ctl/actwords.h"
#include "ctl/link.h"
#include "ctl/top/rows.h"

enum order_kind {
	ORDER_NOTHING,
	ORDER_COUNT,  /* how many messages `action` would touch */
	ORDER_ACT,    /* do it */
	ORDER_SERVER, /* `server_action` for the server */
	ORDER_LIST,   /* the messages for a next hop */
	ORDER_SHOW,   /* one message */
};

enum { ORDER_NAME_MAX = 64, ORDER_HOP_MAX = 4096, ORDER_ID_MAX = 24, ORDER_LIST_MAX = 500 };

struct order {
	enum order_kind kind;
	enum row_action action;
	enum row_server_action server_action;
	char server[ORDER_NAME_MAX + 1];
	char hop[ORDER_HOP_MAX + 1]; /* "" = every next hop */
	char id[ORDER_ID_MAX + 1];   /* "" = every message */
	size_t width;                /* of the screen, for texts */
};

struct answer {
	struct order order;
	bool good;
	char said[LINK_TEXT_MAX + 1]; /* why it failed; "" = no reason */
	uint64_t counts[ACTWORDS_COUNTS];
	struct rows rows; /* owned */
};

extern const struct columns order_message_columns;

/* Asks the service of RUN_DIR. It may take as long as a process does not answer. */
void order_do(const char *run_dir, const struct order *order, struct answer *out);

#endif
