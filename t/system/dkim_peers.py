"""Three verifiers of DKIM signatures from Debian, which are independent of one another and of Mailroot.

    keys = {"m1._domainkey.example.com": "v=DKIM1; k=rsa; p=..."}
    with OpenDkim(keys) as verifier:
        results = verifier.verify({"name": b"DKIM-Signature: ..."})    # {"name": {"m1": "pass"}}

The result of each signature, by its selector, is "pass" or what the verifier said instead. None of them asks DNS.
"""
import re

from peers import Peer

MESSAGES = "var/tmp/messages"


class Verifier(Peer):
    """One that has the public KEYS: the names of TXT records and their texts. `ed25519`: it can verify such signatures. `simple`: it sees
    the header as it arrived."""
    peer, ed25519, simple = None, True, True

    def __init__(self, keys):
        super().__init__(self.peer, linked=True)
        self.keys = keys
        self.write("etc/keys", "".join(f"{name} {text}\n" for name, text in keys.items()))

    def verify(self, messages):
        """MESSAGES are names and octets, with CR LF. A line of the output is NAME SELECTOR RESULT."""
        self.folder(MESSAGES)
        for name, octets in messages.items():
            self.write(f"{MESSAGES}/{name}", octets)
        results = {name: {} for name in messages}
        for line in self.output(list(messages)):
            name, selector, result = line.split(" ", 2)
            results[name][selector] = result
        return results

    def output(self, names):
        raise NotImplementedError

    @staticmethod
    def reads(message):
        """Whether it can read MESSAGE."""
        return True


PYTHON = rb"""
import sys
import dkim

keys = dict(line.rstrip("\n").split(" ", 1) for line in open("/etc/keys"))
for name in sys.argv[2:]:
    try:
        message = dkim.DKIM(open(f"{sys.argv[1]}/{name}", "rb").read())
    except dkim.MessageFormatError as e:
        print(name, "?", "unreadable", e)
        continue
    for i in range(sum(field.lower() == b"dkim-signature" for field, _ in message.headers)):
        try:
            result = "pass" if message.verify(i, dnsfunc=lambda asked, **_: keys.get(asked.decode().rstrip("."), "").encode()) else "fail"
        except Exception as e:
            result = f"permerror {type(e).__name__}: {e}"
        selector = message.signature_fields.get(b"s", b"?").decode()
        print(name, selector, result)
"""


class DkimPy(Verifier):
    """python3-dkim."""
    peer = "dkimpy"

    def output(self, names):
        self.write("verify.py", PYTHON)
        return self.run("/usr/bin/python3", "/verify.py", f"/{MESSAGES}", *names, LC_ALL="C.UTF-8").splitlines()

    @staticmethod
    def reads(message):
        """It refuses a blank in front of a colon, which RFC 5322 4.5 permits."""
        return not re.search(rb"^[!-9;-~]+[ \t]+:", message.partition(b"\r\n\r\n")[0], re.M)


PERL = rb"""
use strict;
use warnings;
use Mail::DKIM::Verifier;
use Net::DNS;

# Answers from the file, as Net::DNS::Resolver does.
package Keys;
sub new { my %keys; open my $file, '<', '/etc/keys' or die; while (<$file>) { chomp; my ($name, $text) = split / /, $_, 2; $keys{$name} = $text }
	return bless \%keys }
sub errorstring { 'NOERROR' }
sub send { my ($self, $name, $type) = @_; my $answer = Net::DNS::Packet->new($name, $type); $answer->header->qr(1);
	$answer->push(answer => Net::DNS::RR->new(name => $name, type => 'TXT', txtdata => [$self->{$name} =~ /(.{1,255})/g])) if $self->{$name};
	return $answer }

package main;
Mail::DKIM::DNS::resolver(Keys->new);
my $folder = shift;
for my $name (@ARGV) {
	my $verifier = Mail::DKIM::Verifier->new;
	open my $file, '<:raw', "$folder/$name" or die;
	local $/;
	$verifier->PRINT(<$file>);
	$verifier->CLOSE;
	printf "%s %s %s\n", $name, $_->selector, ($_->result eq 'pass' ? 'pass' : $_->result_detail =~ s{\s+}{ }gr) for $verifier->signatures;
}
"""


class MailDkim(Verifier):
    """Mail::DKIM of Perl. That of Debian 12 has RSA only."""
    peer = "maildkim"

    def __init__(self, keys):
        super().__init__(keys)
        self.ed25519 = self.run("/usr/bin/perl", "-e", "print eval { require Mail::DKIM::Algorithm::ed25519_sha256 } ? 1 : 0", LC_ALL="C") == "1"

    def output(self, names):
        self.write("verify.pl", PERL)
        return self.run("/usr/bin/perl", "/verify.pl", f"/{MESSAGES}", *names, LC_ALL="C").splitlines()


class OpenDkim(Verifier):
    """opendkim as a filter that gets messages from files, each field without the blanks behind its colon."""
    peer, simple = "opendkim", False

    def output(self, names):
        self.write("etc/opendkim.conf", "Syslog no\nMode v\nTestPublicKeys /etc/keys\nAuthservID mail.example.com\nMaximumHeaders 0\n")
        paths = ",".join(f"/{MESSAGES}/{name}" for name in names)
        said = self.run("/usr/sbin/opendkim", "-x", "/etc/opendkim.conf", "-v", "-v", "-t", paths)
        words = re.split(rf"^opendkim: /{MESSAGES}/(\S+): ", said, flags=re.M)  # a line with the name is the last one of a message
        found = []
        for text, name in zip(words[0::2], words[1::2]):
            for result in re.findall(r"\bdkim=([^;']*)", text):
                selector = re.search(r"header\.s=(\S+)", result)
                said = "pass" if result.startswith("pass ") else " ".join(result.split())
                found.append(f"{name} {selector[1] if selector else '?'} {said}")
        return found


ALL = (DkimPy, MailDkim, OpenDkim)
