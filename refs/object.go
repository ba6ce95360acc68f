package refs

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"sort"
	"strconv"
	"strings"
	"time"
)

// OID is an object's id in lower-case hex.
type OID string

// Format is a repository's object format.
type Format byte

// The object formats that git knows.
const (
	SHA1 Format = iota
	SHA256
)

// ParseFormat parses git's names for the formats.
func ParseFormat(name string) (Format, error) {
	switch name {
	case "sha1":
		return SHA1, nil
	case "sha256":
		return SHA256, nil
	}
	return SHA1, fmt.Errorf("unknown object format '%s'", name)
}

// String returns git's name for the format.
func (f Format) String() string {
	if f == SHA256 {
		return "sha256"
	}
	return "sha1"
}

// NewHash returns a new hash for an object.
func (f Format) NewHash() hash.Hash {
	if f == SHA256 {
		return sha256.New()
	}
	return sha1.New()
}

func (f Format) size() int { // in bytes
	if f == SHA256 {
		return sha256.Size
	}
	return sha1.Size
}

// Zero is git's way to write "no object".
func (f Format) Zero() OID { return OID(strings.Repeat("0", 2*f.size())) }

// Valid reports whether id is an id of this format. Every id is checked with it before it
// reaches git's command line or a protocol.
func (f Format) Valid(id OID) bool {
	if len(id) != 2*f.size() {
		return false
	}
	for i := 0; i < len(id); i++ {
		if c := id[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// ID is the id that git gives to an object.
func (f Format) ID(o Object) OID {
	h := f.NewHash()
	fmt.Fprintf(h, "%s %d\x00", o.Kind, len(o.Data))
	h.Write(o.Data)
	return OID(hex.EncodeToString(h.Sum(nil)))
}

// IDs returns the ids of objects that will be written, in order. An object that is not a
// blob, tree or commit is an error.
func (f Format) IDs(objs []Object) ([]OID, error) {
	ids := make([]OID, len(objs))
	for i, o := range objs {
		if o.Kind != Blob && o.Kind != Tree && o.Kind != Commit {
			return nil, errors.New("write: object of no known kind")
		}
		ids[i] = f.ID(o)
	}
	return ids, nil
}

// Kind is an object's type. Tags are not used.
type Kind byte

// The kinds, numbered as in a pack.
const (
	Commit Kind = 1
	Tree   Kind = 2
	Blob   Kind = 3
	Other  Kind = 0 // a tag; the tracker has none
)

func (k Kind) String() string {
	switch k {
	case Commit:
		return "commit"
	case Tree:
		return "tree"
	case Blob:
		return "blob"
	}
	return "other"
}

// ParseKind parses git's names for the kinds.
func ParseKind(name string) Kind {
	switch name {
	case "commit":
		return Commit
	case "tree":
		return Tree
	case "blob":
		return Blob
	}
	return Other
}

// Object is an object's content without git's header.
type Object struct {
	Kind Kind
	Data []byte
}

// The modes that the tracker uses. Entries with other modes are kept in trees and never
// read.
const (
	ModeBlob = "100644"
	ModeTree = "40000"
)

// TreeEntry is one line of a tree.
type TreeEntry struct {
	Mode string // as git stores it: no leading zero
	Name string
	OID  OID
}

// sortKey is git's sort key for trees: the name of a directory counts as if it ended in
// '/'.
func (e TreeEntry) sortKey() string {
	if e.Mode == ModeTree {
		return e.Name + "/"
	}
	return e.Name
}

// EncodeTree sorts the entries as git does and encodes them.
func EncodeTree(f Format, entries []TreeEntry) ([]byte, error) {
	es := append([]TreeEntry(nil), entries...)
	sort.Slice(es, func(i, j int) bool { return es[i].sortKey() < es[j].sortKey() })
	names := make(map[string]bool, len(es))
	var b bytes.Buffer
	for _, e := range es {
		if err := checkEntryName(e.Name); err != nil {
			return nil, err
		}
		if names[e.Name] {
			return nil, fmt.Errorf("tree holds '%s' twice", e.Name)
		}
		names[e.Name] = true
		if !f.Valid(e.OID) {
			return nil, fmt.Errorf("tree entry '%s': bad object id '%s'", e.Name, e.OID)
		}
		raw, _ := hex.DecodeString(string(e.OID))
		b.WriteString(e.Mode)
		b.WriteByte(' ')
		b.WriteString(e.Name)
		b.WriteByte(0)
		b.Write(raw)
	}
	return b.Bytes(), nil
}

var errTree = errors.New("malformed tree")

// ParseTree decodes a tree strictly: known mode syntax, no empty, repeated or misordered
// name, no trailing data. It is linear in len(data) and never panics.
func ParseTree(f Format, data []byte) ([]TreeEntry, error) {
	var es []TreeEntry
	names := make(map[string]bool)
	last := ""
	for len(data) > 0 {
		sp := bytes.IndexByte(data[:min(len(data), 8)], ' ')
		if sp < 5 {
			return nil, fmt.Errorf("%w: mode", errTree)
		}
		mode := string(data[:sp])
		if mode[0] == '0' || strings.Trim(mode, "01234567") != "" {
			return nil, fmt.Errorf("%w: mode", errTree)
		}
		data = data[sp+1:]
		nul := bytes.IndexByte(data[:min(len(data), maxEntryName+1)], 0)
		if nul < 0 || len(data) < nul+1+f.size() {
			return nil, fmt.Errorf("%w: cut short", errTree)
		}
		e := TreeEntry{Mode: mode, Name: string(data[:nul]), OID: OID(hex.EncodeToString(data[nul+1 : nul+1+f.size()]))}
		data = data[nul+1+f.size():]
		if err := checkEntryName(e.Name); err != nil {
			return nil, err
		}
		if k := e.sortKey(); k <= last || names[e.Name] {
			return nil, fmt.Errorf("%w: order", errTree)
		} else {
			last = k
		}
		names[e.Name] = true
		es = append(es, e)
	}
	return es, nil
}

const maxEntryName = 255

func checkEntryName(name string) error {
	switch {
	case name == "", name == ".", name == "..", len(name) > maxEntryName,
		strings.ContainsAny(name, "/\x00"), strings.EqualFold(name, ".git"):
		return fmt.Errorf("%w: name", errTree)
	}
	return nil
}

// CommitInfo is the content of a commit besides its tree and parents.
type CommitInfo struct {
	Author  string    // the agent's id, which is the name of author and committer
	Address string    // their address; "" is <agent-id>@crosslink
	When    time.Time // to the second, written as UTC
	Message string    // a final LF is added if there is none

	// Next is the sequence of the first line that AppendLog appends. 0 means the sequence
	// after the existing lines. It is needed only if the log does not show this: for the
	// first new line of a log that has only a level-3 events.log.
	Next uint64
}

// ValidAddress reports whether a commit can contain an address: one name, one host,
// printable ASCII without the characters that git removes from addresses or at which it
// ends them.
func ValidAddress(s string) bool {
	name, host, ok := strings.Cut(s, "@")
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || strings.IndexByte(`<>"\,:;()[]`, s[i]) >= 0 {
			return false
		}
	}
	return ok && name != "" && host != "" && len(s) <= 254 && !strings.Contains(host, "@") && strings.Trim(s, ".'") == s
}

// EncodeCommit encodes a commit as git does.
func EncodeCommit(f Format, tree OID, parents []OID, c CommitInfo) ([]byte, error) {
	if !f.Valid(tree) {
		return nil, fmt.Errorf("commit: bad tree id '%s'", tree)
	}
	if c.Author == "" || strings.ContainsAny(c.Author, "<>\n\x00") {
		return nil, fmt.Errorf("commit: bad author '%s'", c.Author)
	}
	address := c.Address
	if address == "" {
		address = c.Author + "@crosslink"
	} else if !ValidAddress(address) {
		return nil, fmt.Errorf("commit: bad address '%s'", address)
	}
	if strings.ContainsRune(c.Message, 0) {
		return nil, errors.New("commit: message holds a NUL")
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %s\n", tree)
	for _, p := range parents {
		if !f.Valid(p) {
			return nil, fmt.Errorf("commit: bad parent id '%s'", p)
		}
		fmt.Fprintf(&b, "parent %s\n", p)
	}
	who := fmt.Sprintf("%s <%s> %d +0000", c.Author, address, max(c.When.Unix(), 0))
	fmt.Fprintf(&b, "author %s\ncommitter %s\n\n%s", who, who, c.Message)
	if !strings.HasSuffix(c.Message, "\n") {
		b.WriteByte('\n')
	}
	return b.Bytes(), nil
}

// CommitHead is the part of a commit that is read.
type CommitHead struct {
	Tree    OID
	Parents []OID
	When    int64 // committer's time in seconds; for people, nothing depends on it; 0 if unreadable
}

// ParseCommit reads a commit's tree and parents strictly and the rest
// leniently.
func ParseCommit(f Format, data []byte) (CommitHead, error) {
	var c CommitHead
	bad := errors.New("malformed commit")
	field := func(name string) (OID, bool) {
		n := len(name) + 1 + 2*f.size()
		if len(data) <= n || !bytes.HasPrefix(data, []byte(name+" ")) || data[n] != '\n' {
			return "", false
		}
		id := OID(data[len(name)+1 : n])
		if !f.Valid(id) {
			return "", false
		}
		data = data[n+1:]
		return id, true
	}
	var ok bool
	if c.Tree, ok = field("tree"); !ok {
		return c, bad
	}
	for {
		p, ok := field("parent")
		if !ok {
			break
		}
		c.Parents = append(c.Parents, p)
	}
	if !bytes.HasPrefix(data, []byte("author ")) {
		return CommitHead{}, bad
	}
	head, _, _ := bytes.Cut(data, []byte("\n\n"))
	if i := bytes.Index(head, []byte("\ncommitter ")); i >= 0 {
		line, _, _ := bytes.Cut(head[i+1:], []byte("\n"))
		if w := bytes.Fields(line[bytes.LastIndexByte(line, '>')+1:]); len(w) > 0 {
			c.When, _ = strconv.ParseInt(string(w[0]), 10, 64)
		}
	}
	return c, nil
}
