#!/bin/sh
# git crosslink: the gate of the tracker's branches. It was put here by
# 'git crosslink server install' and goes with 'git crosslink server uninstall'.
# A push that touches none of these refs is not looked at.
program=@PROGRAM@
push=$(cat)
case $push in
@REFS@)
	[ -x "$program" ] || program=$(command -v git-crosslink) || {
		echo "error: refused: git-crosslink, which checks the tracker's branches, is missing on this hub" >&2
		echo "hint: ask who runs this hub to install it again: git crosslink server install" >&2
		exit 1
	}
	printf '%s\n' "$push" | "$program" hook pre-receive || exit 1
	;;
esac
# what was here before
kept=${0%/*}/@KEPT@
if [ -x "$kept" ]; then
	printf '%s\n' "$push" | "$kept" "$@"
fi
