/* Settings that conflict with each other, or make an open relay or a mail loop; and similar ones that are valid. */
#include "t/unit/config_fixture.h"

static const struct wrong rows[] = {
	/* settings together */
	{SERVER("messages { max_message_size 25M; max_session_size 10M }"), 2, 51,
	 "max_session_size is below max_message_size, so no session"},
	{SERVER("messages { max_session_size 1M }"), 2, 29, "max_session_size is below max_message_size (default 35M)"},
	{SERVER("messages { max_message_size none; max_session_size 1M }"), 2, 52, "is below max_message_size"},
	{SERVER("log { fields iis date }"), 2, 14, "\"iis\" is not a valid value of fields"},
	{SERVER("messages { max_message_size none; max_session_size none }\nlocal_domain b.example { drop_quota 3x }"),
	 3, 37, "a multiple of max_message_size, which is none"},
	{SERVER("delivery { delay_notice 1d; expire 12h }"), 2, 25, "delay_notice is longer than expire"},
	{SERVER("delivery { local_delay_notice 3d }"), 2, 31, "local_delay_notice is longer than local_expire"},
	{SERVER("messages { ndr_copy_to a@b.example nobody }"), 2, 36, "not a mail address"},
	{SERVER("notice_language de"), 2, 17, "write en or ja"},
	{SERVER("processes { spare 10; max 9 }"), 2, 19, "spare (10) is above max (9)"},
	{SERVER("delivery { processes { max 4 } }"), 2, 28, "spare (5) is above max (4)"},
	{SERVER("local_domain b.example\nremote_domain B.example { relay yes }"), 3, 15,
	 "domain b.example is given twice: first as local_domain at test.conf:2"},
	{SERVER("alias_domain b.example\nalias_domain b.example"), 3, 14, "given twice"},
	{SERVER("fqdn a.example\nalias_domain a.example"), 3, 14, "is already the default domain"},
	{SERVER("alias_domain host.example.com"), 2, 14, "is already the default domain"},
	{SERVER("badmail_dir /srv/x\nlocal_domain b.example { drop_dir /srv/x/ }"), 3, 35,
	 "a drop folder and the badmail folder"},
	{SERVER("local_domain b.example { drop_dir /var/spool/mailroot/default/new }"), 2, 35,
	 "which is part of the spool"},
	{SERVER("badmail_dir //var/spool/mailroot/default/"), 2, 13, "which is part of the spool"},
	{SERVER("badmail_dir /var/spool/mailroot/default/maildrop"), 2, 13, "which is part of the spool"},
	{"sendmail_server defalt\n" SERVER(""), 1, 17, "no virtual server with this name"},
	{SERVER("badmail_dir /var/spool/mailroot/two/cur") "virtual_server two { listen *:26 }", 2, 13,
	 "which is part of the spool"},
	{SERVER("pickup_dir /srv/d\nlocal_domain b.example { drop_dir /srv/d }"), 2, 12,
	 "the pickup folder and the drop folder of b.example, which is a mail loop"},
	{SERVER("pickup_dir /var/spool/mailroot/default/drop"), 2, 12,
	 "the pickup folder and the drop folder of host.example.com"},
	{SERVER("pickup_dir /srv/b\nbadmail_dir /srv/b"), 2, 12, "the pickup folder and the badmail folder"},
	{SERVER("pickup_dir /var/spool/mailroot/default/new"), 2, 12, "which is part of the spool"},
	{SERVER("pickup_dir /srv/p") "virtual_server two { listen *:26; fqdn c.example\npickup_dir /srv/p }", 5, 12,
	 "already the pickup folder of virtual server default"},
	{SERVER("pickup_dir /srv/p\nlog { dir /srv/p }"), 3, 11, "can't be the log folder"},
	{SERVER("listen *:25\nlisten *"), 3, 8, "already listens on * port 25"},
	{SERVER("local_domain b.example { drop_dir /srv/d }") "virtual_server two { listen *:26; fqdn c.example\n"
							      "local_domain d.example { drop_dir /srv/d } }",
	 5, 35, "already a drop folder of virtual server default"},
	/* alerts */
	{"alert { command /bin/x; via [192.0.2.1] }\n" SERVER(""), 1, 29, "via of alert has no effect without `to`"},
	{"alert { to a@b.test; via [192.0.2.1] weight 2 }\n" SERVER(""), 1, 26, "via of alert takes no weight"},
	/* DKIM */
	{SERVER("dkim a.test { selector a /k }\ndkim A.test { selector b /l }"), 3, 6,
	 "dkim a.test is given twice: first at test.conf:2"},
	{SERVER("dkim a.test { oversign no }"), 2, 6, "dkim needs a key: write selector NAME KEYFILE"},
	{SERVER("dkim a.test { selector none }"), 2, 24, "dkim needs a key"},
	{SERVER("dkim a.test { selector a /k\nselector b /l\nselector A /m }"), 4, 10, "selector a is given twice"},
	{SERVER("dkim a.test { selector a }"), 2, 24, "the key is missing: write SELECTOR KEYFILE"},
	{SERVER("dkim a.test { selector a\nselector /k b }"), 2, 24, "the key is missing"},
	{SERVER("dkim a.test { selector a /k b /l }"), 2, 29, "one selector and its key per line"},
	{SERVER("dkim a.test { selector /k a }"), 2, 24, "not a selector"},
	{SERVER("dkim a.test { selector a k }"), 2, 26, "the path of selector must be absolute"},
	{SERVER("dkim a.test { selector a /k; headers To Date }"), 2, 38, "From is missing"},
	{SERVER("dkim a.test { selector a /k; headers From received }"), 2, 43, "other hosts add or change this field"},
	{SERVER("dkim a.test { selector a /k; headers From \"a;l=0\" }"), 2, 43, "not a header field"},
	{SERVER("dkim a.test { selector a /k; headers From "
		"x2345678901234567890123456789012345678901234567890123456789012345 }"),
	 2, 43, "not a header field"},
	{SERVER("dkim a.test { selector a /k; headers From: }"), 2, 38, "write its name without a colon"},
	{SERVER("dkim a.test { selector a /k; headers From standard none }"), 2, 52, "must stand alone"},
	{SERVER("dkim a.test { selector a /k; canonical relaxed }"), 2, 40, "write relaxed/relaxed, relaxed/simple"},
	{SERVER("dkim a.test { selector a /k; expire 1s }"), 2, 37, "must be 1h to 365d, or none for no limit"},
	{SERVER("dkim *.a.test { selector a /k }"), 2, 6, "*.a.test"},
	{SERVER("dkim { selector a /k }"), 2, 1, "dkim needs a name"},
	{SERVER("outbound { dkim maybe }"), 2, 17, "write auto, yes or no"},
	/* rules for clients */
	{SERVER("client_rule a { senders a.test }"), 2, 13, "this rule fits no client: add list"},
	{SERVER("client_rule a { list * }\nclient_rule A { list 10.0.0.1 }"), 3, 13,
	 "client_rule A is given twice: first at test.conf:2"},
	{SERVER("client_rule a { users joe }"), 2, 23, "no client can authenticate, because auth is off"},
	{SERVER("client_rule a { list *; require auth }"), 2, 33, "or remove auth here"},
	{SERVER("client_rule a { list *; require tls }"), 2, 33, "there is no TLS without a certificate"},
	{SERVER("client_rule a { list *; from_header yes }"), 2, 37, "from_header has no effect without senders"},
	{SERVER("client_rule a { list *; recipients a.test <> }"), 2, 36, "<> can't be a recipient"},
	{SERVER("client_rule a { list *; require tsl }"), 2, 33, "did you mean tls?"},
	{SERVER("client_rule a { list *; sender a.test }"), 2, 25, "did you mean senders?"},

	{SERVER("client_rule { list * }"), 2, 1, "client_rule needs a name"},
	{SERVER("client { client_rule a { list * } }"), 2, 10, "client_rule"},
	{SERVER("client_rule .a { list * }"), 2, 13, "can't be the name of a client rule"},
	{SERVER("access { auth plain; auth_requires_tls no }\nclient_rule a { users jo:e }"), 3, 23,
	 "no account can have this name"},
	{SERVER("local_domain b.example { unknown accept }"), 2, 34, "no recipient is unknown without a list"},
	{SERVER("local_domain b.example { tags no }"), 2, 31, "tags has no effect without a list of recipients"},
	{SERVER("remote_domain b.example { unknown accept }"), 2, 35, "add recipients FILE, or remove unknown"},
	{SERVER("remote_domain b.example { recipients list }"), 2, 38, "must be absolute"},
	/* the transaction log */
	{SERVER("log { period dayly }"), 2, 14, "did you mean daily?"},
	{SERVER("log { period 20 }"), 2, 14, "\"20\" has no unit: write 20M or 20G"},
	{SERVER("log { period 64k; period daily }"), 2, 19, "period is given twice"},
	{SERVER("log { period 1K }"), 2, 14, "out of range: period must be 64K or more"},
	{SERVER("log { fields time c-ip cs-metod }"), 2, 24, "did you mean cs-method?"},
	{SERVER("log { fields none }"), 2, 14, "fields can't be empty"},
	{SERVER("log { dir logs }"), 2, 11, "must be absolute"},
	{SERVER("log { format iis; fields time }"), 2, 26, "fields can be chosen only for w3c"},
	{SERVER("log { format ncsa; local_time yes }"), 2, 31, "always use local time"},
	{SERVER("log { dir /srv/l }") "virtual_server two { listen *:26; fqdn c.example\nlog { dir /srv/l/ } }", 5, 11,
	 "already the log folder of virtual server default"},
	{SERVER("log { dir /var/spool/mailroot/default/cur }"), 2, 11, "which is part of the spool"},
	{SERVER("log { dir /var/spool/mailroot/default/drop }"), 2, 11, "it is a folder for mail"},
	{SERVER("listen 10.0.0.1") "virtual_server two { listen 10.0.0.1:25 }", 4, 29,
	 "virtual server default already listens"},
	{SERVER("direct_first yes"), 2, 14, "direct_first yes has no effect without smart_host"},
	{SERVER("listen 10.0.0.1:26\nsmart_host [10.0.0.1]:26"), 3, 12, "which is a mail loop"},
	{SERVER("smart_host 127.0.0.1"), 2, 12, "which is a mail loop"},
	{SERVER("listen [::1]:26\noutbound { port 26 }\nremote_domain a.example { route [::1] }"), 4, 33,
	 "which is a mail loop"},
	/* limits for each client */
	{SERVER("client { messages 300 }"), 2, 19, "write a rate such as 300/1m"},
	{SERVER("client { messages 0/1m }"), 2, 19, "write a rate such as 300/1m"},
	{SERVER("client { messages 10000001/1m }"), 2, 19, "at most 10000000 in a period"},
	{SERVER("client { messages 1K/1m }"), 2, 19, "write a rate such as 300/1m"},
	{SERVER("client { errors 20/2d }"), 2, 17, "the period must be 1s to 1d"},
	{SERVER("client { octets 500/1h }"), 2, 17, "\"500\" has no unit: write 500K, 500M or 500G"},
	{SERVER("client { octets 500M }"), 2, 17, "write octets in a period such as 500M/1h"},
	{SERVER("client { octets 2000G/1h }"), 2, 17, "is out of range: octets must be 1K to 1024G"},
	{SERVER("client { octets 0K/1h }"), 2, 17, "is out of range: octets must be 1K to 1024G"},
	{SERVER("client { octets 1M/1 }"), 2, 17, "\"1\" has no unit"},
	{SERVER("client { except_list 10.0.0.0/8 *.example.com }"), 2, 33, "*.example.com is no address"},
	/* DNS lists */
	{SERVER("connect { dnsbl a.test }"), 2, 17, "the answers that count are missing"},
	{SERVER("connect { dnsbl a.test score 3 }"), 2, 17, "the answers that count are missing"},
	{SERVER("connect { dnsbl a.test 127.0.0 }"), 2, 24, "answers are addresses such as 127.0.0.2"},
	{SERVER("connect { dnsbl a.test 127.0.0.2.3 }"), 2, 24, "answers are addresses such as 127.0.0.2"},
	{SERVER("connect { dnsbl a.test 127.0.0.256 }"), 2, 24, "answers are addresses such as 127.0.0.2"},
	{SERVER("connect { dnsbl a.test 127.0.0.4-2 }"), 2, 24, "answers are addresses such as 127.0.0.2"},
	{SERVER("connect { dnsbl a.test 127.0.0.2- }"), 2, 24, "answers are addresses such as 127.0.0.2"},
	{SERVER("connect { dnsbl a.test 126-127.0.0.2 }"), 2, 24, "answers are addresses such as 127.0.0.2"},
	{SERVER("connect { dnsbl a.test 10.0.0.2 }"), 2, 24, "answers are addresses such as 127.0.0.2"},
	{SERVER("connect { dnsbl a.test 127.0.0.1 }"), 2, 24, "127.0.0.1 is never a listing"},
	{SERVER("connect { dnsbl a.test 127.0.0.0-11 }"), 2, 24, "127.0.0.1 is never a listing"},
	{SERVER("connect { dnsbl a.test 127.255.255.254 }"), 2, 24, "127.255.255.0/24 is never a listing"},
	{SERVER("connect { dnsbl a.test 127.0-255.0-255.2 }"), 2, 24, "127.255.255.0/24 is never a listing"},
	{SERVER("connect { dnsbl a.test 127.0.0.2 score }"), 2, 34, "a score is a number from 1 to 100"},
	{SERVER("connect { dnsbl a.test 127.0.0.2 score 0 }"), 2, 40, "a score is a number from 1 to 100"},
	{SERVER("connect { dnsbl a.test 127.0.0.2 score 101 }"), 2, 40, "a score is a number from 1 to 100"},
	{SERVER("connect { dnsbl a.test 127.0.0.2 score -1 }"), 2, 40, "a score is a number from 1 to 100"},
	{SERVER("connect { dnsbl a.test 127.0.0.2 score 1 2 }"), 2, 40, "a score is a number from 1 to 100"},
	{SERVER("connect { dnsbl a.test 127.0.0.2\ndnsbl_allow b.test 127.0.0.2 score 1 }"), 3, 36,
	 "a score is a number from -100 to -1"},
	{SERVER("connect { dnsbl_allow b.test 127.0.0.2 }"), 2, 23, "dnsbl_allow has no effect without dnsbl"},
	{SERVER("connect { dnsbl_reject 3 }"), 2, 24, "dnsbl_reject has no effect without dnsbl"},
	{SERVER("connect { dnsbl a.test 127.0.0.2 score 2; dnsbl b.test 127.0.0.2; dnsbl_reject 4 }"), 2, 80,
	 "no client is ever refused: all scores of dnsbl sum up to 3, and dnsbl_reject is 4"},
	{SERVER("connect { dnsbl_except *.example.com }"), 2, 24, "*.example.com is no address"},
	{SERVER("connect { greet_pause 61s }"), 2, 23, "greet_pause must be"},
	{SERVER("client { by user }"), 2, 13, "no user can be counted: write by address"},
	{SERVER("client { by name }"), 2, 13, "write address or user"},
	{SERVER("client { over reject }"), 2, 15, "write tempfail or log"},
	/* authentication and TLS of clients */
	{SERVER("access { anonymous no }"), 2, 20, "add auth plain login to access, or write anonymous yes"},
	{SERVER("access {\nauth off\nanonymous no }"), 4, 11, "no client could send mail: anonymous is no"},
	{SERVER("access { tls_required yes }"), 2, 23, "no client could send mail: TLS is required"},
	{SERVER("listen *:25\nlisten *:465 tls"), 3, 8, "add tls_certificate CERTIFICATE KEY to access"},
	{SERVER("access { auth plain login }"), 2, 15, "no client could authenticate: these mechanisms need TLS"},
	{SERVER("access { auth login; auth_clear_list none }"), 2, 15, "or list clients in auth_clear_list"},
	{SERVER("relay { authenticated yes }"), 2, 23, "no client can authenticate, because auth is off"},
	{SERVER("xclient_list 10.0.0.0/8 0.0.0.0/0"), 2, 25, "open relay: any host in 0.0.0.0/0 could say"},
	{SERVER("listen *:25 proxy\nproxy_list 2000::/3"), 3, 12, "open relay: any host in 2000::/3 could say"},
	{SERVER("xclient_login yes"), 2, 15, "xclient_login has no effect, because xclient_list is empty"},
	{SERVER("xclient_list 10.0.0.2 lb.test"), 2, 23, "lb.test is no address: xclient_list takes addresses"},
	{SERVER("access { auth gssapi }"), 2, 15, "gssapi needs a key tab"},
	{SERVER("access { keytab /k }"), 2, 17, "keytab is for gssapi, which is not in auth"},
	{SERVER("access { auth scram-sha-256; principal smtp/a@B }"), 2, 40, "principal is for gssapi"},
	{SERVER("access { gssapi_realm B }"), 2, 23, "gssapi_realm is for gssapi"},
	{SERVER("access { auth plain; auth_requires_tls no; passwords kerberos }"), 2, 54,
	 "passwords kerberos needs a key tab"},
	{SERVER("access { auth gssapi; keytab /k; passwords kerberos }"), 2, 44,
	 "passwords is for plain and login, and auth has neither"},
	{SERVER("access { auth plain; auth_requires_tls no; kerberos_realm A }"), 2, 59,
	 "kerberos_realm is for passwords kerberos"},
	{SERVER("access { auth plain; auth_requires_tls no; kerberos_guesses 5/1h }"), 2, 61,
	 "kerberos_guesses is for passwords kerberos"},
	{SERVER("access { auth plain; auth_requires_tls no; keytab /k; passwords kerberos; gssapi_realm A }"), 2, 88,
	 "gssapi_realm is for gssapi"},
	{SERVER("access { tls_min 1.0 }"), 2, 18, "tls_min has no effect without a certificate"},
	{SERVER("access { auth plain; auth_requires_tls no; auth_clear_list 10.0.0.1 }"), 2, 60,
	 "no effect with auth_requires_tls no"},
	{SERVER("access { auth plain; tls_certificate /a /b; tls_required yes\nauth_clear_list 10.0.0.1 }"), 3, 17,
	 "no effect with tls_required yes"},
	{SERVER("access { auth scram-sha-256\nauth_clear_list 10.0.0.1 }"), 3, 17, "is for plain and login"},
	{SERVER("access { auth_clear_list 10.0.0.1 }"), 2, 26, "is for plain and login"},
	/* connectors */
	{SERVER("connector { route dns }"), 2, 1, "connector needs a name"},
	{SERVER("connector partner { }"), 2, 11, "a connector needs route"},
	{SERVER("connector partner"), 2, 11, "a connector needs route"},
	{SERVER("connector a { route none }"), 2, 11, "a connector needs route"},
	{SERVER("connector a/b { route dns }"), 2, 11, "can't be the name of a connector"},
	{SERVER("connector a { route dns; address_space a.test }\nconnector A { route dns; address_space b.test }"), 3,
	 11, "connector A is given twice: first at test.conf:2"},
	{SERVER("smart_host [192.0.2.1]\nconnector a { route dns }"), 3, 11,
	 "smart_host at test.conf:2 would never get mail"},
	{SERVER("smart_host [192.0.2.1]\nconnector a { route dns; address_space * cost 5 }"), 3, 40,
	 "give the connector another address_space"},
	{SERVER("connector a { route dns; address_space *.a.test cost 2 }\n"
		"connector b { route dns; address_space *.A.test cost 3 }"),
	 3, 40, "never get mail for *.a.test: connector a at test.conf:2 takes all of it"},
	{SERVER("connector a { route dns; address_space *.a.test cost 3 }\n"
		"connector b { route dns; address_space *.A.test cost 2 }"),
	 2, 40, "connector b at test.conf:3 takes all of it"},
	{SERVER("connector a { route dns; address_space a.test; address_space a.test }"), 2, 62, "takes all of it"},
	{SERVER("connector a { route dns; senders b.test }\nconnector b { route dns }\nconnector c { route dns }"), 4,
	 11, "connector b at test.conf:3 takes all of it"},
	{SERVER("connector a { route dns; address_space *.a.test cost 0 }"), 2, 54, "a number from 1 to 100"},
	{SERVER("connector a { route dns; address_space *.a.test cost 101 }"), 2, 54, "a number from 1 to 100"},
	{SERVER("connector a { route dns; address_space *.a.test cost }"), 2, 49, "a number from 1 to 100"},
	{SERVER("connector a { route dns; address_space *.a.test cost 1 2 }"), 2, 56, "one address space per line"},
	{SERVER("connector a { route dns; address_space a.test b.test }"), 2, 47, "one address space per line"},
	{SERVER("connector a { route dns; address_space none }"), 2, 40, "address_space can't be empty"},
	{SERVER("connector a { route dns; address_space .a.test }"), 2, 40, "write *.a.test"},
	{SERVER("connector a { route dns; senders joe@ }"), 2, 34, "is not a domain name"},
	{SERVER("connector a { route dns; senders none <> }"), 2, 34, "none means an empty list"},
	{SERVER("connector a { route dns; senders_refused b.test .c.test }"), 2, 49, "write *.c.test"},
	{SERVER("connector a { route dns; max_message_size 5 }"), 2, 43, "has no unit"},
	{SERVER("connector a { route dns; relay yes }"), 2, 32, "open relay: anybody could send mail to *"},
	{SERVER("connector a { route dns\naddress_space a.test\naddress_space *.com\nrelay yes }"), 5, 7,
	 "open relay: anybody could send mail to *.com"},
	{SERVER("listen 10.0.0.1:26\nconnector a { route [10.0.0.1]:26 }"), 3, 21, "which is a mail loop"},
	{SERVER("local_domain a.test { address_space a.test }"), 2, 23,
	 "does not belong in local_domain but in connector"},
	{SERVER("connect { allow only-listed }"), 2, 17, "add list with your networks"},
	{SERVER("connect { list none; allow only-listed }"), 2, 28, "no client could connect"},
	{SERVER("relay { allow all-except-listed }"), 2, 15, "open relay"},
	{SERVER("relay { list 0.0.0.0/0 }"), 2, 14, "write open_relay_intended yes"},
	{SERVER("relay { list ::/0 }"), 2, 14, "open relay"},
	{SERVER("relay { list 10.0.0.0/8 ::ffff:0:0/96 }"), 2, 25, "open relay"},
	{SERVER("relay { list 8.0.0.0/7 }"), 2, 14, "open relay: 8.0.0.0/7"},
	{SERVER("relay { list 2000::/3 }"), 2, 14, "open relay"},
	{SERVER("relay { list 64:ff9b::/96 }"), 2, 14, "open relay: 64:ff9b::/96"},
	{SERVER("relay { list 64:ff9b::/64 }"), 2, 14, "open relay"},
	{SERVER("relay { list 2002::/16 }"), 2, 14, "open relay"},
	{SERVER("relay { list 0.0.0.0/0.0.0.0 }"), 2, 14, "open relay"},
	{SERVER("relay { list * }"), 2, 14, "open relay: * lets anybody"},
	{SERVER("relay { list *.com }"), 2, 14, "open relay: *.com lets anybody"},
	{SERVER("relay { list 10.0.0.0/8 11.0.0.0/8 12.0.0.0/8 }"), 2, 14, "together"},
	{SERVER("relay { list 2a00::/12 2600::/12 }"), 2, 14, "together"},
	{SERVER("connect { list 10.0.0.1 * }"), 2, 25, "no client could connect"},
	{SERVER("remote_domain * { relay yes }"), 2, 25, "open relay: anybody could send mail to *"},
	{SERVER("remote_domain *.com { relay yes }"), 2, 29, "open relay: anybody could send mail to *.com"},
};

