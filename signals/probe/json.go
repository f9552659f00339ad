package probe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// decode reads exactly one JSON value. Numbers keep the digits they came with.
func decode(body []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var doc any
	if err := decoder.Decode(&doc); err != nil {
		return nil, errors.New("the answer is not JSON; check the probe's url")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the answer has more than one JSON value; check the probe's url")
	}
	return doc, nil
}

// lookup walks a dotted path, in which a number picks from a list, to a plain
// value.
func lookup(doc any, path string) (string, error) {
	at := doc
	for step := range strings.SplitSeq(path, ".") {
		next, ok := child(at, step)
		if !ok {
			return "", fmt.Errorf("the answer has no %s", path)
		}
		at = next
	}
	switch value := at.(type) {
	case string:
		return value, nil
	case json.Number:
		return value.String(), nil
	case bool:
		return strconv.FormatBool(value), nil
	case nil:
		return "null", nil
	}
	return "", fmt.Errorf("%s is a list or an object in the answer, expected a plain value", path)
}

func child(of any, step string) (any, bool) {
	switch of := of.(type) {
	case map[string]any:
		value, ok := of[step]
		return value, ok
	case []any:
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || i >= len(of) {
			return nil, false
		}
		return of[i], true
	}
	return nil, false
}
