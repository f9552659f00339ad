package virtual

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// object is JSON; its keys are written in order, which is the canonical form
// that logs sign.
type object = map[string]any

// depth of the tree that every entry lies in, so that a proof has that many
// steps.
const depth = 10

// entry is a log entry as bundles hold it.
func (i *Instance) entry(l logKey, kind, version string, body []byte, w Witnesses) (object, error) {
	index := int64(7)
	out := object{
		"logIndex": strconv.FormatInt(index, 10), "logId": object{"keyId": l.id[:]},
		"kindVersion": object{"kind": kind, "version": version}, "canonicalizedBody": body,
	}
	if !w.Second {
		out["integratedTime"] = strconv.FormatInt(w.At.Unix(), 10)
		promise, err := l.promise(body, w.At, index)
		if err != nil {
			return nil, err
		}
		if !w.NoPromise {
			out["inclusionPromise"] = object{"signedEntryTimestamp": promise}
		}
	}
	if w.NoProof {
		return out, nil
	}
	proof, err := l.proof(body, index, w)
	out["inclusionProof"] = proof
	return out, err
}

// promise is the signed entry timestamp.
func (l logKey) promise(body []byte, at time.Time, index int64) ([]byte, error) {
	raw, err := json.Marshal(object{
		"body": body, "integratedTime": at.Unix(), "logID": hex.EncodeToString(l.id[:]), "logIndex": index,
	})
	if err != nil {
		return nil, fmt.Errorf("write a promise: %w", err)
	}
	return l.sign(raw)
}

// proof places the entry into a tree of strangers and signs its root.
func (l logKey) proof(body []byte, index int64, w Witnesses) (object, error) {
	hash := sha256.Sum256(append([]byte{0}, body...))
	path := make([][]byte, depth)
	for step := range path {
		path[step] = make([]byte, sha256.Size)
		if _, err := rand.Read(path[step]); err != nil {
			return nil, fmt.Errorf("make up a tree: %w", err)
		}
		left, right := hash[:], path[step]
		if index>>step&1 == 1 {
			left, right = right, left
		}
		hash = sha256.Sum256(append(append([]byte{1}, left...), right...))
	}
	u, err := url.Parse(l.url)
	if err != nil {
		return nil, fmt.Errorf("log %s: %w", l.url, err)
	}
	origin := u.Hostname()
	if !w.Second {
		origin += " - 1193050959916656506"
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, 1<<depth, base64.StdEncoding.EncodeToString(hash[:]))
	signature, err := l.sign([]byte(text))
	if err != nil {
		return nil, err
	}
	checkpoint := fmt.Sprintf("%s\n— %s %s\n", text, u.Hostname(), base64.StdEncoding.EncodeToString(append(l.id[:4:4], signature...)))
	return object{
		"logIndex": strconv.FormatInt(index, 10), "treeSize": strconv.Itoa(1 << depth), "rootHash": hash[:], "hashes": path,
		"checkpoint": object{"envelope": checkpoint},
	}, nil
}

func (l logKey) sign(message []byte) ([]byte, error) {
	sum := sha256.Sum256(message)
	signature, err := ecdsa.SignASN1(rand.Reader, l.key, sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign as %s: %w", l.url, err)
	}
	return signature, nil
}

// record is the body of an entry for a signature over a hash.
func record(sum, signature []byte, leaf certificate) ([]byte, error) {
	return json.Marshal(object{"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": object{
		"data":      object{"hash": object{"algorithm": "sha256", "value": hex.EncodeToString(sum)}},
		"signature": object{"content": signature, "publicKey": object{"content": leaf.pem()}},
	}})
}

// recordSecond is the same in the second version of the log.
func recordSecond(sum, signature []byte, leaf certificate) ([]byte, error) {
	return json.Marshal(object{"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": object{"hashedRekordV002": object{
		"data": object{"algorithm": "SHA2_256", "digest": sum},
		"signature": object{"content": signature, "verifier": object{
			"keyDetails": "PKIX_ECDSA_P256_SHA_256", "x509Certificate": object{"rawBytes": leaf.Raw},
		}},
	}}})
}

// recordEnvelope is the body of an entry for an envelope.
func recordEnvelope(envelope, payload, signature []byte, leaf certificate) ([]byte, error) {
	return json.Marshal(object{"apiVersion": "0.0.1", "kind": "dsse", "spec": object{
		"envelopeHash": object{"algorithm": "sha256", "value": hexSum(envelope)},
		"payloadHash":  object{"algorithm": "sha256", "value": hexSum(payload)},
		"signatures":   []any{object{"signature": base64.StdEncoding.EncodeToString(signature), "verifier": leaf.pem()}},
	}})
}

func hexSum(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

func (c certificate) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}
