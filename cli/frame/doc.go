// Package frame is the frame around the commands of the command line: how text
// is made safe for a terminal, and how errors read and which exit status they
// have. It knows no command.
package frame
