// Package issue has the commands about issues and their locks, with one file for each noun.
// Each command parses its arguments and then runs: newCloseCommand parses into options,
// runStatus acts.
package issue
