package run

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/minio/highwayhash"
)

// The embedded server appends what it keeps of a stream to files 1.blk, 2.blk and so on.
// When it reads them back it cuts a file off at the first record whose checksum is wrong,
// and everything behind that is gone. So they are read here first, without changing
// anything. A record is, in this order (nats-server v2.15, server/filestore.go,
// writeMsgRecordLocked):
//
//	length of all of it     4 bytes, the highest bit set where there are headers
//	sequence number         8 bytes, the two highest bits say what it is
//	time                    8 bytes
//	length of the subject   2 bytes
//	subject, headers behind the 4 bytes of their length, body
//	checksum                8 bytes
const (
	blockSuffix  = ".blk"
	recordHeader = 22
	recordSum    = 8
	mostRecord   = 32 << 20 // longer ones the server takes for damage
	hasHeaders   = 1 << 31
	sequenceBits = 1<<62 - 1 // the others: erased, or tells that another was removed
)

// errTorn: the end of a file is the beginning of a record. A process that is killed
// while it writes leaves that behind, and has not told anybody that it is written.
var errTorn = errors.New("the last record is incomplete")

// readStream reads all records of a stream and returns the highest sequence number.
func readStream(dir, name string) (last uint64, err error) {
	folder := filepath.Join(dir, "msgs")
	files, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // its making was interrupted
	}
	if err != nil {
		return 0, err
	}
	var numbers []int
	for _, f := range files {
		number, isBlock := strings.CutSuffix(f.Name(), blockSuffix)
		if n, err := strconv.Atoi(number); isBlock && err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		path := filepath.Join(folder, strconv.Itoa(n)+blockSuffix)
		data, err := os.ReadFile(path)
		if err != nil {
			return 0, err
		}
		newest := i == len(numbers)-1
		if len(data) == 0 && !newest {
			return 0, fmt.Errorf("%s is empty", path)
		}
		h, err := blockHash(name, n)
		if err != nil {
			return 0, err
		}
		highest, err := readBlock(data, h)
		if err != nil && (!newest || !errors.Is(err, errTorn)) {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		last = max(last, highest)
	}
	return last, nil
}

// blockHash makes the checksums of a block: the key keeps one from passing for another.
func blockHash(stream string, block int) (hash.Hash64, error) {
	key := sha256.Sum256([]byte(stream + "-" + strconv.Itoa(block)))
	return highwayhash.New64(key[:])
}

// readBlock reads the records of a block and returns the highest sequence number in it.
// With errTorn what was read before holds.
func readBlock(data []byte, h hash.Hash64) (last uint64, err error) {
	for at := 0; at < len(data); {
		length, err := readRecord(data[at:], h)
		if err != nil {
			return last, fmt.Errorf("at byte %d: %w", at, tornOrDamaged(err, data[at:], h))
		}
		last = max(last, binary.LittleEndian.Uint64(data[at+4:])&sequenceBits)
		at += length
	}
	return last, nil
}

// tornOrDamaged decides what a record is that is not whole. Nothing is behind a torn one:
// where a whole one is, the length is damaged, and the server would cut that off, too.
func tornOrDamaged(err error, data []byte, h hash.Hash64) error {
	if len(bytes.Trim(data, "\x00")) == 0 {
		return errTorn // a machine that loses its power can leave zeros
	}
	for at := 1; errors.Is(err, errTorn) && at < len(data); at++ {
		if _, none := readRecord(data[at:], h); none == nil {
			return errors.New("the length of a record is wrong")
		}
	}
	return err
}

// readRecord checks the record that data begins with and returns how long it is.
func readRecord(data []byte, h hash.Hash64) (length int, err error) {
	if len(data) < recordHeader {
		return 0, errTorn
	}
	first := binary.LittleEndian.Uint32(data)
	length = int(first &^ hasHeaders)
	subject := recordHeader + int(binary.LittleEndian.Uint16(data[20:]))
	body := subject
	if first&hasHeaders != 0 {
		body += 4
	}
	switch {
	case length > mostRecord || length < body+recordSum:
		return 0, errors.New("a record has an impossible length")
	case length > len(data):
		return 0, errTorn
	}
	h.Reset()
	for _, part := range [][]byte{data[4:20], data[recordHeader:subject], data[body : length-recordSum]} {
		_, _ = h.Write(part) // a hash takes everything
	}
	if !bytes.Equal(h.Sum(nil), data[length-recordSum:length]) {
		return 0, errors.New("the checksum of a record is wrong")
	}
	switch {
	case first&hasHeaders == 0 && !areSubjectAndBody(data[recordHeader:subject], data[body:length-recordSum]):
		return 0, errors.New("the length of a record's subject is wrong")
	case first&hasHeaders != 0 && !areHeaders(data[body:length-recordSum], binary.LittleEndian.Uint32(data[subject:])):
		return 0, errors.New("the length of a record's headers is wrong")
	}
	return length, nil
}

// areSubjectAndBody reports whether a record without headers can be divided like this. The
// checksum leaves the length of the subject out and reads on into the body: divided elsewhere
// a link would be nobody's, and a token of no work. All that is written without headers has
// either no body, as a token and what tells that another record was removed, or JSON; and
// there is no brace in a subject.
func areSubjectAndBody(subject, body []byte) bool {
	return !bytes.Contains(subject, []byte("{")) && (len(body) == 0 || body[0] == '{')
}

// areHeaders reports whether headers of a length stand at the beginning of data. The
// checksum does not cover the length: the server would take a part of them for the body, or
// a part of the body for headers.
// https://docs.nats.io/reference/reference-protocols/nats-protocol#hpub
func areHeaders(data []byte, length uint32) bool {
	return uint64(length) <= uint64(len(data)) &&
		bytes.HasPrefix(data, []byte("NATS/1.0")) && bytes.HasSuffix(data[:length], []byte("\r\n\r\n"))
}
