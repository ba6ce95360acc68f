// Package frame is the frame around the commands of the command line: it orders the
// arguments, prints results, progress, warnings and failures, explains the commands in help
// and in the manual, completes them in a shell, and opens an editor for texts. It knows no
// single command and no tracker.
//
// The rules are:
//
//   - Every byte from elsewhere passes the sanitizer before it reaches a terminal; in JSON
//     the encoder escapes it (json.go).
//   - One function turns errors into messages and an exit status (Explain,
//     docs/exit-codes.md).
//   - Commands do not prompt, except for the confirmations of Confirm. An editor opens only on
//     request, or on a terminal when a text is missing.
package frame
