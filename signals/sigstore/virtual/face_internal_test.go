package virtual

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/digitorus/timestamp"
)

// face shows an instance to the cosign command as Fulcio, Rekor and a timestamp
// authority do over HTTP. It believes everybody and calls all of them who.
type face struct {
	*Instance
	who Identity

	mu    sync.Mutex
	asked []string
}

func (f *face) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.asked = append(f.asked, r.Method+" "+r.URL.Path)
	f.mu.Unlock()
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	answer, status := []byte(nil), http.StatusOK
	kind := "application/json"
	if err == nil {
		switch r.Method + " " + r.URL.Path {
		case "POST /api/v1/signingCert":
			kind, status = "application/pem-certificate-chain", http.StatusCreated
			answer, err = f.certificatePEM(body)
		case "POST /api/v2/signingCert":
			answer, err = f.certificateJSON(body)
		case "POST /api/v1/log/entries":
			status = http.StatusCreated
			answer, err = f.logged(body)
		case "GET /api/v1/log/publicKey":
			kind = "application/x-pem-file"
			answer, err = publicPEM(&f.logs.key.PublicKey)
		case "POST /api/v1/timestamp":
			kind, status = "application/timestamp-reply", http.StatusCreated
			answer, err = f.stamped(body)
		default:
			err = errors.New("nothing here")
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Location", r.URL.Path+"/"+entryName)
	w.Header().Set("ETag", entryName) // by which the command finds its entry
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

func publicPEM(key *ecdsa.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), err
}

// chain is a certificate for a key with those above it.
func (f *face) chain(der []byte) ([]string, error) {
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := public.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("not a key of ECDSA")
	}
	leaf, err := f.certifyKey(f.who, key, time.Now(), true)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, c := range []*x509.Certificate{leaf, f.ca.issuer, f.ca.root} {
		out = append(out, string(certificate{Certificate: c}.pem()))
	}
	return out, nil
}

// certificatePEM is the first version of Fulcio's answer.
func (f *face) certificatePEM(body []byte) ([]byte, error) {
	var ask struct {
		PublicKey struct {
			Content []byte `json:"content"`
		} `json:"publicKey"`
	}
	if err := json.Unmarshal(body, &ask); err != nil {
		return nil, err
	}
	chain, err := f.chain(ask.PublicKey.Content)
	return []byte(strings.Join(chain, "")), err
}

// certificateJSON is the second.
func (f *face) certificateJSON(body []byte) ([]byte, error) {
	var ask struct {
		Request struct {
			Key struct {
				Content string `json:"content"`
			} `json:"publicKey"`
		} `json:"publicKeyRequest"`
	}
	if err := json.Unmarshal(body, &ask); err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(ask.Request.Key.Content))
	if block == nil {
		return nil, errors.New("no key in PEM form")
	}
	chain, err := f.chain(block.Bytes)
	if err != nil {
		return nil, err
	}
	return json.Marshal(object{"signedCertificateEmbeddedSct": object{"chain": object{"certificates": chain}}})
}

// entryName is how the log calls every entry.
var entryName = strings.Repeat("0", 64)

// logged enters what was proposed into the first log.
func (f *face) logged(body []byte) ([]byte, error) {
	var ask struct {
		Kind    string          `json:"kind"`
		Version string          `json:"apiVersion"`
		Spec    json.RawMessage `json:"spec"`
	}
	if err := json.Unmarshal(body, &ask); err != nil {
		return nil, err
	}
	canonical, err := canonical(ask.Kind, ask.Spec)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	promise, err := f.logs.promise(canonical, now, 7)
	if err != nil {
		return nil, err
	}
	proof, err := f.logs.proof(canonical, 7, Witnesses{At: now})
	if err != nil {
		return nil, err
	}
	hexes := []string{}
	for _, h := range proof["hashes"].([][]byte) {
		hexes = append(hexes, fmt.Sprintf("%x", h))
	}
	return json.Marshal(object{entryName: object{
		"body": canonical, "integratedTime": now.Unix(), "logID": fmt.Sprintf("%x", f.logs.id), "logIndex": 7,
		"verification": object{
			"signedEntryTimestamp": promise,
			"inclusionProof": object{
				"logIndex": 7, "treeSize": 1 << depth, "rootHash": fmt.Sprintf("%x", proof["rootHash"]), "hashes": hexes,
				"checkpoint": proof["checkpoint"].(object)["envelope"],
			},
		},
	}})
}

// canonical is the body of an entry for what was proposed.
func canonical(kind string, spec []byte) ([]byte, error) {
	switch kind {
	case "hashedrekord":
		var whole any
		if err := json.Unmarshal(spec, &whole); err != nil {
			return nil, err
		}
		return json.Marshal(object{"apiVersion": "0.0.1", "kind": kind, "spec": whole})
	case "dsse":
		var ask struct {
			Content struct {
				Envelope  string   `json:"envelope"`
				Verifiers [][]byte `json:"verifiers"`
			} `json:"proposedContent"`
		}
		if err := json.Unmarshal(spec, &ask); err != nil {
			return nil, err
		}
		var envelope struct {
			Payload    []byte `json:"payload"`
			Signatures []struct {
				Sig []byte `json:"sig"`
			} `json:"signatures"`
		}
		if err := json.Unmarshal([]byte(ask.Content.Envelope), &envelope); err != nil {
			return nil, err
		}
		if len(envelope.Signatures) != 1 || len(ask.Content.Verifiers) != 1 {
			return nil, errors.New("not one signature")
		}
		return json.Marshal(object{"apiVersion": "0.0.1", "kind": kind, "spec": object{
			"envelopeHash": object{"algorithm": "sha256", "value": hexSum([]byte(ask.Content.Envelope))},
			"payloadHash":  object{"algorithm": "sha256", "value": hexSum(envelope.Payload)},
			"signatures": []any{object{
				"signature": base64.StdEncoding.EncodeToString(envelope.Signatures[0].Sig), "verifier": ask.Content.Verifiers[0],
			}},
		}})
	}
	return nil, fmt.Errorf("no entry of kind %q", kind)
}

// stamped is a timestamp.
func (f *face) stamped(body []byte) ([]byte, error) {
	ask, err := timestamp.ParseRequest(body)
	if err != nil {
		return nil, err
	}
	t := timestamp.Timestamp{
		HashAlgorithm: ask.HashAlgorithm, HashedMessage: ask.HashedMessage, Time: time.Now(), Nonce: ask.Nonce,
		Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2}, AddTSACertificate: ask.Certificates,
	}
	return t.CreateResponseWithOpts(f.tsa.issuer, f.tsa.key, crypto.SHA256)
}
