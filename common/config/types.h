/*
 * The types of the values of settings. A setting of type <TYPE> in settings.def has the C type CONFIG_C_<TYPE>.
 */
#ifndef COMMON_CONFIG_TYPES_H
#define COMMON_CONFIG_TYPES_H

#include "common/base/str.h"
#include "common/mail/cidr.h"

/* "No limit" in LIMIT, SIZE_LIMIT, TIME_LIMIT and QUOTA. */
#define CONFIG_NONE INT64_MAX

/* The place where a value is written; file NULL and line 0 = it is the default. */
struct config_origin {
	const char *file;
	unsigned line;
	unsigned token; /* its number in reading order, so that a later check can point at it */
};

struct config_words {
	const char **at;
	size_t n;
};

struct config_durations {
	int64_t *ms;
	size_t n;
};

/* COUNT events, or octets, in a period of PERIOD_MS; count 0 = no bound. */
struct config_rate {
	int64_t count, period_ms;
};

/*
 * A rate of messages. With a share, COUNT is this machine's part, WHOLE * PART / PARTS, rounded down, so that the
 * machines together never exceed WHOLE. parts 0 = no share.
 */
struct config_shared_rate {
	int64_t count, period_ms;
	int64_t whole;
	uint32_t part, parts;
};
enum { CONFIG_PARTS_MAX = 1000 };
enum { CONFIG_RATE_MAX = 10000 /* the queue remembers as many times for each next hop with a rate */ };
enum { CONFIG_EVENTRATE_MAX = 10000000 };
#define CONFIG_OCTETRATE_MAX (INT64_C(1) << 40)

struct config_client {
	struct cidr net;  /* if name is NULL */
	const char *name; /* a pattern (domain.h) for the confirmed name of the client; "*" = every client, even without
			     name */
	const char *text; /* as written */
	struct config_origin origin;
};
struct config_clients {
	struct config_client *at;
	size_t n;
};

struct config_endpoint {  /* of listen (in metrics, too) and dns_server */
	bool any;         /* "*": every IPv4 and IPv6 address */
	bool tls;         /* listen: "tls", TLS before the greeting */
	bool proxy;       /* listen: "proxy", a PROXY header before all else */
	struct ipaddr ip; /* if not any */
	uint16_t port;
	const char *text;
	struct config_origin origin;
};
struct config_endpoints {
	struct config_endpoint *at;
	size_t n;
};

enum { CONFIG_WEIGHT_MAX = 1000 };
enum config_host_kind { CONFIG_HOST_MX, CONFIG_HOST_NAME, CONFIG_HOST_IP };
struct config_host {
	enum config_host_kind kind; /* name: MX, then address | [name]: address only | [ip] */
	const char *name;           /* without brackets */
	struct ipaddr ip;           /* if CONFIG_HOST_IP */
	uint16_t port;              /* 0 = outbound port */
	uint16_t weight;            /* share of the connections; 0 = not written */
	struct config_origin origin;
};
struct config_hosts {
	struct config_host *at;
	size_t n;
};
struct config_route {
	bool dns; /* "dns": the MX hosts of the domain */
	struct config_hosts hosts;
};

/* Of connectors. */
struct config_space {
	const char *pattern; /* for the domain of a recipient (domain.h) */
	unsigned cost;
	struct config_origin origin;
};
struct config_spaces {
	struct config_space *at;
	size_t n;
};
/* Of connectors; client rules use it for recipients, too. */
struct config_sender {
	const char *local;  /* local part, compared in any case; NULL = every one */
	const char *domain; /* a pattern; NULL = "<>", the null sender */
};
struct config_senders {
	struct config_sender *at;
	size_t n;
};

/* Answers of a DNS list: each octet lies between those of FROM and TO. */
struct config_answers {
	unsigned char from[4], to[4];
};

/* One list of dnsbl or dnsbl_allow. */
struct config_dnsbl {
	const char *zone;
	struct config_answers *answers; /* those that count; at least one */
	size_t n;
	int64_t score; /* more than 0 in dnsbl, less in dnsbl_allow */
	struct config_origin origin;
};
struct config_dnsbls {
	struct config_dnsbl *at;
	size_t n;
};
enum { CONFIG_DNSBL_MAX = 16 /* lists of one setting */, CONFIG_DNSBL_SCORE_MAX = 100 };
enum { CONFIG_PAUSE_PART = 4 /* of greet_pause: one process in so many may wait */ };

