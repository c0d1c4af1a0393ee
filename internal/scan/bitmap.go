package scan

import (
	"iter"
	"math/bits"
)

// bitmap is a set of rows' ids, in a bit each: a million reports are 125 kB.
type bitmap struct {
	words []uint64
	n     int
}

func (b *bitmap) set(id int64) {
	word, bit := int(id/64), uint64(1)<<(id%64)
	if word >= len(b.words) {
		b.words = append(b.words, make([]uint64, word+1-len(b.words))...)
	}
	if b.words[word]&bit == 0 {
		b.words[word] |= bit
		b.n++
	}
}

// all is the ids in their order.
func (b *bitmap) all() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for i, word := range b.words {
			for ; word != 0; word &= word - 1 {
				if !yield(int64(i)*64 + int64(bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}
