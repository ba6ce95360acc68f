package db

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/git-crosslink/git-crosslink/event"
)

// KeyFile is the name of the key that seals secrets. It protects a copy of the
// database, not of the directory.
const KeyFile = "dashboard.key"

// sealer seals secrets with the key beside the database, which is made when it is
// first needed.
func (d *DB) sealer() (cipher.AEAD, error) {
	path := filepath.Join(filepath.Dir(d.path), KeyFile)
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, 32)
		if _, err := rand.Read(key); err != nil {
			return nil, err
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			return d.sealer()
		}
		if err != nil {
			return nil, err
		}
		_, err = f.Write(key)
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	if len(key) != 32 {
		return nil, fmt.Errorf("'%s' is no key", path)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func (d *DB) seal(secret []byte) ([]byte, error) {
	s, err := d.sealer()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, s.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return s.Seal(nonce, nonce, secret, nil), nil
}

func (d *DB) unseal(sealed []byte) ([]byte, error) {
	s, err := d.sealer()
	if err != nil {
		return nil, err
	}
	if len(sealed) < s.NonceSize() {
		return nil, errors.New("a secret is damaged")
	}
	return s.Open(nil, sealed[:s.NonceSize()], sealed[s.NonceSize():], nil)
}

// crockford is the alphabet of a ULID.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// messageID is an id that is used once, and sorts by time.
func messageID(at event.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(at/1e6)<<16)
	rand.Read(b[6:])
	return "msg_" + crockford.EncodeToString(b[:])
}
