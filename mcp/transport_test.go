package mcp

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const initialize = `{"jsonrpc":"2.0","id":"first","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}`

// peer speaks to a server line by line, as no client should.
type peer struct {
	t   testing.TB
	in  io.WriteCloser
	out *bufio.Reader
}

type reply struct {
	ID     any             `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func (p *peer) send(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.t.Fatalf("%.80q: %v", line, err)
	}
}

func (p *peer) read() (r reply) {
	p.t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.t.Fatalf("no answer: %v", err)
	}
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		p.t.Fatalf("%q: %v", line, err)
	}
	return r
}

// process starts a server as a program.
func process(t testing.TB, dir string, env []string) (p *peer, wait func() error) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "git-crosslink-mcp"))
	cmd.Dir, cmd.Env = dir, env
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return &peer{t, in, bufio.NewReader(out)}, cmd.Wait
}

// TestMalformed: a line that is no message gets an error, and the session continues.
func TestMalformed(t *testing.T) {
	dir, env := repository(t)
	p, wait := process(t, dir, env)
	p.send(initialize)
	if r := p.read(); r.ID != "first" || !strings.Contains(string(r.Result), `"git-crosslink"`) {
		t.Fatalf("initialize: %+v", r)
	}
	p.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	for _, c := range []struct {
		line string
		id   any
		code int
	}{
		{"not json", nil, -32700},
		{"null", nil, -32600},
		{"{}", nil, -32600},
		{"[]", nil, -32600},
		{"7", nil, -32600},
		{`"text"`, nil, -32600},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/list"`, nil, -32700},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/list"} {"jsonrpc":"2.0","id":2,"method":"ping"}`, nil, -32700},
		{`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, nil, -32600},
		{`{"jsonrpc":"1.0","id":1,"method":"ping"}`, 1.0, -32600},
		{`{"jsonrpc":"2.0","id":"a","method":5}`, "a", -32600},
		{`{"jsonrpc":"2.0","id":{},"method":"ping"}`, nil, -32600},
		{`{"jsonrpc":"2.0","id":true,"method":"ping"}`, nil, -32600},
		{`{"jsonrpc":"2.0","result":{}}`, nil, -32600},
		{strings.Repeat("[", 100_000), nil, -32700},
		{`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", 1.0, -32600},
		{`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"new","arguments":{"title":"` + strings.Repeat("x", maxLine) + `"}}}`, nil, -32700},
		{"\xff\xfe\x00", nil, -32700},
		{`{"jsonrpc":"2.0","id":4,"method":"no/such/method"}`, 4.0, -32601},
		{`{"jsonrpc":"2.0","id":5,"method":"tools/call"}`, 5.0, -32600},
		{`{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"no_such_tool"}}`, 6.0, -32602},
		{`{"jsonrpc":"2.0","id":7,"method":"resources/read","params":{"uri":"\u0001\u007f://\ud800"}}`, 7.0, 0},
	} {
		p.send(c.line)
		r := p.read()
		if r.Error == nil || r.ID != c.id || c.code != 0 && r.Error.Code != c.code {
			t.Errorf("%.80q: %+v %+v", c.line, r, r.Error)
		}
	}
	for _, line := range []string{"", "   ", "\t\r", `{"jsonrpc":"2.0","method":"no/such/notification"}`, `{"jsonrpc":"2.0","id":99,"result":{}}`, `{"jsonrpc":"2.0","id":null,"method":"ping"}`} {
		p.send(line) // these get no answer
	}
	p.send(`{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"new","arguments":[]}}`)
	if r := p.read(); r.ID != 8.0 || !strings.Contains(string(r.Result), "not an object") {
		t.Errorf("arguments in a list: %+v", r)
	}
	p.send(`{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"new","arguments":{"title":"still here"}}}` + "\r")
	if r := p.read(); r.ID != 9.0 || !strings.Contains(string(r.Result), "still here") {
		t.Errorf("the session does not go on: %+v %+v", r, r.Error)
	}
	io.WriteString(p.in, `{"jsonrpc":"2.0","id":10`) // the last line has no end
	p.in.Close()
	if r := p.read(); r.Error == nil || r.Error.Code != -32700 {
		t.Errorf("half a message: %+v", r)
	}
	if err := wait(); err != nil {
		t.Error(err)
	}
}

// TestEnds: the server ends with its stdin, and leaves no process.
func TestEnds(t *testing.T) {
	dir, env := repository(t)
	p, wait := process(t, dir, env)
	p.send(initialize)
	p.read()
	p.in.Close()
	ended := make(chan error, 1)
	go func() { ended <- wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the server goes on without stdin")
	}
}

// TestAnswersAfterTheLastLine: what was asked before stdin ended is answered.
func TestAnswersAfterTheLastLine(t *testing.T) {
	dir, env := repository(t)
	p, wait := process(t, dir, env)
	p.send(initialize)
	p.send(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	for _, title := range []string{"one", "two"} {
		p.send(`{"jsonrpc":"2.0","id":"` + title + `","method":"tools/call","params":{"name":"new","arguments":{"title":"` + title + `"}}}`)
	}
	p.in.Close()
	got := map[any]bool{}
	for range 3 {
		r := p.read()
		got[r.ID] = r.Error == nil && !strings.Contains(string(r.Result), `"isError":true`)
	}
	if !got["first"] || !got["one"] || !got["two"] {
		t.Errorf("answered after the end of stdin: %v", got)
	}
	if line, err := p.out.ReadString('\n'); err != io.EOF {
		t.Errorf("%q, %v after the last answer", line, err)
	}
	if err := wait(); err != nil {
		t.Error(err)
	}
}

// FuzzSession: whatever a client sends, it can continue afterward. No program is run.
func FuzzSession(f *testing.F) {
	for _, s := range []string{"", "{}", "[]", "not json", initialize, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"show","arguments":{"ids":[1,"2"]}}}`,
		`{"jsonrpc":"2.0","id":3,"method":"resources/read","params":{"uri":"crosslink://issue/%2d1"}}`, `{"jsonrpc":"2.0","id":4,"method":"prompts/get","params":{"name":"work","arguments":{"id":"1"}}}`,
		`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`, `{"jsonrpc":"2.0","id":5,"method":"completion/complete","params":{"ref":{"type":"ref/prompt","name":"work"},"argument":{"name":"id","value":"1"}}}`,
		`[{"jsonrpc":"2.0","id":1,"method":"ping"}]`, `{"jsonrpc":"2.0","id":"x","method":"logging/setLevel","params":{"level":"debug"}}`, "\x00\xff", `{"jsonrpc":"2.0","id":1e400,"method":"ping"}`, `{"jsonrpc":"2.0","id":6,"method":"server/discover"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		s, err := NewServer(Options{Program: "/nonexistent", Set: "admin"})
		if err != nil {
			t.Fatal(err)
		}
		toServer, in := io.Pipe()
		out, fromServer := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			ended <- s.Run(t.Context(), &transport{toServer, fromServer})
			fromServer.Close()
		}()
		go func() {
			in.Write(append(sent, "\n"+initialize+"\n"...))
			fmt.Fprintln(in, `{"jsonrpc":"2.0","id":"the-last-one","method":"ping"}`)
		}()
		answered := false
		for r := bufio.NewReader(out); !answered; {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatalf("%q ended the session: %v", sent, err)
			}
			var got reply
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatalf("%q was answered with %q", sent, line)
			}
			answered = got.ID == "the-last-one"
		}
		go io.Copy(io.Discard, out)
		in.Close()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Fatalf("%q: the server does not end", sent)
		}
	})
}

var _ sdk.Transport = (*transport)(nil)
