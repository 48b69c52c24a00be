/* The addresses and names of this machine. */
#include "common/dns/self.h"

#include <check.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "common/net/net.h"
#include "t/unit/suite.h"

/* SELF has the addresses that getifaddrs(3) finds, and no other. */
static void expect_all_of_this_machine(const struct self *self)
{
	struct ifaddrs *list;
	struct ipaddr ip;
	uint16_t port;
	size_t n = 0;
	ck_assert_int_eq(getifaddrs(&list), 0);
	for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
		const struct sockaddr *address = entry->ifa_addr;
		struct sockaddr_storage storage = {0};
		bool found = false;
		if (!address || (address->sa_family != AF_INET && address->sa_family != AF_INET6))
			continue;
		memcpy(&storage, address,
		       address->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		net_address(&storage, &ip, &port);
		for (size_t i = 0; i < self->n; i++)
			found |= ipaddr_equal(&self->at[i], &ip);
		ck_assert_msg(found, "address %zu of %s", n, entry->ifa_name);
		n++;
	}
	freeifaddrs(list);
	ck_assert_uint_eq(self->n, n);
	ck_assert_uint_gt(n, 0);
}

/* A server that listens on every address has all addresses of this machine, but only its own ports. */
START_TEST(every_address)
{
	struct config_endpoint any = {.any = true, .port = 25};
	struct config_server server = {.fqdn = "mail.example.com", .listen = {&any, 1}};
	struct ipaddr ip;
	struct self self;
	self_load(&server, &self);
	expect_all_of_this_machine(&self);
	for (size_t i = 0; i < self.n; i++)
		ck_assert(self_is_address(&self, &self.at[i], 25));
	ck_assert(ipaddr_parse(SPAN("127.9.9.9"), &ip) && self_is_address(&self, &ip, 25));
	ck_assert(!self_is_address(&self, &ip, 26));
	ck_assert(ipaddr_parse(SPAN("::1"), &ip) && self_is_address(&self, &ip, 25));
	ck_assert(ipaddr_parse(SPAN("203.0.113.7"), &ip) && !self_is_address(&self, &ip, 25));
	ck_assert(self_is_name(&self, SPAN("MAIL.example.com"), 25));
	ck_assert(!self_is_name(&self, SPAN("mail.example.com"), 587));
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {every_address};
	return run_tests("resolver_self", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
