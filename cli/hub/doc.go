// Package hub has the commands about the hub and its writers, and those that git and a
// server call: one file for each noun, parse then run.
package hub
