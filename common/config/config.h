/*
 * The configuration as values. Two steps, so that every error of a file is found at once and each process gets only
 * what its role may see:
 *
 *	text --config_read--> tree (tokens with file:line:column, includes opened) --config_build--> struct config
 *	tree --config_tree_write(role, server)--> canonical text --config_parse_canonical--> struct config, in the child
 *
 * Everything is owned by the struct that was filled and freed with it; spans and strings live as long. settings.def is
 * the list of settings; the structs below have one member per setting, `name`, and `name_at`, where it was written
 * (types.h has the types of these members).
 * What settings.def leaves to us is filled in, with name_at = default: fqdn, default_domain, postmaster, badmail_dir,
 * pickup_dir, drop_dir, format and dir of the log.
 */
#ifndef COMMON_CONFIG_CONFIG_H
#define COMMON_CONFIG_CONFIG_H

#include "common/base/arena.h"
#include "common/base/str.h"
#include "common/config/types.h"

enum config_role {
	ROLE_MASTER = 1 << 0,
	ROLE_SMTPD = 1 << 1,
	ROLE_QUEUE = 1 << 2,
	ROLE_DELIVERY = 1 << 3, /* SMTP clients */
	ROLE_LOCAL = 1 << 4,    /* copies into drop folders, notices */
	ROLE_RESOLVER = 1 << 5,
	ROLE_LOG = 1 << 6,
	ROLE_PICKUP = 1 << 7, /* reads the pickup folder */
	ROLE_WEB = 1 << 8,    /* fetches access tokens */
	ROLE_ALL = (1 << 9) - 1,
	ROLE_SHOWN = 1 << 9 /* the queue sees it, too; a change is no reason for a new queue */
};

#define CONFIG_MEMBER(name, type, ...)                                                                                 \
	CONFIG_C_##type name;                                                                                          \
	struct config_origin name##_at;

struct config_sandbox {
#define SETTING_SANDBOX CONFIG_MEMBER
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
	bool has_outbound;               /* a block `outbound` is written in it, so that it has values of its own */
};

struct config_connector {
	const char *name;
	struct config_origin origin;
#define SETTING_CONNECTOR CONFIG_MEMBER
#include "common/config/settings.def"
	struct config_outbound outbound; /* inherited values filled in */
	bool has_outbound;               /* as in a remote domain */
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
	struct config_remote_domain *remote_domains; /* exact names first, then by falling domain_pattern_weight */
	size_t remote_domain_count;
	struct config_connector *connectors; /* in the order of the file */
	size_t connector_count;
};

struct config {
	struct arena arena;
#define SETTING_GLOBAL CONFIG_MEMBER
#include "common/config/settings.def"
	struct config_sandbox sandbox;
	struct config_server *servers;
	size_t server_count;
};

struct config_tree;

/*
 * Errors and warnings as an administrator reads them: "file:line:column: error: what, what is allowed, nearest known
 * name", the line, a caret. Appended to a str as text, in file order.
 */
struct config_report {
	struct str text; /* str_init before use, str_free by the caller */
	unsigned errors;
	unsigned warnings;
	bool passing; /* a file could not be read, or there was no memory: trying again may help (fd_error_lasts) */
};

/*
 * Reads FILE and what it includes. NULL only without memory; syntax errors are in *report and the tree holds what could
 * be read, so that config_build finds the rest. config_tree_free releases it.
 */
struct config_tree *config_read(const char *file, struct config_report *report);

/* The same from memory, for tests and fuzzers; NAME stands for the file in messages. include is an error here. */
struct config_tree *config_read_text(const char *name, struct span text, struct config_report *report);
void config_tree_free(struct config_tree *tree);

/*
 * The tree as values, defaults filled in and checked (mailroot.conf(5), "Errors"). HOSTNAME stands for fqdn where
 * none is written. True when *report has no errors; *out is to be freed with config_free in either case.
 */
