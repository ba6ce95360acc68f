#!/bin/sh
# Gets two clients of the Model Context Protocol that nobody here wrote, Python's
# and Node's, for the tests of git-crosslink-mcp. Nothing is installed: both lie
# below DIR. The tests look there, or where CROSSLINK_MCP_CLIENTS names a
# directory; a client that is not there is reported as not run. This script never
# fails: it gets what pip and npm, as they are set up here, can reach.
#
# usage: mcp-clients.sh [DIR]
#   DIR  default ${XDG_CACHE_HOME:-~/.cache}/git-crosslink/mcp-clients
set -u

python_version=2.3.0
node_version=1.32.2
dir=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/git-crosslink/mcp-clients}
mkdir -p "$dir" || exit 0

# get <name> <version> <command that fills the directory it is given>: a client is
# in place only once it is complete.
get() {
	[ "$(cat "$dir/$1/version" 2>/dev/null)" = "$2" ] && return
	new=$dir/$1.new-$$
	rm -rf "$new"
	if mkdir "$new" && "$3" "$new" >"$dir/$1.log" 2>&1; then
		echo "$2" >"$new/version"
		rm -rf "${dir:?}/$1" && mv "$new" "$dir/$1" && rm -f "$dir/$1.log"
		echo "$dir/$1: $2"
	else
		rm -rf "$new"
		echo "mcp-clients.sh: no client for $1: see $dir/$1.log" >&2
	fi
}
python() {
	command -v python3 && timeout 300 python3 -m pip install -q --no-input --disable-pip-version-check --target "$1/lib" "mcp==$python_version"
}
node() {
	command -v npm && command -v node && timeout 300 npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$1" "@modelcontextprotocol/sdk@$node_version"
}
get python "$python_version" python
get node "$node_version" node
exit 0
