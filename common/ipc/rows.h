/*
 * Answers of master, a queue and an smtpd to mailrootctl: the kinds of ctl_row and the cells of each, in order. Cells
 * are joined by ROW_SEPARATOR and hold printable ASCII only; a cell without value is empty. Numbers are decimal. A
 * listing ends with ctl_done, whose text is for people.
 */
#ifndef COMMON_IPC_ROWS_H
#define COMMON_IPC_ROWS_H

enum { ROW_SEPARATOR = 0x1f };

/*
 * queue_act.action; badmail_act knows ROW_RESEND and ROW_DELETE. ROW_YIELD: mailrootctl holds the lock of the message
 * and wants to copy it, or has removed its file.
 */
enum row_action {
	ROW_RETRY = 1,
	ROW_DELETE,
	ROW_HOLD,
	ROW_RELEASE,
	ROW_BOUNCE,
	ROW_RESEND,
	ROW_YIELD,
	ROW_ACTION_COUNT
};

/* ctl_done.exit_code of ctl_reload. ROW_PARTLY: the configuration is in force, but something could not be done. */
enum row_reload { ROW_RELOADED, ROW_REFUSED, ROW_PARTLY };

/* ctl_server.action */
enum row_server_action { ROW_START = 1, ROW_STOP, ROW_PAUSE, ROW_CONTINUE };

/*
 * queue_list, one a message: id, state (new | active | waiting | held | locked), size, sender ("<>" = null sender),
 * open recipients, all recipients, age in seconds, seconds until the next try, next hop, last reason, first open
 * recipient.
 */
#define ROW_MESSAGE "message"

/*
 * queue_show: one ROW_MESSAGE, then one of these a recipient: address, state (open | trying | delivered | delayed |
 * failed | noticed | deleted), next hop.
 */
#define ROW_RECIPIENT "recipient"

/* queue_show, the whole journal, one a line: time (ISO 8601), recipients ("0-4", "*"), event, code, enhanced, host,
 * text. */
#define ROW_HISTORY "history"

/*
 * queue_act: how many messages are selected (count_only) or were changed; then, of the other selected ones, how many
 * are being delivered just now, how many have that state already or can't get it (held ones are not tried again, only
 * held ones are released), and how many failed, with the reason in the log. badmail_act: the first and the last of
 * these.
 */
#define ROW_COUNT "count"

/* ... and during a long request, as of queue_list and badmail_list, one a second: how many messages were examined. */
#define ROW_PROGRESS "progress"

/*
 * badmail_list and badmail_show, one a message: id, seconds since it came here, seconds until it is removed, size,
 * sender, number of remaining recipients, the first of them, reason (one line). If the file is no message of Mailroot
 * sender and recipients are empty.
 */
#define ROW_BADMAIL "badmail"

/* badmail_show: then ROW_RECIPIENT (without next hop) and ROW_HISTORY, and one of these for each line of the reason. */
#define ROW_REASON "reason"

/* queue_test: one for each line of the dialogue: by (we | host; empty = an event), text. */
#define ROW_SAID "said"

/*
 * ... and at the end: id, event (delivered | relayed | delayed | failed), code, enhanced, host (empty = this server),
 * text.
 */
#define ROW_OUTCOME "outcome"

/* queue_status, one a fact: name, value. Names: messages, active, waiting, workers_delivery, workers_local, ... */
#define ROW_FACT "fact"

/* ... and one for each thing that mail waits for: what it is ("drop folder", "next hop"), its name, the reason. */
#define ROW_TROUBLE "trouble"

/*
 * queue_status with detail, one a next hop in use: name, jobs waiting, jobs at workers, connections, state (up |
 * resolving | down), seconds until the next try, last reason; messages that wait for it, held ones left out, and the
 * age of the oldest one in seconds (both empty: not counted yet). The last two come from a count that takes time, and
 * may be some seconds old.
 */
#define ROW_NEXT_HOP "next_hop"

/*
 * ... with detail, one for each file system that holds the spool, the badmail folder or a drop folder: the first such
 * folder on it, free octets (for ordinary users), all octets, free inodes, all inodes.
 */
#define ROW_FILE_SYSTEM "file_system"

/* oauth_act.action */
enum row_oauth_action { ROW_OAUTH_STATUS = 1, ROW_OAUTH_TEST, ROW_OAUTH_LOGIN, ROW_OAUTH_FORGET, ROW_OAUTH_IMPORT };

/*
 * oauth_act status, one a block: block ("connector partner"), mechanism, user, state (none | asking | valid | waiting |
 * login), seconds until the token ends (empty = there is none), seconds until the next request (empty = none is due),
 * last error, seconds since that error.
 */
#define ROW_TOKEN "token"

/* oauth_act test, one a claim of the token that came: name, value. */
#define ROW_CLAIM "claim"

/* oauth_act login: where the person signs in and with which code: URL, code, seconds until the code ends. */
#define ROW_SIGN_IN "sign_in"

/*
 * ctl_status to master: version, pid, seconds since the start, configuration file, reloads so far, seconds until the
 * last reload is undone unless it is confirmed (empty = none is on probation), whether a reload was undone, so that the
 * configuration in force differs from the file (yes, or empty).
 */
#define ROW_SERVICE "service"

