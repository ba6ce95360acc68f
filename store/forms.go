package store

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Unicode has several forms of one text: 'é' is one character or two. Events
// keep the bytes that were written, and the reducer compares bytes, because
// what a stored event means must never change. Questions compare forms:
// labels and people by Name, words by Fold.

// Name returns the form in which labels and people are stored and compared: NFC, without
// spaces at the ends.
func Name(s string) string { return norm.NFC.String(strings.TrimSpace(s)) }

// Fold returns the form in which words are searched: NFC, in lower case.
func Fold(s string) string { return norm.NFC.String(strings.ToLower(norm.NFC.String(s))) }

// Called returns the members of a list, as they are stored, that have the same Name as
// name.
func Called(list []string, name string) []string {
	var same []string
	name = Name(name)
	for _, s := range list {
		if s == name || Name(s) == name {
			same = append(same, s)
		}
	}
	return same
}
