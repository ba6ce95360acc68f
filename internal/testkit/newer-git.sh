#!/bin/sh
# Puts a git of a newer Debian beside the one installed here, for scripts that
# need it (reftable, hooks in the configuration). Nothing is installed: the
# packages are unpacked below DIR, and DIR/bin/git starts that git with that
# release's own C library. The scripts look there, or where
# CROSSLINK_NEWER_GIT names a git; without either they say 'not run'.
#
# usage: newer-git.sh [SUITE [DIR]]
#   SUITE  a Debian release, default sid
#   DIR    default ${XDG_CACHE_HOME:-~/.cache}/git-crosslink/newer-git
#
# Needs apt-get and dpkg-deb, and Debian's packages in reach. What it gets
# speaks http: all libraries that git needs come along, but not perl.
set -eu

suite=${1:-sid}
dir=${2:-${XDG_CACHE_HOME:-$HOME/.cache}/git-crosslink/newer-git}

# The mirror and the keys are those this machine already trusts.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' | grep '/debian/$' | sort -u | head -n 1)
keys=/usr/share/keyrings/debian-archive-keyring.gpg
if [ -z "$mirror" ] || [ ! -r "$keys" ]; then
	echo "newer-git.sh: no Debian mirror is configured here, or its keys are missing" >&2
	exit 1
fi

new=$dir.new-$$
trap 'rm -rf "$new"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$new/apt/lists/partial" "$new/apt/archives/partial" "$new/unpacked" "$new/bin"
: >"$new/apt/status" # nothing is installed, so everything needed is listed
echo "deb [signed-by=$keys] $mirror $suite main" >"$new/apt/sources.list"
apt() {
	apt-get -q -q -o Dir::Etc::SourceList="$new/apt/sources.list" -o Dir::Etc::SourceParts=- \
		-o Dir::State::Lists="$new/apt/lists" -o Dir::State::Status="$new/apt/status" -o Dir::Cache="$new/apt" -o APT::Sandbox::User=root \
		-o Acquire::Languages=none -o Debug::NoLocking=1 "$@"
}
apt update
packages=$(apt install --print-uris --no-install-recommends git patchelf |
	sed -n "s/^'[^']*' \([a-z0-9.+-]*\)_.*/\1/p" | grep -v -x -e 'perl.*' -e '.*perl.*' -e 'git-man' -e 'libdb.*' -e 'libgdbm.*' -e '.*-base' -e 'libc-gconv.*')
(cd "$new/apt/archives" && for p in $packages; do apt download "$p"; done)
for deb in "$new"/apt/archives/*.deb; do
	dpkg-deb -x "$deb" "$new/unpacked"
done
rm -rf "$new/apt" "$new/unpacked/usr/share/doc" "$new/unpacked/usr/share/man"

# Everything below says where it will lie in the end.
libs=$(dirname "$(find "$new/unpacked/usr/lib" "$new/unpacked/lib" -name 'libc.so.6' 2>/dev/null | head -n 1)")
loader=$(find "$libs" "$new"/unpacked/usr/lib64 "$new"/unpacked/lib64 -name 'ld-linux*.so.*' 2>/dev/null | head -n 1)
final() { echo "$dir${1#"$new"}"; }
find "$new/unpacked/usr/bin/git" "$new/unpacked/usr/lib/git-core" -type f -links 1 | while read -r f; do
	case $(head -c 4 "$f" | tr -d '\177') in
	ELF) "$loader" --library-path "$libs" "$new/unpacked/usr/bin/patchelf" \
		--set-interpreter "$(final "$loader")" --force-rpath --set-rpath "$(final "$libs")" "$f" ;;
	esac
done
# git-core/git may be a link to, or a copy of, bin/git.
cp -f "$new/unpacked/usr/bin/git" "$new/unpacked/usr/lib/git-core/git.new"
mv -f "$new/unpacked/usr/lib/git-core/git.new" "$new/unpacked/usr/lib/git-core/git"
for name in git git-upload-pack git-receive-pack git-upload-archive; do
	cat >"$new/bin/$name" <<END
#!/bin/sh
GIT_EXEC_PATH='$dir/unpacked/usr/lib/git-core' GIT_TEMPLATE_DIR='$dir/unpacked/usr/share/git-core/templates'
export GIT_EXEC_PATH GIT_TEMPLATE_DIR
exec '$dir/unpacked/usr/lib/git-core/$name' "\$@"
END
	chmod +x "$new/bin/$name"
done

mkdir -p "$(dirname "$dir")"
rm -rf "$dir"
mv "$new" "$dir"
"$dir/bin/git" version
