// Package mcp offers the tracker to AI agents as tools of the Model Context
// Protocol. Each call runs git-crosslink with --json in the directory where the
// server was started and passes the answer on, so that there is one meaning of a
// command, nothing that could go stale between calls, and a crash stays in a call.
//
// What others wrote reaches a model inside of a fence that says that it is data.
package mcp
