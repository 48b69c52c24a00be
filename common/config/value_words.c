/* Allowed values: the words of choices and sets, the letters of units, and both as text for messages and documents. */
#include "common/config/value.h"

#include "common/base/language.h"

const struct config_unit config_size_units[] = {{'K', 1 << 10}, {'M', 1 << 20}, {'G', 1 << 30}, {0, 0}};
const struct config_unit config_duration_units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}, {0, 0}};

enum { WORDS_MAX = 9 };

/* The words of types that are a choice or a set, in the order of their enums. */
static const char *const words_of[CONFIG_TYPE_COUNT][WORDS_MAX] = {
	[CONFIG_YESNO] = {"no", "yes"},
	[CONFIG_BARE] = {"reject", "repair"},
	[CONFIG_LANGUAGE] = {"en", "ja"},
	[CONFIG_STUFFING] = {"auto", "on", "off"},
	[CONFIG_ALLOW] = {"only-listed", "all-except-listed"},
	[CONFIG_TLSMIN] = {"1.0", "1.1", "1.2", "1.3"},
	[CONFIG_TLS] = {"off", "opportunistic", "encrypt", "verify"},
	[CONFIG_TRISTATE] = {"auto", "no", "yes"},
	[CONFIG_TLSMISSING] = {"wait", "return"},
	[CONFIG_AUTH] = {"off", "plain", "login", "scram-sha-256", "cram-md5", "gssapi", "xoauth2", "oauthbearer"},
	[CONFIG_PROVIDER] = {"microsoft365", "google", "other"},
	[CONFIG_GRANT] = {"auto", "client_credentials", "refresh", "service_account"},
	[CONFIG_ASSERTION] = {"ps256", "rs256"},
	[CONFIG_COUNTEDBY] = {"address", "user"},
	[CONFIG_OVERLIMIT] = {"tempfail", "log"},
	[CONFIG_UNKNOWN] = {"reject", "accept"},
	[CONFIG_SECCOMP] = {"enforce", "log", "off"},
	[CONFIG_CANONICAL] = {"relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"},
	[CONFIG_WORDS] = {"pipelining", "size", "8bitmime", "chunking", "enhancedstatuscodes", "dsn"},
	[CONFIG_REQUIREMENTS] = {"tls", "auth"},
	[CONFIG_MECHANISMS] = {"plain", "login", "scram-sha-256", "cram-md5", "gssapi"},
	[CONFIG_PASSWORDS] = {"file", "kerberos"},
	[CONFIG_WHENDOWN] = {"tempfail", "accept", "reject", "hold"},
	[CONFIG_MAILSOURCES] = {"smtp", "pickup", "sendmail"},
};

const char *const *config_value_words(enum config_type type)
{
	return words_of[type];
}

const char *const config_log_format_words[] = {"off", "w3c", "iis", "ncsa", "json", NULL};

/* The first entry marks a size, which is not a word. */
const char *const config_period_words[] = {"size", "hourly", "daily", "weekly", "monthly", "unlimited", NULL};

const char *const config_log_field_words[] = {
	[LOG_FIELD_DATE] = "date",
	[LOG_FIELD_TIME] = "time",
	[LOG_FIELD_C_IP] = "c-ip",
	[LOG_FIELD_USERNAME] = "cs-username",
	[LOG_FIELD_SITENAME] = "s-sitename",
	[LOG_FIELD_COMPUTERNAME] = "s-computername",
	[LOG_FIELD_S_IP] = "s-ip",
	[LOG_FIELD_S_PORT] = "s-port",
	[LOG_FIELD_METHOD] = "cs-method",
	[LOG_FIELD_URI_STEM] = "cs-uri-stem",
	[LOG_FIELD_URI_QUERY] = "cs-uri-query",
	[LOG_FIELD_STATUS] = "sc-status",
	[LOG_FIELD_WIN32_STATUS] = "sc-win32-status",
	[LOG_FIELD_SC_BYTES] = "sc-bytes",
	[LOG_FIELD_CS_BYTES] = "cs-bytes",
	[LOG_FIELD_TIME_TAKEN] = "time-taken",
	[LOG_FIELD_VERSION] = "cs-version",
	[LOG_FIELD_HOST] = "cs-host",
	[LOG_FIELD_USER_AGENT] = "cs(User-Agent)",
	[LOG_FIELD_COOKIE] = "cs(Cookie)",
	[LOG_FIELD_REFERER] = "cs(Referer)",
	[LOG_FIELD_SESSION] = "x-session",
	[LOG_FIELD_REPLY] = "x-reply",
	[LOG_FIELD_COUNT] = NULL,
};

