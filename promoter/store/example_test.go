package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/waveguide-dev/waveguide/promoter/store"
)

func ExampleStore_Write() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := store.Open(ctx, store.Options{Path: filepath.Join(dir, "waveguide.db"), Holder: "host:42", Origin: "example.com/ledger"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Close() }()

	at := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	checkpoint, err := s.Write(ctx, func(tx *store.Tx) error {
		snapshot, err := tx.PutBlob(ctx, []byte(`{"lanes":[]}`))
		if err != nil {
			return err
		}
		streak, err := store.Remember("healthy-since", "prod-eu/order-api", at, time.Time{})
		if err != nil {
			return err
		}
		if err := tx.Put(ctx, streak); err != nil {
			return err
		}
		body := fmt.Appendf(nil, `{"do":"open","snapshot":%q}`, snapshot)
		return tx.Append(ctx, store.Entry{At: at, Kind: store.Intent, Subject: "prod-eu/order-api", Key: "open-1", Body: body})
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(checkpoint.Origin, checkpoint.Size)
	open, err := s.Unfinished(ctx)
	fmt.Println(len(open), open[0].Key, err)
	// Output:
	// example.com/ledger 2
	// 1 open-1 <nil>
}
