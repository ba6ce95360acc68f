package hints

import "github.com/git-crosslink/git-crosslink/fail"

// Hints that several rows share.
const (
	doSync      = "git crosslink sync"
	doStatus    = "git crosslink status"
	whatGitSays = "what git says: {git}"
	reading     = "reading works: git crosslink list"
	oneKey      = "to sign, give all jobs of this kind one key: git config crosslink.signingKey <file>"
	upgrade     = "install a newer git-crosslink; this one is: git crosslink version"
	share       = "share it with your team: git crosslink init"
	joinHub     = "join the hub; these issues then get numbers there: git crosslink init --join"
	follow      = "it was detached from this clone's (git crosslink fork detach); to follow it: git crosslink init --join"
	lookURL     = "look at the remote's URL: git remote -v"
	lookURLs    = "look at the remote's URLs: git remote -v"
	bothURLs    = "show both URLs: git remote -v"
	oneURL      = "or push to the URL it is fetched from: git remote set-url --push {remote:word} {url:word}"
	putBack     = "put the tracker's branches there: git crosslink init"
	publishToo  = "or publish the tracker there, too: git crosslink init"
	whatIsThere = "what is there: git crosslink status"
	whichKey    = "see which key it is: git crosslink key show"
	ownFork     = "{own:hidden}or continue under your own id: git crosslink agent fork"
	freeID      = "or write under an id that nobody else uses: {free:name}"
	waiting     = "those that wait: git crosslink trust pending"
	newID       = "let it continue under a new id: git config crosslink.agent <new id>"
	details     = "show details: git crosslink trust show {agent}"
	whatToDo    = "what to do: git crosslink doctor"
	setClock    = "if it is wrong, set it: date"
	idRule      = "an agent id has 3 to 64 of a-z, 0-9 and '-', for instance: "
	seeWhat     = "see what it does: GIT_CROSSLINK_TRACE=1 git crosslink status"
	asOwner     = "run it as the owner of the repository"
	install     = "git crosslink server install"
	hubLevel    = "install the git-crosslink of this hub's level, there and on the server"
	inTheWay    = "ask the hub's owner to delete its branch '{branch}', then: git crosslink sync"
	hubLocks    = "ask the hub's owner to look for lock files that a killed process left: git crosslink server check"
	staleLock   = "a lock file of a killed process is removed after a minute: git crosslink sync"
	setRemote   = "git config crosslink.remote "
)

// asides stand behind the text of a code.
var asides = map[fail.Code]string{
	"new-agent/key": " (git crosslink key show)",
	"manual":        ": only 'git crosslink sync' and 'init' talk to the hub",
}

