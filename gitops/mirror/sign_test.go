package mirror_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/waveguide-dev/waveguide/gitops/gitopstest"
	"github.com/waveguide-dev/waveguide/gitops/mirror"
)

func TestSignedCommitsVerify(t *testing.T) {
	t.Parallel()
	gitopstest.Need(t, "ssh-keygen", "openssh-client")
	for _, kind := range []string{"ed25519", "rsa"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			u := newUpstream(t, tree())
			key := filepath.Join(t.TempDir(), "key")
			if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", kind, "-N", "open sesame", "-f", key).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			pem, err := os.ReadFile(key)
			if err != nil {
				t.Fatal(err)
			}
			signer, err := mirror.ParseSigner(pem, []byte("open sesame"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := mirror.ParseSigner(pem, []byte("wrong")); err == nil {
				t.Error("a wrong passphrase was accepted")
			}
			allowed := filepath.Join(t.TempDir(), "allowed")
			if err := os.WriteFile(allowed, []byte("bot@example.com namespaces=\"git\" "+signer.PublicKey()+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			o := options(t, u.url)
			o.Signer = signer
			m := open(t, o)
			fetch(t, m)
			c := compose(t, m, map[string]string{"README.md": "signed\n"})
			if again := compose(t, m, map[string]string{"README.md": "signed\n"}); again.ID != c.ID {
				t.Errorf("the same draft made %s and %s", c.ID, again.ID)
			}
			if err := push1(t, m, mirror.RefUpdate{Branch: "b", Composed: &c}); err != nil {
				t.Fatal(err)
			}
			u.git("fsck", "--strict")
			u.git("-c", "gpg.format=ssh", "-c", "gpg.ssh.allowedSignersFile="+allowed, "verify-commit", "b")
			if got, err := m.Commit(t.Context(), c.ID); err != nil || !got.Signed {
				t.Errorf("Commit = %+v, %v, want it signed", got, err)
			}
		})
	}
}
