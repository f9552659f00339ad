package store_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/waveguide-dev/waveguide/promoter/store"
)

// promotion is an entry of the size that a decision has.
func promotion(i int) store.Entry {
	e := remark(fmt.Sprintf(`{"artifact":"order-api","environment":"prod-eu","from":"sha256:%064d","to":"sha256:%064d"}`, i, i+1))
	e.Kind, e.Key = store.Decision, fmt.Sprintf("%032d", i)
	return e
}

func bench(b *testing.B) *store.Store {
	b.Helper()
	return open(b, store.Options{Path: filepath.Join(b.TempDir(), "s.db"), Holder: "bench:1"})
}

// BenchmarkAppend is what one durable step of a promotion costs.
func BenchmarkAppend(b *testing.B) {
	s := bench(b)
	for i := 0; b.Loop(); i++ {
		if _, err := s.Append(b.Context(), promotion(i)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendBatch(b *testing.B) {
	const size = 500
	s := bench(b)
	batch := make([]store.Entry, size)
	for i := 0; b.Loop(); i++ {
		for j := range batch {
			batch[j] = promotion(i*size + j)
		}
		if _, err := s.Append(b.Context(), batch...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "entries/s")
}

func BenchmarkPut(b *testing.B) {
	s := bench(b)
	for i := 0; b.Loop(); i++ {
		if err := s.Put(b.Context(), store.Record{Bucket: "etag", Key: fmt.Sprint(i % 1000), Value: []byte(`"W/abc"`)}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s := bench(b)
	if err := s.Put(b.Context(), store.Record{Bucket: "etag", Key: "k", Value: []byte(`"W/abc"`)}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, ok, err := s.Get(b.Context(), "etag", "k"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

// BenchmarkVerify audits 100,000 entries.
func BenchmarkVerify(b *testing.B) {
	s := bench(b)
	var c store.Checkpoint
	for i := range 100 {
		batch := make([]store.Entry, 1000)
		for j := range batch {
			batch[j] = promotion(i*1000 + j)
		}
		var err error
		if c, err = s.Append(b.Context(), batch...); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if err := s.Verify(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}