START_TEST(row_is_refused_where_it_is_wrong)
{
	expect_message(&rows[_i], "error");
	done();
}
END_TEST

/* Each is valid, or has exactly one error. */
START_TEST(valid_access_is_silent)
{
	static const char *const good[] = {
		SERVER("access { auth plain; auth_clear_list 10.0.0.1 }"),
		SERVER("access { auth plain login; auth_requires_tls no }\nrelay { authenticated yes }"),
		SERVER("listen *:465 tls\naccess { auth plain; tls_certificate /a /b; tls_required yes; anonymous no "
		       "}"),
		SERVER("access { auth gssapi; keytab /k; principal smtp/a@B; gssapi_realm B }"),
		SERVER("access { auth plain; auth_requires_tls no; keytab /k; principal a@B; passwords file kerberos; "
		       "kerberos_realm A B; kerberos_guesses 5/1h }"),
		SERVER("access { kerberos_guesses 3/30m }"), /* the default, as in the text that processes get */
		SERVER("access { tls_certificate /a /b; tls_min 1.0 }"),
		SERVER("access { auth scram-sha-256 plain; anonymous no }"),
		SERVER("relay { authenticated no }"),
		SERVER("xclient_list 0.0.0.0/0\nrelay { open_relay_intended yes }"),
		SERVER("xclient_list 10.0.0.0/8 192.0.2.1 ::1; xclient_login yes\nrelay { authenticated yes }\n"
		       "client { by user }\naccess { anonymous no }\nclient_rule a { users joe }"),
	};
	static const char *const one_error[] = {
		SERVER("access { auth plan; anonymous no; keytab /k; auth_clear_list 10.0.0.1 }\n"
		       "relay { authenticated yes }"),
		SERVER("access { auth plain; tls_required yes; tls_certificate /a; tls_min 1.0 }"),
		SERVER("access { auth gssapi; keytab k }"),
		SERVER("access { auth plain; auth_requires_tls no; passwords directory; kerberos_realm A }"),
		SERVER("access { auth plain; auth_requires_tls no; keytab /k; passwords kerberos; kerberos_realm A@B }"),
		SERVER("access { auth plain; auth_clear_list 10.0.0.1/8 }"),
	};
	for (int i = 0; i < COUNT(good); i++) {
		build(good[i]);
		ck_assert_msg(!report.text.len, "%s", str_text(&report.text));
		done();
	}
	for (int i = 0; i < COUNT(one_error); i++) {
		build(one_error[i]);
		ck_assert_msg(report.errors == 1, "%s", str_text(&report.text));
		done();
	}
}
END_TEST

