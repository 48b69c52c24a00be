/* Who may connect and who may relay: what nobody can want. The guard against open relays (settings.md "relay"). */
#include <string.h>

#include "common/host/config_build.h"

#define REMEDY "; if everybody really shall, write open_relay_intended yes in relay"

enum { V4_BITS = 96, REFUSED_BELOW = 8, WARNED_BELOW = 16 };

/* Networks of RFC 1918, 6598, 3927, 4193 and 4291 that nobody reaches from the Internet, and loopback. */
static const char *const private_nets[] = {"10.0.0.0/8",     "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
					   "169.254.0.0/16", "127.0.0.0/8",   "fc00::/7",       "fe80::/10"};

static bool is_private(const struct cidr *net)
{
	for (size_t i = 0; i < sizeof(private_nets) / sizeof(private_nets[0]); i++) {
		struct cidr known;
		const char *why;
		if (cidr_parse(span_of(private_nets[i]), &known, &why) && net->bits >= known.bits &&
		    cidr_contains(&known, &net->base))
			return true;
	}
	return false;
}

/* The prefix as a person counts it; one that takes in all of IPv4 has none. */
static unsigned prefix_of(const struct cidr *net)
{
	static const struct ipaddr first_v4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}};
	if (net->bits <= V4_BITS && cidr_contains(net, &first_v4))
		return 0;
	return ipaddr_is_v4(&net->base) ? net->bits - V4_BITS : net->bits;
}

static void check_client(struct config_build *b, const struct config_server *server, const struct config_client *client)
{
	unsigned prefix = prefix_of(&client->net);
	if (prefix >= WARNED_BELOW || is_private(&client->net))
		return;
	if (prefix < REFUSED_BELOW)
		config_error(b->findings, config_check_at(b, server, client->origin),
			     "open relay: %s lets strangers send mail to everywhere: list your own networks" REMEDY,
			     client->text);
	else
		config_warning(b->findings, config_check_at(b, server, client->origin),
			       "%s is a public network of many strangers, and all of them may relay", client->text);
}

/* "*", and "*.tld": everybody may send to most of the world. */
static bool is_wide(const char *pattern)
{
	return pattern && pattern[0] == '*' && (!pattern[1] || !strchr(pattern + 2, '.'));
}

void config_check_connect(struct config_build *b, const struct config_server *server)
{
	const struct config_connect *connect = &server->connect;
	if (connect->allow != CONFIG_ONLY_LISTED || connect->list.n || config_build_failed(b, &connect->list) ||
	    config_build_failed(b, &connect->allow))
		return;
	config_error(b->findings, config_check_at(b, server, connect->allow_at),
		     "nobody could connect: only the listed clients may, and none is listed: add list with your "
		     "networks, or write allow all-except-listed");
}

void config_check_relay(struct config_build *b, const struct config_server *server)
{
	const struct config_relay *relay = &server->relay;
	if (relay->open_relay_intended || config_build_failed(b, &relay->open_relay_intended))
		return;
	if (relay->allow == CONFIG_ALL_EXCEPT_LISTED)
		config_error(b->findings, config_check_at(b, server, relay->allow_at),
			     "open relay: all but the listed clients could send mail to everywhere: "
			     "write allow only-listed and list your own networks" REMEDY);
	for (size_t i = 0; relay->allow == CONFIG_ONLY_LISTED && i < relay->list.n; i++)
		check_client(b, server, &relay->list.at[i]);
	for (size_t i = 0; i < server->remote_domain_count; i++)
		if (server->remote_domains[i].relay && is_wide(server->remote_domains[i].name))
			config_error(b->findings, config_check_at(b, server, server->remote_domains[i].relay_at),
				     "open relay: everybody could send mail to %s: name the domains" REMEDY,
				     server->remote_domains[i].name);
}
