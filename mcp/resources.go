package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/git-crosslink/git-crosslink/cli/prime"
)

// The addresses of resources.
const (
	primeURI = "crosslink://prime"
	issueURI = "crosslink://issue/"
)

// addResources offers what the tools 'context' and 'show' answer to clients that
// let a person attach it.
func addResources(s *sdk.Server, r runner) {
	read := func(toolName string, args map[string]any) func(context.Context, string) (*sdk.ReadResourceResult, error) {
		t := &tools[slices.IndexFunc(tools, func(t tool) bool { return t.name == toolName })]
		return func(ctx context.Context, uri string) (*sdk.ReadResourceResult, error) {
			raw, _ := json.Marshal(args)
			res := call(ctx, r, t, raw)
			text := res.Content[0].(*sdk.TextContent).Text
			if res.IsError || res.StructuredContent.(map[string]any)["code"] != 0.0 {
				return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: text}
			}
			return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{URI: uri, MIMEType: "text/plain", Text: text}}}, nil
		}
	}
	s.AddResource(&sdk.Resource{URI: primeURI, Name: "prime", Description: "How to work here and where you stand", MIMEType: "text/plain"},
		func(ctx context.Context, req *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
			return read("context", nil)(ctx, req.Params.URI)
		})
	s.AddResourceTemplate(&sdk.ResourceTemplate{URITemplate: issueURI + "{id}", Name: "issue", Description: "An issue with its comments", MIMEType: "text/plain"},
		func(ctx context.Context, req *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
			id, err := url.PathUnescape(strings.TrimPrefix(req.Params.URI, issueURI))
			if err != nil || id == "" {
				return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "the address of an issue is " + issueURI + "<id>"}
			}
			return read("show", map[string]any{"ids": id})(ctx, req.Params.URI)
		})
}

// addPrompts offers what people start most often.
func addPrompts(s *sdk.Server) {
	answer := func(text string) *sdk.GetPromptResult {
		return &sdk.GetPromptResult{Messages: []*sdk.PromptMessage{{Role: "user", Content: &sdk.TextContent{Text: text}}}}
	}
	s.AddPrompt(&sdk.Prompt{Name: "work", Description: "Work on an issue", Arguments: []*sdk.PromptArgument{{Name: "id", Description: "the issue; without it, the best ready one"}}},
		func(_ context.Context, req *sdk.GetPromptRequest) (*sdk.GetPromptResult, error) {
			which := "Claim the best ready issue with the tool claim."
			if id := req.Params.Arguments["id"]; id != "" {
				which = fmt.Sprintf("Claim issue %s with the tool claim.", prime.Clean(cutText(id, 100)))
			}
			return answer(which + " If somebody else has it, say so and stop. Read it with show, do the work, comment on decisions and results, create issues for what you find on the way, and close it with what was done."), nil
		})
	s.AddPrompt(&sdk.Prompt{Name: "handoff", Description: "End the session and leave notes for the next one"},
		func(context.Context, *sdk.GetPromptRequest) (*sdk.GetPromptResult, error) {
			return answer("End your session with the tool handoff. The notes say what is done, what is left and which pitfalls you found, for somebody who was not here."), nil
		})
}