START_TEST(connectors_with_conditions_share_a_space)
{
	build(SERVER("smart_host [192.0.2.1]\nconnector a { route dns; max_message_size 5M }"));
	ck_assert_msg(!report.text.len, "%s", str_text(&report.text));
	done();
	build(SERVER("connector a { route dns; address_space x.test; senders <> joe@*.b.test @c.test * }\n"
		     "connector b { route dns; address_space x.test cost 2; address_space *.x.test cost 2 }"));
	ck_assert_msg(!report.text.len, "%s", str_text(&report.text));
	done();
	build(SERVER("connector a { route dns; address_space *.or.jp; relay yes }"));
	ck_assert_uint_eq(report.warnings, 1);
	done();
	build(SERVER("connector a { route dns; address_space *.test; outbound { port 26 } }\n"
		     "remote_domain *.test { outbound { port 27 } }\nremote_domain test { outbound { port 27 } }\n"
		     "remote_domain c.test { route dns; outbound { port 27 } }\nremote_domain d.test { relay yes }"));
	ck_assert_uint_eq(report.warnings, 1);
	ck_assert_ptr_nonnull(
		strstr(str_text(&report.text), "test.conf:3:15: warning: its outbound block has no effect"));
	done();
}
END_TEST

/* The default of relay authenticated depends on auth, in every process. */
START_TEST(authenticated_is_the_default_if_auth_is_on)
{
	build(SERVER("access { auth scram-sha-256 }"));
	ck_assert(config.servers[0].relay.authenticated);
	done();
	build(SERVER(""));
	ck_assert(!config.servers[0].relay.authenticated);
	done();
}
END_TEST