/* A DKIM key. */
struct config_selector {
	const char *name; /* lower case, such as "m2026a" */
	const char *file; /* the private key in PEM */
	struct config_origin origin;
};
struct config_selectors {
	struct config_selector *at;
	size_t n;
};

/* How header/text are signed. */
enum config_canonical { CONFIG_RELAXED_RELAXED, CONFIG_RELAXED_SIMPLE, CONFIG_SIMPLE_RELAXED, CONFIG_SIMPLE_SIMPLE };

/* Mail that we request with ETRN. */
struct config_etrn {
	struct config_words domains; /* each with @ in front if the domains below it are meant too */
	int64_t every_ms;
};

struct config_quota {
	int64_t octets;   /* or CONFIG_NONE, or 0 if multiple is set */
	int64_t multiple; /* of max_message_size; 0 = none */
};

/* Choices: the words are in value_words.c, in the order of the enum. */
enum config_stuffing { CONFIG_STUFFING_AUTO, CONFIG_STUFFING_ON, CONFIG_STUFFING_OFF };
enum config_bare { CONFIG_BARE_REJECT, CONFIG_BARE_REPAIR };
enum config_language { CONFIG_LANGUAGE_EN, CONFIG_LANGUAGE_JA, CONFIG_LANGUAGE_COUNT };
enum config_allow { CONFIG_ONLY_LISTED, CONFIG_ALL_EXCEPT_LISTED };
enum config_tls_min { CONFIG_TLS_1_0, CONFIG_TLS_1_1, CONFIG_TLS_1_2, CONFIG_TLS_1_3 };
enum config_tls { CONFIG_TLS_OFF, CONFIG_TLS_OPPORTUNISTIC, CONFIG_TLS_ENCRYPT, CONFIG_TLS_VERIFY };
enum { CONFIG_REALM_MAX = 60 /* octets of each of 16 realms, which fit into one question together */ };

/* Where the passwords of plain and login are checked, in this order. */
enum config_passwords {
	CONFIG_PASSWORDS_FILE,
	CONFIG_PASSWORDS_KERBEROS,
	CONFIG_PASSWORDS_FILE_KERBEROS,
	CONFIG_PASSWORDS_KERBEROS_FILE
};
enum config_tristate { CONFIG_AUTO, CONFIG_NO, CONFIG_YES };
enum config_tls_missing { CONFIG_TLS_MISSING_WAIT, CONFIG_TLS_MISSING_RETURN };
enum config_auth {
	CONFIG_AUTH_OFF,
	CONFIG_AUTH_PLAIN,
	CONFIG_AUTH_LOGIN,
	CONFIG_AUTH_SCRAM_SHA_256,
	CONFIG_AUTH_CRAM_MD5,
	CONFIG_AUTH_GSSAPI,
	CONFIG_AUTH_XOAUTH2,
	CONFIG_AUTH_OAUTHBEARER
};
enum config_provider { CONFIG_PROVIDER_MICROSOFT365, CONFIG_PROVIDER_GOOGLE, CONFIG_PROVIDER_OTHER };
enum config_grant {
	CONFIG_GRANT_AUTO,
	CONFIG_GRANT_CLIENT_CREDENTIALS,
	CONFIG_GRANT_REFRESH,
	CONFIG_GRANT_SERVICE_ACCOUNT
};
enum config_seccomp { CONFIG_SECCOMP_ENFORCE, CONFIG_SECCOMP_LOG, CONFIG_SECCOMP_OFF };
enum config_counted_by { CONFIG_BY_ADDRESS, CONFIG_BY_USER };
enum config_over_limit { CONFIG_OVER_TEMPFAIL, CONFIG_OVER_LOG };
enum config_unknown { CONFIG_UNKNOWN_REJECT, CONFIG_UNKNOWN_ACCEPT };
enum config_assertion { CONFIG_ASSERTION_PS256, CONFIG_ASSERTION_RS256 };
/* Of access auth: a set of these. */
enum config_auth_mechanism {
	AUTH_PLAIN = 1 << 0,
	AUTH_LOGIN = 1 << 1,
	AUTH_SCRAM_SHA_256 = 1 << 2, /* and -PLUS */
	AUTH_CRAM_MD5 = 1 << 3,
	AUTH_GSSAPI = 1 << 4
};

