# Made by git crosslink; beside it lie the files that repositories include which were
# enrolled with 'git crosslink init --helper'. git runs it for an enrolled remote if the
# program, $1, is gone; $2 is the remote's name, $3 its URL. It does what git does by
# itself, as far as a shell can.
p=$1 && shift
url=$2 server= service= nl='
'
die() { printf 'fatal: %s\n' "$*" >&2; exit 128; }
case $url in
*"$nl"*) die "a URL of '$1' holds a newline" ;;
git://*) die "the remote '$1' goes through '$p', which is gone: git config --local --unset-all 'includeIf.hasconfig:remote.*.url:**.path' ends that" ;;
file://* | ssh://* | git+ssh://* | ssh+git://*) ;;
*://*) exec git "remote-${url%%://*}" "$1" "$url" ;;
esac
where=$(git fetch-pack --diag-url "$url") || exit 128
part() { printf '%s\n' "$where" | sed -n "s/^Diag: $1=//p"; }
path=$(part path) host=$(part userandhost) port=$(part port) scheme=$(part protocol)
case $host in -*) die "strange hostname '$host' blocked" ;; esac
case $path in -*) die "strange pathname '$path' blocked" ;; esac
if test "$scheme" = file; then # of ssh git has asked
	if test -n "${GIT_ALLOW_PROTOCOL+set}"; then
		case :$GIT_ALLOW_PROTOCOL: in *:file:*) allow=always ;; *) allow=never ;; esac
	else
		allow=$(git config protocol.file.allow || git config protocol.allow || echo user)
	fi
	case $allow:${GIT_PROTOCOL_FROM_USER:-1} in
	always:* | user:[!0]*) ;;
	*) die "transport 'file' not allowed" ;;
	esac
fi
while IFS= read -r line; do
	case $line in
	capabilities) printf 'connect\noption\n\n' ;;
	'option servpath '[!\"]*) server=${line#option servpath } && echo ok ;;
	'option '*) echo unsupported ;;
	'connect git-'*) service=${line#connect } && break ;;
	*) exit 0 ;;
	esac
done
test -n "$service" || exit 0
version=$(git config protocol.version || echo 2)
if test "$service" = git-upload-pack && test "$version" != 0; then
	GIT_PROTOCOL=version=$version && export GIT_PROTOCOL
fi
run="${server:-$service} '$(printf '%s\n' "$path" | sed "s/['!]/'\\\\&'/g")'"
if test "$scheme" = file; then
	unset $(git rev-parse --local-env-vars)
	echo
	exec sh -c "$run" "$run"
fi
ssh=${GIT_SSH_COMMAND-$(git config core.sshCommand)}
line=$ssh
test -n "$ssh" || ssh=${GIT_SSH:-ssh} line='"$0"'
name=${ssh%% *} flag=-p
name=${name##*/}
set -- "$host" "$run"
case $name in *plink*) flag=-P ;; esac
test "$port" = NONE || set -- "$flag" "$port" "$@"
test "$name" != ssh || test -z "${GIT_PROTOCOL-}" || set -- -o SendEnv=GIT_PROTOCOL "$@"
unset $(git rev-parse --local-env-vars)
echo
exec sh -c "$line \"\$@\"" "$ssh" "$@"
