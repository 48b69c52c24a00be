/* DKIM keys of the domains in whose name mail is sent. */
#include <stdio.h>

#include "common/base/language.h"
#include "ctl/doctor/diagnose.h"
#include "ctl/doctor/rights.h"
#include "ctl/doctor/selectors.h"
#include "ctl/doctor/senders.h"
#include "ctl/translate.h"

/* What is wrong with a key that verifiers can read. */
static void say_record(struct doctor *d, const char *name, const struct dkim_record *key)
{
	if (key->not_email)
		doctor_find(d, FINDING_WARNING, name,
			    _("this DKIM key is not for mail (s): receivers ignore signatures with it"),
			    _("remove s from the record"));
	else if (key->sha1_only)
		doctor_find(d, FINDING_WARNING, name,
			    _("this DKIM key permits no SHA-256 (h): receivers ignore signatures with SHA-1"),
			    _("remove h from the record"));
	else if (!key->ed25519 && key->bits < DKIM_RECORD_RSA_MIN)
		doctor_find(d, FINDING_ERROR, name,
			    doctor_text(d,
					_("this DKIM key has %u bits: receivers ignore signatures with less than 1024"),
					key->bits),
			    _("make a key with 2048 bits"));
	else if (key->testing)
		doctor_find(d, FINDING_NOTE, name,
			    _("this DKIM key says that it is being tested (t=y): receivers may ignore its signatures"),
			    _("remove t=y once signatures are right"));
	else if (!key->ed25519 && key->bits < DKIM_RECORD_RSA_GOOD)
		doctor_find(d, FINDING_NOTE, name,
			    doctor_text(d, _("this DKIM key has %u bits; 2048 are usual today"), key->bits),
			    _("make a key with 2048 bits"));
}

/* Of a key that is there, ours or not. */
static void say_found(struct doctor *d, const struct selector *found)
{
	if (found->state == SELECTOR_REVOKED)
		doctor_find(d, FINDING_NOTE, found->name, _("this DKIM key is revoked (p is empty)"),
			    _("nothing, unless mail is still signed with it"));
	else if (found->state == SELECTOR_UNUSABLE)
		doctor_find(d, FINDING_ERROR, found->name,
			    doctor_text(d, _("this DKIM key can't be used, so signatures with it are invalid: %s"),
					found->why),
			    _("publish it again, as the program that signs shows it"));
	else if (found->state == SELECTOR_GOOD)
		say_record(d, found->name, &found->record);
}

static const char *publish_text(struct doctor *d, const struct ownkey *key, const struct selector *found)
{
	if (found->wildcard)
		return doctor_text(
			d,
			_("a wildcard record (*) answers there: publish the record that `mailrootctl dkim keygen %s --selector %s` shows, which then comes first; it changes no key"),
			key->dkim->name, key->selector);
	return doctor_text(
		d,
		_("publish the record that `mailrootctl dkim keygen %s --selector %s` shows; it changes no key that exists"),
		key->dkim->name, key->selector);
}

/* FOUND: what DNS has for our KEY. */
static void say_own(struct doctor *d, const struct ownkey *key, const struct selector *found)
{
	const char *publish = publish_text(d, key, found);
	switch (found->state) {
	case SELECTOR_UNKNOWN:
		doctor_find(d, FINDING_NOTE, found->name,
			    _("DNS gave no answer for this DKIM key, so it was not examined"),
			    _("run the command again"));
		break;
	case SELECTOR_ABSENT:
		doctor_find(
			d, FINDING_ERROR, found->name,
			_("mail is signed with this DKIM key, and DNS does not have it: the signatures are invalid"),
			publish);
		break;
	case SELECTOR_UNUSABLE:
		doctor_find(d, FINDING_ERROR, found->name,
			    doctor_text(d, _("this DKIM key can't be used, so signatures with it are invalid: %s"),
					found->why),
			    publish);
		break;
	case SELECTOR_REVOKED:
		doctor_find(
			d, FINDING_ERROR, found->name,
			_("mail is signed with this DKIM key, and DNS says that it is revoked (p is empty): the signatures are invalid"),
			doctor_text(d, _("make a new key: `mailrootctl dkim rotate %s`"), key->dkim->name));
		break;
	case SELECTOR_OTHER:
		doctor_find(
			d, FINDING_ERROR, found->name,
			doctor_text(
				d,
				_("DNS has another DKIM key than %s, with which mail is signed: the signatures are invalid"),
				key->file),
			publish);
		break;
	default:
		say_record(d, found->name, &found->record);
	}
	if (found->count > 1)
		doctor_find(d, FINDING_WARNING, found->name,
			    _("there are several records for this DKIM key, and a receiver may take any of them"),
			    _("keep the one that is right, and remove the others"));
}

