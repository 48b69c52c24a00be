#include "smtpd/pickup/pickup_round.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/language.h"
#include "common/base/log.h"
#include "common/ipc/counters.h"
#include "smtpd/pickup/pickup_bad.h"
#include "smtpd/pickup/pickup_notice.h"

/* ".mailroot-ID-" and as much of the original name as fits, so that an administrator recognizes it after a crash. */
enum { OWN_NAME_MAX = 200, CLAIM_PREFIX = sizeof(".mailroot-") - 1, CLAIM_HEAD = CLAIM_PREFIX + MSGID_LEN + 1 };

/* True if NAME has the form of a claimed file. A user may choose such a name, so ID never becomes the id of a message.
 */
static bool claim_parse(const char *name, char id[MSGID_LEN + 1], const char **own)
{
	struct span text = span_of(name);
	if (!span_starts(text, SPAN(".mailroot-")) || text.len < CLAIM_HEAD || name[CLAIM_HEAD - 1] != '-')
		return false;
	if (!msgid_valid((struct span){name + CLAIM_PREFIX, MSGID_LEN}))
		return false;
	*own = name + CLAIM_HEAD;
	return span_copy((struct span){name + CLAIM_PREFIX, MSGID_LEN}, id, MSGID_LEN + 1);
}

/* Renames NAME to a claimed name with a new id. A file that gets the name NAME later is another file. OWN is the name
 * that its writer chose. */
static int claim(struct pickup_place *place, const char *name, const char *own, char *claimed, char id[MSGID_LEN + 1])
{
	unsigned char random[MSGID_RANDOM];
	int fd = place->folder.fd;
	fd_random(random, sizeof(random));
	msgid_make(clock_wall_ms(), random, id);
	snprintf(claimed, NAME_MAX + 1, ".mailroot-%s-%.*s", id, OWN_NAME_MAX, own);
	int done = renameat2(fd, name, fd, claimed, RENAME_NOREPLACE);
	if (done < 0 && errno == EINVAL) /* some network file systems lack the flag; no other file has this name */
		done = renameat(fd, name, fd, claimed);
	return done < 0 ? -errno : 0;
}

static const char *client_of(const struct pickup_file *f)
{
	return f->maildrop ? "sendmail" : "pickup";
}

static void move_bad(struct pickup *p, struct pickup_place *place, const char *claimed, const char *id,
		     const char *name)
{
	char shown[PICKUP_SHOWN_MAX], why[PICKUP_WHY_MAX];
	struct str reason;
	str_init(&reason, 2048);
	span_quotable(span_of(name), shown, sizeof(shown));
	str_printf(&reason, N_("The file \"%s\" of uid %u in %s could not be sent: %s.\n"), shown,
		   (unsigned)place->file.uid, place->folder.path, place->file.why);
	int err = p->badmail_fd < 0 ? -ENOENT
				    : pickup_bad_move(place->folder.fd, claimed, p->badmail_fd, id, str_span(&reason));
	if (err) {
		snprintf(why, sizeof(why), N_("can't move bad files to %.150s: %s"), p->child->server->badmail_dir,
			 strerror(-err));
		pickup_trouble_own(&place->trouble, why);
	} else {
		count(place->file.badmail);
		pickup_trouble_bad(&place->trouble, id, name, place->file.why);
		log_warning("id=%s client=%s uid=%u file=\"%s\" status=badmail reason=\"%s\"", id,
			    client_of(&place->file), (unsigned)place->file.uid, shown, place->file.why);
	}
	str_free(&reason);
}

static void count_sent(const struct pickup_file *f)
{
	bool sendmail = f->maildrop;
	count(sendmail ? COUNTER_RECEIVED_SENDMAIL : COUNTER_RECEIVED_PICKUP);
	count_by(sendmail ? COUNTER_RECEIVED_OCTETS_SENDMAIL : COUNTER_RECEIVED_OCTETS_PICKUP, f->message.octets);
	count_by(sendmail ? COUNTER_RECEIVED_RCPTS_SENDMAIL : COUNTER_RECEIVED_RCPTS_PICKUP, f->message.rcpt_count);
}

static void log_sent(const struct pickup_file *f, const char *id, const char *name)
{
	char shown[PICKUP_SHOWN_MAX];
	span_quotable(span_of(name), shown, sizeof(shown));
	log_info("id=%s client=%s uid=%u file=\"%s\" from=<%s> nrcpt=%zu size=%llu%s status=accepted", id, client_of(f),
		 (unsigned)f->uid, shown, f->message.sender, f->message.rcpt_count,
		 (unsigned long long)f->message.octets, f->stuffed ? " dots=removed" : "");
}

static void log_discarded(const struct pickup_file *f, const char *id, const char *name)
{
	char shown[PICKUP_SHOWN_MAX];
	span_quotable(span_of(name), shown, sizeof(shown));
	log_info("id=%s client=%s uid=%u file=\"%s\" from=<%s> status=discarded by=filter", id, client_of(f),
		 (unsigned)f->uid, shown, f->submission.sender);
}

