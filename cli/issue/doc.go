// Package issue has the commands about issues and their locks: one file for each
// noun, parse then run. newCloseCommand parses into options, runStatus acts.
package issue
