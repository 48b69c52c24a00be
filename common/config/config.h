/*
 * The configuration as values. There are two steps, so that all errors of a file are reported at once, and each process
 * gets only what its role may see:
 *
 *	text --config_read--> tree (tokens with file:line:column, includes opened) --config_build--> struct config
 *	tree --config_tree_write(role, server)--> canonical text --config_parse_canonical--> struct config, in the child
 *
 * The struct that a function fills owns everything in it, spans and strings too. settings.def is the list of settings.
 * For each setting the structs below have the members `name`, its value (types.h), and `name_at`, the place where it is
 * written. Some settings have no default in settings.def; config_build sets them, with name_at = default: fqdn,
 * default_domain, postmaster, badmail_dir, pickup_dir, drop_dir, and format and dir of the log.
 */
#ifndef COMMON_CONFIG_CONFIG_H
#define COMMON_CONFIG_CONFIG_H

#include "common/base/arena.h"
#include "common/base/str.h"
#include "common/config/types.h"
#include "common/mail/address.h"

enum config_role {
	ROLE_MASTER = 1 << 0,
	ROLE_SMTPD = 1 << 1,
	ROLE_QUEUE = 1 << 2,
	ROLE_DELIVERY = 1 << 3, /* SMTP clients */
	ROLE_LOCAL = 1 << 4,    /* copies into drop folders, notices */
	ROLE_RESOLVER = 1 << 5,
	ROLE_LOG = 1 << 6,
	ROLE_PICKUP = 1 << 7,   /* reads the pickup folder */
	ROLE_WEB = 1 << 8,      /* fetches access tokens */
	ROLE_KERBEROS = 1 << 9, /* asks the KDC about passwords */
	ROLE_FILTERS = 1 << 10, /* connects to filters */
	ROLE_METRICS = 1 << 11, /* serves metrics of the whole service */
	ROLE_ALERTS = 1 << 12,  /* watches the whole service */
	ROLE_ALL = (1 << 13) - 1,
	ROLE_SHOWN = 1 << 13 /* the queue sees it too, only to show it: a change does not restart the queue */
};

#define CONFIG_MEMBER(name, type, ...)                                                                                 \
	CONFIG_C_##type name;                                                                                          \
	struct config_origin name##_at;

struct config_sandbox {
#define SETTING_SANDBOX CONFIG_MEMBER
#include "common/config/settings.def"
};
struct config_metrics {
#define SETTING_METRICS CONFIG_MEMBER
#include "common/config/settings.def"
};
struct config_alert {
#define SETTING_ALERT CONFIG_MEMBER
#include "common/config/settings.def"
};
struct config_processes {
#define SETTING_PROCESSES CONFIG_MEMBER
#include "common/config/settings.def"
};
struct config_connect {
#define SETTING_CONNECT CONFIG_MEMBER
#include "common/config/settings.def"
};
struct config_client_limits {
#define SETTING_CLIENT CONFIG_MEMBER
#include "common/config/settings.def"
};
struct config_relay {
#define SETTING_RELAY CONFIG_MEMBER
#include "common/config/settings.def"
};
struct config_access {
#define SETTING_ACCESS CONFIG_MEMBER
#include "common/config/settings.def"
};
struct config_messages {
#define SETTING_MESSAGES CONFIG_MEMBER
#include "common/config/settings.def"
};
struct config_delivery {
#define SETTING_DELIVERY CONFIG_MEMBER
#include "common/config/settings.def"
	struct config_processes processes;
};
struct config_log {
#define SETTING_LOG CONFIG_MEMBER
#include "common/config/settings.def"
};
struct config_oauth {
#define SETTING_OAUTH CONFIG_MEMBER
#include "common/config/settings.def"
};
struct config_web {
#define SETTING_WEB CONFIG_MEMBER
#include "common/config/settings.def"
};
struct config_outbound {
#define SETTING_OUTBOUND CONFIG_MEMBER
#include "common/config/settings.def"
	struct config_oauth oauth; /* never inherited */
};

struct config_local_domain {
	const char *name; /* lower case A-labels */
	struct config_origin origin;
#define SETTING_LOCAL_DOMAIN CONFIG_MEMBER
#include "common/config/settings.def"
};
struct config_alias_domain {
	const char *name;
	struct config_origin origin;
};
struct config_remote_domain {
	const char *name; /* a pattern (domain.h) */
	struct config_origin origin;
#define SETTING_REMOTE_DOMAIN CONFIG_MEMBER
#include "common/config/settings.def"
	struct config_outbound outbound; /* inherited values filled in */
	bool has_outbound;               /* it has an outbound block of its own */
};

struct config_connector {
	const char *name;
	struct config_origin origin;
#define SETTING_CONNECTOR CONFIG_MEMBER
#include "common/config/settings.def"
	struct config_outbound outbound; /* inherited values filled in */
	bool has_outbound;               /* as in a remote domain */
};