// rows hold the advice by code, nil where nothing has to be done.
var rows = map[fail.Code][]string{
	// what keeps this side from working
	"no-repository":          {"go to one, or make one: git init"},
	"unsafe-repository":      {"if you trust it: git config --global --add safe.directory <directory>"},
	"unsafe-repository/bare": {"if you trust it, name it: git --git-dir=<directory> crosslink …"},
	"unsafe-repository/git":  {"if you trust it: {git}"},
	"disk-full":              {"what is free: df -h {path:quote}", reading},
	"not-writable":           {"whose it is: ls -ld {path:quote}", reading},
	"not-writable/read-only": {reading},
	"foreign-directory":      {`make the tracker yours: sudo chown -R "$(id -un)" {path:quote}`, reading},
	"foreign-file":           {`if you trust what is in it: sudo chown -R "$(id -un)" {path:quote}`, "else move it away: mv {path:quote} {path:moved}"},
	"in-the-way":             {"move it away: mv {path:quote} {path:moved}"},
	"replica-mended":         {doStatus},
	"torn-replica":           {"bring it back from a backup; or move the replica aside, what the hub has is fetched again: mv {path:quote} {path:aside}", "events that were never sent are in the replica alone"},
	"inside-replica":         {"go to the repository it belongs to: cd {path:quote}"},
	"old-git":                {"install a newer one, and look which is found: git version"},
	"odd-setting":            {"set it: git config {setting} {value}"},
	"committer":              {"set an address without a name: git config crosslink.committer you@example.com", "or use the default, <agent-id>@crosslink: git config --unset crosslink.committer"},
	"own-clock":              {"if this machine's clock is right, continue under a new id: git crosslink agent fork", setClock},
	"far-future":             {"set the clock of that writer's machine; nothing is lost or delayed by it: git crosslink status"},
	"far-future/beyond":      {"an admin can end that log before the event: git crosslink trust revoke {agent} --after {after}"},
	"far-future/outranked":   {"if this machine's clock is right, an admin can end that log before it: git crosslink trust revoke {agent} --after {after}", setClock},
	"level":                  {upgrade},
	"level/older":            {"look at it: git crosslink list", "make it a hub that this program writes to: git crosslink migrate --dry-run"},
	"replica":                {seeWhat},
	"unseen/check":           {seeWhat},
	"not-writable/failed":    {seeWhat},
	"not-stored/failed":      {seeWhat},
	"agent-id/failed":        {seeWhat},
	"own-log/failed":         {seeWhat},

	"tracker-lost": {"push the code without them: git push {remote:word} --all", "and the tags: git push {remote:word} --tags"},

	// who writes here
	"agent-id":            {idRule + "GIT_CROSSLINK_AGENT=builder-1"},
	"agent-id/fork":       {idRule + "git crosslink agent fork builder-2"},
	"agent-id/approve":    {waiting},
	"ci-agent":            {"name one for all jobs of this kind: export GIT_CROSSLINK_AGENT=ci-build", oneKey},
	"ci-key":              {oneKey},
	"identity-file":       {"name the agent yourself: git config crosslink.agent <id>"},
	"shared-agent":        {"set it for this clone alone: {agent:name}", "then let other clones make their own ids: git config --{scope} --unset crosslink.agent"},
	"agent-taken":         {"let one be minted: git crosslink agent fork"},
	"no-agent/key":        {"the first write makes an id: git crosslink new '…'"},
	"no-agent/presence":   {"the first write makes an id: git crosslink new '…'"},
	"no-agent/approve":    {waiting, "approve it before it writes: git crosslink trust approve {agent} --key <public key>"},
	"no-agent/revoke":     {"those there are: git crosslink trust list"},
	"retired":             {"name another agent: git config crosslink.agent {agent}-2"},
	"retired/environment": {"name another agent: GIT_CROSSLINK_AGENT={agent}-2"},

	// logs
	"copied-clone":       {"everything written here is kept; go on under an id of your own: git crosslink agent fork"},
	"copied-clone/other": {"let it continue under a new id: GIT_CROSSLINK_AGENT={agent} git crosslink agent fork"},
	"forked":             {"go on under an id of your own: git crosslink agent fork"},
	"forked/proven":      {"see it: git crosslink trust show {agent}"},
	"own-log":            {"see where it stops: git crosslink status", "write under a new id meanwhile: git config crosslink.agent <new id>"},
	"own-log/missing":    {"take what the hub has: git crosslink sync"},
	"torn-log":           {doSync},
	"empty-log":          {"ask the hub's owner to remove such branches", "list all logs of the hub: git ls-remote {remote:word} 'crosslink/agents/*'"},
	"ended":              {"its writer should see it; what is in front of it counts: git crosslink fsck"},
	"rejected":           {"git crosslink fsck"},
	"appended":           {details},
	"fork-completed":     nil,
	"fork-completed/set": {"from now on set: {agent:set}"},
	"beyond":             {details},
	"trust":              {details},
	"not-unsent":         nil,
	"nothing-to-undo":    {"to see who changed what: git crosslink log <id>"},
	"not-undoable":       nil,
	"not-undoable/claim": {"git crosslink unlock <id>"},
	"not-undoable/lock":  {"git crosslink lock <id>"},
	"changed-since":      {"to see what: git crosslink log {issue}"},
	"not-unsent/sent":    {"to hide an issue or a comment: git crosslink delete <id>, git crosslink comment delete <id>"},
	"ambiguous/event":    {"give the number of the event: git crosslink agent fork --without {seq}"},

	// keys and signatures
	"unsigned":              {whichKey},
	"unsigned/elsewhere":    {"name the file that holds it: git config crosslink.signingKey <file>"},
	"unsigned/off":          {"switch it on: git config --unset crosslink.sign"},
	"unsigned/job":          {oneKey},
	"unsigned/no-file":      {"name the file that holds its key: git config crosslink.signingKey <file>", ownFork, freeID},
	"unsigned/switched-off": {"switch signing on: git config --unset crosslink.sign", ownFork, freeID},
	"unsigned/no-ssh-agent": {`unlock the key: eval "$(ssh-agent -s)" && ssh-add {path:word}`, ownFork, freeID},
	"unsigned/locked":       {"unlock the key: ssh-add {path:word}", ownFork, freeID},
	"unsigned/failed":       {whichKey, ownFork, freeID},
	"unsigned/meta":         {whichKey},
	"unsigned/rotate":       {"see why: git crosslink key show"},
	"no-key":                {"name it: git crosslink trust approve {agent} --key <public key>"},
	"no-key/unsigned":       {"name a key: git config crosslink.signingKey <file>"},
	"no-key/rotate":         {"ask an admin: git crosslink trust approve {agent} --key '{key}'"},
	"no-key/setting":        {"name another key: git config crosslink.signingKey <file>", "or let one be made: git config --unset crosslink.signingKey"},
	"no-log":                {"which key it will use: git crosslink key show"},
	"same-key":              {"name the new one first: git config crosslink.signingKey <file>"},
	"key":                   {"the agent shows its own: git crosslink key show"},

	// trust
	"not-approved":     {"see what is wrong with the key: git crosslink key show"},
	"not-approved/off": {"switch it on: git config --unset crosslink.sign", "then show an admin your key: git crosslink key show"},
	"not-approved/key": {"ask an admin: git crosslink trust approve {agent} --key '{key}'"},
	"not-approved/job": {oneKey},
	"revoked":          {"see why: git crosslink trust show {agent}", "write under a new id: git config crosslink.agent <new id>"},
	"revoked/still":    {newID},
	"revoked/ends":     {"where it ends now: git crosslink trust show {agent}", newID},
	"no-event":         {"how many it has: git crosslink trust show {agent}"},
	"last-admin":       {"make another one first: git crosslink trust approve <agent> --admin"},
	"not-admin":        {"who is one: git crosslink trust show"},
	"meta/believed":    {"who wrote it, and what is believed: git crosslink trust list"},
	"meta-race":        {"try again in a moment"},
	"no-hub":           {"start one, or join the hub: git crosslink init"},
	"no-proof":         {"how its log stands: git crosslink trust show {agent}"},
	"no-proof/file":    {"where one comes from: git crosslink trust show <agent> --proof <file>"},

	// which hub
	"several-remotes":          {"name one: " + setRemote + "{remote:word}"},
	"no-such-remote":           {"add it again: git remote add {remote:word} {url:word}"},
	"no-such-remote/others":    {"name the new remote: " + setRemote + "<name>", "add it again: git remote add {remote:word} {url:word}"},
	"no-such-remote/named":     {"which there are: git remote -v"},
	"hub-chosen":               {whatIsThere},
	"hub-chosen/look":          {"to look for it there from now on: " + setRemote + "{remote:word}", whatIsThere},
	"hub-chosen/detach":        {"to go there first: " + setRemote + "{remote:word}", whatIsThere},
	"other-hub":                {lookURL, "a remote that holds the tracker of this clone can be named: " + setRemote + "<name>"},
	"other-hub/detached":       {follow},
	"other-hub/detached-moved": {lookURL, follow},
	"other-hub/fork":           {lookURL, "to bring the two together there, with new numbers where both gave one: git crosslink init --join"},
	"hub-fork":                 {"to use that one: " + setRemote + "{other:word}", "to make the one on '{remote}' a tracker of its own: git crosslink fork detach"},
	"push-url":                 {bothURLs, "name a remote that pushes to where it fetches from: " + setRemote + "<name>"},
	"private-numbers":          {joinHub},
	"not-empty":                {"import into the tracker that is there: git crosslink import <file>", "show what is there: git crosslink list --status all"},
	"empty-remote/no-commit":   {"publish your code first: git commit --allow-empty -m start && git push {remote:word} HEAD"},
	"empty-remote":             {"publish your code first: git push {remote:word} HEAD"},
	"branch-in-the-way":        {"look at it: git fetch {remote:quote} {branch:quote} && git log FETCH_HEAD", "give it another name there, then: git crosslink init"},
	"hub-meta":                 {"what is wrong with it: git crosslink status", "ask the hub's owner to put its branch 'crosslink/meta' back"},
	"init-race":                {"try again: git crosslink init"},
	"init-race/detach":         {"try again: git crosslink fork detach"},
	"init-race/migrate":        {"try again: git crosslink migrate"},
	"no-old-hub":               {"show what this clone knows: git crosslink status"},
	"not-synced":               {doSync},
	"unreachable/migrate":      {"look at its URL: git remote -v"},
	"unsent/migrate":           {"show what is only here: git crosslink status"},
	"ended-log":                {"leave the unreadable lines out: git crosslink migrate --accept-ended {agent:word}"},
	"number-twice":             {"give one of them the next free number: git crosslink migrate --number {issue}=next"},
	"number-taken":             {"use the next free number: git crosslink migrate --number <issue>=next"},
	"migrated-differs":         {"the first difference: {first}"},
	"no-admin-key":             {"show the key of this agent: git crosslink key show"},
	"protected":                {"allow the replacement for this once, on a server of your own: git config receive.denyNonFastForwards false", "on a forge, lift the protection of the branches crosslink/meta and crosslink/checkpoint"},
	"late-events":              {"have '{agent}' use this program, and write again what it wrote: git crosslink log"},
	"not-migrated":             {"migrate it: git crosslink migrate --dry-run"},
	"too-early":                {"remove it all the same: git crosslink migrate --finalize --now"},
	"refused/finalize":         {"ask who runs it to allow the branch to be deleted"},
	"unshared":                 {share},
	"unseen":                   {doSync},
	"no-fork/detach":           {"make the original known: git remote add upstream <url> && git fetch upstream", "or name the remote whose tracker is to go its own way: git crosslink fork detach {remote:word}"},
	"unsent":                   {"see why: git crosslink sync"},
	"cannot-detach":            {"what is in it: git crosslink fsck --full"},

	// what the hub has lost
	"hub":                 {doStatus},
	"hub/kept":            {"what was seen before is kept and in use; the hub's owner can look there: git crosslink server check"},
	"hub/lost":            {putBack},
	"hub/moved":           {lookURL, publishToo},
	"hub-lost":            {"see which: git crosslink status", "ask the hub's owner to put them back", whatGitSays},
	"hub-lost/gone":       {putBack},
	"hub-lost/moved":      {lookURL, publishToo},
	"lost-decisions":      {"bring them back: git crosslink sync"},
	"lost-decisions/seen": {doStatus},
	"undecidable":         {doStatus},
	"bad-step":            {"git crosslink fsck --full"},
	"bad-step/found":      {"see who wrote them: git crosslink fsck"},
	"ledger":              {"judge it from its root: git crosslink fsck --full"},

	// reaching it
	"unreachable":       {whatGitSays, "check whether git reaches it: git fetch {remote:quote}"},
	"unreachable/init":  {whatGitSays, "look at its URL: git remote -v"},
	"unreachable/push":  {whatGitSays},
	"unreachable/kept":  {doSync},
	"unanswered":        {"check whether git reaches it: git fetch {remote:word}", "to wait longer: git config crosslink.timeout <seconds>"},
	"unanswered/init":   {"check whether git reaches it: git fetch {remote:word}", "to wait longer: git config crosslink.timeout <seconds>", "look at its URL: git remote -v"},
	"unanswered/read":   {doSync},
	"unanswered/push":   {"when the hub answers again: git crosslink sync", "then, if the change is not there: {doing:again}"},
	"unanswered/meta":   {"look when it can be reached: git crosslink sync && git crosslink trust show", whatGitSays},
	"unanswered/detach": {"look when it can be reached: git crosslink sync && git crosslink status", whatGitSays},
	"not-stored":        {staleLock},
	"locked-file":       {staleLock},
	"stale":             {doSync},
	"sync-busy/wait":    {"look again in a moment: git crosslink status"},
	"busy":              {"ask it now: git crosslink sync"},
	"busy/fetch":        {"try again in a while: git crosslink sync"},
	"busy/push":         {"try again in a while: {doing:again}"},
	"paced":             {"to wait for it: git crosslink sync"},
	"slow/wait":         {"to wait for it: git crosslink sync"},
	"presence":          {"for instance: git crosslink comment <id> 'still at it'"},
	"presence-many":     {"whoever runs the hub can look at them: git for-each-ref refs/crosslink/presence"},
	"claim-race":        {"take a place in the queue: git crosslink lock --wait <id>"},

	// what it refuses
	"queued":                   {doSync},
	"queued/elsewhere":         {lookURLs},
	"queued/moved":             {lookURL},
	"queued/lost":              {putBack},
	"refused":                  {"git crosslink doctor"},
	"refused/init":             {"ask who runs it to allow branches under crosslink/"},
	"refused/detach":           {"ask who runs it to allow the branches below crosslink/ to be replaced, for this once"},
	"refused/kept":             {whatToDo},
	"refused/all":              {"ask the hub's owner to let you push branches below 'crosslink/', then: git crosslink sync"},
	"refused/locked":           {hubLocks, "then: git crosslink sync"},
	"refused/locked-meta":      {hubLocks},
	"refused/push-url":         {bothURLs, oneURL, "then: git crosslink sync"},
	"refused/in-the-way":       {inTheWay},
	"refused/range":            {"find out which one: git crosslink sync"},
	"refused/log":              {"ask the hub's owner to let you push '{branch}', then: git crosslink sync"},
	"refused/event":            {"if the rule is about this event, continue without it: git crosslink agent fork --without {seq}", "otherwise ask the hub's owner to accept it, then: git crosslink sync"},
	"refused/event-of-another": {"if the rule is about this event, continue without it: GIT_CROSSLINK_AGENT={agent} git crosslink agent fork --without {seq}", "otherwise ask the hub's owner to accept it, then: git crosslink sync"},
	"refused/clock":            {"set the clock of this machine if it is wrong; then write these events again, with new times: git crosslink agent fork"},
	"refused/clock-of-another": {"set the clock of this machine if it is wrong; then write these events again, with new times: GIT_CROSSLINK_AGENT={agent} git crosslink agent fork"},
	"read-only":                {whatGitSays},
	"read-only/push-url":       {bothURLs, oneURL, "then: git crosslink init", whatGitSays},
	"undecided":                {"ask the hub's owner to look for the cause: git crosslink server check", "then: git crosslink sync"},
	"undecided/in-the-way":     {inTheWay},
	"undecided/step":           {whatToDo},

	// a server's gate
	"no-repository/server":     {"go to the hub's own directory, or name it: git crosslink -C <hub>.git server {verb}"},
	"unsafe-repository/server": {asOwner},
	"not-bare":                 {"run it in the hub: git crosslink -C <hub>.git server {verb}"},
	"level/server":             {hubLevel},
	"shared-hooks":             {"add to '{path}': git-crosslink hook pre-receive || exit 1"},
	"shared-hooks/elsewhere":   {"git config --show-origin core.hooksPath"},
	"old-git/server":           {"check whole pushes: " + install},
	"config-locked":            {"look for git processes that are older than the file: ps -ef", "if there are none, move the file away: mv {path:word} {path:stale}"},
	"not-writable/server":      {asOwner},
	"config-touched":           {"move what is yours out of it, below the line '{line}', and try again: git config --edit"},
	"config-touched/settings":  {install + "{mode:option}"},
	"hook-taken":               {"move the older one away: mv {path:quote} {path:moved}", "then: " + install},
	"hook-taken/per-ref":       {"check whole pushes instead, which goes with it: " + install},
	"two-gates":                {install},
	"hook-lost":                {install},
	"no-gate":                  {install},
	"no-certificates":          {install},
	"program-gone":             {install + "{mode:option}"},
	"other-program":            {install + "{mode:option}"},
	"not-executable":           {install + "{mode:option}"},
	"other-version":            {install + "{mode:option}"},
	"odd-setting/server":       {"git config {setting} {value}"},
	"no-limit":                 {"git config receive.maxInputSize 100m"},
	"hub-meta/server":          {"git crosslink fsck"},
	"no-hub/server":            {"git crosslink init"},
	"unsigned-allowed":         {"an admin, in a clone: git crosslink trust policy --signing require"},
	"stale-locks":              {"list them: find '{path}' -name '*.lock'"},
	"lock-file":                {"look again in a minute: git crosslink server check"},
	"stray-branch":             {"move it away: git branch -m {branch:quote} {branch:below}"},
	"stray-branch/list":        {"list all: git for-each-ref {refs:quote}"},
	"stale-lock":               {"look there for git processes older than the file: ps -ef"},

	// what a gate tells who pushes
	"gate/sync":        {doSync},
	"gate/two-writers": {"if two clones write under this id: git crosslink agent fork"},
	"gate/not-yours":   {"leave these branches to the program: git crosslink sync"},
	"gate/mirror":      {"push without --mirror and --prune, your branches alone: git push <remote> <branch>"},
	"gate/clock":       {"set the clock of the machine that wrote it, then: git crosslink agent fork"},
	"gate/level":       {hubLevel},
	"gate/server":      {"ask the owner of this hub to look there: git crosslink server check"},
	"gate/no-hub":      {"git crosslink init"},
	"gate/doctor":      {"git crosslink doctor"},
	"gate/less":        {"push in parts, or ask the owner of this hub"},
	"gate/which-hub":   {"see which hub this clone belongs to: git crosslink doctor"},
	"gate/admin":       {"ask an admin of this hub to change it; who is one: git crosslink trust show"},
	"gate/approve":     {"show an admin of this hub your key: git crosslink key show"},
	"gate/key":         {"see which key signs here: git crosslink key show"},
	"gate/revoked":     {"ask an admin of this hub; to continue under another id: git config crosslink.agent <id>"},
	"gate/limit":       {"push less at a time, or ask the owner of this hub to raise the limit there: git config {setting} {value}"},
	"gate/log-limit":   {"continue under another id: git crosslink agent fork", "or ask the owner of this hub to raise the limit there: git config {setting} {value}"},
	"gate/namespace":   {"push to that namespace itself, by its own URL (gitnamespaces)"},
	"gate/id":          {"choose another: git config crosslink.agent <id>"},
	"gate/branch":      {"give your branch another name"},
	"gate/replace":     {"ask the owner of this hub to run there: git replace"},
	"gate/presence":    {"nothing depends on it: your events are signs of life, too"},
	"gate/push-key":    {"sign the push with the key of '{agent}': git --git-dir=.git/crosslink/replica.git push --signed <url> refs/heads/crosslink/agents/{agent}"},
	"gate/push-from":   {"push it from the clone that wrote it, with that agent's key"},

	// nothing has to be done
	"hub-moved":              nil,
	"meta":                   nil,
	"cycle":                  nil,
	"self-edge":              nil,
	"no-agent/retire":        nil,
	"private":                nil,
	"renumbered":             nil,
	"new-agent":              nil,
	"sync-busy":              nil,
	"lock":                   nil,
	"paced/waiting":          nil,
	"copied-clone/note":      nil,
	"slowed":                 nil,
	"copied-clone/here":      nil,
	"retired/note":           nil,
	"no-fork":                nil,
	"put-back":               nil,
	"numbered":               nil,
	"stale/not-asked":        nil,
	"no-agent/note":          nil,
	"protection":             nil,
	"queued/until-then":      nil,
	"cannot-detach/migrated": nil,
	"slow":                   nil,
	"not-put-back":           nil,
}
