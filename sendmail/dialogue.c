#include "sendmail/dialogue.h"

#include <string.h>
#include <sysexits.h>

#include "common/base/fd.h"

enum { REPLIES_MAX = 64 * 1024 };

struct verb {
	const char *name;
	void (*run)(struct dialogue *d, struct span args);
};

static void reply(struct dialogue *d, const char *text)
{
	str_printf(&d->out, "%s\r\n", text);
}

/* Replies with s->failure, and forgets the message. */
static void refuse(struct dialogue *d)
{
	struct span text = span_of(d->submit->failure.text);
	str_printf(&d->out, "%s ", failure_reply(d->submit->failure.status));
	str_append_clean(&d->out, (struct span){text.at, text.len < 400 ? text.len : 400});
	str_append_text(&d->out, "\r\n");
	d->submit->failure.status = 0;
}

static void reset(struct dialogue *d)
{
	submit_reset(d->submit, TEXT_DOTS_SMTP);
	d->mail = false;
}

static void cmd_hello(struct dialogue *d, struct span args, bool extended)
{
	uint64_t most = d->submit->drop->place->message_octets;
	if (!args.len) {
		reply(d, "501 5.5.4 Host name is missing");
		return;
	}
	reset(d);
	d->greeted = true;
	str_printf(&d->out, "250%c%s\r\n", extended ? '-' : ' ', d->host);
	if (!extended)
		return;
	str_append_text(&d->out, "250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n");
	str_printf(&d->out, "250 SIZE %llu\r\n", most == UINT64_MAX ? 0ULL : (unsigned long long)most);
}

static void cmd_helo(struct dialogue *d, struct span args)
{
	cmd_hello(d, args, false);
}

static void cmd_ehlo(struct dialogue *d, struct span args)
{
	cmd_hello(d, args, true);
}

/* Takes "FROM:" or "TO:" and the path off *args; leaves the parameters. */
static bool take_path(struct span *args, struct span word, struct address *out)
{
	const char *why;
	if (!span_starts_nocase(*args, word))
		return false;
	return address_parse_path(span_trim(span_skip(*args, word.len)), out, args, &why);
}

/* Takes one "NAME=VALUE" off *rest; false at the end. */
static bool take_parameter(struct span *rest, struct span *name, struct span *value)
{
	*rest = span_trim(*rest);
	if (!rest->len)
		return false;
	struct span word = span_take(rest, ' ');
	*name = span_take(&word, '=');
	*value = word;
	return true;
}

static bool mail_parameters(struct span rest, struct dsn_message *dsn)
{
	struct span name, value;
	while (take_parameter(&rest, &name, &value)) {
		bool good = span_equal_nocase(name, SPAN("BODY")) || span_equal_nocase(name, SPAN("SIZE")) ||
			    (span_equal_nocase(name, SPAN("RET")) && dsn_parse_ret(value, &dsn->ret)) ||
			    (span_equal_nocase(name, SPAN("ENVID")) && dsn_parse_envid(value, &dsn->envid));
		if (!good)
			return false;
	}
	return true;
}

static bool rcpt_parameters(struct span rest, struct dsn_rcpt *dsn)
{
	struct span name, value;
	while (take_parameter(&rest, &name, &value)) {
		bool good = (span_equal_nocase(name, SPAN("NOTIFY")) && dsn_parse_notify(value, &dsn->notify)) ||
			    (span_equal_nocase(name, SPAN("ORCPT")) && dsn_parse_orcpt(value, &dsn->orcpt));
		if (!good)
			return false;
	}
	return true;
}

static void cmd_mail(struct dialogue *d, struct span args)
{
	struct address sender;
	struct dsn_message dsn = {0};
	if (!d->greeted) {
		reply(d, "503 5.5.1 Send EHLO or HELO first");
	} else if (d->mail) {
		reply(d, "503 5.5.1 Sender already specified");
	} else if (!take_path(&args, SPAN("FROM:"), &sender)) {
		reply(d, "501 5.5.4 Syntax: MAIL FROM:<address>");
	} else if (!mail_parameters(args, &dsn)) {
		reply(d, "555 5.5.4 Unsupported parameter");
	} else {
		envelope_write_sender(&d->submit->compose.head, sender.text);
		span_copy(sender.text, d->submit->compose.sender, sizeof(d->submit->compose.sender));
		envelope_write_dsn(&d->submit->compose.head, &dsn);
		d->mail = true;
		reply(d, "250 2.1.0 Sender accepted");
	}
}

