// Package verb is what a command means: which things its words name, which
// events it emits, and what they do. All surfaces share it: the command line, a
// dashboard, tools for agents. It gets words that have been parsed and a
// projection, and returns a Plan; it knows no stream, no option and no clock.
//
// A change that is already in place emits nothing, and its Plan says so.
package verb
