package local

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/revlist"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/waveguide-dev/waveguide/gitops"
)

const maxWants = 4096

// negotiation is one stateless request of a fetch.
type negotiation struct {
	wants, haves []plumbing.Hash
	done         bool
	detailed     bool // multi_ack_detailed
}

func (s *Server) upload(w http.ResponseWriter, r *http.Request) {
	repo, u := s.gitRequest(w, r, gitops.PermissionRead)
	if u == nil {
		return
	}
	in, err := body(w, r, maxNegotiation)
	if err != nil {
		status, text := answer(err)
		http.Error(w, text, status)
		return
	}
	n, err := readNegotiation(in)
	if err != nil {
		http.Error(w, "the request is not understood: "+err.Error(), http.StatusBadRequest)
		return
	}
	header(w, "application/x-"+uploadPack+"-result")
	if len(n.wants) == 0 {
		return
	}
	if err := repo.upload(w, n); err != nil {
		_ = pktline.NewEncoder(w).EncodeString("ERR " + err.Error()) // the client is gone
	}
}

func readNegotiation(in io.Reader) (negotiation, error) {
	var n negotiation
	scan := pktline.NewScanner(in)
	for scan.Scan() {
		line := strings.TrimSuffix(string(scan.Bytes()), "\n")
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "":
		case "done":
			n.done = true
		case "want", "have":
			id, caps, _ := strings.Cut(rest, " ")
			if !plumbing.IsHash(id) {
				return n, fmt.Errorf("%s %.50q is no object id", word, id)
			}
			if word == "have" {
				n.haves = append(n.haves, plumbing.NewHash(id))
				break
			}
			if len(n.wants) == 0 {
				n.detailed = strings.Contains(caps, "multi_ack_detailed")
			}
			n.wants = append(n.wants, plumbing.NewHash(id))
		default:
			return n, fmt.Errorf("%.20q is not spoken here: fetch without depth and filters", word)
		}
		if len(n.wants) > maxWants {
			return n, fmt.Errorf("more than %d wants", maxWants)
		}
	}
	return n, scan.Err()
}

// upload answers what both sides have, and sends the rest once that is settled.
func (r *repository) upload(w io.Writer, n negotiation) error {
	store := r.storage()
	for _, id := range n.wants {
		if store.HasEncodedObject(id) != nil {
			return fmt.Errorf("want %s: not in this repository", id)
		}
	}
	var common []plumbing.Hash
	for _, id := range n.haves {
		if store.HasEncodedObject(id) == nil {
			common = append(common, id)
		}
	}
	var said bytes.Buffer
	e := pktline.NewEncoder(&said)
	if err := acknowledge(e, n, common); err != nil {
		return err
	}
	if _, err := w.Write(said.Bytes()); err != nil || !n.done {
		return err
	}
	return sendPack(w, store, n.wants, common)
}

func acknowledge(e *pktline.Encoder, n negotiation, common []plumbing.Hash) error {
	if !n.detailed {
		if len(common) > 0 {
			return e.Encodef("ACK %s\n", common[0])
		}
		return e.Encodef("NAK\n")
	}
	for _, id := range common {
		if err := e.Encodef("ACK %s common\n", id); err != nil {
			return err
		}
	}
	switch {
	case len(common) == 0:
		return e.Encodef("NAK\n")
	case n.done:
		return e.Encodef("ACK %s\n", common[len(common)-1])
	}
	if err := e.Encodef("ACK %s ready\n", common[len(common)-1]); err != nil {
		return err
	}
	return e.Encodef("NAK\n")
}

func sendPack(w io.Writer, store *filesystem.Storage, wants, common []plumbing.Hash) error {
	have, err := revlist.Objects(store, common, nil)
	if err != nil {
		return fmt.Errorf("walk what the client has: %w", err)
	}
	objects, err := revlist.Objects(store, wants, have)
	if err != nil {
		return fmt.Errorf("walk what the client wants: %w", err)
	}
	// No search for deltas: on a local network bytes are cheaper than time.
	if _, err := packfile.NewEncoder(w, store, false).Encode(objects, 0); err != nil {
		return fmt.Errorf("send the pack: %w", err)
	}
	return nil
}
