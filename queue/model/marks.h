/*
 * Marks: what a message shows of its sender and its domains while only its name is in memory, so that a selection
 * (selection.h) need not read every file. Three bits of 64 for each domain of a recipient, and a hash of the sender. A
 * message without marks may have any. Pure.
 */
#ifndef QUEUE_MODEL_MARKS_H
#define QUEUE_MODEL_MARKS_H

#include "common/base/span.h"

/* The bits of DOMAIN. */
uint64_t marks_domain(struct span domain);

/* The hash of SENDER, "<>" for the null sender; never 0, which means that it is not known. */
uint32_t marks_sender(struct span sender);

#endif
