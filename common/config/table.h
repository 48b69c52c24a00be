/* settings.def as tables, for the modules of the configuration and for those that compare configurations. All other
 * code uses the structs of config.h. */
#ifndef COMMON_CONFIG_TABLE_H
#define COMMON_CONFIG_TABLE_H

#include "common/config/config.h"

enum config_type {
	CONFIG_YESNO,
	CONFIG_NUMBER,
	CONFIG_LIMIT,
	CONFIG_SIZE,
	CONFIG_SIZE_LIMIT,
	CONFIG_DURATION,
	CONFIG_TIME_LIMIT,
	CONFIG_PERCENT,
	CONFIG_DURATIONS,
	CONFIG_RATE,
	CONFIG_EVENTRATE,
	CONFIG_OCTETRATE,
	CONFIG_NAME,
	CONFIG_NAMES,
	CONFIG_PATH,
	CONFIG_FILE,
	CONFIG_FOLDER,
	CONFIG_DOMAIN,
	CONFIG_ADDRESS,
	CONFIG_ADDRESSES,
	CONFIG_TEXT,
	CONFIG_WORDS,
	CONFIG_CLIENTS,
	CONFIG_LISTEN,
	CONFIG_ENDPOINTS,
	CONFIG_WEBLISTEN,
	CONFIG_HOSTS,
	CONFIG_ROUTE,
	CONFIG_QUOTA,
	CONFIG_BARE,
	CONFIG_LANGUAGE,
	CONFIG_STUFFING,
	CONFIG_ALLOW,
	CONFIG_TLSMIN,
	CONFIG_TLS,
	CONFIG_TRISTATE,
	CONFIG_TLSMISSING,
	CONFIG_AUTH,
	CONFIG_PROVIDER,
	CONFIG_GRANT,
	CONFIG_ASSERTION,
	CONFIG_SECCOMP,
	CONFIG_COUNTEDBY,
	CONFIG_OVERLIMIT,
	CONFIG_UNKNOWN,
	CONFIG_DATE,
	CONFIG_MECHANISMS,
	CONFIG_PASSWORDS,
	CONFIG_REALMS,
	CONFIG_CERTIFICATES,
	CONFIG_FINGERPRINTS,
	CONFIG_SOURCES,
	CONFIG_SPACES,
	CONFIG_SENDERS,
	CONFIG_ACCOUNTS,
	CONFIG_REQUIREMENTS,
	CONFIG_ETRN,
	CONFIG_DNSBL,
	CONFIG_DNSBLALLOW,
	CONFIG_SELECTORS,
	CONFIG_HEADERS,
	CONFIG_CANONICAL,
	CONFIG_LOGFORMAT,
	CONFIG_PERIOD,
	CONFIG_FIELDS,
	CONFIG_MILTER,
	CONFIG_TIMEOUTS,
	CONFIG_WHENDOWN,
	CONFIG_MAILSOURCES,
	CONFIG_TYPE_COUNT
};

enum config_block {
#define BLOCK(block, ...) CONFIG_##block,
#include "common/config/settings.def"
	CONFIG_BLOCK_COUNT
};

/* The blocks that may contain a block, as bits. */
enum config_in {
	CONFIG_IN_NOTHING = 0,
	CONFIG_IN_GLOBAL = 1 << CONFIG_GLOBAL,
	CONFIG_IN_SERVER = 1 << CONFIG_SERVER,
	CONFIG_IN_DELIVERY = 1 << CONFIG_DELIVERY,
	CONFIG_IN_REMOTE_DOMAIN = 1 << CONFIG_REMOTE_DOMAIN,
	CONFIG_IN_CONNECTOR = 1 << CONFIG_CONNECTOR,
	CONFIG_IN_OUTBOUND = 1 << CONFIG_OUTBOUND
};

enum config_kind { CONFIG_BLOCK_ONCE, CONFIG_BLOCK_NAMED };

/* When a change takes effect. */
enum config_acts { CONFIG_COMMAND, CONFIG_CONNECTION, CONFIG_PROCESSES_NEW, CONFIG_ACTS_COUNT };

struct config_block_info {
	const char *word;
	unsigned parents; /* enum config_in */
	enum config_kind kind;
	const char *doc;
};
extern const struct config_block_info config_blocks[CONFIG_BLOCK_COUNT];

struct config_setting {
	enum config_block block;
	const char *name;
	enum config_type type;
	const char *fallback; /* the default as text, "" = none */
	int64_t min, max;     /* 0 0 = none */
	enum config_acts acts;
	unsigned roles; /* enum config_role */
	const char *doc;
	size_t offset;    /* of the value in the block's struct */
	size_t at_offset; /* of its struct config_origin */
};
extern const struct config_setting config_settings[];
extern const size_t config_setting_count;

/* The offset of the struct of an unnamed block in the struct of its parent. */
struct config_place {
	enum config_block parent, block;
	size_t offset;
};
extern const struct config_place config_places[];
extern const size_t config_place_count;

/* The named blocks of a virtual server: the offset of their array and count. Their first member is the name. */
struct config_named {
	enum config_block block;
	size_t array, count, size;
};
extern const struct config_named config_named[];
extern const size_t config_named_count;

/* Block I of KIND in SERVER; NULL after the last. */
const void *config_named_at(const struct config_named *kind, const struct config_server *server, size_t i);

/* The setting NAME of BLOCK, in any case, or NULL. */
const struct config_setting *config_setting_find(enum config_block block, struct span name);

/* The block that WORD opens inside PARENT, or CONFIG_BLOCK_COUNT. */
enum config_block config_block_find(enum config_block parent, struct span word);

/* True if PARENT may contain BLOCK. */
bool config_block_in(enum config_block block, enum config_block parent);

#endif
