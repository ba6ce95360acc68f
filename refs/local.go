package refs

import (
	"context"
	"errors"
	"fmt"
)

// Ref is a name and what it points to.
type Ref struct {
	Name string
	OID  OID
}

// Update is one ref's part of a Swap.
type Update struct {
	Ref string
	Old OID // what the ref must be now; "" = it must not exist
	New OID // what it becomes; "" = it is deleted
}

// What a Local can say. Test with errors.Is.
var (
	// ErrConflict says that a ref was not what Swap was told. Nothing moved.
	// Read the ref again and decide again. It travels as a *ConflictError.
	ErrConflict = errors.New("ref has moved")
	// ErrMissing says that an object is not there.
	ErrMissing = errors.New("object is missing")
	// ErrCorrupt says that an object is there but cannot be read.
	ErrCorrupt = errors.New("object is corrupt")
	// ErrTooLarge says that an object exceeds the limit given to Read.
	ErrTooLarge = errors.New("object is too large")
	// ErrNameTaken says that a ref cannot be made because another one's name
	// is a directory of it, or the reverse ('a' against 'a/b').
	ErrNameTaken = errors.New("ref name collides with another ref")
	// ErrLocked says that another process held a ref's lock for longer than
	// Swap waits. Nothing moved.
	ErrLocked = errors.New("ref is locked by another process")
	// ErrStorage says that the repository could not be asked: a program that it
	// needs failed or died. It says nothing about what is stored.
	ErrStorage = errors.New("storage failed")
	// ErrClosed says that Close was called before.
	ErrClosed = errors.New("repository is closed")
	// ErrBadName says that a ref name is not acceptable to git or to us.
	ErrBadName = errors.New("bad ref name")
)

// ConflictError names the first ref of a Swap that was not as expected.
type ConflictError struct {
	Ref      string
	Old, Got OID // expected and found; "" = absent
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("ref '%s' is %s, not %s", e.Ref, orAbsent(e.Got), orAbsent(e.Old))
}

// Unwrap makes errors.Is(err, ErrConflict) true.
func (e *ConflictError) Unwrap() error { return ErrConflict }

func orAbsent(id OID) string {
	if id == "" {
		return "absent"
	}
	return "'" + string(id) + "'"
}

// Local is one repository's objects and refs: what a log needs and no more.
//
// All methods may be called from several goroutines at once and beside other
// processes that use the same repository, git itself included. Nothing is
// cached between calls except a running reader: what Refs and Read return was
// true at some moment during the call.
type Local interface {
	// Format tells how object ids are computed and how long they are.
	Format() Format

	// Refs returns all refs whose name begins with prefix, sorted by name
	// (bytewise). The prefix is a literal string; "refs/a/" never matches
	// "refs/ab". No ref is not an error. A ref whose object is missing is
	// listed like any other.
	Refs(ctx context.Context, prefix string) ([]Ref, error)

	// Read calls each once per id, in the order asked, from the caller's
	// goroutine. An object that is missing or larger than limit bytes is
	// given as ErrMissing, ErrCorrupt or ErrTooLarge and does not end the call;
	// its Data is nil. Data belongs to each from then on. An error returned by each
	// ends the call and is returned as it is. Asking for one id twice is
	// allowed. A too large object costs no memory. each must not call the
	// same Local.
	Read(ctx context.Context, ids []OID, limit int64, each func(i int, o Object, err error) error) error

	// Write stores the objects and returns their ids in the same order. When
	// it returns nil each of them exists and survives power loss (they are
	// fsynced with their directories). It is idempotent: storing what is
	// already there is success. After an error any subset may have been
	// stored; that is garbage and harms nothing.
	Write(ctx context.Context, objs []Object) ([]OID, error)

	// Swap moves all refs or none. It fails with a *ConflictError (Is
	// ErrConflict) if some ref is not at its Old, whatever the reason; with
	// ErrLocked if another process held a lock for the whole bounded wait;
	// with ErrNameTaken, ErrBadName or ErrMissing if it can never work. When
	// it returns nil the move survives power loss, the ref's directory
	// included. An Update with Old == New only verifies. It does not end
	// early when ctx is done once git has been asked: the outcome is then
	// known to the caller. No update at all is success.
	//
	// Not idempotent: the same Swap again is a conflict. A limit: power loss in
	// the middle of a Swap of several refs may leave some of them moved (git's
	// own limit).
	Swap(ctx context.Context, ups []Update) error

	// SwapInOrder is Swap for moves of which any first few make sense without
	// the rest: what was seen on the hub, or a line and then the decision about
	// it. It starts no process where Swap may have to. A conflict moves nothing,
	// as with Swap; but if the process is killed in the middle, the first moves
	// are made and the others are not.
	SwapInOrder(ctx context.Context, ups []Update) error

	// Close ends what was started. Further calls are an error.
	Close() error
}

// IgnoreMissing is err unless it says that an object is missing. A chain whose
// objects are not all here is judged, or not, when it is read.
func IgnoreMissing(err error) error {
	if errors.Is(err, ErrMissing) {
		return nil
	}
	return err
}

// IgnoreConflict is err unless it says that a ref has moved.
func IgnoreConflict(err error) error {
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}
