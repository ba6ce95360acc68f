// Package frame is the frame around the commands of the command line: it orders
// the arguments, prints results, progress, warnings and failures, explains the
// commands in help and in the manual, completes them in a shell, and asks for
// texts in an editor. It knows no command and no tracker.
//
// The rules are:
//
//   - Every byte that came from elsewhere passes the sanitizer before a terminal
//     may see it; in JSON the encoder escapes it (json.go).
//   - One place turns errors into words and an exit status (Explain,
//     docs/exit-codes.md).
//   - Nothing prompts; an editor opens only when asked for, or on a terminal
//     when a text is missing.
package frame
