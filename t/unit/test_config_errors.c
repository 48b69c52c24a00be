/* Every known mistake in a configuration, with the place and the words of its error. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "t/unit/suite.h"

#define SERVER(inside) "virtual_server default {\n" inside "\n}\n"

/* One error in TEXT: at LINE and COLUMN, with SAYS in its message. */
static const struct wrong {
	const char *text;
	unsigned line, column;
	const char *says;
} rows[] = {
	/* grammar */
	{"virtual_server default {\n", 1, 24, "this { is not closed in its file"},
	{SERVER("") "}\n", 4, 1, "this } has no {"},
	{"virtual_server default\n{\n}\n", 2, 1, "{ belongs on the line of the block's name"},
	{SERVER("banner \"abc"), 2, 8, "quote is not closed"},
	{SERVER("banner \"abc\"d"), 2, 13, "a space is missing after the closing quote"},
	{SERVER("banner ab\"c"), 2, 10, "a quote inside a word"},
	{SERVER("banner a\001b"), 2, 9, "control character 0x01"},
	{SERVER("banner a\rb"), 2, 9, "control character 0x0d"},
	{SERVER("relay { } enabled yes"), 2, 11, "after } a new line or ; is missing"},
	{SERVER("include a.conf"), 2, 9, "include works in files only"},
	{SERVER("include"), 2, 1, "include needs one path"},
	{"", 1, 1, "no virtual server"},
	{"# nothing\n", 1, 1, "no virtual server"},
	/* names */
	{SERVER("max_conections 5"), 2, 1, "did you mean max_connections?"},
	{SERVER("\tlisen *"), 2, 2, "did you mean listen?"},
	{SERVER("max_message_size 5M"), 2, 1, "max_message_size does not belong in virtual_server but in messages"},
	{SERVER("max_mesage_size 5M"), 2, 1, "did you mean max_message_size, which belongs in messages?"},
	{SERVER("frobnicate 5"), 2, 1,
	 "unknown setting \"frobnicate\" in virtual_server; known there: enabled, listen"},
	{SERVER("auth plain login"), 2, 1, "auth does not belong in virtual_server but in access"},
	{SERVER("access { auth plan }"), 2, 15, "did you mean plain?"},
	{SERVER("access { tls_certificate /a }"), 2, 26, "the key is missing"},
	{SERVER("access { tls_certificate /a /b /c /d }"), 2, 32, "one certificate and its key per line"},
	{SERVER("access { tls_certificate /a b }"), 2, 29, "must be absolute"},
	{SERVER("access { tls_min 1.4 }"), 2, 18, "1.0, 1.1, 1.2 or 1.3"},
	{SERVER("outbound { tls_fingerprint 00:11 }"), 2, 28, "not a SHA-256 digest"},
	{SERVER("log { formt w3c }"), 2, 7, "did you mean format?"},
	{SERVER("log { format odbc }"), 2, 14, "write w3c, iis, ncsa, json or off"},
	{SERVER("log w3c"), 2, 1, "log is a block"},
	{SERVER("remote_domain a.test { atrn_accounts alice }"), 2, 38, "write etrn yes"},
	{SERVER("remote_domain a.test { etrn yes; atrn_accounts alice }"), 2, 48, "no client can authenticate"},
	{SERVER("access { auth plain; auth_requires_tls no }\nremote_domain a.test { etrn yes; atrn_accounts al:ce }"),
	 3, 48, "no account can have this name"},
	{SERVER("connector a { route [192.0.2.1]; etrn_request every 5m }"), 2, 47, "the domains must come first"},
	{SERVER("connector a { route [192.0.2.1]; etrn_request a.test every }"), 2, 54,
	 "it must be followed by a duration"},
	{SERVER("connector a { route [192.0.2.1]; etrn_request a.test every 5m b.test }"), 2, 54,
	 "it must be followed by a duration"},
	{SERVER("connector a { route [192.0.2.1]; etrn_request a.test every 5 }"), 2, 60, "5"},
	{SERVER("connector a { route [192.0.2.1]; etrn_request a..test }"), 2, 47, "a..test"},
	{SERVER("connector a { route dns; etrn_request a.test }"), 2, 39, "etrn_request needs the hosts"},
	{SERVER("connect { open_relay_intended yes }"), 2, 11, "does not belong in connect but in relay"},
	{SERVER("pickupdir off"), 2, 1, "unknown setting \"pickupdir\""},
	{SERVER("pickup_dir maybe"), 2, 12, "must be absolute"},
	{SERVER("relay { list 10.0.0.1; authentificated no }"), 2, 24, "unknown setting \"authentificated\" in relay"},
	{SERVER("alias_domain a.example { enabled no }"), 2, 26, "does not belong in alias_domain"},
	{SERVER("alias_domain a.example { zzz no }"), 2, 26, "alias_domain; known there: nothing"},
	{"userr x\n" SERVER(""), 1, 1, "did you mean user?"},
	{"fqdn a.example\n" SERVER(""), 1, 1, "fqdn does not belong in the file itself but in virtual_server"},
	/* blocks */
	{"virtual_server { }\n" SERVER(""), 1, 1, "virtual_server needs a name"},
	{"virtual_server other\n" SERVER(""), 1, 1, "virtual_server is a block"},
	{"virtual_server .x { fqdn x.example }\n", 1, 16, "\".x\" can't be the name of a virtual server"},
	{"virtual_server a/b { fqdn x.example }\n", 1, 16, "can't be the name of a virtual server"},
	{SERVER("") "virtual_server DEFAULT { local_domain a.example { drop_dir /a }; listen *:26; default_domain "
		    "a.example }",
	 4, 16, "given twice: first at test.conf:1"},
	{SERVER("relay\n"), 2, 1, "relay is a block: write relay { ... }"},
	{SERVER("relay all { }"), 2, 7, "{ or a new line is expected here"},
	{SERVER("relay { }\n\nrelay { }"), 4, 1, "relay is given twice: first at test.conf:2"},
	{SERVER("enabled { }"), 2, 1, "enabled is a setting, not a block"},
	{SERVER("enabled yes { }"), 2, 1, "enabled is a setting, not a block"},
	{SERVER("local_domain { }"), 2, 1, "local_domain needs a name"},
	/* how many values */
	{SERVER("enabled"), 2, 1, "enabled needs a value: yes or no"},
	{SERVER("enabled yes no"), 2, 13, "enabled takes one value"},
	{SERVER("enabled yes\nenabled no"), 3, 1, "enabled is given twice: first at test.conf:2"},
	{SERVER("banner two words"), 2, 12, "in double quotes if it has spaces"},
	{SERVER("listen none"), 2, 8, "listen can't be empty"},
	{SERVER("listen *:1 *:2"), 2, 12, "one address per line"},
	{SERVER("listen *:465 ssl"), 2, 14, "one address per line, and after it only tls"},
	{SERVER("relay { list none 10.0.0.1 }"), 2, 14, "none means an empty list and must stand alone"},
	{SERVER("delivery { retry 1m 1m 1m 1m 1m 1m 1m 1m 1m }"), 2, 42, "retry takes at most 8 values"},
	/* values */
	{SERVER("enabled on"), 2, 9, "write yes or no"},
	{SERVER("enabled yess"), 2, 9, "did you mean yes?"},
	{SERVER("max_connections many"), 2, 17, "a number, or none for no limit"},
	{SERVER("max_connections 0"), 2, 17, "max_connections must be 1 to 20000"},
	{SERVER("max_connections 99999999999999999999"), 2, 17, "a number"},
	{SERVER("messages { max_recipients none }"), 2, 27,
	 "\"none\" is not a valid value of max_recipients: write a number"},
	{SERVER("messages { max_recipients 5001 }"), 2, 27, "max_recipients must be 1 to 5000"},
	{SERVER("messages { max_message_size 5 }"), 2, 29, "\"5\" has no unit: write 5K, 5M or 5G"},
	{SERVER("messages { max_message_size 5MB }"), 2, 29, "a size such as 500K, 2M or 1G"},
	{SERVER("messages { max_message_size 99999999999G }"), 2, 29, "a size such as"},
	{SERVER("messages { max_message_size 0K }"), 2, 29, "max_message_size must be 1K or more"},
	{SERVER("messages { max_message_size M }"), 2, 29, "a size such as"},
	{SERVER("free_space_floor none"), 2, 18, "\"none\" is not a valid value of free_space_floor"},
	{SERVER("connection_timeout 10"), 2, 20, "write 10s, 10m or 10h"},
	{SERVER("connection_timeout 10M"), 2, 20, "a duration such as"},
	{SERVER("connection_timeout 2d"), 2, 20, "connection_timeout must be 1s to 1d"},
	{SERVER("delivery { retry 15m 0m }"), 2, 22, "retry must be 1s to 365d"},
	{SERVER("fqdn .example.com"), 2, 6, "write *.example.com for all names below it"},
	{SERVER("fqdn *.example.com"), 2, 6, "a pattern is not allowed here"},
	{SERVER("fqdn example.com."), 2, 6, "remove the final dot"},
	{SERVER("fqdn user@example.com"), 2, 6, "remove @ and the text before it"},
	{SERVER("fqdn 192.0.2.1"), 2, 6, "is not a domain name"},
	{SERVER("fqdn a..example"), 2, 6, "is not a domain name"},
	{SERVER("default_domain -a.example"), 2, 16, "is not a domain name"},
	{SERVER("postmaster joe"), 2, 12, "is not a mail address: it needs a local part, @ and a domain"},
	{SERVER("postmaster \"\""), 2, 12, "is not a mail address"},
	{SERVER("banner \"gr\303\274n\""), 2, 8, "plain ASCII"},
	{SERVER("without chunkin"), 2, 9, "did you mean chunking?"},
	{SERVER("bare_newlines fix"), 2, 15, "reject or repair"},
	{SERVER("badmail_dir badmail"), 2, 13, "must be absolute"},
	{SERVER("badmail_dir /srv/../etc"), 2, 13, "must not contain . or .."},
	{"run_dir "
	 "/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890\n" SERVER(""),
	 1, 9, "is too long"},
	{"user \"mail room\"\n" SERVER(""), 1, 6, "the name of a user"},
	{"user @group\n" SERVER(""), 1, 6, "the name of a user"},
	{"dns_server 2001:db8::1\n" SERVER(""), 1, 12, "an IPv6 address needs brackets"},
	{"dns_server *\n" SERVER(""), 1, 12, "not an address"},
	{SERVER("listen localhost:25"), 2, 8, "not an address, and not *"},
	{SERVER("listen 10.0.0.1:0"), 2, 8, "a port is a number from 1 to 65535"},
	{SERVER("listen 10.0.0.1:65536"), 2, 8, "a port is a number from 1 to 65535"},
	{SERVER("listen [::1"), 2, 8, "] is missing"},
	{SERVER("listen [::1]25"), 2, 8, "only :PORT may follow"},
	{SERVER("listen [*]:25"), 2, 8, "not an address"},
	{SERVER("relay { list 10.0.0.1/8 }"), 2, 14, "10.0.0.0/8"},
	{SERVER("relay { list .example.com }"), 2, 14, "write *.example.com for all names below it"},
	{SERVER("relay { list 10.0.0.256 }"), 2, 14, "this is no IP address"},
	{SERVER("relay { list 10.0.0.0-10.0.0.9 }"), 2, 14,
	 "a range is not allowed here: write a network such as 10.0.0.0/24"},
	{SERVER("relay { list host_.*.example }"), 2, 14, "is not a pattern: write *.example.com"},
	{SERVER("remote_domain *x.test { relay yes }"), 2, 15,
	 "is not a pattern: write *.example.com for all names below"},
	{SERVER("remote_domain *.*.test { relay yes }"), 2, 15, "is not a pattern"},
	{SERVER("connect { list user@example.com }"), 2, 16, "remove @ and the text before it"},
	{SERVER("smart_host [10.0.0.1];[10.0.0.2]"), 2, 23, "separate hosts with spaces"},
	{SERVER("smart_host 10.0.0.1,10.0.0.2"), 2, 12, "separate hosts with spaces"},
	{SERVER("smart_host mx.example.com weight"), 2, 27, "weight takes a number from 1 to 1000"},
	{SERVER("smart_host mx.example.com weight 0"), 2, 34, "weight takes a number from 1 to 1000"},
	{SERVER("smart_host mx.example.com weight 1001"), 2, 34, "weight takes a number from 1 to 1000"},
	{SERVER("smart_host mx.example.com 10"), 2, 27, "\"10\" is not a domain name"},
	{SERVER("remote_domain a.example { route dns mx.example }"), 2, 33, "dns must stand alone"},
	{SERVER("remote_domain .a.example { relay yes }"), 2, 15, "write *.a.example"},
	{SERVER("remote_domain a.*.example { relay yes }"), 2, 15, "is not a pattern"},
	{SERVER("local_domain b.example { drop_quota 10 }"), 2, 37, "has no unit"},
	{SERVER("local_domain b.example { drop_quota 0x }"), 2, 37, "a multiple of max_message_size"},
	/* the syntax of other programs */
	{SERVER("relay { list 10.2.0.0 255.255.0.0 }"), 2, 23, "a network mask follows a slash: write 10.2.0.0/16"},
	{SERVER("connect { list 10.2.3.4 255.255.255.0 }"), 2, 25, "write 10.2.3.0/24"},
	{SERVER("access { auth plain; auth_clear_list 10.2.0.0 0.0.255.255 }"), 2, 47, "write 10.2.0.0/16"},
	{SERVER("relay { list 10.2.0.7 255.255.255.255 }"), 2, 23, "write 10.2.0.7/32"},
	{SERVER("relay {\nlist 10.2.0.0\nlist 255.255.0.0 }"), 4, 6, "a network mask follows an address and a slash"},
	{SERVER("smart_host 10.2.0.1 255.255.0.0"), 2, 21, "a network mask is not allowed here"},
	{SERVER("remote_domain a.test { route 10.2.0.1 255.255.0.0 }"), 2, 39, "a network mask is not allowed here"},
	{"dns_server 10.2.0.1 255.255.0.0\n" SERVER(""), 1, 21, "a network mask is not allowed here"},
	{SERVER("relay { list 192.168.1.* }"), 2, 14, "write 192.168.1.0/24"},
	{SERVER("relay { list 10.* }"), 2, 14, "write 10.0.0.0/8"},
	{SERVER("connect { list 172.16.*.* }"), 2, 16, "write 172.16.0.0/16"},
	{SERVER("relay { list 192.168.1. }"), 2, 14, "write 192.168.1.0/24"},
	{SERVER("relay { list [10.0.0.1] }"), 2, 14, "without brackets: write 10.0.0.1"},
	{SERVER("relay { list [default] }"), 2, 14, "without brackets: write default"},
	{SERVER("smart_host [smtp.example.com:587]"), 2, 12,
	 "the port follows the bracket: write [smtp.example.com]:587"},
	{SERVER("smart_host [192.0.2.1:587]"), 2, 12, "write [192.0.2.1]:587"},
	{SERVER("listen [192.0.2.1:25]"), 2, 8, "write [192.0.2.1]:25"},
	{SERVER("smart_host smtp://smtp.example.com"), 2, 12, "write smtp.example.com, without smtp://"},
	{SERVER("reverse_dns on"), 2, 13, "did you mean yes?"},
	{SERVER("reverse_dns true"), 2, 13, "did you mean yes?"},
	{SERVER("reverse_dns 1"), 2, 13, "did you mean yes?"},
	{SERVER("reverse_dns enabled"), 2, 13, "did you mean yes?"},
	{SERVER("reverse_dns off"), 2, 13, "did you mean no?"},
	{SERVER("reverse_dns 0"), 2, 13, "did you mean no?"},
	{SERVER("dot_stuffing yes"), 2, 14, "did you mean on?"},
	{SERVER("outbound { tls no }"), 2, 16, "did you mean off?"},
	{SERVER("outbound { implicit on }"), 2, 21, "did you mean yes?"},
	{SERVER("outbound { user x }"), 2, 12, "did you mean username?"},
	{SERVER("masquerade a.test"), 2, 1, "did you mean masquerade_domain?"},
	{SERVER("badmail /srv/badmail"), 2, 1, "did you mean badmail_keep, badmail_max or badmail_dir?"},
	{SERVER("outbound { password x }"), 2, 12, "did you mean password_file?"},
	{SERVER("password x"), 2, 1, "did you mean password_file, which belongs in outbound?"},
	{SERVER("smarthost x.test"), 2, 1, "did you mean smart_host?"},
	{SERVER("relayhost x.test"), 2, 1, "did you mean smart_host?"},
	{SERVER("hostname x.test"), 2, 1, "did you mean fqdn?"},
	{SERVER("mynetworks 10.0.0.0/8"), 2, 1, "did you mean relay?"},
	{"; my server\n" SERVER(""), 1, 1, "a comment begins with #, not with ;"},
	{SERVER("\t;listen *:26"), 2, 2, "a comment begins with #, not with ;"},
	{"[default]\n" SERVER(""), 1, 1, "a block is written as virtual_server NAME { ... }"},
	{SERVER("badmail_max 0"), 2, 13, "badmail_max must be 64K or more, or none for no limit"},
	{SERVER("messages { max_message_size 0 }"), 2, 29, "max_message_size must be 1K or more, or none for no limit"},
	{SERVER("connection_timeout 0"), 2, 20, "connection_timeout must be 1s to 1d"},
	{SERVER("connection_timeout 600"), 2, 20, "\"600\" has no unit: write 600s or 600m"},
	{SERVER("free_space_floor 0"), 2, 18, "write 0K"},
	{SERVER("local_domain b.example { drop_quota 0 }"), 2, 37,
	 "drop_quota must be 1K or more, or none for no limit"},
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
	/* authentication and TLS of clients */
	{SERVER("access { anonymous no }"), 2, 20, "add auth plain login to access, or write anonymous yes"},
	{SERVER("access {\nauth off\nanonymous no }"), 4, 11, "no client could send mail: anonymous is no"},
	{SERVER("access { tls_required yes }"), 2, 23, "no client could send mail: TLS is required"},
	{SERVER("listen *:25\nlisten *:465 tls"), 3, 8, "add tls_certificate CERTIFICATE KEY to access"},
	{SERVER("access { auth plain login }"), 2, 15, "no client could authenticate: these mechanisms need TLS"},
	{SERVER("access { auth login; auth_clear_list none }"), 2, 15, "or list clients in auth_clear_list"},
	{SERVER("relay { authenticated yes }"), 2, 23, "no client can authenticate, because auth is off"},
	{SERVER("access { auth gssapi }"), 2, 15, "gssapi needs a key tab"},
	{SERVER("access { keytab /k }"), 2, 17, "keytab is for gssapi, which is not in auth"},
	{SERVER("access { auth scram-sha-256; principal smtp/a@B }"), 2, 40, "principal is for gssapi"},
	{SERVER("access { gssapi_realm B }"), 2, 23, "gssapi_realm is for gssapi"},
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
enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static struct config_report report;
static struct config config;

static void build(const char *text)
{
	memset(&report, 0, sizeof(report));
	str_init(&report.text, 1 << 20);
	struct config_tree *tree = config_read_text("test.conf", span_of(text), &report);
	ck_assert_ptr_nonnull(tree);
	bool good = config_build(tree, "host.example.com", &config, &report);
	ck_assert_int_eq(good, report.errors == 0);
	config_tree_free(tree);
}

static void done(void)
{
	config_free(&config);
	str_free(&report.text);
}

START_TEST(row_is_refused_where_it_is_wrong)
{
	const struct wrong *row = &rows[_i];
	char place[64];
	build(row->text);
	const char *text = str_text(&report.text);
	snprintf(place, sizeof(place), "test.conf:%u:%u: error: ", row->line, row->column);
	const char *at = strstr(text, place);
	ck_assert_msg(at, "no error at %s of\n%s\nbut\n%s", place, row->text, text);
	size_t len = strcspn(at, "\n");
	const char *says = strstr(at, row->says);
	ck_assert_msg(says && says < at + len, "wanted \"%s\" but got\n%s", row->says, text);
	done();
}
END_TEST

/* The line is shown with a caret under the column; tabs are kept, and characters are counted. */
START_TEST(caret_points_at_the_word)
{
	build(SERVER("\tmessages { max_recipients 0 }"));
	ck_assert_ptr_nonnull(
		strstr(str_text(&report.text), "\n\tmessages { max_recipients 0 }\n\t                          ^\n"));
	done();
	build(SERVER("banner \"\303\274\303\274\" x"));
	ck_assert_ptr_nonnull(strstr(str_text(&report.text), "test.conf:2:13:"));
	ck_assert_ptr_nonnull(strstr(str_text(&report.text), "\nbanner \"\303\274\303\274\" x\n            ^\n"));
	done();
}
END_TEST

START_TEST(long_line_is_shown_around_the_caret)
{
	char text[2048] = "virtual_server default {\nrelay { list";
	for (int i = 0; i < 100; i++)
		strcat(text, " 10.0.0.1");
	strcat(text, " wrong/ }\n}\n");
	build(text);
	const char *caret = strstr(str_text(&report.text), "^");
	ck_assert_ptr_nonnull(strstr(str_text(&report.text), "test.conf:2:914:"));
	ck_assert_ptr_nonnull(caret);
	const char *line = strstr(str_text(&report.text), "\n") + 1;
	ck_assert_uint_lt(strcspn(line, "\n"), 200);
	ck_assert_int_eq(strncmp(line + (caret - strchr(line, '\n') - 1), "wrong", 5), 0);
	done();
}
END_TEST

START_TEST(all_errors_come_at_once_in_the_order_of_the_file)
{
	build(SERVER("enabled maybe\nmessages { max_recipients 0; frob 1 }\nlisten nowhere\nfqdn a b") "x\n");
	ck_assert_uint_eq(report.errors, 6);
	unsigned last = 0, line;
	for (const char *at = str_text(&report.text); (at = strstr(at, "test.conf:")); at++)
		if (sscanf(at, "test.conf:%u:", &line) == 1) {
			ck_assert_uint_ge(line, last);
			last = line;
		}
	ck_assert_uint_eq(last, 7);
	done();
}
END_TEST

/* Both bad entries of one list, and the open relay in it. */
START_TEST(a_list_reports_each_entry)
{
	build(SERVER("relay { list 10.0.0.1/8 zebra/ 0.0.0.0/0 }"));
	ck_assert_uint_eq(report.errors, 3);
	done();
}
END_TEST

START_TEST(a_wrong_value_makes_no_second_error)
{
	build(SERVER("messages { max_session_size 1; max_message_size 35M }\nprocesses { spare x; max 1 }"));
	ck_assert_uint_eq(report.errors, 2);
	done();
}
END_TEST

START_TEST(many_errors_are_counted)
{
	char text[16384] = "virtual_server default {\n";
	for (int i = 0; i < 500; i++)
		strcat(text, "frobnicate\n");
	strcat(text, "}\n");
	build(text);
	ck_assert_uint_eq(report.errors, 500);
	ck_assert_ptr_nonnull(strstr(str_text(&report.text), "and 300 more\n"));
	done();
}
END_TEST

/* One mistake gives one error. */
START_TEST(one_slip_is_one_error)
{
	static const char *const one_error[] = {
		SERVER("relay { list 10.2.0.0 255.255.0.0 }"),
		SERVER("smart_host [smtp.example.com:587]"),
		SERVER("") "virtual_server b { listen *:26; pickup_dir /srv/p; local_domain x.test }\n"
			   "virtual_server b { listen *:26; pickup_dir /srv/p; log { }; local_domain x.test }",
		"; my server\n; listen *:25 { \n" SERVER(""),
	};
	for (size_t i = 0; i < sizeof(one_error) / sizeof(one_error[0]); i++) {
		build(one_error[i]);
		unsigned wanted = i == 3 ? 2 : 1;
		ck_assert_msg(report.errors == wanted, "%s", str_text(&report.text));
		done();
	}
}
END_TEST

/* Settings that work here but that other hosts reject: one warning, with its place and words. */
START_TEST(names_that_other_hosts_reject_are_warned_of)
{
	static const struct wrong warned[] = {
		{SERVER("fqdn mail"), 2, 6, "fqdn mail has no dot"},
		{SERVER("default_domain corp"), 2, 16, "default_domain corp has no dot"},
		{SERVER("masquerade_domain corp"), 2, 19, "masquerade_domain corp has no dot"},
		{SERVER("outbound { helo_name mail }"), 2, 22, "helo_name mail has no dot"},
		{SERVER("remote_domain a.test { outbound { helo_name mail } }"), 2, 45, "helo_name mail has no dot"},
		{SERVER("messages { max_message_size 5M; max_session_size none }\n"
			"local_domain a.test { drop_quota 1M }"),
		 3, 34, "drop_quota is below max_message_size (5M): a message larger than drop_quota never fits"},
		{SERVER("smart_host [192.0.2.1]") "virtual_server copiers { fqdn c.test\nlisten *:26 }", 4, 16,
		 "copiers has no smart_host of its own"},
	};
	for (size_t i = 0; i < sizeof(warned) / sizeof(warned[0]); i++) {
		const struct wrong *row = &warned[i];
		char place[64];
		build(row->text);
		snprintf(place, sizeof(place), "test.conf:%u:%u: warning: ", row->line, row->column);
		const char *at = strstr(str_text(&report.text), place);
		ck_assert_msg(at && strstr(at, row->says) && report.warnings == 1 && !report.errors,
			      "wanted %s%s, got\n%s", place, row->says, str_text(&report.text));
		done();
	}
}
END_TEST

/* For each warning there is a way to write that it is intended. */
START_TEST(intended_settings_are_not_warned_of)
{
	static const char *const good[] = {
		SERVER("smart_host [192.0.2.1]") "virtual_server copiers { fqdn c.test\nlisten *:26\nsmart_host none }",
		SERVER("smart_host [192.0.2.1]") "virtual_server b { fqdn c.test\nlisten *:26\nconnector x { route dns "
						 "} }",
		SERVER("smart_host [192.0.2.1]") "virtual_server b { fqdn c.test\nenabled no }",
		SERVER("local_domain printers"),
		SERVER("messages { max_message_size 5M }\nlocal_domain a.test { drop_quota 5M }"),
		SERVER("local_domain a.test { drop_quota 1x }"),
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		build(good[i]);
		ck_assert_msg(!report.text.len, "%s", str_text(&report.text));
		done();
	}
}
END_TEST

START_TEST(wide_public_network_is_warned_of)
{
	build(SERVER("relay { list 10.0.0.0/8 172.16.0.0/12 fc00::/7 192.0.0.0/9 127.0.0.0/8 }"));
	ck_assert_uint_eq(report.errors, 0);
	ck_assert_uint_eq(report.warnings, 1);
	ck_assert_ptr_nonnull(strstr(str_text(&report.text), "test.conf:2:48: warning: 192.0.0.0/9"));
	done();
}
END_TEST

START_TEST(local_domain_without_anonymous_clients_is_warned_of)
{
	build(SERVER("access { auth scram-sha-256; anonymous no }\nlocal_domain a.example"));
	ck_assert_uint_eq(report.errors, 0);
	ck_assert_uint_eq(report.warnings, 1);
	ck_assert_ptr_nonnull(strstr(str_text(&report.text), "test.conf:2:40: warning: other hosts can't send mail to "
							     "the local domain at test.conf:3, "));
	done();
	build(SERVER("default_domain a.example\naccess { auth scram-sha-256; anonymous no }"));
	ck_assert_uint_eq(report.warnings, 0);
	done();
	build(SERVER(
		"default_domain a.example\nlocal_domain A.example { }\naccess { auth scram-sha-256; anonymous no }"));
	ck_assert_uint_eq(report.warnings, 1);
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
		SERVER("access { tls_certificate /a /b; tls_min 1.0 }"),
		SERVER("access { auth scram-sha-256 plain; anonymous no }"),
		SERVER("relay { authenticated no }"),
	};
	static const char *const one_error[] = {
		SERVER("access { auth plan; anonymous no; keytab /k; auth_clear_list 10.0.0.1 }\n"
		       "relay { authenticated yes }"),
		SERVER("access { auth plain; tls_required yes; tls_certificate /a; tls_min 1.0 }"),
		SERVER("access { auth gssapi; keytab k }"),
		SERVER("access { auth plain; auth_clear_list 10.0.0.1/8 }"),
	};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		build(good[i]);
		ck_assert_msg(!report.text.len, "%s", str_text(&report.text));
		done();
	}
	for (size_t i = 0; i < sizeof(one_error) / sizeof(one_error[0]); i++) {
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

START_TEST(registries_are_warned_of)
{
	build(SERVER("relay { list *.co.jp *.example.jp *.co.example *.com.au }\nremote_domain *.or.jp { relay yes }"));
	ck_assert_uint_eq(report.errors, 0);
	ck_assert_uint_eq(report.warnings, 3);
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
	Suite *suite = suite_create("config errors");
	TCase *tcase = tcase_create("rows");
	tcase_add_loop_test(tcase, row_is_refused_where_it_is_wrong, 0, ROW_COUNT);
	tcase_add_loop_test(tcase, row_is_right, 0, sizeof(right) / sizeof(right[0]));
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("report");
	tcase_add_test(tcase, caret_points_at_the_word);
	tcase_add_test(tcase, long_line_is_shown_around_the_caret);
	tcase_add_test(tcase, all_errors_come_at_once_in_the_order_of_the_file);
	tcase_add_test(tcase, a_list_reports_each_entry);
	tcase_add_test(tcase, a_wrong_value_makes_no_second_error);
	tcase_add_test(tcase, many_errors_are_counted);
	tcase_add_test(tcase, one_slip_is_one_error);
	tcase_add_test(tcase, names_that_other_hosts_reject_are_warned_of);
	tcase_add_test(tcase, intended_settings_are_not_warned_of);
	tcase_add_test(tcase, wide_public_network_is_warned_of);
	tcase_add_test(tcase, local_domain_without_anonymous_clients_is_warned_of);
	tcase_add_test(tcase, valid_access_is_silent);
	tcase_add_test(tcase, connectors_with_conditions_share_a_space);
	tcase_add_test(tcase, authenticated_is_the_default_if_auth_is_on);
	tcase_add_test(tcase, registries_are_warned_of);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