/* Of filter address. */
struct config_filter_address {
	const char *text; /* as written; NULL = none */
	const char *path; /* of a socket in the file system; NULL = IP and PORT */
	struct ipaddr ip;
	uint16_t port;
};
enum { CONFIG_FILTER_PATH_MAX = 107 /* octets: what the address of a socket has room for */ };

/* Of filter timeout. */
struct config_timeouts {
	int64_t connect_ms, command_ms, content_ms;
};
enum config_when_down { CONFIG_DOWN_TEMPFAIL, CONFIG_DOWN_ACCEPT, CONFIG_DOWN_REJECT, CONFIG_DOWN_HOLD };

/* Of filter only: a set of these. */
enum config_mail_source { SOURCE_SMTP = 1 << 0, SOURCE_PICKUP = 1 << 1, SOURCE_SENDMAIL = 1 << 2 };
enum { CONFIG_FILTERS_MAX = 16 /* of one virtual server */ };

struct config_certificate {
	const char *certificate; /* PEM, followed by its chain */
	const char *key;
	struct config_origin origin;
};
struct config_certificates {
	struct config_certificate *at;
	size_t n;
};

enum config_log_format {
	CONFIG_LOG_OFF,
	CONFIG_LOG_W3C,
	CONFIG_LOG_IIS,
	CONFIG_LOG_NCSA,
	CONFIG_LOG_JSON,
	CONFIG_LOG_FORMAT_COUNT
};

enum config_period_kind {
	CONFIG_PERIOD_SIZE, /* by octets */
	CONFIG_PERIOD_HOURLY,
	CONFIG_PERIOD_DAILY,
	CONFIG_PERIOD_WEEKLY,
	CONFIG_PERIOD_MONTHLY,
	CONFIG_PERIOD_UNLIMITED,
	CONFIG_PERIOD_COUNT
};
struct config_period {
	enum config_period_kind kind;
	int64_t octets; /* of a file, if CONFIG_PERIOD_SIZE */
};

/* Fields of the W3C format in the order in which they are written; FIELDS is a set of (1 << field). */
enum config_log_field {
	LOG_FIELD_DATE,
	LOG_FIELD_TIME,
	LOG_FIELD_C_IP,
	LOG_FIELD_USERNAME,
	LOG_FIELD_SITENAME,
	LOG_FIELD_COMPUTERNAME,
	LOG_FIELD_S_IP,
	LOG_FIELD_S_PORT,
	LOG_FIELD_METHOD,
	LOG_FIELD_URI_STEM,
	LOG_FIELD_URI_QUERY,
	LOG_FIELD_STATUS,
	LOG_FIELD_WIN32_STATUS,
	LOG_FIELD_SC_BYTES,
	LOG_FIELD_CS_BYTES,
	LOG_FIELD_TIME_TAKEN,
	LOG_FIELD_VERSION,
	LOG_FIELD_HOST,
	LOG_FIELD_USER_AGENT,
	LOG_FIELD_COOKIE,
	LOG_FIELD_REFERER,
	LOG_FIELD_SESSION,
	LOG_FIELD_REPLY,
	LOG_FIELD_COUNT
};

/* Extensions that `without` may name, as bits. */
enum config_without {
	WITHOUT_PIPELINING = 1 << 0,
	WITHOUT_SIZE = 1 << 1,
	WITHOUT_8BITMIME = 1 << 2,
	WITHOUT_CHUNKING = 1 << 3,
	WITHOUT_ENHANCEDSTATUSCODES = 1 << 4,
	WITHOUT_DSN = 1 << 5
};

/* Of client_rule require: a set of these. */
enum config_requirement { REQUIRE_TLS = 1 << 0, REQUIRE_AUTH = 1 << 1 };

