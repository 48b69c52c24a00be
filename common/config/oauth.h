/* Outbound blocks that authenticate with access tokens (OAuth 2.0), and what they leave to their provider. */
#ifndef COMMON_CONFIG_OAUTH_H
#define COMMON_CONFIG_OAUTH_H

#include "common/config/config.h"

/* The block authenticates with an access token: auth xoauth2 or oauthbearer. */
bool config_oauth_used(const struct config_outbound *outbound);

/* `username sender`: each message is sent by its own mailbox, for which the token of the application holds, too. */
bool config_oauth_by_sender(const struct config_outbound *outbound);

/* Some block of SERVER uses tokens, so that the process that fetches them is needed. */
bool config_oauth_needed(const struct config_server *server);

/* Some block has tokens for a person, whose refresh token is kept in SERVER->oauth_dir. */
bool config_oauth_stores(const struct config_server *server);

/* The grant that counts where it is auto. */
enum config_grant config_oauth_grant(const struct config_oauth *oauth);

/*
 * Appends the URL to fetch tokens from, or of the code for a person's sign-in, as it is written or as the provider has
 * it. Nothing is appended when neither says it.
 */
void config_oauth_token_url(const struct config_oauth *oauth, struct str *to);
void config_oauth_device_url(const struct config_oauth *oauth, struct str *to);

/* What a token must permit; "" = the provider decides. Borrowed. */
const char *config_oauth_scope(const struct config_oauth *oauth);

/*
 * Names what a token of the block BLOCK ("connector partner") is for: equal in all processes that have the same
 * settings of the provider, the application and the user. Files do not count: a new secret gives a token for the same.
 */
uint64_t config_oauth_identity(const char *block, const struct config_outbound *outbound);

#endif
