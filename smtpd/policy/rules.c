#include "smtpd/policy/rules.h"

#include <string.h>

#include "common/base/language.h"
#include "common/mail/fields.h"
#include "common/mail/mailbox.h"

/* How a rule relates to a client. */
enum fit { FITS, FITS_NOT, FITS_NOT_UNCONFIRMED /* only because the client has no confirmed name */, WANTS_NAME };

static bool has_user(const struct config_words *users, const char *user)
{
	for (size_t i = 0; user && i < users->n; i++)
		if (!strcmp(users->at[i], "*") || span_equal_nocase(span_of(users->at[i]), span_of(user)))
			return true;
	return false;
}

static enum fit judge(const struct config_client_rule *rule, const struct policy_client *client)
{
	bool names = false;
	if (rule->users.n && !has_user(&rule->users, client->user))
		return FITS_NOT;
	for (size_t i = 0; i < rule->list.n; i++) {
		names |= rule->list.at[i].name != NULL;
		if (policy_client_match(&rule->list.at[i], client))
			return FITS;
	}
	if (!rule->list.n)
		return rule->users.n ? FITS : FITS_NOT;
	if (!names || client->name_state == POLICY_NAME_CONFIRMED)
		return FITS_NOT;
	return client->name_state == POLICY_NAME_UNASKED ? WANTS_NAME : FITS_NOT_UNCONFIRMED;
}

static struct policy_step *add_step(struct policy_decision *out, enum policy_rule kind, bool accepts,
				    const struct config_client_rule *rule, const struct config_origin *origin)
{
	struct policy_step *step = &out->steps[out->step_count++];
	*step = (struct policy_step){kind, accepts, rule->name, origin->line ? origin : &rule->origin, NULL};
	return step;
}

/* OUT NULL: no step is wanted. */
static const struct config_client_rule *find(const struct config_server *server, const struct policy_client *client,
					     bool *wants_name, struct policy_decision *out)
{
	bool told = false;
	*wants_name = false;
	for (size_t i = 0; i < server->client_rule_count; i++) {
		const struct config_client_rule *rule = &server->client_rules[i];
		enum fit fit = judge(rule, client);
		if (fit == FITS)
			return rule;
		*wants_name = fit == WANTS_NAME;
		if (*wants_name && out)
			add_step(out, POLICY_CLIENT_RULE, false, rule, &rule->list_at);
		if (*wants_name)
			return NULL;
		if (fit == FITS_NOT_UNCONFIRMED && out && !told) {
			add_step(out, POLICY_CLIENT_RULE, false, rule, &rule->list_at)->unconfirmed = client->why;
			told = true;
		}
	}
	return NULL;
}

const struct config_client_rule *rules_find(const struct config_server *server, const struct policy_client *client,
					    bool *wants_name)
{
	return find(server, client, wants_name, NULL);
}

static bool meets(const struct config_client_rule *rule, const struct policy_client *client,
		  struct policy_decision *out)
{
	if (rule->require & REQUIRE_TLS &&
	    !add_step(out, POLICY_CLIENT_TLS, client->tls, rule, &rule->require_at)->accepts)
		return false;
	return !(rule->require & REQUIRE_AUTH) ||
	       add_step(out, POLICY_CLIENT_AUTH, client->user != NULL, rule, &rule->require_at)->accepts;
}

/* ADDRESS without a domain is one of the default domain. */
static bool is_permitted(const struct config_server *server, const struct config_client_rule *rule,
			 const struct address *address)
{
	struct address whole = *address;
	if (!whole.domain.len)
		whole.domain = span_of(server->local_domains[0].name);
	return whole.text.len && config_senders_have(&rule->senders, &whole);
}

/* RFC 5321 4.5.5: notices have the null sender, and a host that refuses it loses them. */
static bool may_send_as(const struct config_server *server, const struct config_client_rule *rule,
			const struct policy_mail *mail, struct policy_decision *out)
{
	if (!rule->senders.n)
		return true;
	if (!mail->sender)
		return add_step(out, POLICY_CLIENT_SENDER_UNSAID, true, rule, &rule->senders_at)->accepts;
	bool permitted = !mail->sender->text.len || is_permitted(server, rule, mail->sender);
	return add_step(out, POLICY_CLIENT_SENDER, permitted, rule, &rule->senders_at)->accepts;
}

static bool may_be_as_large(const struct config_client_rule *rule, const struct policy_mail *mail,
			    struct policy_decision *out)
{
	return rule->max_message_size == CONFIG_NONE || !mail->size ||
	       add_step(out, POLICY_CLIENT_SIZE, mail->size <= (uint64_t)rule->max_message_size, rule,
			&rule->max_message_size_at)
		       ->accepts;
}

void rules_mail_decide(const struct config_server *server, const struct policy_client *client,
		       const struct policy_mail *mail, struct policy_decision *out)
{
	const struct config_client_rule *rule = find(server, client, &out->wants_name, out);
	out->accepted = !out->wants_name;
	if (!rule)
		return;
	add_step(out, POLICY_CLIENT_RULE, true, rule, &rule->origin);
	out->accepted = meets(rule, client, out) &&
			(!mail || (may_send_as(server, rule, mail, out) && may_be_as_large(rule, mail, out)));
}

void rules_rcpt_decide(const struct config_server *server, const struct policy_client *client,
		       const struct address *rcpt, const char *stamp, struct policy_decision *out)
{
	struct address stamped = *rcpt;
	*out = (struct policy_decision){0};
	const struct config_client_rule *rule = rules_find(server, client, &out->wants_name);
	out->accepted = !out->wants_name;
	if (!rule || !rule->recipients.n)
		return;
	if (stamp)
		stamped.domain = span_of(stamp);
	out->accepted = config_senders_have(&rule->recipients, &stamped);
	add_step(out, POLICY_CLIENT_RECIPIENT, out->accepted, rule, &rule->recipients_at);
}

