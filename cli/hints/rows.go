package hints

import "github.com/git-crosslink/git-crosslink/fail"

// Hints that several rows share.
const (
	doSync      = "git crosslink sync"
	doStatus    = "git crosslink status"
	whatGitSays = "git says: {git}"
	reading     = "you can still read the tracker: git crosslink list"
	oneKey      = "to sign, give all jobs of this kind the same key: git config crosslink.signingKey <file>"
	upgrade     = "install a newer git-crosslink; show the version: git crosslink version"
	share       = "share it with your team: git crosslink init"
	joinHub     = "join the hub; it gives these issues new numbers: git crosslink init --join"
	follow      = "it was detached from this clone's tracker; to switch to it: git crosslink init --join"
	lookURL     = "check the remote's URL: git remote -v"
	lookURLs    = "check the remote's URLs: git remote -v"
	bothURLs    = "show both URLs: git remote -v"
	oneURL      = "or push to the URL it is fetched from: git remote set-url --push {remote:word} {url:word}"
	putBack     = "restore the tracker's branches: git crosslink init"
	publishToo  = "or publish the tracker there as well: git crosslink init"
	whatIsThere = "show the state: git crosslink status"
	whichKey    = "show the key: git crosslink key show"
	ownFork     = "{own:hidden}or continue under your own id: git crosslink agent fork"
	freeID      = "or write under an id that nobody else uses: {free:name}"
	waiting     = "list agents that wait for approval: git crosslink trust pending"
	newID       = "let it continue under a new id: git config crosslink.agent <new id>"
	details     = "show the details: git crosslink trust show {agent}"
	whatToDo    = "find the cause: git crosslink doctor"
	setClock    = "if this machine's clock is wrong, set it: date"
	idRule      = "an agent id has 3 to 64 of a-z, 0-9 and '-', for instance: "
	seeWhat     = "show diagnostics: GIT_CROSSLINK_TRACE=1 git crosslink status"
	asOwner     = "run it as the owner of the repository"
	install     = "git crosslink server install"
	hubLevel    = "install a git-crosslink that supports this hub's level, in the clone and on the server"
	inTheWay    = "ask the hub's owner to delete its branch '{branch}', then: git crosslink sync"
	hubLocks    = "ask the hub's owner to look for lock files of killed processes: git crosslink server check"
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
	"no-repository":          {"change to a repository, or create one: git init"},
	"unsafe-repository":      {"if you trust it: git config --global --add safe.directory <directory>"},
	"unsafe-repository/bare": {"if you trust it: git --git-dir=<directory> crosslink …"},
	"unsafe-repository/git":  {"if you trust it: {git}"},
	"disk-full":              {"show free space: df -h {path:quote}", reading},
	"not-writable":           {"show the owner: ls -ld {path:quote}", reading},
	"not-writable/read-only": {reading},
	"foreign-directory":      {`make the tracker yours: sudo chown -R "$(id -un)" {path:quote}`, reading},
	"foreign-file":           {`if you trust its content: sudo chown -R "$(id -un)" {path:quote}`, "otherwise move it away: mv {path:quote} {path:moved}"},
	"in-the-way":             {"move it away: mv {path:quote} {path:moved}"},
	"replica-mended":         {doStatus},
	"torn-replica":           {"restore it from a backup; or move the replica away, and the next command fetches everything from the hub again: mv {path:quote} {path:aside}", "events that were never sent exist only in the replica"},
	"inside-replica":         {"go to the repository it belongs to: cd {path:quote}"},
	"old-git":                {"install a newer git; show which git is found: git version"},
	"odd-setting":            {"set it: git config {setting} {value}"},
	"committer":              {"set an address without a name: git config crosslink.committer you@example.com", "or use the default, <agent-id>@crosslink: git config --unset crosslink.committer"},
	"own-clock":              {"if this machine's clock is right, continue under a new id: git crosslink agent fork", setClock},
	"far-future":             {"nothing is lost or delayed; set the clock of that agent's machine: git crosslink status"},
	"far-future/beyond":      {"an admin can ignore that log from this event on: git crosslink trust revoke {agent} --after {after}"},
	"far-future/outranked":   {"if this machine's clock is right, an admin can ignore that log from this event on: git crosslink trust revoke {agent} --after {after}", setClock},
	"level":                  {upgrade},
	"level/older":            {"show the issues: git crosslink list", "make it a hub that this program writes to: git crosslink migrate --dry-run"},
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
	"ci-agent":            {"set the same id for all jobs of this kind: export GIT_CROSSLINK_AGENT=ci-build", oneKey},
	"ci-key":              {oneKey},
	"identity-file":       {"choose an id: git config crosslink.agent <id>"},
	"shared-agent":        {"set it for this clone alone: {agent:name}", "then let other clones create their own ids: git config --{scope} --unset crosslink.agent"},
	"agent-taken":         {"create an id: git crosslink agent fork"},
	"no-agent/key":        {"the first write creates an id: git crosslink new '…'"},
	"no-agent/presence":   {"the first write creates an id: git crosslink new '…'"},
	"no-agent/approve":    {waiting, "approve it before it writes: git crosslink trust approve {agent} --key <public key>"},
	"no-agent/revoke":     {"list agents: git crosslink trust list"},
	"retired":             {"choose another id: git config crosslink.agent {agent}-2"},
	"retired/environment": {"choose another id: GIT_CROSSLINK_AGENT={agent}-2"},

	// logs
	"copied-clone":       {"all local changes are kept; continue under an id of your own: git crosslink agent fork"},
	"copied-clone/other": {"let it continue under a new id: GIT_CROSSLINK_AGENT={agent} git crosslink agent fork"},
	"forked":             {"continue under an id of your own: git crosslink agent fork"},
	"forked/proven":      {"show the details: git crosslink trust show {agent}"},
	"own-log":            {"show where the log ends: git crosslink status", "until then, write under a new id: git config crosslink.agent <new id>"},
	"own-log/missing":    {"fetch the events from the hub: git crosslink sync"},
	"torn-log":           {doSync},
	"empty-log":          {"ask the hub's owner to remove such branches", "list all logs of the hub: git ls-remote {remote:word} 'crosslink/agents/*'"},
	"ended":              {"earlier events still count; show its writer the details: git crosslink fsck"},
	"rejected":           {"git crosslink fsck"},
	"appended":           {details},
	"fork-completed":     nil,
	"fork-completed/set": {"use it from now on: {agent:set}"},
	"beyond":             {details},
	"trust":              {details},
	"not-unsent":         nil,
	"nothing-to-undo":    {"show who changed it: git crosslink log <id>"},
	"not-undoable":       nil,
	"not-undoable/claim": {"git crosslink unlock <id>"},
	"not-undoable/lock":  {"git crosslink lock <id>"},
	"changed-since":      {"show the changes: git crosslink log {issue}"},
	"not-unsent/sent":    {"to delete an issue or a comment: git crosslink delete <id>, git crosslink comment delete <id>"},
	"ambiguous/event":    {"give the number of the event: git crosslink agent fork --without {seq}"},

	// keys and signatures
	"unsigned":              {whichKey},
	"unsigned/elsewhere":    {"set the key file: git config crosslink.signingKey <file>"},
	"unsigned/off":          {"turn it on: git config --unset crosslink.sign"},
	"unsigned/job":          {oneKey},
	"unsigned/no-file":      {"set its key file: git config crosslink.signingKey <file>", ownFork, freeID},
	"unsigned/switched-off": {"turn signing on: git config --unset crosslink.sign", ownFork, freeID},
	"unsigned/no-ssh-agent": {`unlock the key: eval "$(ssh-agent -s)" && ssh-add {path:word}`, ownFork, freeID},
	"unsigned/locked":       {"unlock the key: ssh-add {path:word}", ownFork, freeID},
	"unsigned/failed":       {whichKey, ownFork, freeID},
	"unsigned/meta":         {whichKey},
	"unsigned/rotate":       {"show the reason: git crosslink key show"},
	"no-key":                {"give the key: git crosslink trust approve {agent} --key <public key>"},
	"no-key/unsigned":       {"set a key: git config crosslink.signingKey <file>"},
	"no-key/rotate":         {"ask an admin: git crosslink trust approve {agent} --key '{key}'"},
	"no-key/setting":        {"use another key: git config crosslink.signingKey <file>", "or let the program create one: git config --unset crosslink.signingKey"},
	"no-log":                {"show the key it will use: git crosslink key show"},
	"same-key":              {"set the new key first: git config crosslink.signingKey <file>"},
	"key":                   {"show the key of an agent, in its clone: git crosslink key show"},

	// trust
	"not-approved":     {"show the key and its state: git crosslink key show"},
	"not-approved/off": {"turn it on: git config --unset crosslink.sign", "then show an admin your key: git crosslink key show"},
	"not-approved/key": {"ask an admin: git crosslink trust approve {agent} --key '{key}'"},
	"not-approved/job": {oneKey},
	"revoked":          {"show the reason: git crosslink trust show {agent}", "write under a new id: git config crosslink.agent <new id>"},
	"revoked/still":    {newID},
	"revoked/ends":     {"show where its log ends: git crosslink trust show {agent}", newID},
	"no-event":         {"show how many events it has: git crosslink trust show {agent}"},
	"last-admin":       {"make another agent an admin first: git crosslink trust approve <agent> --admin"},
	"not-admin":        {"list the admins: git crosslink trust show"},
	"meta/believed":    {"list the agents and their keys: git crosslink trust list"},
	"meta-race":        {"try again in a moment"},
	"no-hub":           {"create a tracker, or join one: git crosslink init"},
	"no-proof":         {"show its log: git crosslink trust show {agent}"},
	"no-proof/file":    {"create a proof: git crosslink trust show <agent> --proof <file>"},

	// which hub
	"several-remotes":          {"choose one: " + setRemote + "{remote:word}"},
	"no-such-remote":           {"add it again: git remote add {remote:word} {url:word}"},
	"no-such-remote/others":    {"choose the new remote: " + setRemote + "<name>", "add it again: git remote add {remote:word} {url:word}"},
	"no-such-remote/named":     {"list the remotes: git remote -v"},
	"hub-chosen":               {whatIsThere},
	"hub-chosen/look":          {"to use the tracker there from now on: " + setRemote + "{remote:word}", whatIsThere},
	"hub-chosen/detach":        {"to use that remote first: " + setRemote + "{remote:word}", whatIsThere},
	"other-hub":                {lookURL, "choose a remote that has the tracker of this clone: " + setRemote + "<name>"},
	"other-hub/detached":       {follow},
	"other-hub/detached-moved": {lookURL, follow},
	"other-hub/taken-back":     {reading, "to start again with the hub that is there, put aside what this clone knows: mv {path:quote} {path:moved} && git crosslink sync"},
	"other-hub/fork":           {lookURL, "to merge both trackers there, with new numbers where both use the same number: git crosslink init --join"},
	"hub-fork":                 {"to use that tracker: " + setRemote + "{other:word}", "to make the tracker on '{remote}' independent: git crosslink fork detach"},
	"push-url":                 {bothURLs, "choose a remote that pushes to where it fetches from: " + setRemote + "<name>"},
	"private-numbers":          {joinHub},
	"private-numbers/founded":  {"export the issues, then import them in a new clone of the hub: git crosslink export -o issues.jsonl"},
	"set-aside":                {"import into the existing tracker: git crosslink import <file>"},
	"not-empty":                {"import into the existing tracker: git crosslink import <file>", "show its issues: git crosslink list --status all"},
	"empty-remote/no-commit":   {"publish your code first: git commit --allow-empty -m start && git push {remote:word} HEAD"},
	"empty-remote":             {"publish your code first: git push {remote:word} HEAD"},
	"branch-in-the-way":        {"show it: git fetch {remote:quote} {branch:quote} && git log FETCH_HEAD", "give it another name there, then: git crosslink init"},
	"hub-meta":                 {"show the problem: git crosslink status", "ask the hub's owner to restore its branch 'crosslink/meta'"},
	"init-race":                {"try again: git crosslink init"},
	"init-race/detach":         {"try again: git crosslink fork detach"},
	"init-race/migrate":        {"try again: git crosslink migrate"},
	"init-race/finalize":       {"try again: git crosslink migrate --finalize"},
	"no-old-hub":               {"show the hub of this clone: git crosslink status"},
	"not-synced":               {doSync},
	"unreachable/migrate":      {"check its URL: git remote -v"},
	"unsent/migrate":           {"show the unsent events: git crosslink status"},
	"ended-log":                {"leave the unreadable lines out: git crosslink migrate --accept-ended {agent:word}"},
	"unread-files":             {"list them, and what would be migrated: git crosslink migrate --dry-run --accept-ended hub", "leave them out: git crosslink migrate --accept-ended hub"},
	"unread-files/shown":       {"list them, and what would be migrated: git crosslink migrate --dry-run --accept-ended hub"},
	"left-behind":              {"get a copy of that branch: git fetch {remote:word} crosslink/hub"},
	"number-twice":             {"give one of them the next free number: git crosslink migrate --number {issue}=next"},
	"number-taken":             {"use the next free number: git crosslink migrate --number <issue>=next"},
	"migrated-differs":         {"the first difference: {first}"},
	"no-admin-key":             {"show the key of this agent: git crosslink key show"},
	"protected":                {"on your own server, allow the replacement once: git config receive.denyNonFastForwards false", "on a forge, unprotect the branches crosslink/meta and crosslink/checkpoint until the migration is done"},
	"late-events":              {"switch '{agent}' to this program, and make its changes again: git crosslink log"},
	"not-migrated":             {"migrate it: git crosslink migrate --dry-run"},
	"too-early":                {"remove it anyway: git crosslink migrate --finalize --now"},
	"refused/finalize":         {"ask the hub's owner to allow deleting this branch"},
	"unshared":                 {share},
	"unseen":                   {doSync},
	"no-fork/detach":           {"add the original repository as a remote: git remote add upstream <url> && git fetch upstream", "or name the remote whose tracker gets its own id: git crosslink fork detach {remote:word}"},
	"unsent":                   {"show the reason: git crosslink sync"},
	"cannot-detach":            {"check the ledger: git crosslink fsck --full"},

	// what the hub has lost
	"hub":                 {doStatus},
	"hub/kept":            {"this clone keeps using its own copy; ask the hub's owner to run: git crosslink server check"},
	"hub/lost":            {putBack},
	"hub/moved":           {lookURL, publishToo},
	"hub-lost":            {"list them: git crosslink status", "ask the hub's owner to restore them", whatGitSays},
	"hub-lost/gone":       {putBack},
	"hub-lost/moved":      {lookURL, publishToo},
	"lost-decisions":      {"restore them: git crosslink sync"},
	"lost-decisions/seen": {doStatus},
	"undecidable":         {doStatus},
	"bad-step":            {"git crosslink fsck --full"},
	"bad-step/found":      {"show who wrote them: git crosslink fsck"},
	"ledger":              {"check the whole ledger: git crosslink fsck --full"},

	// reaching it
	"unreachable":        {whatGitSays, "check whether git reaches it: git fetch {remote:quote}"},
	"unreachable/init":   {whatGitSays, "check its URL: git remote -v"},
	"unreachable/push":   {whatGitSays},
	"unreachable/kept":   {doSync},
	"unanswered":         {"check whether git reaches it: git fetch {remote:word}", "to wait longer: git config crosslink.timeout <seconds>"},
	"unanswered/init":    {"check whether git reaches it: git fetch {remote:word}", "to wait longer: git config crosslink.timeout <seconds>", "check its URL: git remote -v"},
	"unanswered/read":    {doSync},
	"unanswered/push":    {"when the hub answers again: git crosslink sync", "then, if the change is not there: {doing:again}"},
	"unanswered/meta":    {"check when the hub can be reached: git crosslink sync && git crosslink trust show", whatGitSays},
	"unanswered/migrate": {"when the hub can be reached, run it again: git crosslink migrate", whatGitSays},
	"unanswered/detach":  {"check when the hub can be reached: git crosslink sync && git crosslink status", whatGitSays},
	"not-stored":         {staleLock},
	"locked-file":        {staleLock},
	"stale":              {doSync},
	"sync-busy/wait":     {"check again in a moment: git crosslink status"},
	"busy":               {"try now: git crosslink sync"},
	"busy/fetch":         {"try again in a while: git crosslink sync"},
	"busy/push":          {"try again in a while: {doing:again}"},
	"paced":              {"wait until it is sent: git crosslink sync"},
	"slow/wait":          {"wait until it is sent: git crosslink sync"},
	"presence":           {"write a comment instead: git crosslink comment <id> 'still working on this'"},
	"presence-many":      {"list them on the hub: git for-each-ref refs/crosslink/presence"},
	"claim-race":         {"wait in the queue: git crosslink lock --queue <id>"},

	// what it refuses
	"queued":                   {doSync},
	"queued/elsewhere":         {lookURLs},
	"queued/moved":             {lookURL},
	"queued/lost":              {putBack},
	"refused":                  {"git crosslink doctor"},
	"refused/init":             {"ask the hub's owner to allow branches under crosslink/"},
	"refused/detach":           {"ask the hub's owner to allow replacing the branches under crosslink/ once"},
	"refused/kept":             {whatToDo},
	"refused/all":              {"ask the hub's owner to let you push branches under 'crosslink/', then: git crosslink sync"},
	"refused/locked":           {hubLocks, "then: git crosslink sync"},
	"refused/locked-meta":      {hubLocks},
	"refused/push-url":         {bothURLs, oneURL, "then: git crosslink sync"},
	"refused/in-the-way":       {inTheWay},
	"refused/range":            {"find the event: git crosslink sync"},
	"refused/log":              {"ask the hub's owner to let you push '{branch}', then: git crosslink sync"},
	"refused/event":            {"if the rule applies to this event, continue without it: git crosslink agent fork --without {seq}", "otherwise ask the hub's owner to accept it, then: git crosslink sync"},
	"refused/event-of-another": {"if the rule applies to this event, continue without it: GIT_CROSSLINK_AGENT={agent} git crosslink agent fork --without {seq}", "otherwise ask the hub's owner to accept it, then: git crosslink sync"},
	"refused/clock":            {"if this machine's clock is wrong, set it; then give these events new times: git crosslink agent fork"},
	"refused/clock-of-another": {"if this machine's clock is wrong, set it; then give these events new times: GIT_CROSSLINK_AGENT={agent} git crosslink agent fork"},
	"read-only":                {whatGitSays},
	"read-only/push-url":       {bothURLs, oneURL, "then: git crosslink init", whatGitSays},
	"undecided":                {"ask the hub's owner to look for the cause: git crosslink server check", "then: git crosslink sync"},
	"undecided/in-the-way":     {inTheWay},
	"undecided/step":           {whatToDo},

	// a server's gate
	"no-repository/server":     {"run it in the hub's directory: git crosslink -C <hub>.git server {verb}"},
	"unsafe-repository/server": {asOwner},
	"not-bare":                 {"run it in the hub: git crosslink -C <hub>.git server {verb}"},
	"level/server":             {hubLevel},
	"level/server-older":       {"migrate the hub first, in a clone: git crosslink migrate --dry-run"},
	"shared-hooks":             {"add to '{path}': git-crosslink hook pre-receive || exit 1"},
	"shared-hooks/elsewhere":   {"git config --show-origin core.hooksPath"},
	"old-git/server":           {"check whole pushes: " + install},
	"config-locked":            {"look for git processes that are older than the file: ps -ef", "if there are none, move the file away: mv {path:word} {path:stale}"},
	"not-writable/server":      {asOwner},
	"config-touched":           {"move your own settings below the line '{line}', and try again: git config --edit"},
	"config-touched/settings":  {install + "{mode:option}"},
	"hook-taken":               {"move the existing hook away: mv {path:quote} {path:moved}", "then: " + install},
	"hook-taken/per-ref":       {"or check whole pushes; this works together with the existing hook: " + install},
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
	"lock-file":                {"check again in a minute: git crosslink server check"},
	"old-hub":                  {"migrate it, in a clone: git crosslink migrate --dry-run"},
	"old-hub/migrated":         {"to remove it from the hub, in a clone: git crosslink migrate --finalize"},
	"stray-branch":             {"move it away: git branch -m {branch:quote} {branch:below}"},
	"stray-branch/list":        {"list all: git for-each-ref {refs:quote}"},
	"stale-lock":               {"on the server, look for git processes that are older than the file: ps -ef"},

	// what a gate tells who pushes
	"gate/sync":        {doSync},
	"gate/two-writers": {"if two clones write under this id: git crosslink agent fork"},
	"gate/not-yours":   {"only the program writes these branches: git crosslink sync"},
	"gate/mirror":      {"push only your branches, without --mirror and --prune: git push <remote> <branch>"},
	"gate/clock":       {"set the clock of the machine that wrote it, then: git crosslink agent fork"},
	"gate/level":       {hubLevel},
	"gate/server":      {"ask the owner of this hub to run: git crosslink server check"},
	"gate/no-hub":      {"git crosslink init"},
	"gate/doctor":      {"git crosslink doctor"},
	"gate/less":        {"push in parts, or ask the owner of this hub"},
	"gate/which-hub":   {"show which hub this clone belongs to: git crosslink doctor"},
	"gate/admin":       {"ask an admin of this hub to change it; list the admins: git crosslink trust show"},
	"gate/approve":     {"show an admin of this hub your key: git crosslink key show"},
	"gate/key":         {"show the key of this worktree: git crosslink key show"},
	"gate/revoked":     {"ask an admin of this hub; to continue under another id: git config crosslink.agent <id>"},
	"gate/limit":       {"push in smaller parts, or ask the owner of this hub to raise the limit there: git config {setting} {value}"},
	"gate/log-limit":   {"continue under another id: git crosslink agent fork", "or ask the owner of this hub to raise the limit there: git config {setting} {value}"},
	"gate/namespace":   {"push to that namespace itself, by its own URL (gitnamespaces)"},
	"gate/id":          {"choose another id: git config crosslink.agent <id>"},
	"gate/branch":      {"give your branch another name"},
	"gate/replace":     {"ask the owner of this hub to run there: git replace"},
	"gate/presence":    {"you can ignore this: others also see your events"},
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
