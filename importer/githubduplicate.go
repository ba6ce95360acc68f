package importer

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/git-crosslink/git-crosslink/event"
)

// githubNumbers are the numbers of the issues in a GitHub source. They are read when first
// needed, because an issue may be a duplicate of a later one.
type githubNumbers struct {
	source Source
	all    map[uint64]bool
}

// duplicateOf finds the issue that a text names as the original: '#12', 'GH-12', 'o/r#12'
// or a URL.
var duplicateOf = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(\bnot )?(?:\ban? )?\bduplicate of:?[ \t]+(https?://\S+/issues/|[\w.-]+/[\w.-]+#|#|GH-)([0-9]{1,18})\b`)
})

// relate relates an issue that was closed as a duplicate to the original that its texts
// name: in the last comment that names one, otherwise in the description.
func (n *githubNumbers) relate(i *Issue, rep *Report) error {
	i.Guessed = true
	number := uint64(0)
	for k := len(i.Comments) - 1; k >= 0 && number == 0; k-- {
		number = i.namedOriginal(i.Comments[k].Text)
	}
	if number == 0 {
		number = i.namedOriginal(i.Description)
	}
	if number == 0 {
		return nil
	}
	if err := n.read(); err != nil {
		return err
	}
	if !n.all[number] {
		rep.skipEdge(i, "dangling-edge", "it is a duplicate of #"+strconv.FormatUint(number, 10)+", which is not an issue of the source")
		return nil
	}
	i.relate(event.Duplicates, strconv.FormatUint(number, 10))
	return nil
}

// namedOriginal returns the number of the original that a text names in the same
// repository, 0 if it names none. Quoted lines do not count.
func (i *Issue) namedOriginal(text string) uint64 {
	url := ""
	if len(i.Links) > 0 {
		url = i.Links[0].Ref
	}
	issues := strings.ToLower(url[:strings.LastIndexByte(url, '/')+1]) // URL of this repository's issues
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), ">") {
			continue
		}
		for _, m := range duplicateOf().FindAllStringSubmatch(line, -1) {
			not, where := m[1], strings.ToLower(m[2])
			repository, named := strings.CutSuffix(where, "#")
			switch {
			case not != "":
			case named && repository != "" && !strings.HasSuffix(issues, "/"+repository+"/issues/"):
			case strings.HasPrefix(where, "http") && where != issues:
			default:
				if number, err := strconv.ParseUint(m[3], 10, 64); err == nil && number != i.Number {
					return number
				}
			}
		}
	}
	return 0
}

func (n *githubNumbers) read() error {
	if n.all != nil {
		return nil
	}
	n.all = map[uint64]bool{}
	return laterSaid(rows(n.source, func(r row) error {
		var one struct {
			Number      uint64          `json:"number"`
			PullRequest json.RawMessage `json:"pull_request"`
		}
		if r.err == nil && json.Unmarshal(r.raw, &one) == nil && one.Number > 0 && (len(one.PullRequest) == 0 || string(one.PullRequest) == "null") {
			n.all[one.Number] = true
		}
		return nil
	}))
}
