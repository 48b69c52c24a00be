/* How many virtual servers there may be: the same for who reads the configuration and for who runs it. */
#ifndef COMMON_CONFIG_LIMITS_H
#define COMMON_CONFIG_LIMITS_H

enum {
	CONFIG_SERVERS_MAX = 256, /* in a configuration; each is eight processes at most and their workers */
	MASTER_SERVERS_MAX = 2 * CONFIG_SERVERS_MAX /* and as many again that left it and finish their sessions */
};

#endif
