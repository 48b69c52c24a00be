#include "queue/log/log_format.h"

#include <stdio.h>
#include <time.h>

#include "common/base/installed.h"

enum { VALUE_MAX = 32 };

/* Appends TEXT. Octets of SPECIAL and unprintable octets become \xNN, a blank becomes BLANK, an empty TEXT becomes "-".
 */
static void put(struct str *to, struct span text, const char *special, char blank)
{
	if (!text.len)
		str_append_c(to, '-');
	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		if (c == ' ')
			str_append_c(to, blank);
		else if (c < ' ' || c > '~' || span_find(span_of(special), c) < span_of(special).len)
			str_printf(to, "\\x%02x", (unsigned char)c);
		else
			str_append_c(to, c);
	}
}

static void put_json(struct str *to, const char *name, struct span text)
{
	str_printf(to, ",\"%s\":\"", name);
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];
		if (c == '"' || c == '\\')
			str_printf(to, "\\%c", c);
		else if (c < ' ' || c > '~')
			str_printf(to, "\\u%04x", c);
		else
			str_append_c(to, (char)c);
	}
	str_append_c(to, '"');
}

static struct tm utc(int64_t time_ms)
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm tm;
	gmtime_r(&seconds, &tm);
	return tm;
}

static struct tm local(int64_t time_ms)
{
	time_t seconds = (time_t)(time_ms / 1000);
	struct tm tm;
	localtime_r(&seconds, &tm);
	return tm;
}

static struct span user_of(const struct wire_record *r)
{
	if (!r->outbound)
		return r->name;
	return r->verb.len ? SPAN("OutboundConnectionCommand") : SPAN("OutboundConnectionResponse");
}

static void w3c_number(struct str *to, uint64_t number)
{
	str_printf(to, "%llu", (unsigned long long)number);
}

