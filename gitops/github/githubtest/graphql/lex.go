package graphql

import (
	"fmt"
	"strings"
)

// token is a name, a number, a string or one punctuator.
type token struct {
	kind byte // 'n'ame, 'i'nteger, 's'tring, 'p'unctuator, 'e'nd
	text string
}

// parser reads tokens one after the other; the first mistake is kept.
type parser struct {
	tokens []token
	at     int
	err    error
}

const names = "_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// scan splits a document into tokens; descriptions and comments are dropped.
func scan(text string) (*parser, error) {
	p := &parser{}
	for text != "" {
		t, n := first(text)
		if n == 0 {
			return nil, fmt.Errorf("%.20q is not understood", text)
		}
		if t.kind != 0 {
			p.tokens = append(p.tokens, t)
		}
		text = text[min(n, len(text)):]
	}
	return p, nil
}

// first is the token that a text begins with, and how long it is; the kind 0
// is nothing, and the length 0 a mistake.
func first(text string) (token, int) {
	switch c := text[0]; {
	case strings.IndexByte(" \t\r\n,", c) >= 0:
		return token{}, 1
	case c == '#':
		return token{}, len(text) - len(strings.TrimLeft(text, "#")) + len(before(strings.TrimLeft(text, "#"), "\n"))
	case strings.HasPrefix(text, `"""`):
		return token{}, 3 + len(before(text[3:], `"""`)) + 3
	case c == '"':
		inner := before(text[1:], `"`)
		return token{'s', inner}, len(inner) + 2
	case strings.HasPrefix(text, "..."):
		return token{'p', "..."}, 3
	case strings.IndexByte("{}()[]:!=$@|&", c) >= 0:
		return token{'p', string(c)}, 1
	default:
		n := len(text) - len(strings.TrimLeft(text, names+"-"))
		kind := byte('n')
		if c == '-' || c >= '0' && c <= '9' {
			kind = 'i'
		}
		return token{kind, text[:n]}, n
	}
}

// before is the text before a mark, or all of it.
func before(text, mark string) string {
	out, _, _ := strings.Cut(text, mark)
	return out
}

func (p *parser) peek() token {
	if p.at < len(p.tokens) {
		return p.tokens[p.at]
	}
	return token{kind: 'e'}
}

func (p *parser) next() token {
	t := p.peek()
	p.at++
	return t
}

// take consumes a token with that text, if it is next.
func (p *parser) take(text string) bool {
	if t := p.peek(); t.text == text && t.kind != 's' {
		p.at++
		return true
	}
	return false
}

func (p *parser) need(text string) {
	if t := p.next(); t.text != text && p.err == nil {
		p.err = fmt.Errorf("%q stands where %q is expected", t.text, text)
		p.at = len(p.tokens)
	}
}

func (p *parser) name() string {
	t := p.next()
	if t.kind != 'n' && p.err == nil {
		p.err = fmt.Errorf("%q stands where a name is expected", t.text)
		p.at = len(p.tokens)
	}
	return t.text
}

// done says that the document or the block of it ends here.
func (p *parser) done(end string) bool {
	return p.err != nil || p.peek().kind == 'e' && end == "" || end != "" && p.take(end) || p.fail()
}

// fail ends a block that the document cut off.
func (p *parser) fail() bool {
	if p.peek().kind == 'e' {
		p.err = fmt.Errorf("the document ends too early")
		return true
	}
	return false
}
