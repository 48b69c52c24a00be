#include "ctl/dkim/dkim_view.h"

#include "ctl/doctor/ways.h"

static void copy(const char *text, char *to, size_t size)
{
	span_copy(span_of(text), to, size);
}

static void add_own(const struct ownkey *own, struct dkim_view *out)
{
	struct dkim_view_key *key = &out->keys[out->key_count++];
	key->configured = true;
	key->readable = own->readable;
	key->ours = own->record;
	copy(own->selector, key->selector, sizeof(key->selector));
	copy(own->file, key->file, sizeof(key->file));
	copy(own->why, key->why, sizeof(key->why));
}

static void add_waiting(const struct keyplace_waiting *waiting, uid_t owner, struct dkim_view *out)
{
	struct dkim_view_key *key = &out->keys[out->key_count++];
	copy(waiting->selector, key->selector, sizeof(key->selector));
	copy(waiting->file, key->file, sizeof(key->file));
	key->readable = ownkeys_read(key->file, owner, &key->ours, key->why);
}

void dkim_view_keys(const struct keyplace *place, const struct ownkeys *all, struct dkim_view *out)
{
	struct keyplace_waiting waiting[KEYPLACE_WAITING_MAX];
	*out = (struct dkim_view){.server = place->server,
				  .domain = place->domain,
				  .dkim = config_dkim_find(place->server, span_of(place->domain))};
	for (size_t i = 0; i < all->n; i++)
		if (all->at[i].dkim == out->dkim && out->key_count < DKIM_VIEW_KEYS_MAX - KEYPLACE_WAITING_MAX)
			add_own(&all->at[i], out);
	size_t n = keyplace_waiting(place, waiting);
	for (size_t i = 0; i < n; i++)
		add_waiting(&waiting[i], all->owner, out);
}

static void ask_sources(struct ask *ask, const struct sources *sources, struct dkim_view *view)
{
	for (size_t i = 0; i < sources->n; i++) {
		struct dkim_view_source *to = &view->sources[view->source_count++];
		to->source = sources->at[i];
		sources_spf(ask, view->server, view->mail_from, &to->source.ip, &to->verdict);
	}
}

/* Whether a signature of ours authenticates its mail now. */
static bool passes_dkim(const struct dkim_view *view)
{
	bool good = false;
	for (size_t i = 0; i < view->key_count; i++)
		good |= view->keys[i].configured && selectors_accepted(&view->keys[i].seen);
	return good && dmarc_aligned(span_of(view->dkim->name), span_of(view->domain), view->policy.dmarc.strict_dkim);
}

void dkim_view_ask(struct ask *ask, struct dkim_view *view)
{
	struct sources sources;
	view->mail_from = ways_envelope_domain(view->server, view->domain);
	for (size_t i = 0; i < view->key_count; i++) {
		struct dkim_view_key *key = &view->keys[i];
		const char *signer = key->configured ? view->dkim->name : view->domain;
		selectors_ask(ask, key->selector, signer, key->readable ? &key->ours : NULL, &key->seen);
	}
	sources_find(ask, view->server, &sources);
	ask_sources(ask, &sources, view);
	senders_policy_ask(ask, view->domain, &view->policy);
	const struct dmarc *dmarc = &view->policy.dmarc;
	view->passes_spf = sources.n && senders_passes_spf(ask, view->server, view->domain, dmarc, &sources);
	view->passes_dkim = passes_dkim(view);
}

void dkim_view_free(struct dkim_view *view)
{
	senders_policy_free(&view->policy);
}
