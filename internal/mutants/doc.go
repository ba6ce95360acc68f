// Package mutants puts faults into the rules, one at a time, and sees that the
// tests of their package notice: a rule that can be broken unnoticed is not held
// by its tests.
package mutants