#define CONFIG_C_YESNO        bool
#define CONFIG_C_NUMBER       int64_t
#define CONFIG_C_LIMIT        int64_t
#define CONFIG_C_SIZE         int64_t
#define CONFIG_C_SIZE_LIMIT   int64_t
#define CONFIG_C_DURATION     int64_t
#define CONFIG_C_TIME_LIMIT   int64_t
#define CONFIG_C_PERCENT      int64_t /* or CONFIG_NONE */
#define CONFIG_C_DURATIONS    struct config_durations
#define CONFIG_C_RATE         struct config_shared_rate
#define CONFIG_C_EVENTRATE    struct config_rate
#define CONFIG_C_OCTETRATE    struct config_rate
#define CONFIG_C_NAME         const char *
#define CONFIG_C_NAMES        struct config_words
#define CONFIG_C_PATH         const char *
#define CONFIG_C_FILE         const char *
#define CONFIG_C_FOLDER       const char *
#define CONFIG_C_DOMAIN       const char *
#define CONFIG_C_ADDRESS      const char *
#define CONFIG_C_ADDRESSES    struct config_words
#define CONFIG_C_TEXT         const char *
#define CONFIG_C_WORDS        unsigned
#define CONFIG_C_CLIENTS      struct config_clients
#define CONFIG_C_LISTEN       struct config_endpoints
#define CONFIG_C_ENDPOINTS    struct config_endpoints
#define CONFIG_C_WEBLISTEN    struct config_endpoints
#define CONFIG_C_HOSTS        struct config_hosts
#define CONFIG_C_ROUTE        struct config_route
#define CONFIG_C_QUOTA        struct config_quota
#define CONFIG_C_BARE         enum config_bare
#define CONFIG_C_LANGUAGE     enum config_language
#define CONFIG_C_STUFFING     enum config_stuffing
#define CONFIG_C_ALLOW        enum config_allow
#define CONFIG_C_TLSMIN       enum config_tls_min
#define CONFIG_C_TLS          enum config_tls
#define CONFIG_C_TRISTATE     enum config_tristate
#define CONFIG_C_TLSMISSING   enum config_tls_missing
#define CONFIG_C_AUTH         enum config_auth
#define CONFIG_C_PROVIDER     enum config_provider
#define CONFIG_C_GRANT        enum config_grant
#define CONFIG_C_ASSERTION    enum config_assertion
#define CONFIG_C_SECCOMP      enum config_seccomp
#define CONFIG_C_COUNTEDBY    enum config_counted_by
#define CONFIG_C_OVERLIMIT    enum config_over_limit
#define CONFIG_C_UNKNOWN      enum config_unknown
#define CONFIG_C_DATE         int64_t /* seconds since 1970 UTC at its beginning; 0 = none */
#define CONFIG_C_MECHANISMS   unsigned
#define CONFIG_C_PASSWORDS    enum config_passwords
#define CONFIG_C_REALMS       struct config_words
#define CONFIG_C_CERTIFICATES struct config_certificates
#define CONFIG_C_FINGERPRINTS struct config_words
#define CONFIG_C_SOURCES      struct config_words
#define CONFIG_C_SPACES       struct config_spaces
#define CONFIG_C_SENDERS      struct config_senders
#define CONFIG_C_ACCOUNTS     struct config_words
#define CONFIG_C_REQUIREMENTS unsigned
#define CONFIG_C_ETRN         struct config_etrn
#define CONFIG_C_DNSBL        struct config_dnsbls
#define CONFIG_C_DNSBLALLOW   struct config_dnsbls
#define CONFIG_C_SELECTORS    struct config_selectors
#define CONFIG_C_HEADERS      struct config_words /* n 0 = standard */
#define CONFIG_C_CANONICAL    enum config_canonical
#define CONFIG_C_LOGFORMAT    enum config_log_format
#define CONFIG_C_PERIOD       struct config_period
#define CONFIG_C_FIELDS       unsigned
#define CONFIG_C_MILTER       struct config_filter_address
#define CONFIG_C_TIMEOUTS     struct config_timeouts
#define CONFIG_C_WHENDOWN     enum config_when_down
#define CONFIG_C_MAILSOURCES  unsigned

#endif
