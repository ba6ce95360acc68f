#!/bin/sh
# git crosslink: the gate of the tracker's branches. It was put here by
# 'git crosslink server install' and goes with 'git crosslink server uninstall'.
# git starts it only for the refs that receive.procReceiveRefs names.
program=@PROGRAM@
[ -x "$program" ] || program=$(command -v git-crosslink) || {
	echo "error: refused: git-crosslink, which checks the tracker's branches, is missing on this hub" >&2
	echo "hint: ask the owner of this hub to install it again: git crosslink server install" >&2
	exit 1
}
exec "$program" hook proc-receive
