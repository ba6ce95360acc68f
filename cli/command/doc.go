// Package command is the common part of the command line's commands: the environment in
// which they run, the repository that they open when they need one, and how they read,
// write and end. It knows no single command.
package command
