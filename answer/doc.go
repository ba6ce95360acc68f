// Package answer holds what is answered to programs: the JSON shapes of issues,
// locks, histories, agents, findings and the hub, and how they are made of rows
// and reports. All surfaces share them: the command line with --json, a
// dashboard, tools for agents. docs/json.md describes them, and a test compares.
//
// Every member is always there: null where there is no value, an empty array
// where there is none. Members are only ever added.
package answer
