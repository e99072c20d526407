package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/seed-afe14ff2/aggregator/internal/strictyaml"
)

// readPack reads the file of a pack. Nobody is waited for: what is no regular file, as a pipe, is refused. Of a file that is larger than a
// pack may be, one byte more than that is read.
func readPack(name string) (data []byte, err error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return nil, &fs.PathError{Op: "read", Path: name, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("it is no regular file, but %s", kindOf(info))
	}
	return io.ReadAll(io.LimitReader(f, strictyaml.MaxBytes+1))
}

func kindOf(info os.FileInfo) string {
	switch mode := info.Mode(); {
	case mode&os.ModeNamedPipe != 0:
		return "a pipe"
	case mode&os.ModeSocket != 0:
		return "a socket"
	default:
		return "a device"
	}
}
