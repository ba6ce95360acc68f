#!/bin/sh
# Installs git-crosslink: built from the source tree this file lies in, or from
# an archive of a release.
# The rules are: plain POSIX sh; everything in functions, called on the last
# line, so that half a download does nothing; the user's git configuration is
# never touched; what was made is written down in a list, and --uninstall
# removes exactly that.

set -eu

programs="git-crosslink git-remote-crosslink git-crosslink-dashboard git-crosslink-mcp"
git_min=2.36 # the first whose core.fsync makes writes durable

usage() {
	cat <<'END'
usage: ./install.sh [--prefix DIR] [--prebuilt FILE]
   or: ./install.sh [--prefix DIR] --uninstall

Installs git-crosslink, git-remote-crosslink, git-crosslink-dashboard and
git-crosslink-mcp into DIR/bin, the manual into DIR/share/man, and completion for
bash, zsh and fish below DIR/share. Then it checks that git finds them. Running
it again updates them.

In a source tree it builds the programs first. In an unpacked archive of a
release it installs those in the archive.

  --prefix DIR     where to install (default: ~/.local, or /usr/local for root)
  --prebuilt FILE  install from an archive of a release; SHA256SUMS of that
                   release must be in the same directory
  --uninstall      remove what was installed under DIR, and nothing else; clones
                   that use the remote helper continue with plain git
  -h, --help       this text

It needs git 2.36, and to build also Go (the version in go.mod; Go 1.21 and newer
fetch it by themselves). Your git configuration is not changed.
END
}

say() { printf '%s\n' "$*"; }

die() {
	printf 'error: %s\n' "$1" >&2
	shift
	for hint in "$@"; do
		printf 'hint: %s\n' "$hint" >&2
	done
	exit 1
}

