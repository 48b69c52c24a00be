#include "smtpd/pickup_round.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/fd.h"
#include "common/base/log.h"
#include "smtpd/pickup_bad.h"

/* ".mailroot-ID-" and as much of the file's own name as fits: an administrator may find it after a crash. */
enum { OWN_NAME_MAX = 200, CLAIM_PREFIX = sizeof(".mailroot-") - 1, CLAIM_HEAD = CLAIM_PREFIX + MSGID_LEN + 1 };

static bool claim_parse(const char *name, char id[MSGID_LEN + 1], const char **own)
{
	struct span text = span_of(name);
	if (!span_starts(text, SPAN(".mailroot-")) || text.len < CLAIM_HEAD || name[CLAIM_HEAD - 1] != '-')
		return false;
	*own = name + CLAIM_HEAD;
	return msgid_valid((struct span){name + CLAIM_PREFIX, MSGID_LEN}) &&
	       span_copy((struct span){name + CLAIM_PREFIX, MSGID_LEN}, id, MSGID_LEN + 1);
}

/* NAME becomes ours alone: whoever writes a file of this name from now on writes another file. */
static int claim(struct pickup_place *place, const char *name, char *claimed, char id[MSGID_LEN + 1])
{
	unsigned char random[MSGID_RANDOM];
	int fd = place->folder.fd;
	fd_random(random, sizeof(random));
	msgid_make(clock_wall_ms(), random, id);
	snprintf(claimed, NAME_MAX + 1, ".mailroot-%s-%.*s", id, OWN_NAME_MAX, name);
	int done = renameat2(fd, name, fd, claimed, RENAME_NOREPLACE);
	if (done < 0 && errno == EINVAL) /* not on every network file system; nobody else has this name */
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
	str_printf(&reason, "The file \"%s\" of %s, which belongs to uid %u, could not be sent: %s.\n", shown,
		   place->folder.path, (unsigned)place->file.uid, place->file.why);
	int error = p->badmail_fd < 0
			    ? -ENOENT
			    : pickup_bad_move(place->folder.fd, claimed, p->badmail_fd, id, str_span(&reason));
	if (error) {
		snprintf(why, sizeof(why), "bad files can't be moved to %.150s: %s", p->child->server->badmail_dir,
			 strerror(-error));
		pickup_trouble_own(&place->trouble, why);
	} else {
		pickup_trouble_bad(&place->trouble, name, place->file.why);
		log_warning("id=%s client=%s uid=%u file=\"%s\" status=badmail reason=\"%s\"", id,
			    client_of(&place->file), (unsigned)place->file.uid, shown, place->file.why);
	}
	str_free(&reason);
}

static void log_sent(const struct pickup_file *f, const char *id, const char *name)
{
	char shown[PICKUP_SHOWN_MAX];
	span_quotable(span_of(name), shown, sizeof(shown));
	log_info("id=%s client=%s uid=%u file=\"%s\" from=<%s> nrcpt=%zu size=%llu%s status=accepted", id, client_of(f),
		 (unsigned)f->uid, shown, f->submission.sender, f->rcpts.count, (unsigned long long)f->octets,
		 f->stuffed ? " dots=removed" : "");
}

static void send_claimed(struct pickup *p, struct pickup_place *place, const char *claimed, const char *id,
			 const char *name)
{
	place->file.server = p->child->server;
	switch (pickup_file_send(&place->file, claimed, name, id)) {
	case PICKUP_SENT:
		place->sent++;
		log_sent(&place->file, id, name);
		break;
	case PICKUP_BAD:
		place->sent++;
		move_bad(p, place, claimed, id, name);
		break;
	case PICKUP_LATER:
		place->waiting++;
		if (place->file.why[0])
			pickup_trouble_own(&place->trouble, place->file.why);
		break;
	}
}

static void claim_and_send(struct pickup *p, struct pickup_place *place, const char *name)
{
	char claimed[NAME_MAX + 1], id[MSGID_LEN + 1], why[PICKUP_WHY_MAX];
	int error = claim(place, name, claimed, id);
	if (!error) {
		send_claimed(p, place, claimed, id, name);
	} else if (error != -ENOENT) {
		snprintf(why, sizeof(why), "its files can't be renamed: %s", strerror(-error));
		pickup_trouble_own(&place->trouble, why);
	}
}

/* The staged message that was made of the claimed file ID; NULL when there is none. */
static struct pickup_staged *find_staged(const struct pickup *p, const char *id)
{
	for (size_t i = 0; i < p->staged_count; i++)
		if (strcmp(p->staged[i].id, id) == 0)
			return &p->staged[i];
	return NULL;
}

