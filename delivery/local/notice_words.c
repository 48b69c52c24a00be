#include "delivery/local/notice_words.h"

#include "common/mail/provider_reply.h"

enum {
	ADVICE_SUBJECTS = 8,
	ADVICE_SIZE = 8,
	ADVICE_PROOF,   /* the next hop requires authentication */
	ADVICE_SEND_AS, /* our mailbox there may not send as the sender */
	ADVICE_QUOTA,   /* it has sent as much as it may */
	ADVICE_COUNT
}; /* subjects of RFC 3463, 0 = any other; and more */

static const char *const words_of[CONFIG_LANGUAGE_COUNT][WORDS_COUNT] = {
	[CONFIG_LANGUAGE_EN] =
		{
			[WORDS_FROM] = "Mail delivery",
			[WORDS_SERVER] = "This is the mail server $1, with news about your message:",
			[WORDS_GAVE_UP] = "This server has tried for $1 and gives up. The last attempt:",
			[WORDS_SAID] = "The server $1 said:",
			[WORDS_NO_WAY] = "This server could not pass it on to $1:",
			[WORDS_OURS] = "This server says:",
			[WORDS_MORE] = "... and $1 more recipients; the report below lists all of them.",
			[WORDS_LOGS] =
				"In the log of this server the message is $1. For help write to its postmaster, <$2>.",
			[WORDS_REST] = "A report for mail programs follows, and your message or its headers.",
		},
	[CONFIG_LANGUAGE_JA] =
		{
			[WORDS_FROM] = "メール配信",
			[WORDS_SERVER] = "メールサーバー $1 から、お送りになった次のメールについてお知らせします。",
			[WORDS_GAVE_UP] = "このサーバーは $1 の間配信を試みましたが、断念しました。最後の結果:",
			[WORDS_SAID] = "サーバー $1 の応答:",
			[WORDS_NO_WAY] = "このサーバーから $1 へ渡せませんでした:",
			[WORDS_OURS] = "このサーバーの説明:",
			[WORDS_MORE] = "... ほか $1 名。すべての宛先は後に続く報告にあります。",
			[WORDS_LOGS] =
				"このサーバーの記録では、メールの番号は $1 です。お問い合わせは管理者 <$2> まで。",
			[WORDS_REST] = "この後に、メールソフト向けの報告と、元のメールまたはそのヘッダーが続きます。",
		},
};

static const char *const subjects[CONFIG_LANGUAGE_COUNT][NOTICE_ACTION_COUNT] = {
	[CONFIG_LANGUAGE_EN] = {"Notice", "Undelivered", "Delayed", "Relayed", "Passed on", "Delivered"},
	[CONFIG_LANGUAGE_JA] = {"【通知】", "【配信不能】", "【配信遅延】", "【中継済み】", "【転送済み】",
				"【配信完了】"},
};

static const char *const headings[CONFIG_LANGUAGE_COUNT][NOTICE_ACTION_COUNT] = {
	[CONFIG_LANGUAGE_EN] =
		{
			"",
			"It could NOT be delivered to these recipients, and no further attempt will be made:",
			"It is delayed for these recipients. Nothing is lost, and you need not do anything: this server keeps trying until $1.",
			"It was passed on for these recipients to a server that sends no confirmations: it should arrive, but there will be no further notice.",
			"These addresses are groups or lead elsewhere. It was passed on to all that belong to them, and there will be no further notice of success:",
			"It was delivered to these recipients:",
		},
	[CONFIG_LANGUAGE_JA] =
		{
			"",
			"次の宛先には配信できませんでした。これ以上の配信は行いません。",
			"次の宛先への配信が遅れています。メールは失われておらず、何もなさる必要はありません。\r\nこのサーバーは $1 まで配信を続けます。",
			"次の宛先へのメールは、配信確認を送らないサーバーに引き渡しました。\r\n届くはずですが、この後の通知はありません。",
			"次の宛先はグループまたは転送用のアドレスです。\r\nその先のすべてのアドレスに送りました。配信完了の通知はこの後ありません。",
			"次の宛先に配信しました。",
		},
};