static const char *const right[] = {
	SERVER("relay { open_relay_intended yes; allow all-except-listed }"),
	SERVER("relay { open_relay_intended yes; list * *.com 11.0.0.0/8 12.0.0.0/8 }"),
	SERVER("relay { list host.example.com *.example.com printer abc.de dead.beef }"),
	SERVER("relay { list 11.0.0.0/16 11.1.0.0/16 2002:a00::/24 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 }"),
	SERVER("connect { list *.example.com 192.0.2.1 }\nreverse_dns yes"),
	SERVER("connect { list *; allow only-listed }"),
	SERVER("relay { open_relay_intended yes; list 0.0.0.0/0 }\nremote_domain * { relay yes }"),
	SERVER("remote_domain * { route [192.0.2.1] }\nremote_domain *.example.com { relay yes }"),
	SERVER("local_domain host.example.com { drop_dir /srv/a }\nlocal_domain b.example { drop_dir /srv/a }"),
	SERVER("listen *\nlisten 10.0.0.1") "virtual_server two { listen 10.0.0.2; listen *:26 }",
	SERVER("enabled no\nlisten *:25") "virtual_server two { fqdn b.example }",
	SERVER("listen *\nsmart_host 127.0.0.1") "virtual_server two { listen 127.0.0.1; fqdn b.example }",
	SERVER("listen *\nsmart_host [127.0.0.1]:26 [10.0.0.1]"),
	SERVER("relay{list 10.0.0.1;list 10.0.0.2};messages{max_recipients 5};enabled no"),
	"\xef\xbb\xbfvirtual_server default { # comment\r\n  enabled yes\r\n}\r\n",
	"VIRTUAL_SERVER default { ENABLED YES; Messages { MAX_MESSAGE_SIZE 1m } }",
};

START_TEST(row_is_right)
{
	build(right[_i]);
	ck_assert_msg(!report.errors, "%s\n%s", right[_i], str_text(&report.text));
	done();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config conflicts");
	TCase *all = tcase_create("all");
	tcase_add_loop_test(all, row_is_refused_where_it_is_wrong, 0, COUNT(rows));
	tcase_add_loop_test(all, row_is_right, 0, COUNT(right));
	tcase_add_test(all, valid_access_is_silent);
	tcase_add_test(all, connectors_with_conditions_share_a_space);
	tcase_add_test(all, authenticated_is_the_default_if_auth_is_on);
	suite_add_tcase(suite, all);
	return suite_run(suite);
}
