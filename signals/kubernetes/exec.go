package kubernetes

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const (
	pluginTimeout = 30 * time.Second
	pluginOutput  = 256 << 10
	// pluginEarly is how long before its end a token is asked for again.
	pluginEarly = time.Minute
	// pluginRest is how long a token without an end is used, and how long a
	// command that failed is left alone.
	pluginRest = 10 * time.Minute
	pluginWait = 15 * time.Second
)

// plugin runs the command that a kubeconfig names for credentials. Unlike
// client-go's own it can be stopped: a command that hangs costs its time-out,
// not the daemon.
type plugin struct {
	config *clientcmdapi.ExecConfig
	// cluster is told about, where the kubeconfig wants that.
	cluster *rest.Config
	environ []string

	mu    sync.Mutex
	held  string
	until time.Time
	err   error
}

// credential is what such a command answers: an ExecCredential of
// client.authentication.k8s.io.
type credential struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Status     *struct {
		Expires     time.Time `json:"expirationTimestamp"`
		Token       string    `json:"token"`
		Certificate string    `json:"clientCertificateData"`
	} `json:"status"`
}

// token is the newest token; only one command runs at a time.
func (p *plugin) token(ctx context.Context) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Before(p.until) {
		return p.held, p.err
	}
	c, err := p.run(ctx)
	if err != nil {
		p.held, p.err, p.until = "", err, now.Add(pluginWait)
		return "", err
	}
	p.held, p.err, p.until = c.Status.Token, nil, now.Add(pluginRest)
	if end := c.Status.Expires; !end.IsZero() {
		p.until = end.Add(-pluginEarly)
	}
	return p.held, nil
}

// forget lets the next request ask for another token.
func (p *plugin) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.until = time.Time{}
	}
}

func (p *plugin) run(ctx context.Context) (credential, error) {
	ctx, cancel := context.WithTimeout(ctx, pluginTimeout)
	defer cancel()
	fail := func(why string) (credential, error) {
		return credential{}, fmt.Errorf("the kubeconfig's command %.80q for credentials %s", p.config.Command, why)
	}
	info, err := p.info()
	if err != nil {
		return credential{}, err
	}
	var out limited
	cmd := exec.CommandContext(ctx, p.config.Command, p.config.Args...) //nolint:gosec // the kubeconfig is the operator's own
	cmd.Env = append(slices.Clone(p.environ), "KUBERNETES_EXEC_INFO="+info)
	for _, v := range p.config.Env {
		cmd.Env = append(cmd.Env, v.Name+"="+v.Value)
	}
	cmd.Stdout, cmd.WaitDelay = &out, time.Second
	switch err := cmd.Run(); {
	case ctx.Err() != nil:
		return fail("gave no answer in time")
	case errors.Is(err, exec.ErrNotFound):
		return fail("is not installed: " + Plain(p.config.InstallHint))
	case err != nil:
		return fail("ended badly: " + err.Error())
	}
	var c credential
	if err := json.Unmarshal(out.kept.Bytes(), &c); err != nil || c.Kind != "ExecCredential" || c.Status == nil {
		return fail("answered something that is no ExecCredential")
	}
	if c.Status.Token == "" {
		return fail("answered no token; client certificates from a command are not used here")
	}
	return c, nil
}

// info is what the command is told: that nobody can answer its questions, and
// about which cluster it is asked where the kubeconfig wants that.
func (p *plugin) info() (string, error) {
	spec := map[string]any{"interactive": false}
	if p.config.ProvideClusterInfo {
		spec["cluster"] = map[string]any{
			"server":                     p.cluster.Host,
			"tls-server-name":            p.cluster.ServerName,
			"certificate-authority-data": base64.StdEncoding.EncodeToString(p.cluster.CAData),
			"config":                     p.config.Config,
		}
	}
	text, err := json.Marshal(map[string]any{"apiVersion": p.config.APIVersion, "kind": "ExecCredential", "spec": spec})
	if err != nil {
		return "", fmt.Errorf("tell the kubeconfig's command about the cluster: %w", err)
	}
	return string(text), nil
}

// limited keeps the beginning of what a command says.
type limited struct{ kept bytes.Buffer }

// Write implements [io.Writer].
func (l *limited) Write(p []byte) (int, error) {
	if l.kept.Len()+len(p) > pluginOutput {
		return 0, errors.New("it says too much")
	}
	return l.kept.Write(p)
}