static const char *const advices[CONFIG_LANGUAGE_COUNT][ADVICE_COUNT] = {
	[CONFIG_LANGUAGE_EN] =
		{
			[0] = "Check the address and the text above, and send the message again, or tell postmaster.",
			[1] = "Check the address for a typing mistake, and send the message again.",
			[2] = "The mailbox accepts no mail at present. Try again later, or reach the recipient another way.",
			[3] = "The receiving system does not accept this message. Ask its administrator, or reach the recipient another way.",
			[4] = "The receiving system could not be reached. Send the message again later; if it fails again, tell postmaster.",
			[5] = "The two mail systems did not understand each other. Tell postmaster.",
			[6] = "The receiving system can't handle the form of this message. Send it in another form, for instance as plain text.",
			[7] = "The receiving system refuses this message by a rule of its own. Ask its administrator, or reach the recipient another way.",
			[ADVICE_SIZE] =
				"The message is too large. Send a smaller one, for instance with a link in place of the attachment.",
			[ADVICE_PROOF] =
				"The next mail system requires this server to authenticate, which failed. That is no fault of yours or of the recipient. Tell postmaster.",
			[ADVICE_SEND_AS] =
				"The next mail system takes mail of this server only from another sender address. That is no fault of yours or of the recipient. Tell postmaster.",
			[ADVICE_QUOTA] =
				"This server has sent as much mail as the next mail system takes in a day. Send the message again tomorrow, and tell postmaster.",
		},
	[CONFIG_LANGUAGE_JA] =
		{
			[0] = "宛先と上記の説明をご確認のうえ再送するか、管理者にお知らせください。",
			[1] = "宛先に誤りがないかご確認のうえ、再送してください。",
			[2] = "宛先のメールボックスは現在メールを受け取れません。後ほど再送するか、別の方法でご連絡ください。",
			[3] = "受信側のシステムがこのメールを受け付けません。受信側の管理者に問い合わせるか、別の方法でご連絡ください。",
			[4] = "受信側のシステムに接続できませんでした。後ほど再送し、再び失敗するときは管理者にお知らせください。",
			[5] = "双方のメールシステムのやり取りに問題がありました。管理者にお知らせください。",
			[6] = "受信側のシステムはこのメールの形式を受け取れません。テキスト形式など、別の形式で再送してください。",
			[7] = "受信側の規則により拒否されました。受信側の管理者に問い合わせるか、別の方法でご連絡ください。",
			[ADVICE_SIZE] =
				"メールが大きすぎます。添付ファイルの代わりにリンクを使うなどして、小さくして再送してください。",
			[ADVICE_PROOF] =
				"次のメールサーバーがこのサーバーに認証を求めましたが、認証できませんでした。送信者や宛先の誤りではありません。管理者にお知らせください。",
			[ADVICE_SEND_AS] =
				"次のメールサーバーは、このサーバーからのメールを別の差出人アドレスでしか受け付けません。送信者や宛先の誤りではありません。管理者にお知らせください。",
			[ADVICE_QUOTA] =
				"このサーバーは、次のメールサーバーが一日に受け付けるメールの上限に達しました。翌日に再送し、管理者にもお知らせください。",
		},
};

const char *notice_words(enum config_language language, enum notice_words words)
{
	return words_of[language][words] ? words_of[language][words] : "";
}

const char *notice_subject(enum config_language language, enum notice_action action)
{
	return subjects[language][action];
}

const char *notice_heading(enum config_language language, enum notice_action action)
{
	return headings[language][action];
}

static size_t advice_by_status(struct enhanced status)
{
	bool size = (status.subject == 3 && status.detail == 4) || (status.subject == 2 && status.detail == 3);
	bool proof = status.subject == 7 && status.detail == 8;
	size_t subject = status.subject < ADVICE_SUBJECTS ? status.subject : 0;
	return size ? ADVICE_SIZE : proof ? ADVICE_PROOF : subject;
}

const char *notice_advice(enum config_language language, const struct journal_line *cause)
{
	static const size_t by_words[PROVIDER_REPLY_COUNT] = {
		[PROVIDER_SEND_AS] = ADVICE_SEND_AS, [PROVIDER_QUOTA] = ADVICE_QUOTA, [PROVIDER_SIZE] = ADVICE_SIZE};
	size_t advice = by_words[provider_reply_of(cause->code, cause->enhanced, cause->text)];
	return advices[language][advice ? advice : advice_by_status(cause->enhanced)];
}

void notice_say(struct str *to, const char *text, struct span first, struct span second)
{
	for (; *text; text++) {
		if (*text == '$' && (text[1] == '1' || text[1] == '2'))
			str_append(to, *++text == '1' ? first : second);
		else
			str_append_c(to, *text);
	}
}