static void w3c_moment(struct str *to, enum config_log_field field, int64_t time_ms)
{
	struct tm tm = utc(time_ms);
	if (field == LOG_FIELD_DATE)
		str_printf(to, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	else
		str_printf(to, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static uint64_t w3c_count(const struct wire_record *r, enum config_log_field field)
{
	switch (field) {
	case LOG_FIELD_S_PORT: /* of an outgoing connection, the port of the other host */
		return r->outbound ? r->peer_port : r->our_port;
	case LOG_FIELD_STATUS:
		return r->code;
	case LOG_FIELD_SC_BYTES:
		return r->octets_out;
	case LOG_FIELD_CS_BYTES:
		return r->octets_in;
	case LOG_FIELD_TIME_TAKEN:
		return r->took_ms;
	case LOG_FIELD_SESSION:
		return r->session;
	default:
		return 0;
	}
}

static struct span w3c_text(const struct log_format *f, const struct wire_record *r, enum config_log_field field)
{
	switch (field) {
	case LOG_FIELD_C_IP:
		return r->peer;
	case LOG_FIELD_USERNAME:
		return user_of(r);
	case LOG_FIELD_SITENAME:
		return span_of(f->site);
	case LOG_FIELD_COMPUTERNAME:
		return span_of(f->computer);
	case LOG_FIELD_S_IP:
		return r->ours;
	case LOG_FIELD_METHOD:
		return r->verb;
	case LOG_FIELD_URI_QUERY:
		return r->argument;
	case LOG_FIELD_VERSION:
		return SPAN("SMTP");
	case LOG_FIELD_REPLY:
		return r->text;
	default: /* cs-uri-stem, cs-host, cs(...): only HTTP has them */
		return (struct span){0};
	}
}

static void w3c_value(const struct log_format *f, const struct wire_record *r, enum config_log_field field,
		      struct str *to)
{
	switch (field) {
	case LOG_FIELD_DATE:
	case LOG_FIELD_TIME:
		w3c_moment(to, field, (int64_t)r->time_ms);
		break;
	case LOG_FIELD_S_PORT:
	case LOG_FIELD_STATUS:
	case LOG_FIELD_WIN32_STATUS:
	case LOG_FIELD_SC_BYTES:
	case LOG_FIELD_CS_BYTES:
	case LOG_FIELD_TIME_TAKEN:
	case LOG_FIELD_SESSION:
		w3c_number(to, w3c_count(r, field));
		break;
	default:
		put(to, w3c_text(f, r, field), "", '+');
	}
}

static void w3c_record(const struct log_format *f, const struct wire_record *r, struct str *to)
{
	const char *separator = "";
	for (enum config_log_field field = 0; field < LOG_FIELD_COUNT; field++) {
		if (!(f->fields & (1U << field)))
			continue;
		str_append_text(to, separator);
		w3c_value(f, r, field, to);
		separator = " ";
	}
}

/* 10.3.5.1, host, 8/18/06, 13:17:37, SMTPSVC1, MAIL01, 10.200.200.1, 90, 42, 0, 250, 0, MAIL, -, FROM:<a@b>, */
static void iis_record(const struct log_format *f, const struct wire_record *r, struct str *to)
{
	const struct tm tm = local((int64_t)r->time_ms);
	put(to, r->peer, ",", ' ');
	str_append_text(to, ", ");
	put(to, user_of(r), ",", ' ');
	str_printf(to, ", %d/%d/%02d, %02d:%02d:%02d, ", tm.tm_mon + 1, tm.tm_mday, tm.tm_year % 100, tm.tm_hour,
		   tm.tm_min, tm.tm_sec);
	put(to, span_of(f->site), ",", ' ');
	str_append_text(to, ", ");
	put(to, span_of(f->computer), ",", ' ');
	str_append_text(to, ", ");
	put(to, r->ours, ",", ' ');
	str_printf(to, ", %llu, %llu, %llu, %llu, 0, ", (unsigned long long)r->took_ms,
		   (unsigned long long)r->octets_in, (unsigned long long)r->octets_out, (unsigned long long)r->code);
	put(to, r->verb, ",", ' ');
	str_append_text(to, ", -, ");
	put(to, r->argument, ",", ' ');
	str_append_c(to, ',');
}

/* 10.3.5.1 - host [18/Aug/2006:13:17:37 +0900] "MAIL FROM:<a@b> SMTP" 250 42 */
static void ncsa_record(const struct wire_record *r, struct str *to)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const struct tm tm = local((int64_t)r->time_ms);
	int offset = (int)(tm.tm_gmtoff / 60);
	int minutes = offset < 0 ? -offset : offset;
	put(to, r->peer, "\"", '+');
	str_append_text(to, " - ");
	put(to, user_of(r), "\"[]", '+');
	str_printf(to, " [%02d/%.3s/%04d:%02d:%02d:%02d %c%02d%02d] \"", tm.tm_mday, months + tm.tm_mon * 3,
		   tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec, offset < 0 ? '-' : '+', minutes / 60 % 100,
		   minutes % 60);
	put(to, r->verb, "\"", '+');
	str_append_c(to, ' ');
	put(to, r->argument, "\"", ' ');
	str_printf(to, " SMTP\" %llu %llu", (unsigned long long)r->code, (unsigned long long)r->octets_out);
}

static void json_moment(struct str *to, int64_t time_ms)
{
	const struct tm tm = utc(time_ms);
	str_printf(to, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", tm.tm_year + 1900, tm.tm_mon + 1,
		   tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(time_ms % 1000));
}

static void json_record(const struct log_format *f, const struct wire_record *r, struct str *to)
{
	json_moment(to, (int64_t)r->time_ms);
	put_json(to, "server", span_of(f->site));
	put_json(to, "direction", r->outbound ? SPAN("out") : SPAN("in"));
	str_printf(to, ",\"session\":%llu", (unsigned long long)r->session);
	put_json(to, "peer", r->peer);
	str_printf(to, ",\"peer_port\":%llu", (unsigned long long)r->peer_port);
	put_json(to, "ours", r->ours);
	str_printf(to, ",\"our_port\":%llu", (unsigned long long)r->our_port);
	put_json(to, "name", r->name);
	put_json(to, "verb", r->verb);
	put_json(to, "argument", r->argument);
	str_printf(to, ",\"code\":%llu", (unsigned long long)r->code);
	put_json(to, "text", r->text);
	str_printf(to, ",\"octets_in\":%llu,\"octets_out\":%llu,\"ms\":%llu}", (unsigned long long)r->octets_in,
		   (unsigned long long)r->octets_out, (unsigned long long)r->took_ms);
}

void log_format_record(const struct log_format *f, const struct wire_record *record, struct str *to)
{
	switch (f->format) {
	case CONFIG_LOG_W3C:
		w3c_record(f, record, to);
		break;
	case CONFIG_LOG_IIS:
		iis_record(f, record, to);
		break;
	case CONFIG_LOG_NCSA:
		ncsa_record(record, to);
		break;
	default:
		json_record(f, record, to);
	}
	str_append_c(to, '\n');
}

static void date_line(struct str *to, const char *word, int64_t now_ms)
{
	str_append_text(to, word);
	w3c_moment(to, LOG_FIELD_DATE, now_ms);
	str_append_c(to, ' ');
	w3c_moment(to, LOG_FIELD_TIME, now_ms);
	str_append_c(to, '\n');
}

void log_format_header(const struct log_format *f, int64_t now_ms, struct str *to)
{
	if (f->format != CONFIG_LOG_W3C)
		return;
	str_append_text(to, "#Software: Mailroot " MAILROOT_VERSION "\n#Version: 1.0\n");
	date_line(to, "#Date: ", now_ms);
	str_append_text(to, "#Fields:");
	for (enum config_log_field field = 0; field < LOG_FIELD_COUNT; field++)
		if (f->fields & (1U << field))
			str_printf(to, " %s", config_log_field_name(field));
	str_append_c(to, '\n');
}

void log_format_lost(const struct log_format *f, uint64_t count, int64_t now_ms, struct str *to)
{
	char text[VALUE_MAX];
	int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)count);
	const struct wire_record record = {
		.time_ms = (uint64_t)now_ms, .verb = SPAN("LOST"), .argument = {text, (size_t)len}};
	if (f->format != CONFIG_LOG_W3C) {
		log_format_record(f, &record, to);
		return;
	}
	str_printf(to, "#Remark: %s records were lost before ", text);
	date_line(to, "", now_ms);
}
