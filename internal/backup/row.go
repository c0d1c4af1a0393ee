package backup

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A row is its values one after the other, each a byte that says what it is and then
//
//	0  nothing: it is NULL
//	1  an integer, as a varint
//	2  text: its length in bytes as a uvarint, and the bytes
//	3  bytes, likewise
const (
	isNull byte = iota
	isInt
	isText
	isBytes
)

// maxValue bounds a value, in bytes.
const maxValue = 512 << 20

// appendRow encodes a row.
func appendRow(to []byte, row []any) ([]byte, error) {
	for _, v := range row {
		switch v := v.(type) {
		case nil:
			to = append(to, isNull)
		case int64:
			to = binary.AppendVarint(append(to, isInt), v)
		case string:
			to = append(binary.AppendUvarint(append(to, isText), uint64(len(v))), v...)
		case []byte:
			to = append(binary.AppendUvarint(append(to, isBytes), uint64(len(v))), v...)
		default:
			return nil, fmt.Errorf("a value of the type %T can't be in a backup", v)
		}
	}
	return to, nil
}

// readRow decodes a row of so many values. At the end it is io.EOF, within a row io.ErrUnexpectedEOF.
func readRow(r *bufio.Reader, columns int) ([]any, error) {
	row := make([]any, columns)
	for i := range row {
		v, err := readValue(r)
		if errors.Is(err, io.EOF) && i > 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		row[i] = v
	}
	return row, nil
}

func readValue(r *bufio.Reader) (any, error) {
	kind, err := r.ReadByte()
	if err != nil {
		return nil, err
	}
	switch kind {
	case isNull:
		return nil, nil
	case isInt:
		n, err := binary.ReadVarint(r)
		return n, within(err)
	case isText, isBytes:
	default:
		return nil, fmt.Errorf("a value of kind %d, which there isn't", kind)
	}
	size, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, within(err)
	}
	if size > maxValue {
		return nil, fmt.Errorf("a value of %d bytes", size)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, within(err)
	}
	if kind == isText {
		return string(b), nil
	}
	return b, nil
}

// within makes an end where none may be one before its time.
func within(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
