// Package hub has the commands about the hub, those who write to it and what git
// and a server call: one file for each noun, parse then run.
package hub
