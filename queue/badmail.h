/*
 * The way into a badmail folder that lies on another file system than the spool, where no rename leads: a copy. The one
 * case in which the queue reads a whole message and waits for a disk; it is rare, and what it takes is one message.
 */
#ifndef QUEUE_BADMAIL_H
#define QUEUE_BADMAIL_H

/* How the reason of mail begins that an operator deleted: it is kept for 7 days only. */
#define BADMAIL_DELETED "Deleted by an operator"

/*
 * Copies the file FROM, from its start, to NAME in FOLDER, replacing what a try before may have left there. Content and
 * name are durable when it returns 0; otherwise -errno, and nothing new lies under NAME.
 */
int badmail_copy(int from, int folder, const char *name);

#endif
