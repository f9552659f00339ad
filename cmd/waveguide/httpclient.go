package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	dialTimeout     = 10 * time.Second
	maxHeaderBytes  = 256 << 10
	maxRedirects    = 5
	maxConnsPerHost = 16
)

// httpLimits is what one connection of the daemon's file allows its client.
type httpLimits struct {
	// Timeout bounds a whole exchange, the body included; 0 means 30 seconds.
	Timeout time.Duration
	// CAFile holds more certificate authorities as PEM, beside the system's.
	CAFile string
	// AllowHosts are host names or addresses, without port, that somebody
	// configured: they may be on a private or loopback address.
	AllowHosts []string
	// Secrets learns with what the client is let in; nil where nothing that
	// fails is shown to others.
	Secrets *secrets
}

// newHTTPClient is the one place where clients are made. What it returns looks
// at the address it is about to connect to, not at the name, so a name that
// points inside is refused as well; redirects stay on their host.
func newHTTPClient(limits httpLimits) (*http.Client, error) {
	roots, err := certificates(limits.CAFile)
	if err != nil {
		return nil, err
	}
	timeout := limits.Timeout
	if timeout <= 0 {
		timeout = 30 * time.Second
	}
	guard := limits.guard()
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: stayOnHost,
		Transport: limits.Secrets.listen(&http.Transport{
			Proxy:                  guard.proxy,
			DialContext:            guard.dial,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			TLSHandshakeTimeout:    min(dialTimeout, timeout),
			ResponseHeaderTimeout:  timeout,
			MaxResponseHeaderBytes: maxHeaderBytes,
			MaxConnsPerHost:        maxConnsPerHost,
			IdleConnTimeout:        90 * time.Second,
			ForceAttemptHTTP2:      true,
		}),
	}, nil
}

func certificates(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil // what crypto/tls reads as the system's authorities
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the certificate authorities: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("the certificate authorities in %s: no certificate found; the file has to be PEM", file)
	}
	return roots, nil
}

var errRedirect = errors.New("the answer redirects to another host, which is not followed; configure the host that answers")

// stayOnHost also drops every header that could carry a secret onward: a page
// on the same host may still be somebody else's.
func stayOnHost(next *http.Request, via []*http.Request) error {
	first := via[0].URL
	if !strings.EqualFold(next.URL.Host, first.Host) || first.Scheme == "https" && next.URL.Scheme != "https" {
		return errRedirect
	}
	if len(via) > maxRedirects {
		return fmt.Errorf("the answer redirects more than %d times", maxRedirects)
	}
	harmless := []string{"Accept", "Accept-Encoding", "Content-Type", "If-None-Match", "Range", "User-Agent"}
	for name := range next.Header {
		if !slices.Contains(harmless, name) {
			next.Header.Del(name)
		}
	}
	next.URL.User = nil
	return nil
}

// proxyHosts are configured hosts too, by the environment.
func proxyHosts() []string {
	var hosts []string
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		value := os.Getenv(name)
		if value != "" && !strings.Contains(value, "://") {
			value = "http://" + value
		}
		if u, err := url.Parse(value); err == nil && u.Hostname() != "" {
			hosts = append(hosts, u.Hostname())
		}
	}
	return hosts
}

func (l httpLimits) guard() dialGuard {
	return dialGuard{allowed: append(proxyHosts(), l.AllowHosts...)}
}

// dialGuard refuses addresses that no configured host explains.
type dialGuard struct{ allowed []string }

// proxy refuses addresses written into a URL even where a proxy would connect
// to them in our place.
func (g dialGuard) proxy(req *http.Request) (*url.URL, error) {
	host := req.URL.Hostname()
	if ip, err := netip.ParseAddr(host); err == nil {
		if err := admit(host, ip, g.configured(host)); err != nil {
			return nil, err
		}
	}
	return http.ProxyFromEnvironment(req)
}

func (g dialGuard) configured(host string) bool {
	return slices.ContainsFunc(g.allowed, func(allowed string) bool { return sameHost(allowed, host) })
}

func (g dialGuard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	inside := g.configured(host)
	dialer := net.Dialer{
		Timeout: dialTimeout,
		// Control runs after the name is resolved, once for each address.
		Control: func(_, resolved string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(resolved)
			if err != nil {
				return fmt.Errorf("%s resolves to %s, which is not an address: %w", host, resolved, err)
			}
			return admit(host, at.Addr(), inside)
		},
	}
	return dialer.DialContext(ctx, network, address)
}

func sameHost(a, b string) bool {
	trim := func(host string) string { return strings.TrimSuffix(strings.Trim(host, "[]"), ".") }
	return strings.EqualFold(trim(a), trim(b))
}

// admit decides about one resolved address. Link-local ones are refused even
// for configured hosts: clouds hand out credentials there.
func admit(host string, ip netip.Addr, configured bool) error {
	ip = ip.Unmap().WithZone("")
	if translation := netip.MustParsePrefix("64:ff9b::/96"); translation.Contains(ip) { // RFC 6052
		bytes := ip.As16()
		ip = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	shared := netip.MustParsePrefix("100.64.0.0/10") // RFC 6598
	switch {
	case ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip.IsUnspecified():
		return fmt.Errorf("%s is at %s, a link-local or multicast address, which is never contacted", host, ip)
	case configured:
		return nil
	case ip.IsPrivate(), ip.IsLoopback(), shared.Contains(ip):
		return fmt.Errorf("%s is at %s, a private address, and is not a configured host; configure it if it is yours", host, ip)
	}
	return nil
}
