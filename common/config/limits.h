/* The largest number of virtual servers: the configuration and master share it. */
#ifndef COMMON_CONFIG_LIMITS_H
#define COMMON_CONFIG_LIMITS_H

enum {
	CONFIG_SERVERS_MAX = 256, /* in a configuration; each has eight processes at most, and their workers */
	MASTER_SERVERS_MAX = 2 * CONFIG_SERVERS_MAX /* and those that were removed from it */
};

#endif
