package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/git-crosslink/git-crosslink/cli/prime"
)

// Options say how a server works.
type Options struct {
	Program string // git-crosslink
	Dir     string // where its commands run; "" is here
	Set     string // read, write or admin
	Version string
}

// instructions is the text that every client gets.
const instructions = "Issues of this repository, shared through git. Call context first; claim before you work, comment as you go, close when done. Outcome taken or code 2: somebody else has it."

// NewServer returns a server with the tools of a set.
func NewServer(o Options) (*sdk.Server, error) {
	level := slices.Index(sets, o.Set)
	if level < 0 {
		return nil, fmt.Errorf("'%s' is not a toolset: use one of %v", o.Set, sets)
	}
	s := sdk.NewServer(&sdk.Implementation{Name: "git-crosslink", Version: o.Version}, &sdk.ServerOptions{
		Instructions: instructions,
		Capabilities: &sdk.ServerCapabilities{}, // no logging
	})
	r := runner{o.Program, o.Dir}
	for i := range tools {
		t := &tools[i]
		if slices.Index(sets, t.set) > level {
			continue
		}
		s.AddTool(&sdk.Tool{Name: t.name, Description: t.what, InputSchema: t.schema(), Annotations: annotations(t)},
			func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
				return call(ctx, r, t, req.Params.Arguments), nil
			})
	}
	addResources(s, r)
	addPrompts(s)
	return s, nil
}

func annotations(t *tool) *sdk.ToolAnnotations {
	yes := true
	switch t.set {
	case "read":
		return &sdk.ToolAnnotations{ReadOnlyHint: true}
	case "admin":
		return &sdk.ToolAnnotations{DestructiveHint: &yes}
	}
	return nil
}

// call answers one call of a tool. What goes wrong is a result, so that the model
// sees it.
func call(ctx context.Context, r runner, t *tool, arguments json.RawMessage) *sdk.CallToolResult {
	a, err := t.parse(arguments)
	if err != nil {
		return refusal("usage", 129, err)
	}
	commands := t.run(a)
	if len(commands) == 0 {
		return refusal("usage", 129, fmt.Errorf("nothing to change: %s takes %s", t.name, t.names()))
	}
	for _, c := range commands {
		if err := c.fits(); err != nil {
			return refusal("usage", 129, err)
		}
	}
	var all []*envelope
	for _, c := range commands {
		e, err := r.run(ctx, c)
		if err != nil {
			return refusal("fatal", 128, err)
		}
		if all = append(all, e); e.Code > 1 {
			break // what comes next would rest on it
		}
	}
	text, s, failed := compose(t, a, all)
	return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: text}}, StructuredContent: clean(s), IsError: failed}
}

func refusal(kind string, code int, err error) *sdk.CallToolResult {
	return &sdk.CallToolResult{
		Content:           []sdk.Content{&sdk.TextContent{Text: prime.Clean(err.Error()) + "\n"}},
		StructuredContent: clean(structured{Outcome: kind, Code: code, Issues: []row{}, Message: err.Error()}),
		IsError:           true,
	}
}
