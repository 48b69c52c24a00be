# Completion of mailrootctl in bash. The command itself answers: from the table of its commands, and with names and ids from the
# service, for which it waits 200 ms at most.
_mailrootctl()
{
	local cur words cword
	_get_comp_words_by_ref -n : cur words cword || return
	mapfile -t COMPREPLY < <("$1" --complete "${words[@]:1:cword}" 2>/dev/null)
	__ltrim_colon_completions "$cur"
}
complete -o default -F _mailrootctl mailrootctl