/* How many @ stand in TEXT, in all and outside of quotes. False: it has marks that make no list of addresses. */
static bool count_at(struct span text, size_t *all, size_t *bare)
{
	size_t depth = 0;
	bool quoted = false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		bool outside = !quoted && !depth;
		if (outside && c && strchr("\\[]):;", c))
			return false;
		*all += c == '@';
		*bare += c == '@' && !quoted;
		if (c == '\\')
			i++;
		else if (c == '"' && !depth)
			quoted = !quoted;
		else if (c == '(' && !quoted)
			depth++;
		else if (c == ')' && !quoted)
			depth--;
	}
	return true;
}

static bool has_encoded_word(struct span text)
{
	for (; text.len; text = span_skip(text, 1))
		if (span_starts(text, SPAN("=?")))
			return true;
	return false;
}

/*
 * Whether mail programs read the same address in the entry BOX: an @ outside of quotes belongs to the address, not to
 * a name in front of it ("boss@a.test <u@b.test>") or a comment, and what is no address can't become one when it is
 * decoded.
 */
static bool is_unambiguous(const struct mailbox *box)
{
	size_t all = 0, bare = 0;
	if (!count_at(box->whole, &all, &bare) || has_encoded_word(box->address.text))
		return false;
	return box->address.domain.len ? bare == 1 : !all && !has_encoded_word(box->whole);
}

/*
 * All addresses of the field VALUE are in senders. A word without a domain and brackets is a part of a name that lacks
 * its quotes, "Acme, Inc. <billing@example.com>", if there is an address behind it; mail programs show it so.
 */
static enum policy_rule judge_field(const struct config_server *server, const struct config_client_rule *rule,
				    struct span value)
{
	struct mailbox box;
	enum mailbox_result result;
	const char *why;
	bool named = mailbox_first(value, &box, &result, &why) && (box.angle || box.address.domain.len);
	size_t found = 0, all = 0, bare = 0;
	if (!count_at(value, &all, &bare))
		return POLICY_CLIENT_FROM_BAD;
	while ((result = mailbox_next(&value, &box, &why)) != MAILBOX_END) {
		if (result == MAILBOX_BAD || !is_unambiguous(&box))
			return POLICY_CLIENT_FROM_BAD;
		if (named && !box.angle && !box.address.domain.len)
			continue;
		if (!is_permitted(server, rule, &box.address))
			return POLICY_CLIENT_FROM;
		found++;
	}
	return found ? POLICY_RULE_COUNT : POLICY_CLIENT_FROM_BAD;
}

void rules_from_decide(const struct config_server *server, const struct policy_client *client, struct span from,
		       bool cut, struct policy_decision *out)
{
	struct field field;
	enum policy_rule fault = cut ? POLICY_CLIENT_FROM_BAD : POLICY_RULE_COUNT;
	*out = (struct policy_decision){0};
	const struct config_client_rule *rule = rules_find(server, client, &out->wants_name);
	out->accepted = !out->wants_name;
	if (!rule || !rule->from_header)
		return;
	while (fault == POLICY_RULE_COUNT && field_next(&from, &field))
		fault = judge_field(server, rule, field.value);
	if (fault == POLICY_RULE_COUNT && from.len)
		fault = POLICY_CLIENT_FROM_BAD;
	out->accepted = fault == POLICY_RULE_COUNT;
	add_step(out, out->accepted ? POLICY_CLIENT_FROM : fault, out->accepted, rule, &rule->from_header_at);
}

/* What a step says when its rule accepts, and when it refuses. */
static const struct {
	const char *accepts, *refuses;
} formats[POLICY_RULE_COUNT] = {
	[POLICY_CLIENT_TLS] = {N_("client_rule %s has require tls, client has TLS: goes on"),
			       N_("client_rule %s has require tls, client has no TLS: refused")},
	[POLICY_CLIENT_AUTH] = {N_("client_rule %s has require auth, client has authenticated: goes on"),
				N_("client_rule %s has require auth, client has not authenticated: refused")},
	[POLICY_CLIENT_SENDER] = {N_("sender is permitted by senders of client_rule %s: goes on"),
				  N_("sender is not permitted by senders of client_rule %s: refused")},
	[POLICY_CLIENT_SENDER_UNSAID] = {N_("client_rule %s has senders, and no sender was given: goes on"), NULL},
	[POLICY_CLIENT_SIZE] = {N_("message is within max_message_size of client_rule %s: goes on"),
				N_("message is not within max_message_size of client_rule %s: refused")},
	[POLICY_CLIENT_RECIPIENT] = {N_("recipient is in recipients of client_rule %s: accepted"),
				     N_("recipient is not in recipients of client_rule %s: refused")},
	[POLICY_CLIENT_FROM] = {N_("From in the header is permitted by senders of client_rule %s: accepted"),
				N_("From in the header is not permitted by senders of client_rule %s: refused")},
	[POLICY_CLIENT_FROM_BAD] =
		{NULL, N_("From in the header can't be read, and client_rule %s has from_header yes: refused")},
	[POLICY_CLIENT_RULE] = {N_("client_rule %s fits the client: goes on"),
				N_("client_rule %s has names in list: the client's name decides")},
};

void rules_step_format(const struct policy_step *step, struct str *to)
{
	if (step->rule == POLICY_CLIENT_RULE && step->unconfirmed)
		str_printf(
			to,
			N_("client_rule %s does not fit, because its list has names (the client has no confirmed name: %s): goes on"),
			step->text, step->unconfirmed);
	else
		str_printf(to, step->accepts ? formats[step->rule].accepts : formats[step->rule].refuses, step->text);
}
