#include "common/config/table.h"

#include <string.h>

const struct config_block_info config_blocks[CONFIG_BLOCK_COUNT] = {
#define BLOCK(block, word, parents, kind, doc) [CONFIG_##block] = {word, parents, kind, doc},
#include "common/config/settings.def"
};

#define STRUCT_GLOBAL        struct config
#define STRUCT_SERVER        struct config_server
#define STRUCT_PROCESSES     struct config_processes
#define STRUCT_CONNECT       struct config_connect
#define STRUCT_CLIENT        struct config_client_limits
#define STRUCT_CLIENT_RULE   struct config_client_rule
#define STRUCT_RELAY         struct config_relay
#define STRUCT_ACCESS        struct config_access
#define STRUCT_MESSAGES      struct config_messages
#define STRUCT_DELIVERY      struct config_delivery
#define STRUCT_LOG           struct config_log
#define STRUCT_OUTBOUND      struct config_outbound
#define STRUCT_SANDBOX       struct config_sandbox
#define STRUCT_METRICS       struct config_metrics
#define STRUCT_ALERT         struct config_alert
#define STRUCT_OAUTH         struct config_oauth
#define STRUCT_WEB           struct config_web
#define STRUCT_LOCAL_DOMAIN  struct config_local_domain
#define STRUCT_REMOTE_DOMAIN struct config_remote_domain
#define STRUCT_CONNECTOR     struct config_connector
#define STRUCT_DKIM          struct config_dkim
#define STRUCT_FILTER        struct config_filter

#define ACTS_COMMAND    CONFIG_COMMAND
#define ACTS_CONNECTION CONFIG_CONNECTION
#define ACTS_PROCESSES  CONFIG_PROCESSES_NEW

const struct config_setting config_settings[] = {
#define SETTING(block, name, type, fallback, min, max, acts, roles, doc)                                               \
	{CONFIG_##block,                                                                                               \
	 #name,                                                                                                        \
	 CONFIG_##type,                                                                                                \
	 fallback,                                                                                                     \
	 min,                                                                                                          \
	 max,                                                                                                          \
	 ACTS_##acts,                                                                                                  \
	 roles,                                                                                                        \
	 doc,                                                                                                          \
	 offsetof(STRUCT_##block, name),                                                                               \
	 offsetof(STRUCT_##block, name##_at)},
#include "common/config/settings.def"
};
const size_t config_setting_count = sizeof(config_settings) / sizeof(config_settings[0]);

const struct config_place config_places[] = {
	{CONFIG_GLOBAL, CONFIG_SANDBOX, offsetof(struct config, sandbox)},
	{CONFIG_GLOBAL, CONFIG_METRICS, offsetof(struct config, metrics)},
	{CONFIG_GLOBAL, CONFIG_ALERT, offsetof(struct config, alert)},
	{CONFIG_SERVER, CONFIG_PROCESSES, offsetof(struct config_server, processes)},
	{CONFIG_SERVER, CONFIG_CONNECT, offsetof(struct config_server, connect)},
	{CONFIG_SERVER, CONFIG_CLIENT, offsetof(struct config_server, client)},
	{CONFIG_SERVER, CONFIG_RELAY, offsetof(struct config_server, relay)},
	{CONFIG_SERVER, CONFIG_ACCESS, offsetof(struct config_server, access)},
	{CONFIG_SERVER, CONFIG_MESSAGES, offsetof(struct config_server, messages)},
	{CONFIG_SERVER, CONFIG_DELIVERY, offsetof(struct config_server, delivery)},
	{CONFIG_DELIVERY, CONFIG_PROCESSES, offsetof(struct config_delivery, processes)},
	{CONFIG_SERVER, CONFIG_LOG, offsetof(struct config_server, log)},
	{CONFIG_SERVER, CONFIG_WEB, offsetof(struct config_server, web)},
	{CONFIG_SERVER, CONFIG_OUTBOUND, offsetof(struct config_server, outbound)},
	{CONFIG_REMOTE_DOMAIN, CONFIG_OUTBOUND, offsetof(struct config_remote_domain, outbound)},
	{CONFIG_CONNECTOR, CONFIG_OUTBOUND, offsetof(struct config_connector, outbound)},
	{CONFIG_OUTBOUND, CONFIG_OAUTH, offsetof(struct config_outbound, oauth)},
};
const size_t config_place_count = sizeof(config_places) / sizeof(config_places[0]);

const struct config_named config_named[] = {
#define NAMED(block, kind)                                                                                             \
	{                                                                                                              \
		CONFIG_##block, offsetof(struct config_server, kind##s), offsetof(struct config_server, kind##_count), \
			sizeof(struct config_##kind)                                                                   \
	}
	NAMED(LOCAL_DOMAIN, local_domain),
	NAMED(ALIAS_DOMAIN, alias_domain),
	NAMED(REMOTE_DOMAIN, remote_domain),
	NAMED(CONNECTOR, connector),
	NAMED(DKIM, dkim),
	NAMED(CLIENT_RULE, client_rule),
	NAMED(FILTER, filter),
};
const size_t config_named_count = sizeof(config_named) / sizeof(config_named[0]);

const void *config_named_at(const struct config_named *kind, const struct config_server *server, size_t i)
{
	const char *array;
	size_t count;
	memcpy(&array, (const char *)server + kind->array, sizeof(array));
	memcpy(&count, (const char *)server + kind->count, sizeof(count));
	return i < count ? array + i * kind->size : NULL;
}

const struct config_setting *config_setting_find(enum config_block block, struct span name)
{
	for (size_t i = 0; i < config_setting_count; i++)
		if (config_settings[i].block == block && span_equal_nocase(span_of(config_settings[i].name), name))
			return &config_settings[i];
	return NULL;
}

bool config_block_in(enum config_block block, enum config_block parent)
{
	return (config_blocks[block].parents & (1U << parent)) != 0;
}

enum config_block config_block_find(enum config_block parent, struct span word)
{
	for (enum config_block block = 0; block < CONFIG_BLOCK_COUNT; block++)
		if (config_block_in(block, parent) && span_equal_nocase(span_of(config_blocks[block].word), word))
			return block;
	return CONFIG_BLOCK_COUNT;
}
