# awk -f po/composed.awk po/ja.po: the messages of common/ and of the daemons, as strings of C (ctl/translate.c).
# settings.def has the texts of `config doc`, which no process sends.
/^#: / { sub(/common\/config\/settings.def/, ""); ours = ours || $0 ~ / (common|master|smtpd|queue|delivery)\// }
/^msgid / { text = substr($0, 7); part = "id"; next }
/^msgid_plural / { part = "plural"; next }
/^msgstr/ { if (part == "id" && ours) print text ","; part = ""; ours = 0; next }
/^"/ { if (part == "id") text = text " " $0 }