bool config_build(const struct config_tree *tree, const char *hostname, struct config *out,
		  struct config_report *report);
void config_free(struct config *config);

/* What ROLE of virtual server SERVER may see (NULL = all servers), as text that carries file and line of every value.
 */
void config_tree_write(const struct config_tree *tree, const char *hostname, const char *server, unsigned role,
		       struct str *to);

/* The text that config_tree_write made, in a child. False only for text that it did not make. */
bool config_parse_canonical(struct span text, struct config *out);

/*
 * The same at MEMORY, and with all it points to in the SIZE octets there (aligned for any type), *USED of them: a
 * configuration that other processes can read where they have the same memory at the same address. Never freed. NULL:
 * not such a text, or no room.
 */
const struct config *config_parse_canonical_in(struct span text, void *memory, size_t size, size_t *used);

/*
 * Every setting of every server with its value, its unit and where it comes from: `mailrootctl config show`. The text
 * is itself a configuration with the same values; the JSON an array of {block, name, value, file, line}.
 */
void config_show(const struct config *config, struct str *to);
void config_show_json(const struct config *config, struct str *to);

/* The commented example file; the same facts as mdoc for mailroot.conf(5); and plain for `config doc [NAME]`. */
void config_doc_example(struct str *to);
void config_doc_man(struct str *to);

/* NAME is a setting, a block, "BLOCK.SETTING", or NULL = all. False: there is none. */
bool config_doc_text(const char *name, struct str *to);

/* The setting or settings that NAME, which is none, may mean. False: none. */
bool config_doc_meant(const char *name, char *to, size_t size);

/* As written in the file and in #Fields: "cs-method". */
const char *config_log_field_name(enum config_log_field field);

/* The virtual server that takes what local programs send; NULL = none. */
const struct config_server *config_server_local(const struct config *config);

/* DOMAIN is the literal of an address that SERVER listens on, so user@[ADDRESS] is a user of the default domain (RFC
 * 5321 4.1.3). What "*" stands for nobody here knows. */
bool config_server_is_at(const struct config_server *server, struct span domain);

/* What TLS an outbound block asks for: its `tls`, or verify where it has fingerprints and tls is not off. */
enum config_tls config_outbound_tls(const struct config_outbound *outbound);

/* What DNS asks for a host holds (DANE, RFC 7672): who writes off, verify or tls_fingerprint has said more already. */
bool config_outbound_dane(const struct config_outbound *outbound);

/* What a setting of an outbound block is about: how we speak to a host, how often, as whom. A set of them has bits. */
enum config_outbound_part {
	CONFIG_OUTBOUND_MANNER = 1,
	CONFIG_OUTBOUND_LIMIT = 2, /* rate, max_connections */
	CONFIG_OUTBOUND_USER =
		4 /* auth and what it needs, send_as: of the block that the hosts are written in, never inherited */
};
struct config_setting;
enum config_outbound_part config_outbound_part(const struct config_setting *setting);

/* Appends the values of all settings of OUTBOUND that are about PARTS, a line each: to be compared or hashed. */
void config_outbound_append(const struct config_outbound *outbound, unsigned parts, struct str *to);

/* One outbound block: "virtual_server", "remote_domain *.example.com" or "connector partner" is OF and, unless NULL,
 * NAME. */
struct config_outbound_block {
	const char *of, *name;
	const struct config_outbound *outbound;
};

/* Block I of SERVER that is written, or the virtual server's own, which is the first. False after the last. */
bool config_outbound_block(const struct config_server *server, size_t i, struct config_outbound_block *out);

/* The remote domain that fits DOMAIN best: its own, else the longest pattern. NULL = none. */
const struct config_remote_domain *config_remote_domain_find(const struct config_server *server, struct span domain);

/* The virtual server NAME, or NULL. */
const struct config_server *config_server_find(const struct config *config, struct span name);

#endif
