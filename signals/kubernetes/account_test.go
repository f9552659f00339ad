package kubernetes_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waveguide-dev/waveguide/signals"
	"github.com/waveguide-dev/waveguide/signals/kubernetes"
)

// account is what Kubernetes mounts into a pod.
func account(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// inPod is the environment of a pod of a cluster.
func inPod(t *testing.T, address string) []string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return []string{"PATH=/bin", "KUBERNETES_SERVICE_HOST=" + u.Hostname(), "KUBERNETES_SERVICE_PORT=" + u.Port()}
}

func TestServiceAccountOfAPod(t *testing.T) {
	t.Parallel()
	fake := runs(t, two)
	address, authorities := secured(t, fake)
	whole := map[string]string{"token": token, "ca.crt": string(authorities)}
	client, err := kubernetes.Connect(kubernetes.Options{Environ: inPod(t, address), Account: account(t, whole), Network: network})
	if err != nil {
		t.Fatal(err)
	}
	if h := ask(t, client, "deployment/order-api"); h.State != signals.StateHealthy || h.Digest != two {
		t.Errorf("answer %+v, want healthy on %s", h, two)
	}
	other, err := kubernetes.Connect(kubernetes.Options{Environ: inPod(t, address), Account: account(t, map[string]string{"token": "other", "ca.crt": string(authorities)}), Network: network})
	if err != nil {
		t.Fatal(err)
	}
	if h := ask(t, other, "deployment/order-api"); h.State != signals.StateUnknown || !strings.Contains(h.Reason, "the credentials were refused (401)") {
		t.Errorf("answer %+v, want the token refused", h)
	}
	for missing := range whole {
		files := map[string]string{"token": token, "ca.crt": string(authorities)}
		delete(files, missing)
		_, err := kubernetes.Connect(kubernetes.Options{Environ: inPod(t, address), Account: account(t, files), Network: network})
		if err == nil || !strings.Contains(err.Error(), "automountServiceAccountToken") || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
}

// certified is a certificate of a client, with its key, as PEM.
func certified(t *testing.T) (certificate, key []byte) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "waveguide"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

func TestClientCertificates(t *testing.T) {
	t.Parallel()
	fake := runs(t, two)
	fake.Demand("")
	certificate, key := certified(t)
	address, authorities := secured(t, fake, certificate)
	ca := write(t, "ca.pem", string(authorities), 0o600)
	inline := func(data []byte) string { return base64.StdEncoding.EncodeToString(data) }
	users := map[string]string{
		"as files": fmt.Sprintf("{client-certificate: %q, client-key: %q}", write(t, "cert.pem", string(certificate), 0o600), write(t, "key.pem", string(key), 0o600)),
		"inline":   fmt.Sprintf("{client-certificate-data: %s, client-key-data: %s}", inline(certificate), inline(key)),
	}
	for name, user := range users {
		client, err := kubernetes.Connect(kubernetes.Options{Kubeconfig: kubeconfig(t, user, map[string]string{"one": address}, ca), Network: network})
		if err != nil {
			t.Fatal(err)
		}
		if h := ask(t, client, "deployment/order-api"); h.State != signals.StateHealthy || h.Digest != two {
			t.Errorf("%s: answer %+v, want healthy on %s", name, h, two)
		}
	}
	none, err := kubernetes.Connect(kubernetes.Options{Kubeconfig: kubeconfig(t, "{}", map[string]string{"one": address}, ca), Network: network})
	if err != nil {
		t.Fatal(err)
	}
	if h := ask(t, none, "deployment/order-api"); h.State != signals.StateUnknown || !strings.Contains(h.Reason, "certificate required") {
		t.Errorf("answer %+v, want it refused without a certificate", h)
	}
}
