package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/file"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/crypto/ssh"

	"github.com/waveguide-dev/waveguide/gitops"
)

const (
	advertBytes    = 64 << 20 // about half a million refs
	errorBodyBytes = 16 << 10
	headsPrefix    = "refs/heads/"
)

// remote opens sessions with one repository.
type remote struct {
	name string // the URL without secrets
	ep   transport.Endpoint
	tr   transport.Transport
	auth func(context.Context) (transport.AuthMethod, error)
}

func newRemote(o Options) (remote, error) {
	if u, err := url.Parse(o.URL); err == nil && u.User != nil {
		if _, set := u.User.Password(); set {
			return remote{}, fmt.Errorf("the URL of %s holds a password: put it into a credential instead", u.Host)
		}
	}
	ep, err := transport.NewEndpoint(o.URL)
	if err != nil {
		return remote{}, errors.New("the repository's URL cannot be read: want https://host/path, ssh://host/path or a path")
	}
	r := remote{name: ep.String(), ep: *ep}
	switch ep.Protocol {
	case "http", "https":
		if o.HTTP == nil {
			return remote{}, fmt.Errorf("%s needs an HTTP client", r.name)
		}
		r.tr = githttp.NewClient(guard(o.HTTP))
		r.auth = httpAuth(o.Credentials)
	case "ssh":
		r.tr = gitssh.DefaultClient
		r.auth = sshAuth(ep.User, o.SSH)
	case "file":
		r.tr = file.DefaultClient
		r.auth = func(context.Context) (transport.AuthMethod, error) { return nil, nil } //nolint:nilnil // no authentication
	default:
		return remote{}, fmt.Errorf("%s: want http, https, ssh or file", r.name)
	}
	return r, nil
}

func httpAuth(credentials func(context.Context) (string, string, error)) func(context.Context) (transport.AuthMethod, error) {
	return func(ctx context.Context) (transport.AuthMethod, error) {
		if credentials == nil {
			return nil, nil //nolint:nilnil // anonymous
		}
		user, pass, err := credentials(ctx)
		switch {
		case err != nil:
			return nil, fmt.Errorf("read credentials: %w", err)
		case user == "" && pass == "":
			return nil, nil //nolint:nilnil // anonymous
		case user == "":
			return &githttp.TokenAuth{Token: pass}, nil
		}
		return &githttp.BasicAuth{Username: user, Password: pass}, nil
	}
}

// sshKey gives go-git's public key method the timeout that it lacks.
type sshKey struct{ *gitssh.PublicKeys }

func (k sshKey) ClientConfig() (*ssh.ClientConfig, error) {
	cfg, err := k.PublicKeys.ClientConfig()
	if err == nil {
		cfg.Timeout = 15 * time.Second
	}
	return cfg, err
}

// sshAuth reads the files for every session, so that rotated keys are seen.
func sshAuth(user string, key SSHKey) func(context.Context) (transport.AuthMethod, error) {
	return func(context.Context) (transport.AuthMethod, error) {
		if key.File == "" || key.KnownHosts == "" {
			return nil, errors.New("ssh needs a key file and a known hosts file")
		}
		pem, err := os.ReadFile(key.File)
		if err != nil {
			return nil, fmt.Errorf("read ssh key: %w", err)
		}
		if user == "" {
			user = "git"
		}
		keys, err := gitssh.NewPublicKeys(user, pem, string(key.Passphrase))
		if err != nil {
			return nil, fmt.Errorf("read ssh key %s: %w", key.File, err)
		}
		if keys.HostKeyCallback, err = gitssh.NewKnownHostsCallback(key.KnownHosts); err != nil {
			return nil, fmt.Errorf("read known hosts %s: %w", key.KnownHosts, err)
		}
		return sshKey{keys}, nil
	}
}

// guard copies a client so that redirects stay on the host that was configured:
// go-git would send the credentials along. It also bounds answers that go-git reads whole.
func guard(c *http.Client) *http.Client {
	own := *c
	next := own.CheckRedirect
	own.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		from := via[0].URL
		if req.URL.Host != from.Host || req.URL.Scheme != from.Scheme {
			return fmt.Errorf("redirect from %s to %s://%s refused: configure that URL if it is right", from.Host, req.URL.Scheme, req.URL.Host)
		}
		if len(via) >= 5 {
			return errors.New("more than 5 redirects")
		}
		if next != nil {
			return next(req, via)
		}
		return nil
	}
	rt := own.Transport
	if rt == nil {
		rt = http.DefaultTransport
	}
	own.Transport = boundedTransport{rt}
	return &own
}

