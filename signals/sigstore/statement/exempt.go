package statement

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Exempt reads an OpenVEX document: why each vulnerability does not affect the
// digest, empty if it does, and when the document was written. Products that
// are named must be this digest.
func (s Statement) Exempt(hexDigest string) (map[string]string, time.Time, error) {
	var doc struct {
		Timestamp  time.Time `json:"timestamp"`
		Statements []struct {
			Vulnerability json.RawMessage `json:"vulnerability"`
			Products      []product       `json:"products"`
			Status        string          `json:"status"`
			Justification string          `json:"justification"`
			Impact        string          `json:"impact_statement"`
		} `json:"statements"`
	}
	if err := json.Unmarshal(s.Predicate, &doc); err != nil {
		return nil, time.Time{}, fmt.Errorf("the OpenVEX document cannot be read: %w", err)
	}
	out := map[string]string{}
	for _, v := range doc.Statements {
		id := vulnerability(v.Vulnerability)
		if id == "" || !concerns(v.Products, hexDigest) {
			continue
		}
		switch v.Status {
		case "not_affected":
			out[id] = clip("not affected: " + first(v.Justification, v.Impact, "no reason given"))
		case "fixed":
			out[id] = "fixed"
		default: // affected, or nobody knows yet: an earlier word no longer counts
			out[id] = ""
		}
	}
	return out, doc.Timestamp.UTC(), nil
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// vulnerability is a name, or an object that has one.
func vulnerability(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return clip(text)
	}
	var object struct {
		Name string `json:"name"`
	}
	_ = json.Unmarshal(raw, &object)
	return clip(object.Name)
}

// product is what a statement of OpenVEX is about: a text, or an object.
type product struct {
	id   string
	hash string
}

// UnmarshalJSON implements [json.Unmarshaler].
func (p *product) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, &p.id) == nil {
		return nil
	}
	var object struct {
		ID     string            `json:"@id"`
		Hashes map[string]string `json:"hashes"`
	}
	err := json.Unmarshal(raw, &object)
	p.id, p.hash = object.ID, object.Hashes["sha-256"]
	return err
}

// concerns says whether one of the products is the digest. A document that is
// attested to the digest and names no product is about it.
func concerns(products []product, hexDigest string) bool {
	for _, p := range products {
		if p.hash == hexDigest || strings.Contains(p.id, "@sha256:"+hexDigest) || strings.Contains(strings.ToLower(p.id), "@sha256%3a"+hexDigest) {
			return true
		}
	}
	return len(products) == 0
}
