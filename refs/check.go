package refs

import (
	"errors"
	"fmt"
	"strings"
)

// These checks apply to all implementations of Local and Remote.

// CheckRefName refuses every name that `git check-ref-format` refuses, and names that do
// not begin with refs/, so a name can never be taken for an option or a path.
func CheckRefName(name string) error {
	bad := func(why string) error { return fmt.Errorf("%w '%s': %s", ErrBadName, name, why) }
	if !strings.HasPrefix(name, "refs/") || len(name) > 512 {
		return bad("not a full ref name")
	}
	if !WellFormed(name) {
		return bad("not well formed")
	}
	for part := range strings.SplitSeq(name, "/") {
		if part[0] == '-' || part[len(part)-1] == '.' {
			return bad("component not allowed")
		}
	}
	return nil
}

// WellFormed applies the rules of `git check-ref-format`.
func WellFormed(name string) bool {
	for i := 0; i < len(name); i++ {
		if c := name[i]; c <= ' ' || c == 0x7f || strings.IndexByte(`~^:?*[\`, c) >= 0 {
			return false
		}
	}
	if strings.Contains(name, "..") || strings.Contains(name, "@{") || strings.HasSuffix(name, ".") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] == '.' || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return true
}

// CheckPrefix refuses a directory of refs that no ref can be in.
func CheckPrefix(prefix string) error {
	if i := strings.LastIndexByte(prefix, '/'); i > 0 {
		return CheckRefName(prefix[:i] + "/x")
	}
	return nil
}

// CheckUpdates refuses updates that can never work.
func CheckUpdates(f Format, ups []Update) error {
	seen := make(map[string]bool)
	for _, u := range ups {
		if err := CheckRefName(u.Ref); err != nil {
			return err
		}
		if seen[u.Ref] {
			return fmt.Errorf("ref '%s' is given twice", u.Ref)
		}
		seen[u.Ref] = true
		for _, id := range []OID{u.Old, u.New} {
			if id != "" && (!f.Valid(id) || id == f.Zero()) {
				return fmt.Errorf("ref '%s': bad object id '%s'", u.Ref, id)
			}
		}
	}
	return nil
}

// CheckFree fails with ErrNameTaken if the name of another ref, after ups, is a
// directory of ref or below it.
func CheckFree(ref string, ups []Update, all []Ref) error {
	goes := make(map[string]bool)
	names := make([]string, 0, len(all)+len(ups))
	for _, u := range ups {
		if u.New == "" {
			goes[u.Ref] = true
		} else {
			names = append(names, u.Ref)
		}
	}
	for _, r := range all {
		names = append(names, r.Name)
	}
	for _, n := range names {
		if !goes[n] && (strings.HasPrefix(n, ref+"/") || strings.HasPrefix(ref, n+"/")) {
			return fmt.Errorf("%w: '%s' and '%s'", ErrNameTaken, ref, n)
		}
	}
	return nil
}

// CheckPush refuses pushes that can never work: no ref, a bad name or id, or force for a
// ref with a history.
func CheckPush(f Format, p Push) error {
	if len(p.Refs) == 0 {
		return errors.New("push: no ref given")
	}
	for _, r := range p.Refs {
		if err := CheckRefName(r.Dst); err != nil {
			return err
		}
		ids := []OID{r.Src}
		if r.Lease != nil {
			ids = append(ids, *r.Lease)
		}
		for _, id := range ids {
			if id != "" && !f.Valid(id) {
				return fmt.Errorf("push '%s': bad object id '%s'", r.Dst, id)
			}
		}
		if r.Force && !strings.HasPrefix(r.Dst, HubPresence) {
			return fmt.Errorf("push '%s': a ref with a history is never forced", r.Dst)
		}
	}
	return nil
}
