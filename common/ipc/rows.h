/*
 * What master, a queue and an smtpd answer to mailrootctl: the kinds of ctl_row and the cells of each, in order. Cells
 * are joined by ROW_SEPARATOR and hold printable ASCII only; a cell without value is empty. Numbers are decimal. A
 * listing ends with ctl_done, whose text is for people.
 */
#ifndef COMMON_IPC_ROWS_H
#define COMMON_IPC_ROWS_H

enum { ROW_SEPARATOR = 0x1f };

/* queue_act.action; badmail_act knows ROW_RESEND and ROW_DELETE. */
enum row_action { ROW_RETRY = 1, ROW_DELETE, ROW_HOLD, ROW_RELEASE, ROW_BOUNCE, ROW_RESEND, ROW_ACTION_COUNT };

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
 * queue_act: how many messages are meant (count_only) or were acted upon; then, of the others that are meant, how many
 * somebody has in hand just now, how many are so already or can't be so (held ones are not tried again, only held ones
 * released), and how many failed, as the log tells. badmail_act: the first and the last of these.
 */
#define ROW_COUNT "count"

/* ... and while it takes long, as of queue_list and badmail_list, one a second: how many were looked at. */
#define ROW_PROGRESS "progress"

/*
 * badmail_list and badmail_show, one a message: id, seconds since it came here, seconds until it is removed, size,
 * sender, recipients who don't have it, the first of them, why it is here (one line). Where the file is no message of
 * ours sender and recipients are empty.
 */
#define ROW_BADMAIL "badmail"

/* badmail_show: then ROW_RECIPIENT (without next hop) and ROW_HISTORY, and one of these a line of its reason. */
#define ROW_REASON "reason"

/* queue_test: one of these for each line that is said: by (we | host; empty = it happened), text. */
#define ROW_SAID "said"

/* ... and at the end: id, event (delivered | relayed | delayed | failed), code, enhanced, host (empty = we), text. */
#define ROW_OUTCOME "outcome"

/* queue_status, one a fact: name, value. Names: messages, active, waiting, workers_delivery, workers_local, ... */
#define ROW_FACT "fact"

/* ... and one of these for each thing that keeps mail waiting: what it is ("drop folder", "next hop"), its name, why.
 */
#define ROW_TROUBLE "trouble"

/* queue_status with detail, one a next hop in use: name, jobs waiting, jobs at workers, connections, state
 * (up | resolving | down), seconds until the next try, last reason. */
#define ROW_NEXT_HOP "next_hop"

/* ctl_status to master: one of these: version, pid, seconds since the start, configuration file, reloads so far,
 * seconds until the last reload is taken back unless it is confirmed (empty = nothing waits), whether what is in force
 * is not the file's, as one was taken back (yes, or empty). */
#define ROW_SERVICE "service"

/* ... one a virtual server: name, state (trouble | starting | running | pausing | paused | failed | ending | stopping |
 * stopped), trouble (empty = none; of a server that runs: what it could not take over), listeners ("127.0.0.1:25
 * [::1]:25"). */
#define ROW_SERVER "server"

/* ... and one a child: server, role, state (restarting | starting | ready | retiring | replacing | stopping | stopped |
 * failed), pid (0 =
 * none), seconds since its start, restarts, how the one before ended (empty = there was none). */
#define ROW_PROCESS "process"

/* ... one for each thing that a child says should be mended: server, role, pid of who said it (it may be gone), text.
 */
#define ROW_ATTENTION "attention"

/* explain_relay to smtpd, first: verdict (accepted | refused), the reply as the client would see it ("250 2.1.5 ...",
 * "550 5.7.1 Unable to relay for user@example.net"). A request that can't be answered has no row, only ctl_done. */
#define ROW_VERDICT "verdict"

/* ... then one a rule, in the order in which they were looked at, connection control first, the last decided: file:line
 * (empty = a default), the rule in words. ctl_done says the smallest change that would turn the verdict, if there is
 * one. */
#define ROW_RULE "rule"

/* explain_route to a queue, first: kind (drop | hosts | mx | literal | none), the next hop or folder, the outbound
 * block that holds, the block whose user authenticates, why there is no way or mail waits, the sender that the host
 * hears of when masquerade_domain makes him another one. Then ROW_RULE, as above. */
#define ROW_ROUTE "route"

/* ... one for each block that fits the domain, too, and for the smart host, if not asked: file:line, what it is, why it
 * has not the mail. */
#define ROW_PASSED "passed"

/* ... one for each outbound setting that holds and that the queue knows: name, value. */
#define ROW_SETTING "setting"

/* ... one a name that was asked for: name, what was asked (mx | address), the answer (found | later | never), status
 * code, text. The hosts below are those of mail on its way, if there is any, though DNS may say something new. */
#define ROW_LOOKUP "lookup"

/* ... one a host in the order of trial: name, address, port, what is asked of it in TLS, in words, its turn (empty: it
 * is left out for now), how it is (well | sick: it did not answer lately | due: to be tried again), seconds until a
 * sick one is due, its weight (empty: none). */
#define ROW_HOST "host"

/* ... one a limit: of what, at most, now (empty: not counted), by which setting (empty: by how it has gone so far). */
#define ROW_LIMIT "limit"

/* ... and the ROW_NEXT_HOP of queue_status when there was mail for it lately. ctl_done has advice, if there is any. */

/* smtpd_status: ROW_FACT as from a queue. Names: sessions, idle, processes, max. ctl_done has a warning, if there is
 * one. smtpd_sessions: one of these a session: id, client, seconds since its start, what it does in words, seconds
 * since its last command, messages taken, the name that the client gave in HELO (empty: none).
 */
#define ROW_SESSION "session"

/* ... and when there are more than go into one answer: the `from` to ask with for the rest. */
#define ROW_NEXT "next"

/* smtpd_kick: ROW_COUNT, how many sessions were told to end. */

#endif
