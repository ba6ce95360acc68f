// Package command is what every command of the command line has: the
// environment it runs in, the repository that it opens when it needs one, and
// how it reads, writes and ends. It knows no command.
package command
