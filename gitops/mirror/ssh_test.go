package mirror_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/waveguide-dev/waveguide/gitops"
	"github.com/waveguide-dev/waveguide/gitops/mirror"
)

func newKey(t *testing.T) (ssh.Signer, []byte) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, pem.EncodeToMemory(block)
}

// serveSSH runs git's commands for whoever has the key, and returns the address.
func serveSSH(t *testing.T, host ssh.Signer, allowed ssh.PublicKey) string {
	t.Helper()
	cfg := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(allowed.Marshal()) {
			return nil, errors.New("unknown key")
		}
		return &ssh.Permissions{}, nil
	}}
	cfg.AddHostKey(host)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go sshConn(conn, cfg)
		}
	}()
	return l.Addr().String()
}

func sshConn(conn net.Conn, cfg *ssh.ServerConfig) {
	defer func() { _ = conn.Close() }()
	_, channels, requests, err := ssh.NewServerConn(conn, cfg)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		ch, in, err := c.Accept()
		if err != nil {
			return
		}
		for r := range in {
			if r.Type != "exec" {
				_ = r.Reply(r.Type == "env", nil)
				continue
			}
			_ = r.Reply(true, nil)
			words := strings.SplitN(string(r.Payload[4:]), " ", 2)
			cmd := exec.CommandContext(context.Background(), words[0], strings.Trim(words[1], "'"))
			cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = gitEnv(), ch, ch, ch.Stderr()
			status := []byte{0, 0, 0, 0}
			if err := cmd.Run(); err != nil {
				status[3] = 1
			}
			_, _ = ch.SendRequest("exit-status", false, status)
			_ = ch.Close()
		}
	}
}

func TestSSH(t *testing.T) {
	t.Parallel()
	u := newUpstream(t, tree())
	host, _ := newKey(t)
	mine, pemMine := newKey(t)
	_, pemOther := newKey(t)
	addr := serveSSH(t, host, mine.PublicKey())
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := write("key", pemMine)
	known := write("known", []byte(knownhosts.Line([]string{knownhosts.Normalize(addr)}, host.PublicKey())+"\n"))
	impostor := write("impostor", []byte(knownhosts.Line([]string{knownhosts.Normalize(addr)}, mine.PublicKey())+"\n"))

	o := options(t, "ssh://git@"+addr+u.dir)
	o.SSH = mirror.SSHKey{File: key, KnownHosts: known}
	m := open(t, o)
	fetch(t, m)
	u.edit(map[string]string{"README.md": "later\n"})
	if up := fetch(t, m); !slices.Equal(up.Changed, []string{"README.md"}) || up.All {
		t.Errorf("Fetch = %+v", up)
	}
	if line, err := m.Line(t.Context(), m.Head(), 1000); err != nil || len(line) != 2 {
		t.Errorf("the line has %d commits, want 2, %v", len(line), err)
	}
	fetch(t, m)
	c := compose(t, m, map[string]string{"environments/dev/svc-01/release.yaml": service("f")})
	if err := push1(t, m, mirror.RefUpdate{Branch: "b", Composed: &c}); err != nil {
		t.Fatal(err)
	}
	u.git("fsck", "--strict")

	o.Dir, o.SSH.KnownHosts = t.TempDir(), impostor
	if _, err := open(t, o).Fetch(context.Background()); err == nil {
		t.Error("another host's key was accepted")
	}
	o.Dir, o.SSH = t.TempDir(), mirror.SSHKey{File: write("other", pemOther), KnownHosts: known}
	if _, err := open(t, o).Fetch(context.Background()); !errors.Is(err, gitops.ErrDenied) {
		t.Errorf("Fetch with another key = %v, want ErrDenied", err)
	}
}
