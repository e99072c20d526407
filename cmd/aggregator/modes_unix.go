//go:build unix

package main

import (
	"io/fs"
	"os"
	"syscall"
)

// readers is who besides the owner may read a file, or write it; "" if nobody may. A file of somebody else, as root's, is
// ours to read by its group.
func readers(info fs.FileInfo) string {
	if info == nil {
		return ""
	}
	mode := info.Mode().Perm()
	owner, known := info.Sys().(*syscall.Stat_t)
	switch {
	case mode&0o007 != 0:
		return "all users of this machine"
	case mode&0o020 != 0, mode&0o040 != 0 && (!known || int(owner.Uid) == os.Geteuid()):
		return "its group"
	}
	return ""
}
