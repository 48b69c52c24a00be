"""Exchange Online's side of client submission (smtp.office365.com), imitated: who may send, as whom, and how much.

Replies are those that Microsoft documents, or that others have shown in public. What the real service does with message 31 of a minute is
documented in two ways, so a test chooses one of them (OVER_RATE)."""
import collections
import email
import email.utils
import time

from auth_host import LOGIN, XOAUTH2, AuthHost, Session

CONNECTIONS, RATE, RATE_SECONDS, RECIPIENTS_A_DAY, IDLE_SECONDS = 3, 30, 60, 10000, 20
HOST = "BN8PR12CA0001.namprd12.prod.outlook.com"


class Exchange(AuthHost):
    """ACCEPTS(user, token): whether the token is valid and permits SMTP for this mailbox. Where it is not, or until PERMITTED_AT (time.monotonic)
    for a permission that is still on its way, the client hears 535 5.7.3; 535 5.7.139 while SMTP_AUTH is False.

    SEND_AS: (user, sender) pairs that the mailbox may send as, beside itself. MAX_SIZE: octets of a message.

    peak: the most connections that one mailbox has had at a time. refused: first words of all refusals."""

    def __init__(self, context, accepts, *, propagation=0, smtp_auth=True, send_as=(), max_size=25 << 20, over_rate="delay", idle=IDLE_SECONDS):
        self.smtp_auth, self.send_as, self.max_size, self.over_rate, self.idle = smtp_auth, set(send_as), max_size, over_rate, idle
        self.permitted_at = time.monotonic() + propagation
        self.in_use, self.peak, self.refused = collections.Counter(), collections.Counter(), []
        self.times, self.recipients = collections.defaultdict(collections.deque), collections.Counter()
        super().__init__(context, offer=(LOGIN, XOAUTH2), refusal="530 5.7.57 Client not authenticated to send mail.",
                         accepts=lambda user, token: time.monotonic() >= self.permitted_at and accepts(user, token))

    def enter(self, user):
        with self.lock:
            self.in_use[user] += 1
            self.peak[user] = max(self.peak[user], self.in_use[user])

    def leave(self, user):
        with self.lock:
            self.in_use[user] -= 1

    def wait_of(self, user):
        """Seconds until this mailbox may send its next message."""
        now = time.monotonic()
        with self.lock:
            times = self.times[user]
            while times and times[0] < now - RATE_SECONDS:
                times.popleft()
            if len(times) < RATE:
                times.append(now)
                return 0
            return times[0] + RATE_SECONDS - now


class ExchangeSession(Session):
    sender = None

    def run(self):
        self.connection.settimeout(self.host.idle)
        try:
            return super().run()
        finally:
            if self.user:
                self.host.leave(self.user)

    def refuse(self, text):
        with self.host.lock:
            self.host.refused.append(" ".join(text.split()[:2]))
        return text

    def hello(self):
        words = [f"{HOST} Hello [127.0.0.1]", f"SIZE {150 << 20}", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES"]
        words += ["AUTH LOGIN XOAUTH2"] if self.secured else ["STARTTLS"]
        words += ["8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8"]
        self.say("\r\n".join(f"250{'-' if i + 1 < len(words) else ' '}{word}" for i, word in enumerate(words)))

    def auth(self, mechanism, initial=None):
        if not self.secured:
            self.say(self.refuse("530 5.7.57 Client not authenticated to send mail."))
        elif mechanism == LOGIN:
            self.ask("Username:")
            self.ask("Password:")
            self.say(self.refuse("550 5.7.30 Basic authentication is not supported for Client Submission."))
        else:
            super().auth(mechanism, initial)

    def auth_bearer(self, response):
        if not self.host.smtp_auth:
            self.say(self.refuse("535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. "
                                 "Visit https://aka.ms/smtp_auth_disabled for more information."))
            return
        super().auth_bearer(response)
        if self.user:
            self.host.enter(self.user)

    def mail(self, argument):
        self.sender = argument.partition("<")[2].partition(">")[0]
        super().mail(argument)

    def may_send_as(self, address):
        user = self.user.lower()
        return address.lower() == user or (user, address.lower()) in self.host.send_as

    def take(self, text):
        message = email.message_from_string(text)
        authors = [address for _, address in email.utils.getaddresses(message.get_all("From", []))]
        stranger = next((address for address in [self.sender, *authors] if not self.may_send_as(address)), None)
        if self.host.in_use[self.user] > CONNECTIONS:
            return self.refuse(f"432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information. [Hostname={HOST}]")
        if stranger is not None:
            return self.refuse(f"554 5.2.252 SendAsDenied; {self.user} not allowed to send as {stranger}; STOREDRV.Submission.Exception:"
                               "SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message due to a permanent exception with message "
                               "[BeginDiagnosticData]Cannot submit message. 0.35250:0A00A280[EndDiagnosticData]")
        if len(text) > self.host.max_size:
            return self.refuse("554 5.2.270 The message is larger than this mailbox may send.")
        if self.host.recipients[self.user] + len(self.rcpts) > RECIPIENTS_A_DAY:
            return self.refuse("554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a permanent exception")
        return self.in_time(text)

    def in_time(self, text):
        while (wait := self.host.wait_of(self.user)) > 0:
            if self.host.over_rate != "delay":
                return self.refuse("432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded")
            time.sleep(wait)
        self.host.recipients[self.user] += len(self.rcpts)
        super().take(text)
        return f"250 2.0.0 OK <{len(self.host.messages)}@{HOST}> [Hostname={HOST}]"


Exchange.session = ExchangeSession