static void cmd_rcpt(struct dialogue *d, struct span args)
{
	struct compose *c = &d->submit->compose;
	struct address rcpt;
	struct dsn_rcpt dsn = {0};
	if (!d->mail) {
		reply(d, "503 5.5.1 Send MAIL first");
	} else if (!take_path(&args, SPAN("TO:"), &rcpt) || !rcpt.text.len) {
		reply(d, "501 5.5.4 Syntax: RCPT TO:<address>");
	} else if (!rcpt_parameters(args, &dsn)) {
		reply(d, "555 5.5.4 Unsupported parameter");
	} else if (c->rcpt_count >= ENVELOPE_RCPT_MAX || c->head.failed) {
		reply(d, "452 4.5.3 Too many recipients");
	} else {
		envelope_write_rcpt(&c->head, rcpt.text);
		envelope_write_dsn_rcpt(&c->head, &dsn);
		c->rcpt_count++;
		reply(d, "250 2.1.5 Recipient accepted");
	}
}

static bool flush(struct dialogue *d)
{
	bool good = !d->out.failed && fd_write_all(d->out_fd, str_span(&d->out)) == 0;
	str_clear(&d->out);
	return good;
}

/* False: the input ended before the message did. */
static bool read_message(struct dialogue *d)
{
	struct span octets;
	while (!d->submit->text.ended) {
		if (!input_peek(d->input, &octets))
			return false;
		input_taken(d->input, submit_text(d->submit, octets));
	}
	return true;
}

static void cmd_data(struct dialogue *d, struct span args)
{
	(void)args;
	if (!d->submit->compose.rcpt_count) {
		reply(d, d->mail ? "554 5.5.1 No recipient" : "503 5.5.1 Send MAIL first");
		return;
	}
	reply(d, "354 Start mail input; end with <CRLF>.<CRLF>");
	if (!flush(d) || !read_message(d))
		d->over = true;
	else if (submit_commit(d->submit))
		str_printf(&d->out, "250 2.6.0 %s Queued for delivery\r\n", d->submit->drop->file.id);
	else
		refuse(d);
	reset(d);
}

static void cmd_rset(struct dialogue *d, struct span args)
{
	(void)args;
	reset(d);
	reply(d, "250 2.0.0 Forgotten");
}

static void cmd_noop(struct dialogue *d, struct span args)
{
	(void)args;
	reply(d, "250 2.0.0 OK");
}

static void cmd_vrfy(struct dialogue *d, struct span args)
{
	(void)args;
	reply(d, "252 2.1.5 Cannot VRFY user, but will take message");
}

static void cmd_quit(struct dialogue *d, struct span args)
{
	(void)args;
	d->over = true;
	str_printf(&d->out, "221 2.0.0 %s Goodbye\r\n", d->host);
}

static const struct verb verbs[] = {
	{"HELO", cmd_helo}, {"EHLO", cmd_ehlo}, {"MAIL", cmd_mail}, {"RCPT", cmd_rcpt}, {"DATA", cmd_data},
	{"RSET", cmd_rset}, {"NOOP", cmd_noop}, {"VRFY", cmd_vrfy}, {"QUIT", cmd_quit},
};

static void run_line(struct dialogue *d, struct span line, bool cut)
{
	struct span args = span_trim(line);
	struct span name = span_take(&args, ' ');
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!cut && span_equal_nocase(name, span_of(verbs[i].name))) {
			verbs[i].run(d, span_trim(args));
			return;
		}
	}
	reply(d, cut ? "500 5.5.2 Line too long" : "502 5.5.2 Command not implemented");
}

int dialogue_run(struct submit *submit, struct input *input, int out_fd, const char *host)
{
	struct dialogue d = {.submit = submit, .input = input, .out_fd = out_fd, .host = host};
	struct span line;
	bool cut, heard = true;
	str_init(&d.out, REPLIES_MAX);
	str_printf(&d.out, "220 %s ESMTP Mailroot, for local programs\r\n", host);
	reset(&d);
	while (!d.over && (heard = flush(&d)) && input_line(input, &line, &cut))
		run_line(&d, line, cut);
	heard = heard && flush(&d);
	submit_reset(submit, TEXT_DOTS_SMTP);
	str_free(&d.out);
	return heard ? EX_OK : EX_IOERR;
}