static void examine_own(struct doctor *d, struct ask *ask, const struct ownkey *key)
{
	struct selector found;
	selectors_ask(ask, key->selector, key->dkim->name, key->readable ? &key->record : NULL, &found);
	if (!key->readable)
		doctor_find(d, FINDING_NOTE, doctor_place(d, key->at),
			    doctor_text(d, _("the key %s was not compared with DNS: %s"), key->file,
					translate_text(span_of(key->why)).at),
			    d->guest ? _("run the command as root") : _("`mailrootctl check` says what is wrong"));
	say_own(d, key, &found);
}

/* The keys under the usual selectors, of a domain that others sign for, if anyone does. */
static void examine_usual(struct doctor *d, struct ask *ask, const struct config_server *server, const char *domain)
{
	bool good = false, answered = true;
	for (size_t i = 0; selectors_usual[i]; i++) {
		struct selector found;
		selectors_ask(ask, selectors_usual[i], domain, NULL, &found);
		answered &= found.state != SELECTOR_UNKNOWN;
		good |= found.state == SELECTOR_GOOD;
		say_found(d, &found);
	}
	if (good)
		return;
	if (!answered)
		doctor_find(d, FINDING_NOTE, domain,
			    _("DNS gave no answer for its DKIM keys, so they were not examined"),
			    _("run doctor again"));
	else if (ways_direct(server))
		doctor_find(
			d, FINDING_NOTE, domain,
			_("its mail leaves without a DKIM signature: there is no block dkim for it, and no key under the usual selectors"),
			doctor_text(
				d,
				_("begin with `mailrootctl dkim keygen %s`; receivers of much mail demand signatures"),
				domain));
	else
		doctor_find(
			d, FINDING_NOTE, domain,
			_("no DKIM key was found under the usual selectors, and there is no block dkim for it"),
			doctor_text(
				d,
				_("let the smart host sign, or begin with `mailrootctl dkim keygen %s`; receivers of much mail demand signatures"),
				domain));
}

void senders_dkim(struct doctor *d, struct ask *ask, const struct config_server *server, const char *domain,
		  const struct ownkeys *keys)
{
	const struct config_dkim *dkim = config_dkim_find(server, span_of(domain));
	if (!dkim)
		examine_usual(d, ask, server, domain);
	for (size_t i = 0; i < keys->n; i++)
		if (keys->at[i].dkim == dkim)
			examine_own(d, ask, &keys->at[i]);
}

/* A domain above that signs for DOMAIN has findings of its own. */
static bool signed_above(const struct config_server *server, const char *domain)
{
	const struct config_dkim *dkim = config_dkim_find(server, span_of(domain));
	return dkim && !span_equal_nocase(span_of(dkim->name), span_of(domain));
}

void diagnose_dkim(struct doctor *d)
{
	struct ownkeys keys;
	ownkeys_load(d->config, &keys);
	rights_drop(d->config);
	for (size_t i = 0; i < d->config->server_count; i++) {
		const struct config_server *server = &d->config->servers[i];
		struct ways_domain domains[WAYS_DOMAINS_MAX];
		struct ask ask;
		ask_open(&ask, d->config, server, d->until);
		size_t n = senders_domains(d, server, domains);
		for (size_t j = 0; j < n; j++)
			if (!signed_above(server, domains[j].name))
				senders_dkim(d, &ask, server, domains[j].name, &keys);
	}
	ownkeys_free(&keys);
}