type boundedTransport struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t boundedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	switch {
	case res.StatusCode >= 300:
		res.Body = body{io.LimitReader(res.Body, errorBodyBytes), res.Body}
	case strings.HasSuffix(req.URL.Path, "/info/refs"):
		res.Body = body{&capped{r: res.Body, left: advertBytes}, res.Body}
	}
	return res, nil
}

type body struct {
	io.Reader
	io.Closer
}

// capped fails, instead of ending, when there is more than the limit.
type capped struct {
	r    io.Reader
	left int64
}

// Read implements [io.Reader].
func (c *capped) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, errPackTooLarge
	}
	return n, err
}

// advert is what a remote says of itself at the beginning of a session.
type advert struct {
	refs map[string]ID // branches, without refs/heads/
	caps *capability.List
}

func readAdvert(ctx context.Context, s transport.Session) (advert, error) {
	ar, err := s.AdvertisedReferencesContext(ctx)
	if err != nil {
		if strings.Contains(err.Error(), "no space after hash") { // a longer hash
			err = fmt.Errorf("the repository may use SHA-256, which is not supported: %w", err)
		}
		return advert{}, err
	}
	if f := ar.Capabilities.Get("object-format"); len(f) > 0 && f[0] != "sha1" {
		return advert{}, fmt.Errorf("the repository uses the object format %s; only sha1 is supported", clean(f[0], 20))
	}
	return advert{refs: branches(ar), caps: ar.Capabilities}, nil
}

func branches(ar *packp.AdvRefs) map[string]ID {
	refs := make(map[string]ID, len(ar.References))
	for name, id := range ar.References {
		if branch, ok := strings.CutPrefix(name, headsPrefix); ok {
			refs[branch] = ID(id)
		}
	}
	return refs
}

func (r remote) upload(ctx context.Context) (transport.UploadPackSession, advert, error) {
	auth, err := r.auth(ctx)
	if err != nil {
		return nil, advert{}, err
	}
	ep := r.ep // go-git changes it on redirects
	s, err := r.tr.NewUploadPackSession(&ep, auth)
	if err != nil {
		return nil, advert{}, explain(err)
	}
	ad, err := readAdvert(ctx, s)
	if err != nil {
		return nil, advert{}, explain(errors.Join(err, quiet(s.Close())))
	}
	return s, ad, nil
}

func (r remote) receive(ctx context.Context) (transport.ReceivePackSession, advert, error) {
	auth, err := r.auth(ctx)
	if err != nil {
		return nil, advert{}, err
	}
	ep := r.ep
	s, err := r.tr.NewReceivePackSession(&ep, auth)
	if err != nil {
		return nil, advert{}, explain(err)
	}
	ad, err := readAdvert(ctx, s)
	if err != nil {
		return nil, advert{}, explain(errors.Join(err, quiet(s.Close())))
	}
	return s, ad, nil
}

// quiet drops the error of closing a session that has failed or done its work:
// it says nothing that the caller could act on.
func quiet(error) error { return nil }

// remoteError carries the words of a remote, made fit to print.
type remoteError struct {
	text string
	err  error
}

// Error implements error.
func (e *remoteError) Error() string { return e.text }

// Unwrap returns what the transport said.
func (e *remoteError) Unwrap() error { return e.err }

func explain(err error) error {
	if err == nil {
		return nil
	}
	said := &remoteError{clean(err.Error(), 500), err}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed),
		strings.Contains(said.text, "unable to authenticate"), strings.Contains(strings.ToLower(said.text), "permission denied"):
		return fmt.Errorf("%w: the remote refuses the credentials: %w", gitops.ErrDenied, said)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return fmt.Errorf("check the URL, and that the credentials may see it: %w", said)
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return fmt.Errorf("push a first commit: %w", said)
	}
	return said
}
