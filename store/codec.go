package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"reflect"
	"sync"
)

// Rows are kept as the values of their fields, in order, without names: a program
// that may have other fields makes another store (buildID). Each ends in a
// checksum.

var errRow = errors.New("a row is damaged")

// castagnoli is made when it is needed: most commands open no store.
var castagnoli = sync.OnceValue(func() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) })

// pack encodes a struct of strings, numbers, flags, byte arrays, pointers,
// slices and structs of these.
func pack(v any) []byte {
	return summed(packValue(nil, reflect.ValueOf(v).Elem()))
}

func packValue(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.String:
		b = binary.AppendUvarint(b, uint64(v.Len()))
		return append(b, v.String()...)
	case reflect.Int, reflect.Int64:
		return binary.AppendVarint(b, v.Int())
	case reflect.Uint8, reflect.Uint64:
		return binary.AppendUvarint(b, v.Uint())
	case reflect.Bool:
		if v.Bool() {
			return append(b, 1)
		}
		return append(b, 0)
	case reflect.Pointer:
		if v.IsNil() {
			return append(b, 0)
		}
		return packValue(append(b, 1), v.Elem())
	case reflect.Array:
		return append(b, v.Bytes()...)
	case reflect.Slice:
		if v.IsNil() {
			return append(b, 0)
		}
		b = binary.AppendUvarint(b, uint64(v.Len())+1)
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return append(b, v.Bytes()...)
		}
		for i := range v.Len() {
			b = packValue(b, v.Index(i))
		}
		return b
	case reflect.Struct:
		for i := range v.NumField() {
			b = packValue(b, v.Field(i))
		}
		return b
	}
	panic("store: no row can hold a " + v.Type().String())
}

// summed appends a checksum.
func summed(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli()))
}

// unsummed takes the checksum off again.
func unsummed(b []byte) ([]byte, error) {
	if len(b) < 4 {
		return nil, errRow
	}
	b, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(b, castagnoli()) != sum {
		return nil, errRow
	}
	return b, nil
}

// unpack decodes into a struct of the type that was packed.
func unpack(b []byte, into any) error {
	b, err := unsummed(b)
	if err != nil {
		return err
	}
	u := unpacker{in: b}
	u.value(reflect.ValueOf(into).Elem())
	if u.bad || len(u.in) != 0 {
		return errRow
	}
	return nil
}

type unpacker struct {
	in  []byte
	bad bool
}

func (u *unpacker) take(n uint64) []byte {
	if n > uint64(len(u.in)) {
		u.bad, n = true, 0
	}
	b := u.in[:n]
	u.in = u.in[n:]
	return b
}

func (u *unpacker) uint() uint64 {
	x, n := binary.Uvarint(u.in)
	if n <= 0 {
		u.bad = true
		return 0
	}
	u.in = u.in[n:]
	return x
}

func (u *unpacker) int() int64 {
	x, n := binary.Varint(u.in)
	if n <= 0 {
		u.bad = true
		return 0
	}
	u.in = u.in[n:]
	return x
}

func (u *unpacker) flag() bool {
	b := u.take(1)
	return len(b) == 1 && b[0] == 1
}

func (u *unpacker) value(v reflect.Value) {
	if u.bad {
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(string(u.take(u.uint())))
	case reflect.Int, reflect.Int64:
		v.SetInt(u.int())
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(u.uint())
	case reflect.Bool:
		v.SetBool(u.flag())
	case reflect.Pointer:
		if u.flag() {
			v.Set(reflect.New(v.Type().Elem()))
			u.value(v.Elem())
		}
	case reflect.Array:
		copy(v.Bytes(), u.take(uint64(v.Len())))
	case reflect.Slice:
		u.slice(v)
	case reflect.Struct:
		for i := range v.NumField() {
			u.value(v.Field(i))
		}
	default:
		u.bad = true
	}
}

func (u *unpacker) slice(v reflect.Value) {
	n := u.uint()
	if n == 0 || n-1 > uint64(len(u.in)) { // an element has at least a byte
		u.bad = u.bad || n != 0
		return
	}
	n--
	if v.Type().Elem().Kind() == reflect.Uint8 {
		v.SetBytes(append([]byte{}, u.take(n)...))
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), int(n), int(n)))
	for i := range int(n) {
		u.value(v.Index(i))
	}
}