/*
 * ... one a virtual server: name, state (trouble | starting | running | pausing | paused | failed | ending | stopping |
 * stopped), trouble (empty = none; of a running server: what it could not take over), listeners ("127.0.0.1:25
 * [::1]:25").
 */
#define ROW_SERVER "server"

/*
 * ... and one a child: server (empty: of the whole service), role, state (restarting | starting | ready | retiring |
 * replacing | stopping | stopped | failed), pid (0 = none), seconds since its start, restarts, how the previous one
 * ended (empty = there was none), version of its program (empty = not known yet).
 */
#define ROW_PROCESS "process"

/* ... one for each problem that a child reports: server (likewise), role, pid of the reporting process (it may be
 * gone), text. */
#define ROW_ATTENTION "attention"

/*
 * explain_relay to smtpd, first: verdict (accepted | refused), the client's reply ("250 2.1.5 ...", "550 5.7.1 Unable
 * to relay for user@example.net"). A request that can't be answered has no row, only ctl_done.
 */
#define ROW_VERDICT "verdict"

/*
 * ... then one a rule, in the order in which they were tried, connection control first, the deciding rule last:
 * file:line (empty = a default), the rule in words. ctl_done has the smallest change that would reverse the verdict, if
 * there is one.
 */
#define ROW_RULE "rule"

/*
 * ... and one for each limit of `client` that the client has: file:line (empty = a default), the setting, the address
 * or user that is counted, the maximum ("300/1m"), how many it has used now, what happens to one more (fits | refused |
 * logged | excepted), the reply to it or the entry of except_list, and where that entry is written (empty = a default).
 */
#define ROW_CLIENT_LIMIT "client_limit"

/*
 * ... and one for each DNS list and for the pause before the greeting: file:line, the setting (dnsbl | dnsbl_allow |
 * greet_pause), its value without the key of a customer, and what it means for the client (asked | waits | excepted |
 * authenticated | may_relay | postmaster).
 */
#define ROW_CLIENT_LIST "client_list"

/*
 * ... and one for each filter: file:line, its name, whether it sees the message (shown | commands: not the content,
 * which is too large | source | skip_list | authenticated: not at all), and with skip_list the entry and its file:line.
 */
#define ROW_CLIENT_FILTER "client_filter"

/*
 * explain_alias to smtpd: one row for each alias on the way, the recipient itself first: file:line, the alias. No row:
 * it is no alias. ctl_done has the reason if it can't be expanded.
 */
#define ROW_ALIAS "alias"

/* ... then one a member: the address. */
#define ROW_MEMBER "member"

/* explain_route to a queue, first: kind (drop | hosts | mx | literal | none), the next hop or folder, the outbound
 * block that holds, the block whose user authenticates, why there is no way or mail waits, the sender that the host
 * sees if masquerade_domain or send_as replaces it. Then ROW_RULE, as above. */
#define ROW_ROUTE "route"

/*
 * ... one for each other block that matches the domain, and for the smart host if it is not used: file:line, its name,
 * why it is not used.
 */
#define ROW_PASSED "passed"

/* ... one for each outbound setting that applies and that the queue knows: name, value. */
#define ROW_SETTING "setting"

/* ... one a name that was asked for: name, what was asked (mx | address), the answer (found | later | never), status
 * code, text. The hosts below are those of mail on its way, if there is any, though DNS may say something new. */
#define ROW_LOOKUP "lookup"

/* ... one a host in the order of trial: name, address, port, what is asked of it in TLS, in words, its turn (empty: it
 * is left out for now), how it is (well | sick: it did not answer lately | due: to be tried again), seconds until a
 * sick one is due, its weight (empty: none). */
#define ROW_HOST "host"

/*
 * ... one a limit: its subject, the maximum, the present value (empty: not counted), the setting that sets it (empty:
 * it follows from recent results).
 */
#define ROW_LIMIT "limit"

/* ... and the ROW_NEXT_HOP of queue_status when there was mail for it lately. ctl_done has advice, if there is any. */

/*
 * smtpd_status: one of these a file of recipients: path, state (good | kept: the file has a fault, and the list before
 * it stays | none: there is no list), entries, seconds since the file in force was changed.
 */
#define ROW_RECIPIENTS "recipients"

/* smtpd_status: one of these a certificate for TLS: file, when the first of its chain expires (seconds since 1970). */
#define ROW_CERTIFICATE "certificate"

/* smtpd_status: ROW_FACT as from a queue. Names: sessions, idle, processes, max. ctl_done has a warning, if there is
 * one. smtpd_sessions: one of these a session: id, client, seconds since its start, what it does in words, seconds
 * since its last command, messages taken, the name that the client gave in HELO (empty: none).
 */
#define ROW_SESSION "session"

/*
 * smtpd_clients: one of these a client or user that did something in the last hour: name, kind (address | user), open
 * connections (empty: a user), connections, messages, recipients, octets, errors and refusals by limits in that hour,
 * seconds since the last of them, the limit that it comes nearest to (empty: none), how full that is in percent,
 * seconds until one more fits (0: now).
 */
#define ROW_CLIENT "client"

/* ... and when one answer can't hold all: the `from` with which to ask for the rest. */
#define ROW_NEXT "next"

/* alert_test, one a way by which a test alert was sent: the way in words, result (good | failed), what was said. */
#define ROW_WAY "way"

/* smtpd_kick: ROW_COUNT, how many sessions were told to end. */

#endif
