package doctest

// past is what has happened in the world before a command is pasted there:
// alice and bob share a hub with 13 issues, carol has cloned it and not written
// yet. 12 is in the middle of everything.
const past = `
export GIT_TEMPLATE_DIR=
git init -q --bare -b main hub.git
git clone -q hub.git alice 2>&1
cd alice
git commit -q --allow-empty -m start
git push -q origin HEAD:main
git config crosslink.agent alice
git crosslink init
for n in 1 2 3 4 5 6 7 8 9 10 11; do
	echo "issue $n: flux capacitor timeout"
done >titles
while read -r title; do git crosslink --offline new "$title" -l backend; done <titles
git crosslink --offline new 'the twelfth' -l ui -l bug -p high
git crosslink sync
git crosslink new 'the thirteenth' --blocked-by 11
git crosslink comment 12 'by alice'
git crosslink assign --force 12 @me alice bob
git crosslink relate 12 9
echo 'some words' | tee notes.md >decision.md
printf 'release:\n\t@echo released\n' >Makefile
cd ..
git clone -q hub.git bob
cd bob
git config crosslink.agent bob
git crosslink comment 3 'by bob'
cd ..
git clone -q hub.git carol
git init -q -b main solo
git -C solo commit -q --allow-empty -m start
git -C hub.git gc -q
for one in alice bob; do git --git-dir=$one/.git/crosslink/replica.git repack -a -d -q; done
`

// examples are what the ids of examples stand for, and what tells them.
var examples = map[string]string{
	"3f9a1c2":   `git crosslink show 12 --json | grep -o '"short":"[0-9a-f]*"' | head -n 1 | cut -d '"' -f 4`,
	"<comment>": `git crosslink show 12 --json | grep -o '"comments":.{"uuid":"[0-9a-f-]*"' | cut -d '"' -f 6`,
}

// placeholders are what words in angle brackets usually stand for.
var placeholders = map[string]string{
	"<id>":      "12",
	"<name>":    "origin",
	"<command>": "list",
	"<url>":     "../hub.git",
	"<text>":    "gone",
	"<prefix>":  "/usr/local",
	"<agent>":   "somebody",
	"<remote>":  "origin",
}

// A log that forked: two clones write as builder, with one key, and the other
// was faster.
const forked = `
git config crosslink.agent builder
git crosslink new 'by carol'
git clone -q ../hub.git ../dave
git -C ../dave config crosslink.agent builder
git -C ../dave crosslink sync
cp -R .git/crosslink/keys ../dave/.git/crosslink/
git -C ../dave crosslink new 'by dave'
git crosslink --offline new 'at the same time'
! git crosslink sync
`

const (
	handedOn   = "git crosslink session start 12 && git crosslink session end -m 'left half is done'"
	aTemplate  = "mkdir -p .crosslink/templates && echo 'Steps:' >.crosslink/templates/bug.md"
	asksItself = "git crosslink request send alice pause"
	theRequest = "$(git crosslink request list -q)"
	aMilestone = "git crosslink milestone new 1.0"
	held       = "git crosslink lock 12"
	heldByBob  = "git -C ../bob crosslink lock 12"
	anyCommand = "list"
	gated      = "git crosslink -C hub.git server install"
)

// bob is who the agents of examples are; he has written, and waits to be approved.
const aWebhook = "git crosslink dashboard webhook add https://example.com/"

var bob = map[string]string{"<id>": "bob", "<agent>": "bob", "bob-box-cd3e": "bob", "carol-box-ef4g": "bob"}

// aKey is a public key, made on the way.
const aKey = `"$(ssh-keygen -q -t ed25519 -N '' -f ~/key && cut -d ' ' -f 1,2 ~/key.pub)"`

// A fork of the hub's repository, with the original beside it.
const forkedHub = `
cp -R ../hub.git ../fork.git
git remote set-url origin ../fork.git
git crosslink new 'in the fork'
git -C ../alice crosslink new 'in the original'
git remote add upstream ../hub.git
git fetch -q upstream
git crosslink sync
`

