#!/bin/sh
# git crosslink: the gate of the tracker's branches. It was put here by
# 'git crosslink server install' and goes with 'git crosslink server uninstall'.
# A push that touches none of these refs is not looked at.
program=@PROGRAM@
judge() {
	[ -x "$program" ] || program=$(command -v git-crosslink) || {
		echo "error: refused: git-crosslink, which checks the tracker's branches, is missing on this hub" >&2
		echo "hint: ask the owner of this hub to install it again: git crosslink server install" >&2
		return 1
	}
	"$program" hook pre-receive
}
plain='abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 /._+=@#,
-'
kept=${0%/*}/@KEPT@
if [ ! -x "$kept" ]; then
	while IFS= read -r line; do
		case $line in
		@REFS@) { printf '%s\n' "$line"; cat; } | judge; exit ;;
		esac
	done
	exit 0
fi
# the hook that was here before gets all that the gate gets, if it lets it through
push=$(cat)
case $push in
@REFS@) printf '%s\n' "$push" | judge || exit 1 ;;
esac
printf '%s\n' "$push" | "$kept" "$@"
