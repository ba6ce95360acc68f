package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/git-crosslink/git-crosslink/event"
)

// The positions. The rules are:
//   - shard positions/<x>/<y> holds the agents whose id's SHA-256 begins with
//     the hexadecimal digits xy, one line `<agent> <seq> <hash>` each, sorted by
//     agent id. (One directory of 256 would add a tree of 5 KB to every step
//     of a hub with 1,000 agents, for object ids do not compress.)
//   - a shard without lines does not exist;
//   - the hash in state.json is the SHA-256 of the shards' bytes joined in
//     name order;
//   - a position never goes back.

// shard is one file of positions/. It is never altered.
type shard struct {
	text    []byte
	entries []placed
}

type placed struct {
	agent string
	Position
}

type positions struct {
	shards *[256]*shard
	hash   string
}

var noPositions = func() positions {
	p := positions{shards: new([256]*shard)}
	p.sum()
	return p
}()

// shardPaths are the names of the shards.
var shardPaths = func() (t [256]string) {
	for i := range t {
		t[i] = fmt.Sprintf("positions/%x/%x", i>>4, i&15)
	}
	return t
}()

// shardOf is the number of an agent's shard.
func shardOf(agent string) int {
	h := sha256.Sum256([]byte(agent))
	return int(h[0])
}

func (p *positions) get(agent string) Position {
	if s := p.shards[shardOf(agent)]; s != nil {
		if i, ok := s.find(agent); ok {
			return s.entries[i].Position
		}
	}
	return Position{}
}

func (s *shard) find(agent string) (int, bool) {
	return slices.BinarySearchFunc(s.entries, agent, func(e placed, a string) int { return strings.Compare(e.agent, a) })
}

func (p *positions) all() map[string]Position {
	out := map[string]Position{}
	for _, s := range p.shards {
		if s != nil {
			for _, e := range s.entries {
				out[e.agent] = e.Position
			}
		}
	}
	return out
}

// with returns the positions after some moved.
func (p *positions) with(moved map[string]Position) positions {
	if len(moved) == 0 {
		return *p
	}
	shards := *p.shards
	fresh := map[int]bool{}
	for _, agent := range slices.Sorted(maps.Keys(moved)) {
		k := shardOf(agent)
		s := shards[k]
		if !fresh[k] {
			s = &shard{}
			if shards[k] != nil {
				s.entries = slices.Clone(shards[k].entries)
			}
			shards[k], fresh[k] = s, true
		}
		i, ok := s.find(agent)
		if !ok {
			s.entries = slices.Insert(s.entries, i, placed{agent: agent})
		}
		s.entries[i].Position = moved[agent]
	}
	for k := range fresh {
		shards[k].render()
	}
	n := positions{shards: &shards}
	n.sum()
	return n
}

func (s *shard) render() {
	b := make([]byte, 0, len(s.entries)*96)
	for _, e := range s.entries {
		b = append(append(b, e.agent...), ' ')
		b = append(strconv.AppendUint(b, e.Seq, 10), ' ')
		b = append(append(b, e.Hash...), '\n')
	}
	s.text = b
}

func (p *positions) sum() {
	h := sha256.New()
	for _, s := range p.shards {
		if s != nil {
			h.Write(s.text)
		}
	}
	p.hash = base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// readShard decodes shard k.
func readShard(k int, data []byte) (*shard, error) {
	s := &shard{text: data}
	if len(data) == 0 {
		return nil, errors.New("a shard without lines does not exist")
	}
	for len(data) > 0 {
		line, rest, ok := bytes.Cut(data, []byte("\n"))
		f := bytes.Split(line, []byte(" "))
		if !ok || len(line) > 256 || len(f) != 3 {
			return nil, errors.New("a line is not '<agent> <seq> <hash>'")
		}
		e := placed{agent: string(f[0]), Position: Position{Hash: string(f[2])}}
		if e.Seq, ok = readUint(f[1]); !ok || e.Seq == 0 || event.ValidAgentID3(e.agent) != nil || !event.ValidHash(e.Hash) {
			return nil, errors.New("a line is not '<agent> <seq> <hash>'")
		}
		if shardOf(e.agent) != k {
			return nil, errors.New("an agent is in the wrong shard")
		}
		if n := len(s.entries); n > 0 && s.entries[n-1].agent >= e.agent {
			return nil, errors.New("the agents are not sorted")
		}
		s.entries = append(s.entries, e)
		data = rest
	}
	return s, nil
}

// readPositions decodes the shards and takes them out of rest.
func readPositions(rest map[string][]byte) (positions, error) {
	p := positions{shards: new([256]*shard)}
	for k, path := range shardPaths {
		data, ok := rest[path]
		if !ok {
			continue
		}
		delete(rest, path)
		s, err := readShard(k, data)
		if err != nil {
			return p, fmt.Errorf("'%s': %w", path, err)
		}
		p.shards[k] = s
	}
	p.sum()
	return p, nil
}