static void log_refused(const struct pickup_file *f, const char *id)
{
	const struct submission *s = &f->submission;
	char shown[PICKUP_SHOWN_MAX], notice[MSGID_LEN + 1];
	pickup_notice_id(id, notice);
	for (size_t i = 0; i < s->refused_count && i < SUBMISSION_REFUSED_MAX; i++) {
		span_quotable(s->refused[i].text, shown, sizeof(shown));
		log_warning("id=%s client=%s status=refused field=%.*s text=\"%s\" reason=\"%s\" notice=%s", id,
			    client_of(f), s->refused[i].field.len < 40 ? (int)s->refused[i].field.len : 40,
			    s->refused[i].field.at, shown, s->refused[i].why,
			    pickup_notice_wanted(s) ? notice : "none");
	}
}

/* Remembers the staged message NAME; without room the next process takes it. */
static void keep_staged(struct pickup *p, const char *name, bool alone)
{
	if (p->staged_count == PICKUP_STAGED_MAX)
		return;
	struct pickup_staged *staged = &p->staged[p->staged_count++];
	span_copy(span_of(name), staged->name, sizeof(staged->name));
	staged->alone = alone;
}

static void keep_unnamed(struct pickup *p, const struct spool_file *file)
{
	if (file->staged)
		keep_staged(p, file->name, true);
	p->unnamed = true;
}

static void send_claimed(struct pickup *p, struct pickup_place *place, const char *claimed, const char *id,
			 const char *own)
{
	place->file.server = p->child->server;
	enum pickup_result result = pickup_file_send(&place->file, claimed, own, id);
	if (result == PICKUP_SENT || result == PICKUP_DISCARDED || result == PICKUP_UNNAMED) {
		if (place->file.discarded) {
			log_discarded(&place->file, id, own);
		} else {
			count_sent(&place->file);
			log_sent(&place->file, id, own);
		}
		log_refused(&place->file, id);
	}
	if (result == PICKUP_BAD)
		move_bad(p, place, claimed, id, own);
	if (result == PICKUP_UNNAMED) {
		keep_unnamed(p, &p->store.file);
		keep_unnamed(p, &place->file.notice);
	}
	if (result == PICKUP_LATER || result == PICKUP_UNNAMED)
		place->waiting++;
	else
		place->sent++;
	if (result != PICKUP_BAD && place->file.why[0])
		pickup_trouble_own(&place->trouble, place->file.why);
}

static void claim_and_send(struct pickup *p, struct pickup_place *place, const char *name, const char *own)
{
	char claimed[NAME_MAX + 1], id[MSGID_LEN + 1], why[PICKUP_WHY_MAX];
	int err = claim(place, name, own, claimed, id);
	if (!err) {
		send_claimed(p, place, claimed, id, own);
	} else if (err != -ENOENT) {
		snprintf(why, sizeof(why), N_("can't rename its files: %s"), strerror(-err));
		pickup_trouble_own(&place->trouble, why);
	}
}

/* The staged message that a previous process made of the file claimed as ID; NULL if there is none. */
static struct pickup_staged *find_staged(const struct pickup *p, const char *id)
{
	for (size_t i = 0; i < p->staged_count; i++)
		if (!p->staged[i].alone && memcmp(p->staged[i].name + 1, id, MSGID_LEN) == 0)
			return &p->staged[i];
	return NULL;
}

static void forget_staged(struct pickup *p, struct pickup_staged *staged)
{
	*staged = p->staged[--p->staged_count];
}

static int drop_one(struct pickup *p, const char *id)
{
	struct pickup_staged *staged = find_staged(p, id);
	int err = staged ? spool_remove_staged(&p->spool, staged->name) : 0;
	if (staged && (!err || err == -ENOENT))
		forget_staged(p, staged);
	return err == -ENOENT ? 0 : err;
}

/* Removes what a previous process staged of the file claimed as ID: it may be empty after a power failure. */
static bool drop_staged(struct pickup *p, struct pickup_place *place, const char *id)
{
	char why[PICKUP_WHY_MAX], notice[MSGID_LEN + 1];
	pickup_notice_id(id, notice);
	int err = drop_one(p, id), second = drop_one(p, notice);
	if (!err && !second)
		return true;
	snprintf(why, sizeof(why), N_("can't remove what a previous pickup process left in new/: %s"),
		 strerror(err ? -err : -second));
	pickup_trouble_own(&place->trouble, why);
	return false;
}

static void take(struct pickup *p, struct pickup_place *place, const char *name)
{
	char id[MSGID_LEN + 1];
	const char *own = name;
	struct stat st;
	bool claimed = claim_parse(name, id, &own);
	enum pickup_look look = pickup_folder_look(&place->folder, name, claimed, &st);
	bool waits = look == PICKUP_READY && p->unnamed;
	if (look != PICKUP_SKIP && claimed && !drop_staged(p, place, id))
		waits = true;
	if (look == PICKUP_READY && !waits)
		claim_and_send(p, place, name, own);
	else
		place->waiting += look != PICKUP_SKIP;
	if (look > PICKUP_SKIP)
		pickup_trouble_odd(&place->trouble, look, own);
}