struct config_dkim {
	const char *name; /* the domain that signs, in lower case A-labels */
	struct config_origin origin;
#define SETTING_DKIM CONFIG_MEMBER
#include "common/config/settings.def"
};

struct config_client_rule {
	const char *name;
	struct config_origin origin;
#define SETTING_CLIENT_RULE CONFIG_MEMBER
#include "common/config/settings.def"
};

/* A filter of mail. Filters are asked in the order of the file. */
struct config_filter {
	const char *name;
	struct config_origin origin;
#define SETTING_FILTER CONFIG_MEMBER
#include "common/config/settings.def"
};

struct config_server {
	const char *name;
	struct config_origin origin;
	const char *dir;       /* <mailroot_dir>/<name> */
	const char *oauth_dir; /* <state_dir>/oauth/<name> */
#define SETTING_SERVER CONFIG_MEMBER
#include "common/config/settings.def"
	struct config_processes processes;
	struct config_connect connect;
	struct config_client_limits client;
	struct config_relay relay;
	struct config_access access;
	struct config_messages messages;
	struct config_delivery delivery;
	struct config_log log;
	struct config_web web;
	struct config_outbound outbound;
	/* The default domain is always local_domains[0]; its origin is that of its block, or of default_domain. */
	struct config_local_domain *local_domains;
	size_t local_domain_count;
	struct config_alias_domain *alias_domains;
	size_t alias_domain_count;
	struct config_remote_domain *remote_domains; /* exact names first, then by descending domain_pattern_weight */
	size_t remote_domain_count;
	struct config_connector *connectors; /* in the order of the file */
	size_t connector_count;
	struct config_dkim *dkims; /* in the order of the file */
	size_t dkim_count;
	struct config_client_rule *client_rules; /* in the order of the file */
	size_t client_rule_count;
	struct config_filter *filters; /* in the order of the file, at most CONFIG_FILTERS_MAX */
	size_t filter_count;
};

struct config {
	struct arena arena;
#define SETTING_GLOBAL CONFIG_MEMBER
#include "common/config/settings.def"
	struct config_sandbox sandbox;
	struct config_metrics metrics;
	struct config_alert alert;
	struct config_server *servers;
	size_t server_count;
};

struct config_tree;

/*
 * Errors and warnings as text for the administrator, in file order: "file:line:column: error: what is wrong, what is
 * allowed, the nearest known name", then the line and a caret.
 */
struct config_report {
	struct str text; /* str_init before use, str_free by the caller */
	unsigned errors;
	unsigned warnings;
	bool passing; /* a file could not be read, or memory was short: trying again may help (fd_error_lasts) */
};

/*
 * Reads FILE and the files that it includes. NULL only without memory. Syntax errors are in *report; the tree has what
 * could be read, so that config_build finds the other errors. The caller frees it with config_tree_free.
 */
struct config_tree *config_read(const char *file, struct config_report *report);

/* The same for TEXT, for tests and fuzzers. NAME is the name of the file in messages. include is an error here. */
struct config_tree *config_read_text(const char *name, struct span text, struct config_report *report);
void config_tree_free(struct config_tree *tree);

/*
 * Converts the tree to values, sets defaults and checks everything (mailroot.conf(5), "Errors"). HOSTNAME is the
 * default of fqdn. True if *report has no errors. The caller frees *out with config_free in either case.
 */
bool config_build(const struct config_tree *tree, const char *hostname, struct config *out,
		  struct config_report *report);
void config_free(struct config *config);

/* Appends what ROLE of SERVER (NULL = all servers) may see, as canonical text with file and line of every value. */
void config_tree_write(const struct config_tree *tree, const char *hostname, const char *server, unsigned role,
		       struct str *to);

/* Parses the text of config_tree_write, in a child. False only if config_tree_write did not make it. */
bool config_parse_canonical(struct span text, struct config *out);

/*
 * The same, but the configuration and all that it points to are in the SIZE octets at MEMORY (aligned for any type), of
 * which *used are used. Other processes can read it if they have this memory at the same address. Never freed. NULL:
 * not such a text, or no room.
 */
const struct config *config_parse_canonical_in(struct span text, void *memory, size_t size, size_t *used);

/*
 * Appends every setting of every server with its value, its unit and its origin, for `mailrootctl config show`. The
 * text is itself a configuration with the same values. The JSON is an array of {block, name, value, file, line}.
 */
void config_show(const struct config *config, struct str *to);
void config_show_json(const struct config *config, struct str *to);

/* The documentation of all settings: as the commented example file, and as mdoc for mailroot.conf(5). */
void config_doc_example(struct str *to);
void config_doc_man(struct str *to);

/* The same as text for `config doc`. NAME: a setting, a block, "BLOCK.SETTING", or NULL = all. False: unknown. */
bool config_doc_text(const char *name, struct str *to);

/* The setting or settings that an unknown NAME may mean. False: none. */
bool config_doc_meant(const char *name, char *to, size_t size);

/* The name of FIELD in the file and in #Fields: "cs-method". */
const char *config_log_field_name(enum config_log_field field);

