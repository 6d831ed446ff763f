# zsh -f zpty.zsh FOLDER LINE: prints what zsh offers for a line, one word each, sorted. FOLDER holds
# the completion functions. Words in two quoted parts are not yet whole when the terminal echoes them.
zmodload zsh/zpty
typeset folder=${1:A} line=$2 text
zpty shell zsh -f -i
zpty -w shell "PROMPT= RPROMPT= fpath=(${(q)folder} \$fpath) LISTMAX=10000"
zpty -w shell 'autoload -U compinit; compinit -u -D
# Prints each list of matches that a function adds.
compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)* ]]; then builtin compadd "$@"; return; fi
  typeset -a found
  builtin compadd -A found "$@"
  (( $#found )) && print -rl -- "off""ered: "$^found
  builtin compadd "$@"
}
complete_it() { zle complete-word; print -r -- "fini""shed" }
zle -N complete_it
bindkey "^I" complete_it
print -r -- "rea""dy"'
zpty -r -m shell text '*ready*'
zpty -w -n shell "$line"$'\t'
zpty -r -m shell text '*finished*'
zpty -d shell
print -rl -- ${${(f)text}//$'\r'/} | sed -n 's/.*offered: *//p' | sort -u