// oldHub makes solo a clone of a hub of the original.
const oldHub = `
git init -q --bare ../old.git
meta=$(git commit-tree -m meta $(printf '100644 blob %s\thub.json\n' $(printf '{"hub_version": 3}' | git hash-object -w --stdin) | git mktree))
state='{"next_display_id": 4, "next_comment_id": 1, "display_id_map": {"0a9a1c2e-0000-4000-8000-000000000000": 3}, "locks": {}, "issues": {"0a9a1c2e-0000-4000-8000-000000000000": {"uuid": "0a9a1c2e-0000-4000-8000-000000000000", "display_id": 3, "title": "old", "status": "open", "priority": "low", "created_by": "ann", "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T10:00:00Z"}}}'
checkpoint=$(git commit-tree -m checkpoint $(printf '100644 blob %s\tstate.json\n' $(printf '%s' "$state" | git hash-object -w --stdin) | git mktree))
git push -q ../old.git main $meta:refs/heads/crosslink/meta $checkpoint:refs/heads/crosslink/checkpoint
git remote add origin ../old.git
git crosslink sync || true
`

// special are the commands that are not run as shown in alice's clone, or do not exit with 0.
var special = map[string]how{
	"git crosslink":              {status: 129},
	"git crosslink -h":           {status: 129},
	"git crosslink <command> -h": {status: 129},
	"git crosslink new -h":       {status: 129},

	"git crosslink new --stdin-jsonl <issues.jsonl":                    {before: `printf '{"title":"the cart loses its last item","labels":["bug"]}\n' >issues.jsonl`},
	"git -C ../builder crosslink ready --claim":                        {before: "git worktree add -q ../builder"},
	"./install.sh --uninstall":                                         {not: "internal/installtest runs it"},
	"./install.sh --prebuilt git-crosslink-0.1.0-linux-amd64.tar.gz":   {not: "internal/release runs it"},
	"go install github.com/git-crosslink/git-crosslink/cmd/...@v0.1.0": {not: "it fetches the module"},
	"go install": {not: onlyNamed},

	"GIT_CROSSLINK_TRACE=1 git crosslink …": {with: map[string]string{"…": anyCommand}},
	"git crosslink …":                       {with: map[string]string{"…": anyCommand}},
	"git-crosslink …":                       {with: map[string]string{"…": anyCommand}},
	"git -p crosslink …":                    {with: map[string]string{"…": anyCommand}},
	"git --no-pager crosslink …":            {with: map[string]string{"…": anyCommand}},
	"git -c key=value crosslink …":          {with: map[string]string{"…": anyCommand, "key=value": "color.ui=never"}},

	"git crosslink request send bob-box-cd3e pause -r 'release freeze'":                        {with: bob},
	"git crosslink request send bob-box-cd3e reprioritise 12":                                  {with: bob},
	"git crosslink timer status":                                                               {before: "git crosslink timer start 12"},
	"git crosslink time delete <entry>":                                                        {before: "git crosslink time add 12 1h", with: map[string]string{"<entry>": "$(git crosslink time list -q)"}},
	"git crosslink timer stop --at <time>":                                                     {before: "git crosslink timer start 12 && sleep 2", with: map[string]string{"<time>": "$(date -u +%Y-%m-%dT%H:%M:%SZ)"}},
	"git crosslink time delete 3f9a1c2":                                                        {before: "git crosslink time add 12 1h", with: map[string]string{"3f9a1c2": "$(git crosslink time list -q)"}},
	"git crosslink request list --to bob-box-cd3e --all":                                       {with: bob},
	"git crosslink request send --all resume":                                                  {before: "git crosslink sync"},
	"git crosslink request poll":                                                               {status: 1},
	"git crosslink template list":                                                              {before: aTemplate},
	"git crosslink new 'panics on an empty line' --template bug":                               {before: aTemplate},
	"git crosslink request poll --wait":                                                        {before: asksItself},
	"git crosslink request poll --wait --for 60":                                               {before: asksItself},
	"git crosslink request ack 01HQZXK5M8N9P0 --acted":                                         {before: asksItself, with: map[string]string{"01HQZXK5M8N9P0": theRequest}},
	"git crosslink request ack 01HQZXK5M8N9P0 --refused --result 'in the middle of a release'": {before: asksItself, with: map[string]string{"01HQZXK5M8N9P0": theRequest}},
	"git crosslink session handoff":                                                            {before: handedOn},
	"git crosslink session handoff 12 --json":                                                  {before: handedOn},
	"git crosslink session status":                                                             {before: "git crosslink session start"},
	"git crosslink session status --all":                                                       {before: "git crosslink session start"},
	"git crosslink milestone add 1.0 11 12":                                                    {before: aMilestone},
	"git crosslink milestone show 1.0":                                                         {before: aMilestone},
	"git crosslink milestone edit":                                                             {not: onlyNamed},
	"git crosslink milestone show %1":                                                          {before: aMilestone},
	"git crosslink dashboard receive add":                                                      {not: onlyNamed},
	"git crosslink dashboard serve --base-url https://dash.example.com":                        {status: 129},
	"git crosslink milestone edit 1.0 --due +2w":                                               {before: aMilestone},
	"git crosslink milestone edit 1.0 --title '1.0 LTS'":                                       {before: aMilestone},
	"git crosslink milestone close 1.0":                                                        {before: aMilestone},
	"git crosslink milestone reopen 1.0":                                                       {before: aMilestone},
	"git crosslink milestone delete 1.0":                                                       {before: aMilestone},

	"git crosslink mcp":                                        {not: "it serves until its stdin ends"},
	"git crosslink mcp --toolset read":                         {not: "it serves until its stdin ends"},
	"git crosslink dashboard":                                  {not: "it serves until it is interrupted"},
	"git crosslink watch":                                      {},
	"git crosslink dashboard serve":                            {not: "it serves until it is interrupted"},
	"git crosslink dashboard pin <owner/repo>":                 {before: "git crosslink dashboard track", with: map[string]string{"<owner/repo>": "local/alice"}},
	"git crosslink dashboard pause <owner/repo>":               {before: "git crosslink dashboard track", with: map[string]string{"<owner/repo>": "local/alice"}},
	"git crosslink dashboard untrack <owner/repo>":             {before: "git crosslink dashboard track", with: map[string]string{"<owner/repo>": "local/alice"}},
	"git crosslink dashboard discover [<directory>…]":          {with: map[string]string{"[<directory>…]": "."}},
	"git crosslink dashboard discover --github <organization>": {not: "it asks GitHub"},
	"git crosslink dashboard track [<path>|<url>]":             {with: map[string]string{"[<path>|<url>]": "."}},
	"git crosslink dashboard webhook add <url>":                {with: map[string]string{"<url>": "https://example.com/"}},
	"git crosslink dashboard webhook test <id>":                {before: aWebhook, with: map[string]string{"<id>": "1"}},
	"git crosslink dashboard webhook rotate <id>":              {before: aWebhook, with: map[string]string{"<id>": "1"}},
	"git crosslink dashboard webhook enable <id>":              {before: aWebhook, with: map[string]string{"<id>": "1"}},
	"git crosslink dashboard webhook replay <delivery>":        {before: aWebhook + "\ngit crosslink dashboard webhook test 1", with: map[string]string{"<delivery>": "1"}},
	"git crosslink dashboard ack <alert>":                      {status: 1, with: map[string]string{"<alert>": "1"}},
	"git crosslink dashboard export <table>":                   {with: map[string]string{"<table>": "projects"}},
	"git crosslink dashboard login-url":                        {status: 1},
	"git crosslink dashboard poll <owner/repo>":                {status: 1, before: "git crosslink dashboard track", with: map[string]string{"<owner/repo>": "local/alice"}},

	"git crosslink dashboard receive add <owner/repo>":                                                                              {before: "git crosslink dashboard track", with: map[string]string{"<owner/repo>": "local/alice"}},
	"git crosslink dashboard serve --base-url https://example.com/dash --behind-proxy 127.0.0.1":                                    {not: "it serves until it is interrupted"},
	"git crosslink dashboard serve --base-url https://dash.example.com --behind-proxy 127.0.0.1":                                    {not: "it serves until it is interrupted"},
	"git crosslink dashboard serve --listen 0.0.0.0:443 --base-url https://dash.example.com --tls-cert dash.pem --tls-key dash.key": {not: "it serves until it is interrupted"},

	"git crosslink agent fork":                                                         {in: "carol", before: forked},
	"git crosslink agent fork builder-2":                                               {in: "carol", before: forked},
	"git crosslink agent fork --without 2 --without 3":                                 {in: "carol", before: "git crosslink --offline comment 12 one\ngit crosslink --offline comment 12 two"},
	"git crosslink agent fork --without <n>":                                           {in: "carol", before: "git crosslink --offline comment 12 one\ngit crosslink --offline comment 12 two", with: map[string]string{"<n>": "2"}},
	"git crosslink comment delete 3f9a1c2":                                             {with: map[string]string{"3f9a1c2": "<comment>"}},
	"git crosslink comment edit 3f9a1c2 'it was the cache'":                            {with: map[string]string{"3f9a1c2": "<comment>"}},
	"git crosslink init":                                                               {in: "carol"},
	"git crosslink init upstream":                                                      {in: "carol", before: "git remote rename origin upstream"},
	"git crosslink lock --queue 12":                                                    {before: held},
	"git crosslink lock --queue <id>":                                                  {before: held},
	"git crosslink lock --wait=600 12":                                                 {},
	"git crosslink lock check 12 && make release":                                      {before: held},
	"git crosslink unlock 12":                                                          {before: held},
	"git crosslink unlock <id>":                                                        {before: held},
	"git crosslink unlock --break --reason 'its machine is gone' 12":                   {before: heldByBob},
	"git crosslink unlock --break --reason <text> <id>":                                {before: heldByBob},
	"git crosslink reopen <id>":                                                        {before: "git crosslink close 12"},
	"git crosslink reopen 12 --reason 'seen again'":                                    {before: "git crosslink close 12"},
	"git config --global --unset crosslink.agent":                                      {before: "git config --global crosslink.agent someone"},
	"git config --unset crosslink.committer":                                           {before: "git config crosslink.committer you@example.com"},
	"git config --unset crosslink.hub":                                                 {before: "git config crosslink.hub true"},
	"git config --unset crosslink.sync":                                                {before: "git config crosslink.sync manual"},
	"git config --show-origin --get core.hooksPath":                                    {before: "git config core.hooksPath /dev/null"},
	"git config advice.crosslink.<name> false":                                         {with: map[string]string{"<name>": "numbered"}},
	"git crosslink import .beads/issues.jsonl":                                         {before: beadsDump},
	"git crosslink import .beads/issues.jsonl --dry-run":                               {before: beadsDump},
	"git crosslink import beads issues.jsonl --scope acme/shop":                        {before: beadsDump + " && cp .beads/issues.jsonl ."},
	"git crosslink import <format> <source>":                                           {before: beadsDump, with: map[string]string{"<format> <source>": "beads .beads/issues.jsonl"}},
	"git crosslink import github issues.json":                                          {before: githubDump},
	"git crosslink import github issues.json --comments comments.json":                 {before: githubDump},
	"git clone --mirror tracker.bundle hub.git":                                        {in: "solo", before: "git -C ../alice crosslink export --bundle -o ../solo/tracker.bundle"},
	"git crosslink import issues.jsonl --found":                                        {in: "solo", before: "git -C ../alice crosslink export -o ../solo/issues.jsonl"},
	"git crosslink import github issues.json --comments comments.json --found":         {in: "solo", before: githubDump},
	"git fetch origin 'refs/bugs/*:refs/bugs/*' 'refs/identities/*:refs/identities/*'": {},
	"git crosslink import git-bug .":                                                   {status: 128}, // there are no bugs in this repository
	"git crosslink import gitlab issues.csv":                                           {before: csvDump("Issue ID,Title,Author Username,URL")},
	"git crosslink import jira issues.csv --scope acme/shop":                           {before: csvDump("Issue key,Summary,Reporter,Status")},
	"git crosslink import csv issues.csv --scope acme/shop --map 'Name=title'":         {before: csvDump("id,Name,created_by,url")},
	"git crosslink import <file>":                                                      {before: "printf '%s\n' '- [ ] one' >TODO.md", with: map[string]string{"<file>": "TODO.md --scope acme/shop"}},
	"git crosslink import TODO.md --scope acme/shop":                                   {before: "printf '%s\n' '- [ ] one' >TODO.md"},
	"git-crosslink hook <name>":                                                        {with: map[string]string{"<name>": "post-merge"}},

	"git clone crosslink::/path":                                              {with: map[string]string{"/path": "$PWD/../hub.git"}},
	"git crosslink -C <hub>.git server install":                               {in: ".", with: map[string]string{"<hub>": "hub"}},
	"git crosslink -C hub.git server install":                                 {in: "."},
	"git crosslink -C hub.git server install --per-ref":                       {in: "."},
	"git crosslink -C hub.git server check":                                   {in: ".", before: gated},
	"git crosslink -C hub.git server uninstall":                               {in: ".", before: gated},
	"git crosslink server check":                                              {in: "hub.git", before: "git crosslink server install"},
	"git crosslink server uninstall":                                          {in: "hub.git", before: "git crosslink server install"},
	"git crosslink server install":                                            {in: "hub.git"},
	"git crosslink completion fish >~/.config/fish/conf.d/git-crosslink.fish": {before: "mkdir -p ~/.config/fish/conf.d"},
	"git crosslink completion zsh >~/.zsh/_git-crosslink":                     {before: "mkdir -p ~/.zsh"},
	"git crosslink init --helper [<remote>]":                                  {with: map[string]string{"[<remote>]": "origin"}},
	"git crosslink init --no-helper [<remote>]":                               {with: map[string]string{"[<remote>]": "origin"}},
	"git crosslink init --hub":                                                {in: "solo"},
	"git crosslink migrate":                                                   {in: "solo", before: oldHub},
	"git crosslink migrate --dry-run":                                         {in: "solo", before: oldHub},
	"git crosslink migrate --number <issue>=next":                             {in: "solo", before: oldHub, with: map[string]string{"<issue>": "0a9a1c2"}},
	"git crosslink migrate --number 3f9a1c2=next":                             {in: "solo", before: oldHub, with: map[string]string{"3f9a1c2": "0a9a1c2"}},
	"git crosslink migrate --accept-ended <agent>":                            {in: "solo", before: oldHub},
	"git crosslink migrate --finalize":                                        {in: "solo", before: oldHub + "git crosslink migrate", status: 128}, // too early
	"git crosslink migrate --accept-ended hub":                                {in: "solo", before: oldHub},
	"git crosslink migrate --finalize --accept-ended hub":                     {in: "solo", before: oldHub + "git crosslink migrate", status: 128}, // too early
	"git fetch origin crosslink/hub":                                          {before: "git push -q origin HEAD:refs/heads/crosslink/hub || true"},
	"git crosslink migrate --finalize --now":                                  {in: "solo", before: oldHub + "git crosslink migrate"},
	"git crosslink fork detach":                                               {in: "carol", before: forkedHub},
	"git fetch upstream":                                                      {before: "git remote add upstream ../hub.git"},
	"git push --mirror":                                                       {status: 1}, // the hook stops it
	"git crosslink new":                                                       {status: 129},
	"git crosslink init tracker --from origin":                                {before: newHub},
	"git crosslink init tracker --join":                                       {before: newHub + " && git crosslink init tracker --from origin"},
	"git crosslink init <remote> --from <old remote>":                         {before: newHub, with: map[string]string{"<remote>": "tracker", "<old remote>": "origin"}},

	"git config crosslink.signingKey ~/.ssh/id_ed25519 && git crosslink key rotate":                 {before: "mkdir -p ~/.ssh && ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519"},
	"git crosslink trust approve <id>":                                                              {with: bob},
	"git crosslink trust approve <agent> --admin":                                                   {with: bob},
	"git crosslink trust approve <agent> --key '…'":                                                 {with: map[string]string{"'…'": aKey}},
	"git crosslink trust approve ci-build --key 'ssh-ed25519 AAAA…'":                                {with: map[string]string{"'ssh-ed25519 AAAA…'": aKey}},
	"git crosslink trust approve bob-box-cd3e":                                                      {with: bob},
	"git crosslink trust approve carol-box-ef4g --admin":                                            {with: bob},
	"git crosslink trust pending":                                                                   {before: "git crosslink sync"},
	"git crosslink trust revoke <agent> --after <event>":                                            {with: map[string]string{"<agent>": "bob", "<event>": "1"}},
	"git crosslink trust revoke bob-box-cd3e --after 12":                                            {with: map[string]string{"bob-box-cd3e": "bob", "12": "1"}},
	"git crosslink trust revoke bob-box-cd3e --reason 'the box was stolen'":                         {with: bob},
	"git crosslink trust show <agent>":                                                              {with: bob, before: "git crosslink sync"},
	"git crosslink trust":                                                                           {status: 129},
	"git config crosslink.signingKey <file>":                                                        {with: map[string]string{"<file>": "~/.ssh/id_ed25519"}},
	"git --git-dir=.git/crosslink/replica.git push --signed <url> refs/heads/crosslink/agents/<id>": {with: map[string]string{"<id>": "alice", "--signed": "--signed=if-asked"}},
	"git crosslink trust show bob-box-cd3e":                                                         {with: bob, before: "git crosslink sync"},

	"git crosslink trust show bob-box-cd3e --proof proof.json": {not: proofs},
	"git crosslink verify-proof proof.json":                    {not: proofs},
	"git crosslink verify-proof":                               {not: onlyNamed},

	"git clone crosslink::https://example.com/project.git": {not: "a host of the network"},
	"git clone":                     {not: onlyNamed},
	"git remote rename":             {not: onlyNamed},
	"git worktree remove":           {not: onlyNamed},
	"git crosslink edit":            {not: onlyNamed},
	"git crosslink export --bundle": {not: onlyNamed},
	"git remote remove":             {not: onlyNamed},
	"git remote set-url":            {not: onlyNamed},
	"git remote-<scheme>":           {not: onlyNamed},
	"git commit":                    {not: onlyNamed},
	"git push --signed":             {not: onlyNamed},
	"git does not run the tracker's 'pre-push' …":            {not: message},
	"git runs no hooks here: core.hooksPath is '…', which …": {not: message},
	"git pull and git push now also sync the tracker":        {not: message},

	"git crosslink --help":       {not: manual},
	"git help crosslink":         {not: manual},
	"git help crosslink new":     {not: manual},
	"git help git-crosslink-new": {not: manual},
	"git help crosslink-format":  {not: manual},
	"git help crosslink-json":    {not: manual},
	"git config":                 {not: onlyNamed},
	"go run":                     {not: onlyNamed},
	"git … is too old":           {not: message},
	"git shows '…' as untracked, because '…' was not edited …": {not: message},
	"go … is too old":                   {not: message},
	"go test ./ledger":                  {not: tests},
	"go test ./syncer -run TestLoad -v": {not: tests},
	"git … can lose refs in a power failure; git 2.36 does not": {not: message},
	"git crosslink add":                                                 {status: 129},
	"git crosslink 12":                                                  {status: 129},
	"git crosslink request ack <id> --acted":                            {before: asksItself, with: map[string]string{"<id>": theRequest}},
	"git log --first-parent -n 5 refs/heads/crosslink/archive":          {before: "git update-ref refs/heads/crosslink/archive HEAD"},
	"git crosslink import csv issues.csv --scope sheet --prefer source": {before: "git crosslink export --format csv -o issues.csv"},
	"go test ./cmd/git-crosslink -run 'Script/hello' -v":                {not: tests},
	"go test ./cmd/git-crosslink -run Script -update":                   {not: tests},
	"go test ./cmd/git-crosslink -run Script/<verb> -update":            {not: tests},
}

const (
	newHub     = "git init -q --bare -b main ../tracker.git && git remote add tracker ../tracker.git && git push -q tracker HEAD"
	beadsDump  = `mkdir -p .beads && echo '{"id":"b-1","title":"one","status":"open","issue_type":"task"}' >.beads/issues.jsonl`
	githubDump = `echo '[{"number":1,"title":"one","state":"open","html_url":"https://example.org/acme/shop/issues/1"}]' >issues.json && echo '[]' >comments.json`
)

func csvDump(header string) string { return "printf '%s\\n' '" + header + "' 1,one,ann,x >issues.csv" }

const (
	onlyNamed = "named, not shown"
	proofs    = "needs a fork that one key has signed: tracker's TestAC66_EndToEnd makes one"
	message   = "a message"
	manual    = "man shows an installed page: internal/installtest runs it"
	tests     = "runs tests, as this is one"
)