/* The virtual server that sends the mail of local programs; NULL = none. */
const struct config_server *config_server_local(const struct config *config);

/* True if DOMAIN is the literal of an address that SERVER listens on: user@[ADDRESS] is a user of the default domain
 * (RFC 5321 4.1.3). An endpoint "*" is ignored, because its addresses are unknown here. */
bool config_server_is_at(const struct config_server *server, struct span domain);

/*
 * The domain that replaces DOMAIN of a recipient: the default domain for none, for one that config_server_is_at, and
 * for an alias domain. NULL = it stays.
 */
const char *config_stamp(const struct config_server *server, struct span domain);

/* With a share of equal machines (1/3, 2/6): what all of them send in a period. 0 = no such share. */
int64_t config_rate_together(const struct config_shared_rate *rate);

/* More than a quarter of the whole is never sent, because each machine's part is rounded down. */
bool config_rate_is_wasted(const struct config_shared_rate *rate);

/* The TLS level of an outbound block: its `tls`, or verify if it has fingerprints and tls is not off. */
enum config_tls config_outbound_tls(const struct config_outbound *outbound);

/* True if DANE (RFC 7672) applies. `tls off`, `tls verify` and tls_fingerprint take precedence over it. */
bool config_outbound_dane(const struct config_outbound *outbound);

/* Kinds of settings of an outbound block, as bits. */
enum config_outbound_part {
	CONFIG_OUTBOUND_MANNER = 1, /* how we speak to a host: all other settings */
	CONFIG_OUTBOUND_LIMIT = 2,  /* rate, max_connections */
	CONFIG_OUTBOUND_USER = 4    /* auth and its settings, send_as: never inherited */
};
struct config_setting;
enum config_outbound_part config_outbound_part(const struct config_setting *setting);

/* Appends the values of all settings of OUTBOUND that belong to PARTS, one line each, to compare or hash them. */
void config_outbound_append(const struct config_outbound *outbound, unsigned parts, struct str *to);

/* One outbound block: "virtual_server", "remote_domain *.example.com" or "connector partner" is OF and, unless NULL,
 * NAME. */
struct config_outbound_block {
	const char *of, *name;
	const struct config_outbound *outbound;
};

/* Block I of SERVER that is written, or the virtual server's own, which is the first. False after the last. */
bool config_outbound_block(const struct config_server *server, size_t i, struct config_outbound_block *out);

/* The remote domain that matches DOMAIN best: an exact name, otherwise the longest pattern. NULL = none. */
const struct config_remote_domain *config_remote_domain_find(const struct config_server *server, struct span domain);

/* Whether ADDRESS, which has a domain unless it is the null sender, is in LIST. */
bool config_senders_have(const struct config_senders *list, const struct address *address);

/* The recipients that exist in a domain: the settings of its block. */
struct config_recipients {
	const char *block; /* "local_domain", "remote_domain" */
	const char *name;  /* of the block */
	const char *file;  /* NULL = every recipient exists */
	const struct config_origin *at;
	enum config_unknown unknown;
	const struct config_origin *unknown_at;
	bool tags;
	const struct config_origin *tags_at;
};

struct config_recipients config_recipients_local(const struct config_local_domain *domain);
struct config_recipients config_recipients_remote(const struct config_remote_domain *domain);

/* Finds those of DOMAIN: of the local domain, else of the remote domain that matches best. False: it has no file. */
bool config_recipients_find(const struct config_server *server, struct span domain, struct config_recipients *out);

/*
 * Finds those of block I of SERVER that has a file; local domains come first. False after the last. Several blocks may
 * have the same file.
 */
bool config_recipients_block(const struct config_server *server, size_t i, struct config_recipients *out);

enum { CONFIG_RECIPIENT_FILES_MAX = 256 /* of one virtual server */ };

/* The different files of SERVER, in the order of config_recipients_block. Returns how many there are. */
size_t config_recipients_files(const struct config_server *server, const char *files[CONFIG_RECIPIENT_FILES_MAX]);

/* The accounts of user_file are asked; the KDC is asked. */
bool config_passwords_file(enum config_passwords passwords);
bool config_passwords_kerberos(enum config_passwords passwords);

/* SERVER offers plain or login, and the KDC is asked, so that the process that asks it is needed. */
bool config_kerberos_needed(const struct config_server *server);

/* The block that signs mail whose From has DOMAIN: that of DOMAIN, else the nearest above it with subdomains yes, or
 * NULL. */
const struct config_dkim *config_dkim_find(const struct config_server *server, struct span domain);

/* Mail to hosts of OUTBOUND is signed. AUTHENTICATED: we authenticate to them. */
bool config_outbound_signs(const struct config_outbound *outbound, bool authenticated);

/* Alerts have a way to be told, so that the process that watches for them is needed. */
bool config_alerts_needed(const struct config *config);

/* The virtual server NAME, or NULL. */
const struct config_server *config_server_find(const struct config *config, struct span name);

#endif
