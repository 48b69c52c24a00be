/* Any packet of an SMTP client to the signer: a signature, a refusal, or the end of its link; and the key that it
 * names. */
#include <string.h>

#include "delivery/auth/signer_process.h"
#include "t/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dkim_key *keys[3]; /* the first and the last can't be used */
	struct signer_question question;
	struct signer_answer answer;
	uint8_t signature[DKIM_SIGNATURE_MAX];
	size_t len;
	if (!keys[1])
		keys[1] = dkim_key_make(DKIM_ED25519_SHA256, 0);
	size_t got = signer_answer_question(keys, 3, (struct span){(const char *)data, size}, &answer);
	MUST(got <= sizeof(answer));
	if (size == sizeof(question))
		memcpy(&question, data, sizeof(question));
	if (size != sizeof(question) || question.key >= 3) {
		MUST(!got);
		return 0;
	}
	MUST(got >= SIGNER_ANSWER_HEAD && answer.serial == question.serial);
	len = got - SIGNER_ANSWER_HEAD;
	MUST((len > 0) == (question.key == 1));
	if (!len)
		return 0;
	MUST(dkim_key_sign(keys[1], question.hash, signature, &got) && got == len);
	MUST(!memcmp(answer.signature, signature, len));
	return 0;
}