const char *config_log_field_name(enum config_log_field field)
{
	return config_log_field_words[field];
}

static const char *const allowed[CONFIG_TYPE_COUNT] = {
	[CONFIG_YESNO] = N_("yes or no"),
	[CONFIG_NUMBER] = N_("a number"),
	[CONFIG_LIMIT] = N_("a number, or none for no limit"),
	[CONFIG_SIZE] = N_("a size such as 500K, 2M or 1G"),
	[CONFIG_SIZE_LIMIT] = N_("a size such as 500K, 2M or 1G, or none for no limit"),
	[CONFIG_DURATION] = N_("a duration such as 30s, 15m, 12h or 2d"),
	[CONFIG_TIME_LIMIT] = N_("a duration such as 30s, 15m, 12h or 2d, or none for no limit"),
	[CONFIG_PERCENT] = N_("none for no limit, or a share such as 10%"),
	[CONFIG_DURATIONS] = N_("durations such as 30s, 15m, 12h or 2d"),
	[CONFIG_RATE] = N_(
		"a rate such as 30/1m (at most 10000 in a period), or none for no limit; share and a fraction such as 1/3 may follow"),
	[CONFIG_EVENTRATE] = N_("a rate such as 300/1m (at most 10000000 in a period), or none for no limit"),
	[CONFIG_OCTETRATE] = N_("octets in a period such as 500M/1h, or none for no limit"),
	[CONFIG_NAME] = N_("the name of a user"),
	[CONFIG_NAMES] = N_("names of users, and of groups with @ in front; or none"),
	[CONFIG_PATH] = N_("an absolute path"),
	[CONFIG_FILE] = N_("an absolute path"),
	[CONFIG_FOLDER] = N_("an absolute path, or off"),
	[CONFIG_DOMAIN] = N_("a domain name"),
	[CONFIG_ADDRESS] = N_("a mail address"),
	[CONFIG_ADDRESSES] = N_("mail addresses; or none"),
	[CONFIG_TEXT] = N_("a text, in double quotes if it has spaces"),
	[CONFIG_WORDS] = N_("pipelining, size, 8bitmime, chunking, enhancedstatuscodes, dsn; or none"),
	[CONFIG_CLIENTS] = N_(
		"addresses and networks such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32, names of clients such as *.example.com; or none"),
	[CONFIG_LISTEN] = N_("* or an address, with or without :PORT; IPv6 in brackets; tls and proxy may follow"),
	[CONFIG_WEBLISTEN] = N_("addresses, each with or without :PORT; IPv6 in brackets; or none"),
	[CONFIG_ENDPOINTS] = N_("addresses, each with or without :PORT; IPv6 in brackets; or none"),
	[CONFIG_HOSTS] = N_(
		"hosts: name, [name], [192.0.2.1] or [2001:db8::1], each with or without :PORT and weight N; or none"),
	[CONFIG_ROUTE] = N_(
		"dns, or hosts: name, [name], [192.0.2.1] or [2001:db8::1], each with or without :PORT and weight N"),
	[CONFIG_QUOTA] = N_("a size such as 500M, a multiple of max_message_size such as 10x, or none for no limit"),
	[CONFIG_BARE] = N_("reject or repair"),
	[CONFIG_LANGUAGE] = N_("en or ja"),
	[CONFIG_STUFFING] = N_("auto, on or off"),
	[CONFIG_ALLOW] = N_("only-listed or all-except-listed"),
	[CONFIG_TLSMIN] = N_("1.0, 1.1, 1.2 or 1.3"),
	[CONFIG_TLS] = N_("off, opportunistic, encrypt or verify"),
	[CONFIG_TRISTATE] = N_("auto, yes or no"),
	[CONFIG_TLSMISSING] = N_("wait or return"),
	[CONFIG_AUTH] = N_("plain, login, scram-sha-256, cram-md5, gssapi, xoauth2, oauthbearer or off"),
	[CONFIG_PROVIDER] = N_("microsoft365, google or other"),
	[CONFIG_GRANT] = N_("auto, client_credentials, refresh or service_account"),
	[CONFIG_ASSERTION] = N_("ps256 or rs256"),
	[CONFIG_COUNTEDBY] = N_("address or user"),
	[CONFIG_OVERLIMIT] = N_("tempfail or log"),
	[CONFIG_UNKNOWN] = N_("reject or accept"),
	[CONFIG_SECCOMP] = N_("enforce, log or off"),
	[CONFIG_DATE] = N_("a day such as 2027-05-31"),
	[CONFIG_MECHANISMS] = N_("plain, login, scram-sha-256, cram-md5, gssapi; or off"),
	[CONFIG_PASSWORDS] = N_("file, kerberos, or both"),
	[CONFIG_REALMS] = N_("Kerberos realms such as EXAMPLE.COM; or none"),
	[CONFIG_CERTIFICATES] = N_("two absolute paths: the certificate and its key"),
	[CONFIG_SOURCES] = N_("an IPv4 address, an IPv6 address, or one of each"),
	[CONFIG_FINGERPRINTS] = N_("SHA-256 digests: 64 hexadecimal digits, with or without colons"),
	[CONFIG_SPACES] = N_("example.com, *.example.com or *; cost and 1 to 100 may follow"),
	[CONFIG_SENDERS] = N_("addresses and domains such as user@example.com, example.com or *.example.com; or none"),
	[CONFIG_ACCOUNTS] = N_("names of accounts (mailrootctl user list); or none"),
	[CONFIG_REQUIREMENTS] = N_("tls, auth, or both; or none"),
	[CONFIG_ETRN] = N_("domains, each with or without @ in front; every and a duration may follow; or none"),
	[CONFIG_DNSBL] = N_(
		"a zone, the answers that count such as 127.0.0.2-11, and score with 1 to 100 if it is not 1; or none"),
	[CONFIG_DNSBLALLOW] = N_(
		"a zone, the answers that count such as 127.0.0-255.1-3, and score with -100 to -1 if it is not -1; or none"),
	[CONFIG_SELECTORS] = N_("a selector and the absolute path of its private key"),
	[CONFIG_HEADERS] = N_("standard, or names of header fields"),
	[CONFIG_CANONICAL] = N_("relaxed/relaxed, relaxed/simple, simple/relaxed or simple/simple"),
	[CONFIG_LOGFORMAT] = N_("w3c, iis, ncsa, json or off"),
	[CONFIG_PERIOD] = N_("hourly, daily, weekly, monthly, unlimited, or a size such as 20M"),
	[CONFIG_FIELDS] = N_(
		"date, time, c-ip, cs-username, s-sitename, s-computername, s-ip, s-port, cs-method, cs-uri-stem, cs-uri-query, sc-status, sc-win32-status, sc-bytes, cs-bytes, time-taken, cs-version, cs-host, cs(User-Agent), cs(Cookie), cs(Referer), x-session, x-reply; or iis alone"),
	[CONFIG_MILTER] = N_("unix:/PATH, inet:ADDRESS:PORT or inet:[IPV6]:PORT"),
	[CONFIG_TIMEOUTS] = N_("connect, command and content, each with a duration such as 30s"),
	[CONFIG_WHENDOWN] = N_("tempfail, accept, reject or hold"),
	[CONFIG_MAILSOURCES] = N_("smtp, pickup, sendmail, or several of them"),
};

const char *config_value_allowed(enum config_type type)
{
	return allowed[type];
}
