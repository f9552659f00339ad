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
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case strings.IndexByte(" \t\r\n,", c) >= 0:
			i++
		case c == '#':
			i += len(text[i:]) - len(strings.TrimLeft(text[i:], "#"))
			if end := strings.IndexByte(text[i:], '\n'); end >= 0 {
				i += end
			} else {
				i = len(text)
			}
		case strings.HasPrefix(text[i:], `"""`):
			end := strings.Index(text[i+3:], `"""`)
			if end < 0 {
				return nil, fmt.Errorf("a description does not end")
			}
			i += end + 6
		case c == '"':
			end := strings.IndexByte(text[i+1:], '"')
			if end < 0 {
				return nil, fmt.Errorf("a string does not end")
			}
			p.tokens = append(p.tokens, token{'s', text[i+1 : i+1+end]})
			i += end + 2
		case strings.HasPrefix(text[i:], "..."):
			p.tokens = append(p.tokens, token{'p', "..."})
			i += 3
		case strings.IndexByte("{}()[]:!=$@|&", c) >= 0:
			p.tokens = append(p.tokens, token{'p', string(c)})
			i++
		default:
			n := len(text[i:]) - len(strings.TrimLeft(text[i:], names+"-"))
			if n == 0 {
				return nil, fmt.Errorf("unexpected %q", c)
			}
			kind := byte('n')
			if c == '-' || c >= '0' && c <= '9' {
				kind = 'i'
			}
			p.tokens = append(p.tokens, token{kind, text[i : i+n]})
			i += n
		}
	}
	return p, nil
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