/* 0: the message has its name, or it was torn and is removed. */
static int publish(struct pickup *p, const char *name)
{
	struct spool_file file = {.text.fd = -1};
	int err = spool_take_staged(&p->spool, name, &file);
	if (!err)
		err = pickup_file_publish(&p->store, &file);
	if (!err)
		log_info("id=%.*s status=accepted, published in new/ after a delay", MSGID_LEN, name + 1);
	return err == -EBADMSG || err == -ENOENT ? 0 : err;
}

/* Publishes the staged messages that are alone. */
static void publish_alone(struct pickup *p, struct pickup_place *place)
{
	char why[PICKUP_WHY_MAX];
	p->unnamed = false;
	for (size_t i = p->staged_count; i-- > 0;) {
		int err = p->staged[i].alone ? publish(p, p->staged[i].name) : 0;
		if (p->staged[i].alone && !err)
			forget_staged(p, &p->staged[i]);
		if (!err)
			continue;
		snprintf(why, sizeof(why), N_("can't rename a message in new/: %s"), strerror(-err));
		pickup_trouble_own(&place->trouble, why);
		p->unnamed = true;
	}
	place->waiting += p->unnamed;
}

/* When every folder has been searched, the files of the messages that are still staged are gone. */
static void publish_staged(struct pickup *p, struct pickup_place *place)
{
	for (size_t i = 0; i < PICKUP_PLACES; i++)
		if (!p->places[i].off && !p->places[i].seen)
			return;
	for (size_t i = 0; i < p->staged_count; i++)
		p->staged[i].alone = true;
	publish_alone(p, place);
}

static void found_staged(void *context, const char *name)
{
	keep_staged(context, name, false);
}

/* A process that was killed between rename and notification left a message that the queue does not know yet. */
static void ask_for_look(void)
{
	const struct wire_look look = {true};
	struct str packet;
	str_init(&packet, 16);
	if (wire_encode_look(&look, &packet))
		send(CHILD_FD_ARRIVALS, packet.at, packet.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	str_free(&packet);
}

void pickup_round_recover(struct pickup *p)
{
	int err = spool_staged(&p->spool, found_staged, p);
	if (err)
		log_error("can't search %s/new for what a previous pickup process left: %s", p->child->server->dir,
			  strerror(-err));
	ask_for_look();
}

void pickup_round_hear(struct pickup_place *place)
{
	int64_t after = pickup_folder_hear(&place->folder), now = clock_mono_ms();
	if (after < 0)
		return;
	place->again_ms = PICKUP_AGAIN_MS;
	if (now + after < place->next_ms)
		place->next_ms = now + after;
}

/* Reports the trouble of all places for `status` if it has changed. */
static void report_trouble(struct pickup *p)
{
	str_clear(&p->trouble);
	for (size_t i = 0; i < PICKUP_PLACES; i++)
		if (!p->places[i].off)
			pickup_trouble_write(&p->places[i].trouble, p->places[i].folder.path, p->child->config.user,
					     p->child->server->badmail_dir, &p->trouble);
	if (span_equal(str_span(&p->trouble), str_span(&p->said)))
		return;
	str_clear(&p->said);
	str_append(&p->said, str_span(&p->trouble));
	child_trouble(str_text(&p->said));
}

void pickup_round_forget_bad(struct pickup *p, struct pickup_place *place)
{
	if (pickup_trouble_over(&place->trouble, p->badmail_fd))
		report_trouble(p);
}

/* Files that wait are examined again, less often the longer none of them becomes ready. */
static void end_round(struct pickup *p, struct pickup_place *place)
{
	int64_t idle = place->folder.remote || place->folder.inotify < 0 ? PICKUP_REMOTE_MS : PICKUP_IDLE_MS;
	place->seen = true;
	publish_staged(p, place);
	report_trouble(p);
	if (place->sent || place->again_ms < PICKUP_AGAIN_MS)
		place->again_ms = PICKUP_AGAIN_MS;
	place->next_ms = clock_mono_ms() + (place->waiting ? place->again_ms : idle);
	if (place->waiting && place->again_ms * 2 <= PICKUP_AGAIN_MAX_MS)
		place->again_ms *= 2;
}

static void begin_round(struct pickup *p, struct pickup_place *place)
{
	pickup_folder_hear(&place->folder);
	pickup_trouble_begin(&place->trouble);
	place->waiting = place->sent = 0;
	publish_alone(p, place);
}

void pickup_round_turn(struct pickup *p, struct pickup_place *place)
{
	bool ended = false;
	if (place->folder.fd < 0) {
		place->next_ms = clock_mono_ms() + (place->off ? PICKUP_IDLE_MS : PICKUP_REMOTE_MS);
		publish_staged(p, place);
		report_trouble(p);
		return;
	}
	if (!place->folder.listing)
		begin_round(p, place);
	int64_t until = clock_mono_ms() + PICKUP_TURN_MS;
	for (int i = 0; i < PICKUP_TURN && !ended && !p->stop && clock_mono_ms() < until; i++) {
		const char *name = pickup_folder_next(&place->folder);
		ended = !name;
		if (name)
			take(p, place, name);
	}
	if (ended)
		end_round(p, place);
}
