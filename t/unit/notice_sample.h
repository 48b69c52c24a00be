/* A message with four recipients, and its journal, about which there is a notice. */
#ifndef T_UNIT_NOTICE_SAMPLE_H
#define T_UNIT_NOTICE_SAMPLE_H

#include "common/mail/envelope.h"

static const char notice_id[] = "00000000BBBBBBBBBBBBBBBB";

static const char journal_text[] =
	"2026-11-21T01:00:00Z 0-3 delayed 451 4.3.0 mx.example.net[192.0.2.1]:25 later\n"
	"2026-11-21T02:00:00Z 0-1 failed 550 5.1.1 mx.example.net[192.0.2.1]:25 no such user here\n"
	"2026-11-21T02:00:00Z 2 delivered 250 2.0.0 mx.example.net[192.0.2.1]:25 ok\n"
	"not a line of ours\n"
	"2026-11-21T02:00:00Z 3-4000000 failed 0 4.4.7 - expired after 2d; last: and so on\n"
	"2026-11-21T02:30:00Z 1 noticed 0 - - 00000000CCCCCCCCCCCCCCCC\n"
	"2026-11-21T02:30:00Z 2 failed 550 5.1.1 mx.example.net[192.0.2.1]:25 torn";

#define DELAYED(time, ordinals) "2026-11-21T" time ":00Z " ordinals " delayed 451 4.3.0 mx[192.0.2.1]:25 later\n"

static struct address rcpts[4] = {{.text = SPAN("b@example.net")},
				  {.text = SPAN("c@example.net")},
				  {.text = SPAN("d@example.net")},
				  {.text = SPAN("e@example.net")}};
static struct dsn_rcpt dsn_rcpts[4] = {{.notify = DSN_FAILURE, .orcpt = SPAN("rfc822;B+2Bx@example.org")}};
/* test_local_notice_facts.c has no use for it. */
__attribute__((unused)) static struct envelope envelope = {.sender = {.text = SPAN("a@example.com")},
							   .rcpts = rcpts,
							   .rcpt_count = 4,
							   .body_at = 6,
							   .dsn = {.envid = SPAN("QQ+20314")},
							   .dsn_rcpts = dsn_rcpts};

#endif
