/* Checks that involve several settings, on a whole configuration (mailroot.conf(5), "Errors"). */
#ifndef COMMON_CONFIG_CHECK_H
#define COMMON_CONFIG_CHECK_H

#include "common/config/build.h"

/* All checks. */
void config_check(struct config_build *build);

/* Parts of config_check: for the whole service, then for one virtual server. */
void config_check_metrics(struct config_build *build);
void config_check_alert(struct config_build *build);
void config_check_connect(struct config_build *build, const struct config_server *server);
void config_check_relay(struct config_build *build, const struct config_server *server);
void config_check_connectors(struct config_build *build, const struct config_server *server);
void config_check_etrn(struct config_build *build, const struct config_server *server);
void config_check_dnsbl(struct config_build *build, const struct config_server *server);
void config_check_recipients(struct config_build *build, const struct config_server *server);
void config_check_client(struct config_build *build, const struct config_server *server);
void config_check_client_rules(struct config_build *build, const struct config_server *server);
void config_check_filters(struct config_build *build, const struct config_server *server);
void config_check_access(struct config_build *build, const struct config_server *server);
void config_check_names(struct config_build *build, const struct config_server *server);
void config_check_outbound(struct config_build *build, const struct config_server *server);
void config_check_dkim(struct config_build *build, const struct config_server *server);
void config_check_oauth(struct config_build *build, const struct config_server *server);

/* For the parts: no client can be authenticated, because auth is off, and no host in xclient_list may name a user. */
bool config_check_no_users(const struct config_build *build, const struct config_server *server);

#endif
