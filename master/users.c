#include "master/users.h"

#include "common/base/fd.h"
#include "master/tell.h"

enum { WITH_PASSWORD = AUTH_PLAIN | AUTH_LOGIN | AUTH_SCRAM_SHA_256 | AUTH_CRAM_MD5 };

void users_tell(const struct server *server, struct supervised *child)
{
	const struct config_server *wanted = server_wanted(server);
	const char *why = "";
	if (!wanted)
		return;
	struct wire_users news = {
		.wanted = wanted->access.auth & WITH_PASSWORD && config_passwords_file(wanted->access.passwords),
		.file = span_of(wanted->access.user_file),
	};
	int fd = news.wanted ? fd_open_regular(wanted->access.user_file, &why) : -1;
	news.present = fd >= 0;
	news.why = span_of(why);
	tell_users(child, server->name, &news, fd);
	fd_close(&fd);
}

void users_tell_all(struct server *server)
{
	for (size_t i = 0; i < SERVER_CHILDREN; i++) {
		struct supervised *child = &server->children[i];
		if (child->role == CHILD_SMTPD && supervise_alive(child))
			users_tell(server, child);
	}
}