# at_least HAVE WANT compares dotted versions, two fields.
at_least() {
	have_major=${1%%.*} have_rest=${1#*.}
	have_minor=${have_rest%%[!0-9]*}
	want_major=${2%%.*} want_rest=${2#*.}
	want_minor=${want_rest%%[!0-9]*}
	[ "$have_major" -gt "$want_major" ] && return 0
	[ "$have_major" -eq "$want_major" ] && [ "${have_minor:-0}" -ge "${want_minor:-0}" ]
}

check_git() {
	command -v git >/dev/null 2>&1 ||
		die "git is not installed" "install git $git_min or newer from your system's packages or https://git-scm.com"
	version=$(git version | sed 's/[^0-9]*\([0-9][0-9]*\.[0-9][0-9]*\).*/\1/')
	at_least "$version" "$git_min" ||
		die "git $version is too old: $git_min or newer is needed"
}

check_go() {
	want=$(sed -n 's/^go \([0-9][0-9.]*\).*/\1/p' "$source/go.mod")
	command -v go >/dev/null 2>&1 ||
		die "go is not installed" "install Go $want or newer from https://go.dev/dl"
	# From / with the local toolchain: what is here, without fetching another.
	have=$(cd / && GOTOOLCHAIN=local go env GOVERSION) || die "'go env' fails" "reinstall Go from https://go.dev/dl"
	have=${have#go}
	at_least "$have" "$want" && return 0
	if at_least "$have" 1.21 && [ "$(cd / && go env GOTOOLCHAIN)" != local ]; then
		say "go $have is here; it fetches go $want for this build"
		return 0
	fi
	die "go $have is too old: $want or newer is needed" "install it from https://go.dev/dl"
}

# digest FILE prints its SHA-256, by whatever this system has.
digest() {
	if command -v sha256sum >/dev/null 2>&1; then
		sha256sum <"$1"
	elif command -v shasum >/dev/null 2>&1; then
		shasum -a 256 <"$1"
	elif command -v sha256 >/dev/null 2>&1; then
		sha256 -q "$1"
	elif command -v openssl >/dev/null 2>&1; then
		openssl dgst -sha256 -r "$1"
	else
		die "cannot check '$1': there is no program for SHA-256" "install sha256sum, shasum or openssl"
	fi | cut -d' ' -f1
}

# unpack checks an archive and unpacks it. What is in it is used only after
# its checksum is that of the release.
unpack() {
	[ -f "$prebuilt" ] || die "there is no file '$prebuilt'"
	name=${prebuilt##*/}
	case $prebuilt in */*) beside=${prebuilt%/*} ;; *) beside=. ;; esac
	[ -f "$beside/SHA256SUMS" ] ||
		die "cannot check '$prebuilt': there is no '$beside/SHA256SUMS'" "download SHA256SUMS from the same release into that directory"
	sum=
	while read -r want file; do
		[ "${file#\*}" != "$name" ] || sum=$want
	done <"$beside/SHA256SUMS"
	[ -n "$sum" ] || die "'$beside/SHA256SUMS' does not list '$name'" "download both from the same release"
	have=$(digest "$prebuilt")
	[ "$have" = "$sum" ] ||
		die "'$prebuilt' is damaged or is not the released file: its SHA-256 is '$have', not '$sum'" "download it again"
	case $name in *.tar.gz) ;; *) die "'$name' is not a .tar.gz archive of a release" ;; esac
	mkdir "$work/unpacked"
	tar -xzf "$prebuilt" -C "$work/unpacked" || die "cannot unpack '$prebuilt'"
	unpacked=$work/unpacked/${name%.tar.gz}
	[ -d "$unpacked/bin" ] || die "'$name' is not an archive of a release"
	say "checked $name: its SHA-256 is the one in SHA256SUMS"
}

build() {
	if [ -n "$unpacked" ]; then
		for p in $programs; do cp "$unpacked/bin/$p" "$1/$p"; done
		"$1/git-crosslink" version >/dev/null 2>&1 || die "the programs in this archive do not run on $(uname -sm)" "download the archive for this system"
		return 0
	fi
	for p in $programs; do
		say "building $p"
		(cd "$source" && CGO_ENABLED=0 go build -trimpath -tags urfave_cli_no_docs \
			-ldflags='-s -w' -o "$1/$p" "./cmd/$p") ||
			die "cannot build '$p'"
	done
}

# The list of what was made: one path a line, below the prefix, files and
# directories in the order they were made.
listed() { [ -f "$list" ] && grep -Fqx "$1" "$list"; }

note() { listed "$1" || printf '%s\n' "$1" >>"$list.new"; }

make_dir() { # below the prefix; parents first
	[ -d "$prefix/$1" ] && return 0
	case $1 in */*) make_dir "${1%/*}" ;; esac
	mkdir "$prefix/$1"
	made="$made $1"
}

# The manual's pages, below share/man: man1/git-crosslink.1 …
pages() {
	for f in "$(from share/man man)"/*.[1-8] "$(from share/man man)"/man[1-8]/*; do
		if [ -f "$f" ]; then printf 'man%s/%s\n' "${f##*.}" "${f##*/}"; fi
	done
}

# from NAME OURS is a file below share: in an archive as it will lie below the
# prefix, in a source tree as OURS.
from() {
	if [ -n "$unpacked" ]; then printf '%s\n' "$unpacked/$1"; else printf '%s\n' "$source/$2"; fi
}

# The completions: shell, and where that shell looks below the prefix.
completions="bash:share/bash-completion/completions/git-crosslink
zsh:share/zsh/site-functions/_git-crosslink
fish:share/fish/vendor_conf.d/git-crosslink.fish"

# put FILE MODE NAME copies a file below the prefix, whole or not at all.
put() {
	cp "$1" "$prefix/${3%/*}/.${3##*/}.new"
	chmod "$2" "$prefix/${3%/*}/.${3##*/}.new"
	mv "$prefix/${3%/*}/.${3##*/}.new" "$prefix/$3"
}

install_all() {
	check_git
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	unpacked=
	if [ -n "$prebuilt" ]; then
		unpack
	elif [ ! -f "$source/go.mod" ] && [ -d "$source/bin" ]; then
		unpacked=$source
	else
		check_go
	fi
	files=
	for p in $programs; do files="$files bin/$p"; done
	manual=$(pages)
	for m in $manual; do files="$files share/man/$m"; done
	# What repositories include for 'init --helper'. Under a prefix of their own
	# users' programs make it; others cannot write here.
	enrolled=
	[ "$(id -u)" != 0 ] || enrolled='origin upstream'
	[ -z "$enrolled" ] || files="$files share/git-crosslink/enrolled/remote-crosslink.sh"
	for r in $enrolled; do files="$files share/git-crosslink/enrolled/$r.gitconfig"; done
	for c in $completions; do files="$files ${c#*:}"; done
	for f in $files; do
		case $f in share/git-crosslink/*) continue ;; esac
		if [ -e "$prefix/$f" ] && ! listed "$f"; then
			die "'$prefix/$f' exists and was not put there by this script" "move it away, or choose another --prefix"
		fi
	done
	build "$work"

	made=
	[ -d "$prefix" ] || { mkdir -p "$prefix" && made=" ."; }
	make_dir bin
	make_dir share/git-crosslink
	[ -z "$enrolled" ] || make_dir share/git-crosslink/enrolled
	for m in $manual; do make_dir "share/man/${m%/*}"; done
	for c in $completions; do c=${c#*:} && make_dir "${c%/*}"; done
	{
		[ -f "$list" ] && cat "$list"
		for d in $made; do printf '%s\n' "$d"; done
	} >"$list.new"
	for f in $files; do note "$f"; done
	mv "$list.new" "$list" # before the files: an interrupted run can be undone
	for p in $programs; do
		verb=installed
		[ ! -f "$prefix/bin/$p" ] || verb=updated
		put "$work/$p" 755 "bin/$p"
		say "$verb $prefix/bin/$p"
	done
	# What an older version had put there and this one does not goes.
	while IFS= read -r f; do
		case " $files " in
		*" $f "*) ;;
		*) if [ ! -d "$prefix/$f" ]; then rm -f "$prefix/$f" && continue; fi ;;
		esac
		printf '%s\n' "$f"
	done <"$list" >"$list.new"
	mv "$list.new" "$list"
	for m in $manual; do put "$(from "share/man/$m" "man/${m##*/}")" 644 "share/man/$m"; done
	if [ -n "$enrolled" ]; then
		"$work/git-crosslink" hook script >"$work/script" || die "the program does not run"
		put "$work/script" 644 share/git-crosslink/enrolled/remote-crosslink.sh
	fi
	for r in $enrolled; do
		"$work/git-crosslink" hook include "$r" "$prefix/bin" "$prefix/share/git-crosslink/enrolled" >"$work/include" || die "the program does not run"
		put "$work/include" 644 "share/git-crosslink/enrolled/$r.gitconfig"
	done
	[ -z "$manual" ] || say "installed the manual under $prefix/share/man: git help crosslink"
	for c in $completions; do put "$(from "${c#*:}" "cli/completion/${c%%:*}")" 644 "${c#*:}"; done
	say "installed completion for bash, zsh and fish under $prefix/share"
	if command -v zsh >/dev/null 2>&1 && ! zsh -fc "[[ \${fpath[(Ie)\$1]} -gt 0 ]]" zsh "$prefix/share/zsh/site-functions"; then
		say "  zsh looks for it there with a line in ~/.zshrc before compinit: fpath=('$prefix/share/zsh/site-functions' \$fpath)"
	fi
	check_installed

	case :$PATH: in
	*:"$prefix/bin":*) say "run: git crosslink -h" ;;
	*)
		say "'$prefix/bin' is not on your PATH; git finds the program only there. Add to your shell's profile:"
		say "  export PATH=\"$prefix/bin:\$PATH\""
		;;
	esac
}

