package store

import (
	"crypto/sha256"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// edge is the right edge of a Merkle tree: the roots of its complete subtrees,
// the largest first. It is all that is needed to append.
type edge struct {
	size  int64
	roots []tlog.Hash
}

// push adds one leaf and returns the hashes that are stored for it, in the
// order of package tlog: the leaf, then every subtree it completes.
func (e *edge) push(leaf tlog.Hash) []tlog.Hash {
	stored := []tlog.Hash{leaf}
	for n := e.size; n&1 == 1; n >>= 1 {
		last := len(e.roots) - 1
		leaf = tlog.NodeHash(e.roots[last], leaf)
		e.roots = e.roots[:last]
		stored = append(stored, leaf)
	}
	e.roots = append(e.roots, leaf)
	e.size++
	return stored
}

// root is the hash of the whole tree.
func (e *edge) root() tlog.Hash {
	if e.size == 0 {
		return sha256.Sum256(nil)
	}
	h := e.roots[len(e.roots)-1]
	for _, left := range slices.Backward(e.roots[:len(e.roots)-1]) {
		h = tlog.NodeHash(left, h)
	}
	return h
}

func (e *edge) clone() edge {
	return edge{size: e.size, roots: slices.Clone(e.roots)}
}

// edgeIndexes says where the roots of a tree's edge are stored.
func edgeIndexes(size int64) []int64 {
	var places []int64
	var done int64
	for level := 63 - bits.LeadingZeros64(uint64(size)); level >= 0; level-- {
		if size&(1<<level) != 0 {
			places = append(places, tlog.StoredHashIndex(level, done>>level))
			done += 1 << level
		}
	}
	return places
}
