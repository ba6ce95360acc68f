package arrows

import "maps"

// dashboard are the rules of the dashboard's packages.
var dashboard = map[string]rule{
	"cli/dashboard":         {may: "cli/frame", why: "it starts a program; the program is none of its business"},
	"cli/launch":            {why: "it finds a program and starts it"},
	"cli/mcp":               {may: "cli/frame", why: "it starts a program; the program is none of its business"},
	"cmd/git-crosslink-mcp": {may: "mcp", why: "main only"},
	"mcp":                   {may: "cli/prime cli/launch internal/version", why: "each call is a command of git-crosslink, so that there is one meaning of it"},

	"dashboard/inbox": {pure: true, may: "dashboard/alerts dashboard/facts event", why: "what needs somebody follows from alerts and facts"},

	"dashboard/draw":  {pure: true, may: "", why: "where a thing stands in a drawing follows from numbers"},
	"dashboard/query": {pure: true, may: "event", why: "what a text asks for is known before anything is asked"},
	"dashboard/db": {
		may: "dashboard/alerts dashboard/counters dashboard/facts dashboard/notify event internal/fault",
		why: "it stores what was computed and knows no repository, so that what is shown outlives one",
	},
	"dashboard/compat":  {may: "answer dashboard/alerts dashboard/db dashboard/export dashboard/facts event store tracker", why: "the answers of crosslink 0.9 are shapes, whoever asks for them"},
	"dashboard/socket":  {may: "dashboard/db", why: "frames follow from the feed; who may read it is decided before"},
	"dashboard/guard":   {may: "dashboard/db event", why: "who may ask for what is decided in one place, which knows no page"},
	"dashboard/stream":  {may: "dashboard/db", why: "as dashboard/socket"},
	"dashboard/metrics": {may: "dashboard/alerts dashboard/db event", why: "figures follow from what is stored"},
	"dashboard/export":  {may: "dashboard/db event", why: "a table is the same on a page and on the command line"},
	"dashboard/poll": {
		may: "dashboard/alerts dashboard/db dashboard/facts event internal/fault",
		why: "it sees a repository through an interface, so that hanging, broken and missing ones can be tested",
	},
	"dashboard/markdown": {pure: true, why: "what becomes of a hostile text follows from the text alone"},
	"dashboard/notify":   {pure: true, may: "dashboard/alerts event", why: "what an endpoint is told, and how it is signed, follows from an alert and a secret"},
	"dashboard/deliver": {
		may: "dashboard/db dashboard/notify event internal/fault",
		why: "requests to other machines leave in one place, which checks every address",
	},
	"dashboard/place": {
		may: "answer dashboard/db dashboard/facts dashboard/poll event fail internal/shell people reducer refs/git store tracker internal/system",
		why: "a repository is reached in one place; it is the tracker's to say what is in it",
	},
	"dashboard/forms": {
		may: "cli/frame dashboard/facts dashboard/guard dashboard/place event store tracker verb people",
		why: "what a form asks an agent to write follows from its fields and the state, whoever sent it",
	},
	"dashboard/web": {
		may: "answer cli/frame dashboard/alerts dashboard/compat dashboard/counters dashboard/db dashboard/draw dashboard/export dashboard/facts dashboard/forms dashboard/github dashboard/guard dashboard/inbox dashboard/markdown dashboard/metrics dashboard/notify dashboard/place dashboard/poll dashboard/query dashboard/socket dashboard/stream event internal/shell reducer store tracker verb people",
		why: "pages and actions; the words of a refusal are those of the command line",
	},
	"dashboard/cli": {
		may: "cli/frame dashboard/alerts dashboard/db dashboard/deliver dashboard/discover dashboard/export dashboard/facts dashboard/github dashboard/guard dashboard/inbox dashboard/notify dashboard/place dashboard/poll dashboard/web event fail internal/shell tracker internal/system",
		why: "the dashboard's words, and the one place that puts its parts together",
	},
	"dashboard/github":            {why: "it asks one server and reads what that answers; who has a token, and what is done with a repository, is none of its business"},
	"dashboard/discover":          {may: "internal/system", why: "it looks at files of others and opens no repository, so that what is hostile there is only looked at"},
	"dashboard/dashtest":          {may: "event tracker", why: "hubs and clones for tests; only tests import it"},
	"cmd/git-crosslink-dashboard": {may: "dashboard/cli", why: "main only"},
}

func init() {
	maps.Copy(rules, dashboard)
	cli := rules["cli"]
	cli.may += " cli/dashboard cli/mcp"
	rules["cli"] = cli
	maps.Copy(starts, map[string]string{"cli/launch": "programs beside this one", "mcp": "git-crosslink, for each call", "dashboard/cli": "a browser, and programs that know a token for GitHub", "dashboard/place": "itself, to fetch from a hub"})
	testOnly = append(testOnly, "dashboard/dashtest", "github.com/chromedp")
	mayTest = append(mayTest, "dashboard/dashtest")
}
