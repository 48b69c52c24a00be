/* What is known of DKIM, SPF and DMARC of one domain, gathered and shown. */
#ifndef CTL_DKIM_DKIM_VIEW_H
#define CTL_DKIM_DKIM_VIEW_H

#include "ctl/dkim/keyplace.h"
#include "ctl/doctor/selectors.h"
#include "ctl/doctor/senders.h"
#include "ctl/json.h"

enum { DKIM_VIEW_KEYS_MAX = 8 + KEYPLACE_WAITING_MAX };

struct dkim_view_key {
	char selector[DOMAIN_MAX + 1];
	char file[KEYPLACE_PATH_MAX];
	bool configured; /* otherwise it waits for the configuration */
	bool readable;   /* `ours` is set; otherwise `why` has the reason */
	struct dkim_record ours;
	char why[DKIM_KEY_WHY_MAX];
	struct selector seen; /* in DNS */
};

struct dkim_view_source {
	struct source source;
	struct spf_verdict verdict;
};

struct dkim_view {
	const struct config_server *server;
	const char *domain;             /* of From */
	const struct config_dkim *dkim; /* the block that signs; NULL = none */
	struct dkim_view_key keys[DKIM_VIEW_KEYS_MAX];
	size_t key_count;
	struct dkim_view_source sources[SOURCES_MAX];
	size_t source_count;
	const char *mail_from; /* its domain */
	struct senders_policy policy;
	bool passes_spf, passes_dkim; /* by DMARC, with relaxed alignment if there is no policy */
};

/* First, as root: finds and reads the keys of DOMAIN in PLACE. CONFIG's keys are ALL. */
void dkim_view_keys(const struct keyplace *place, const struct ownkeys *all, struct dkim_view *out);

/* Then, without root: asks DNS. Free *VIEW with dkim_view_free. */
void dkim_view_ask(struct ask *ask, struct dkim_view *view);
void dkim_view_free(struct dkim_view *view);

/* Prints it. D is for texts. */
void dkim_view_print(struct doctor *d, const struct dkim_view *view);

/* Writes it as an object. */
void dkim_view_json(struct json *json, const struct dkim_view *view);

#endif