static void publish(struct pickup *p, const struct pickup_staged *staged)
{
	struct spool_file ours = p->store.file;
	p->store.file = staged->file;
	int error = pickup_file_publish(&p->store);
	p->store.file = ours;
	if (error)
		log_error("id=%s left by a reader before this one, can't be named in new/: %s", staged->id,
			  strerror(-error));
	else
		log_info("id=%s status=accepted, begun by a reader before this one", staged->id);
}

/* A file that was claimed, by us or by a reader before us, and is still there. */
static void resume(struct pickup *p, struct pickup_place *place, const char *claimed, const char *id, const char *name)
{
	struct pickup_staged *staged = find_staged(p, id);
	if (!staged) {
		send_claimed(p, place, claimed, id, name);
	} else if (unlinkat(place->folder.fd, claimed, 0) < 0 && errno != ENOENT) {
		pickup_trouble_own(&place->trouble, "its files can't be removed");
	} else {
		publish(p, staged);
		*staged = p->staged[--p->staged_count];
	}
}

static void take(struct pickup *p, struct pickup_place *place, const char *name)
{
	char id[MSGID_LEN + 1];
	const char *own;
	struct stat st;
	bool claimed = claim_parse(name, id, &own);
	enum pickup_look look =
		claimed && find_staged(p, id) ? PICKUP_READY : pickup_folder_look(&place->folder, name, claimed, &st);
	if (look == PICKUP_READY && claimed)
		resume(p, place, name, id, own);
	else if (look == PICKUP_READY)
		claim_and_send(p, place, name);
	else
		place->waiting += look != PICKUP_PASS;
	if (look > PICKUP_PASS)
		pickup_trouble_odd(&place->trouble, look, claimed ? own : name);
}

/* Once all claimed files have been seen, and those of staged messages are gone. */
static void publish_staged(struct pickup *p)
{
	for (size_t i = 0; i < PICKUP_PLACES; i++)
		if (!p->places[i].off && !p->places[i].seen)
			return;
	for (size_t i = 0; i < p->staged_count; i++)
		publish(p, &p->staged[i]);
	p->staged_count = 0;
}

static void keep_staged(void *context, struct spool_file *file)
{
	struct pickup *p = context;
	struct pickup_staged *staged = &p->staged[p->staged_count];
	if (p->staged_count == PICKUP_STAGED_MAX) {
		spool_release(file);
		return;
	}
	p->staged_count++;
	memcpy(staged->id, file->id, sizeof(staged->id));
	staged->file = *file;
	file->fd = -1;
}

/* Whoever was killed between naming a message and telling of it left it to the queue's next look. */
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
	struct spool_file file = {.fd = -1};
	int error = spool_staged(&p->spool, &file, keep_staged, p);
	if (error)
		log_error("can't look into %s/new for what a reader before this one left: %s", p->child->server->dir,
			  strerror(-error));
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

/* What is wrong with all places, for `status`, when it is not what was said last. */
static void say_trouble(struct pickup *p)
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

/* Files that are waited for are looked at again; the less often, the longer nothing becomes of any. */
static void end_round(struct pickup *p, struct pickup_place *place)
{
	int64_t idle = place->folder.remote || place->folder.inotify < 0 ? PICKUP_REMOTE_MS : PICKUP_IDLE_MS;
	place->seen = true;
	publish_staged(p);
	say_trouble(p);
	if (place->sent || place->again_ms < PICKUP_AGAIN_MS)
		place->again_ms = PICKUP_AGAIN_MS;
	place->next_ms = clock_mono_ms() + (place->waiting ? place->again_ms : idle);
	if (place->waiting && place->again_ms * 2 <= PICKUP_AGAIN_MAX_MS)
		place->again_ms *= 2;
}

static void begin_round(struct pickup_place *place)
{
	pickup_folder_hear(&place->folder);
	pickup_trouble_begin(&place->trouble);
	place->waiting = place->sent = 0;
}

void pickup_round_turn(struct pickup *p, struct pickup_place *place)
{
	const char *name = NULL;
	if (place->folder.fd < 0) {
		place->next_ms = clock_mono_ms() + (place->off ? PICKUP_IDLE_MS : PICKUP_REMOTE_MS);
		publish_staged(p);
		say_trouble(p);
		return;
	}
	if (!place->folder.listing)
		begin_round(place);
	for (int i = 0; i < PICKUP_TURN; i++) {
		name = pickup_folder_next(&place->folder);
		if (!name)
			break;
		take(p, place, name);
	}
	if (!name)
		end_round(p, place);
}
