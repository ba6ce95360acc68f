package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	"modernc.org/sqlite" // the driver registers itself
)

// Store is the projection in a file, so that a command need not read again what an earlier
// one has read. It is a cache: if it is damaged or unusable, the answers come from memory,
// and nothing is reported.
type Store struct {
	Path string // of the database; its journal and its stamp lie beside it
	// Lock keeps other processes from writing the store. It returns false if another
	// process is writing. rebuild says that there is no store yet, so it is worth waiting
	// for that process.
	Lock func(rebuild bool) (unlock func(), ok bool)
	// WordsFrom is the number of texts from which a search creates an index of words. With
	// fewer texts, reading them is faster than creating the index.
	WordsFrom int
}

// busy is how long a lock of the database is waited for, twice.
const busy = 100 * time.Millisecond

// errOther says that the store was made from something else, or by another
// program, or is not as it was left.
var errOther = errors.New("the store is of another state")

// open opens the database file at path, for reading until it is writable.
func open(path string) (*sql.DB, *sql.Conn, error) {
	q := url.Values{"mode": {"rw"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds()), "cell_size_check(1)", "trusted_schema(0)", "temp_store(2)", "query_only(1)",
	}}
	at := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", at.String())
	if err != nil {
		return nil, nil, err
	}
	conn, err := db.Conn(context.Background())
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	return db, conn, nil
}

// writable lets a connection write.
func writable(conn *sql.Conn) error {
	sync := "0" // the stamp tells a file that may not have reached the disk
	if bootID() == "" {
		sync = "1"
	}
	_, err := conn.ExecContext(context.Background(), "PRAGMA query_only(0); PRAGMA synchronous("+sync+"); PRAGMA cache_size(-16384)")
	return err
}

// again does something that may find the database busy, and once more if it did.
func again(do func() error) error {
	err := do()
	if sqliteCode(err) == codeBusy {
		err = do()
	}
	return err
}

const (
	codeBusy     = 5 // SQLITE_BUSY, and so on
	codeReadOnly = 8
	codeFull     = 13
)

// sqliteCode is SQLite's primary result code, 0 for another error.
func sqliteCode(err error) int {
	if e := (*sqlite.Error)(nil); errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}