# answers WANT COMMAND… runs a command as the user will, away from any
# repository and the user's settings, and looks for a text in what it prints.
answers() {
	want=$1
	shift
	out=$(
		cd "$work" && unset GIT_DIR GIT_WORK_TREE GIT_ALLOW_PROTOCOL GIT_PROTOCOL_FROM_USER MANPATH
		PATH=$prefix/bin:$PATH MANPAGER=cat PAGER=cat GIT_PAGER=cat GIT_CEILING_DIRECTORIES=${work%/*} \
			GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 LC_ALL=C "$@" 2>&1 </dev/null
	) || out="$out
(exit status $?)"
	case $out in *"$want"*) return 0 ;; esac
	return 1
}

# check_installed asks what was installed for an answer, through git.
check_installed() {
	answers "crosslink version" git crosslink version ||
		die "'git crosslink' does not answer: $out" "run it yourself: $prefix/bin/git-crosslink version"
	checked="git crosslink"
	git init -q --bare "$work/probe.git"
	answers "" git ls-remote "crosslink::$work/probe.git"
	[ -z "$out" ] ||
		die "the remote helper does not answer: $out" "run it yourself: git ls-remote crosslink::<url>"
	checked="$checked, git ls-remote crosslink::"
	answers "" env XDG_STATE_HOME="$work/state" git crosslink dashboard list --json
	case $out in *'"ok":true'*) ;; *)
		die "'git crosslink dashboard' does not answer: $out" "run it yourself: $prefix/bin/git-crosslink-dashboard list"
		;;
	esac
	checked="$checked, git crosslink dashboard"
	answers "" git crosslink mcp # which ends with its stdin
	[ -z "$out" ] ||
		die "'git crosslink mcp' does not answer: $out" "run it yourself: $prefix/bin/git-crosslink-mcp --version"
	checked="$checked, git crosslink mcp"
	# Some images have a program of that name which only says that it is not there.
	case $(man --version 2>/dev/null) in
	man\ *)
		for how in "crosslink --help" "help crosslink"; do
			# shellcheck disable=SC2086 # two words
			answers "git-crosslink - " git $how ||
				die "'git $how' does not answer: $out" "man looks beside the directories of PATH; else: export MANPATH=\"$prefix/share/man:\""
			checked="$checked, git $how"
		done
		say "checked: $checked"
		;;
	*) say "checked: $checked; not the manual, 'man' is not here" ;;
	esac
}

uninstall_all() {
	if [ ! -f "$list" ]; then
		say "nothing is installed under $prefix"
		return 0
	fi
	# What lets git go through the remote helper goes before the helper does: a
	# clone whose include is not there goes on with plain git.
	for f in "$prefix/share/git-crosslink/enrolled"/*.gitconfig "${XDG_DATA_HOME:-${HOME:-/}/.local/share}/git-crosslink/enrolled"/*.gitconfig; do
		case $f in
		"$prefix"/*) ;;
		*) grep -Fq "$prefix/bin/git-remote-crosslink" "$f" 2>/dev/null || continue ;;
		esac
		[ -f "$f" ] || continue
		rm -f "$f"
		say "removed $f"
		set -- "${f%/*}"/*.gitconfig
		[ -e "$1" ] || rm -f "${f%/*}/remote-crosslink.sh" # the last one
		rmdir "${f%/*}" 2>/dev/null || :
	done
	# Files first, then the directories this script made, the innermost first;
	# one that holds something else stays.
	while IFS= read -r f; do
		if [ -f "$prefix/$f" ] || [ -L "$prefix/$f" ]; then
			rm -f "$prefix/$f"
			case $f in share/*) ;; *) say "removed $prefix/$f" ;; esac
		fi
	done <"$list"
	dirs=$(sed '1!G;h;$!d' "$list")
	rm -f "$list"
	for d in $dirs; do
		case $d in .) d=$prefix ;; *) d=$prefix/$d ;; esac
		[ -d "$d" ] && rmdir "$d" 2>/dev/null && say "removed $d"
	done
	return 0
}

main() {
	prefix=
	prebuilt=
	action=install_all
	while [ $# -gt 0 ]; do
		case $1 in
		--prefix)
			[ $# -ge 2 ] || { usage >&2; exit 129; }
			prefix=$2
			shift
			;;
		--prefix=*) prefix=${1#--prefix=} ;;
		--prebuilt)
			[ $# -ge 2 ] || { usage >&2; exit 129; }
			prebuilt=$2
			shift
			;;
		--prebuilt=*) prebuilt=${1#--prebuilt=} ;;
		--uninstall) action=uninstall_all ;;
		-h | --help)
			usage
			exit 0
			;;
		*)
			printf "error: unknown option '%s'\n" "$1" >&2
			usage >&2
			exit 129
			;;
		esac
		shift
	done
	if [ -z "$prefix" ]; then
		if [ "$(id -u)" = 0 ]; then prefix=/usr/local; else prefix=${HOME:?HOME is not set; use --prefix}/.local; fi
	fi
	case $prefix in
	/) ;;
	/*) prefix=${prefix%/} ;;
	*) prefix=$(pwd)/${prefix%/} ;;
	esac
	source=$(cd "$(dirname "$0")" && pwd)
	list=$prefix/share/git-crosslink/installed
	$action
}

main "$@"
