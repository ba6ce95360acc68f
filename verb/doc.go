// Package verb defines the meaning of commands: it finds the issues that the arguments
// name, and returns the events to write and their effects. All surfaces share it: the
// command line, the dashboard, and tools for agents. It takes parsed arguments and a
// projection, and returns a Plan; it knows no streams, options or clock.
//
// If nothing has to be changed, the Plan has no events and records that.
package verb
