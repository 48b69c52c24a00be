/*
 * Marks: a summary of the sender and the recipient domains of a message, kept while the message is not loaded. With
 * them a selection (selection.h) need not read every file. Each domain sets three bits of 64; the sender is a hash. A
 * message without marks may have any sender and domains. Pure.
 */
#ifndef QUEUE_MODEL_MARKS_H
#define QUEUE_MODEL_MARKS_H

#include "common/base/span.h"

/* The bits of DOMAIN. */
uint64_t marks_domain(struct span domain);

/* The hash of SENDER, which is "<>" for the null sender; never 0, which means unknown. */
uint32_t marks_sender(struct span sender);

#endif
