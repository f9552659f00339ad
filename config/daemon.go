package config

import (
	"reflect"
	"slices"
	"time"
)

// Daemon is the daemon's own file: connections, trust and limits, and no rule
// of promotion. The platform team owns it.
type Daemon struct {
	APIVersion string `yaml:"apiVersion" jsonschema:"required,enum=waveguide.dev/v1alpha1"`
	Kind       string `yaml:"kind" jsonschema:"required,enum=Daemon"`
	// Listen is where page, API, metrics and health checks are served.
	Listen string `yaml:"listen,omitempty" jsonschema_description:"where page, API, metrics and health checks are served; read-only"`
	// ExternalURL is the address under which people reach the page.
	ExternalURL string `yaml:"externalURL,omitempty" jsonschema_description:"the address under which people reach the page; checks on proposals link to it"`
	Hooks       Hooks  `yaml:"hooks,omitempty" jsonschema_description:"webhooks and the inbox, apart from the page"`
	// Store is sqlite:PATH or a postgres:// URL.
	Store string `yaml:"store,omitempty" jsonschema_description:"sqlite:PATH, or postgres://… when several replicas share the work"`
	// StateDir holds mirrors and the default store.
	StateDir string `yaml:"stateDir,omitempty" jsonschema_description:"the folder of mirrors and, if store does not say otherwise, of the database"`
	// Paused is the kill switch: observe, but write nothing.
	Paused       *Paused      `yaml:"paused,omitempty" jsonschema_description:"the kill switch: observe, but write nothing"`
	Repositories []Repository `yaml:"repositories" jsonschema:"required"`
	Registries   []Registry   `yaml:"registries,omitempty"`
	Trust        Trust        `yaml:"trust,omitempty"`
	Signals      []Signal     `yaml:"signals,omitempty" jsonschema_description:"named connections that environments refer to"`
	Webhooks     Webhooks     `yaml:"webhooks,omitempty"`
	Publish      *Publish     `yaml:"publish,omitempty" jsonschema_description:"say in signed summaries what has soaked, beside the artifacts"`
}

// Hooks is the listener of webhooks.
type Hooks struct {
	Listen string   `yaml:"listen,omitempty"`
	Hosts  []string `yaml:"hosts,omitempty" jsonschema_description:"the Host headers that are answered"`
}

// Paused stops everything, with a reason and perhaps an end.
type Paused struct {
	Reason string `yaml:"reason" jsonschema:"required"`
	// Until ends the pause; zero means that somebody has to end it.
	Until time.Time `yaml:"until,omitempty"`
}

// Repository is a GitOps repository and how it is read and written.
type Repository struct {
	Name   string `yaml:"name" jsonschema:"required"`
	URL    string `yaml:"url" jsonschema:"required"`
	Branch string `yaml:"branch,omitempty" jsonschema_description:"the protected branch; rules are read from it and from nowhere else"`
	// Rules is the folder of the rules.
	Rules       string          `yaml:"rules,omitempty" jsonschema_description:"the folder of the rules"`
	PollEvery   time.Duration   `yaml:"pollEvery,omitempty"`
	Governance  Governance      `yaml:"governance,omitempty"`
	Floor       *Floor          `yaml:"floor,omitempty" jsonschema_description:"a guardrail that no repository can lower"`
	Forge       Forge           `yaml:"forge" jsonschema:"required"`
	Credentials *GitCredentials `yaml:"credentials,omitempty"`
	Commit      Commit          `yaml:"commit,omitempty"`
	// HumanChanges is what the check says of people's own proposals.
	HumanChanges string `yaml:"humanChanges,omitempty" jsonschema:"enum=gate,enum=warn" jsonschema_description:"people's proposals that change a version: gate judges them as the bot's own are (the default), warn lets them pass and says what the gates say"`
}

// Governance says which rule files may hold more than promotions.
type Governance struct {
	Files []string `yaml:"files,omitempty"`
}

// Floor is a guardrail of the daemon's file.
type Floor struct {
	Match   Match   `yaml:"match,omitempty"`
	Require Require `yaml:"require" jsonschema:"required"`
}

// Forge is where proposals are made.
type Forge struct {
	Kind  string     `yaml:"kind" jsonschema:"required,enum=github,enum=gitlab,enum=gitea,enum=local"`
	URL   string     `yaml:"url,omitempty"`
	Token Secret     `yaml:"token,omitempty"`
	App   *GitHubApp `yaml:"app,omitempty"`
	// CAFile holds more certificate authorities as PEM, for its Git as well.
	CAFile string `yaml:"caFile,omitempty" jsonschema_description:"more certificate authorities, as PEM, for its Git as well"`
	// Releasers may end stops beside those who may write to the repository.
	Releasers []string `yaml:"releasers,omitempty" jsonschema_description:"people (@name) and teams (@org/team) who may end holds and pauses beside those who may write; where the forge does not tell permissions, they are the only ones who may"`
}

// GitHubApp are the credentials of a GitHub App.
type GitHubApp struct {
	ID           int    `yaml:"id" jsonschema:"required"`
	Installation int    `yaml:"installation" jsonschema:"required"`
	PrivateKey   Secret `yaml:"privateKey,omitempty"`
}

// GitCredentials open a repository over HTTP or SSH.
type GitCredentials struct {
	Username Secret `yaml:"username,omitempty"`
	Password Secret `yaml:"password,omitempty"`
	Token    Secret `yaml:"token,omitempty"`
	SSHKey   Secret `yaml:"sshKey,omitempty"`
}

// Commit is who makes commits.
type Commit struct {
	Name       string `yaml:"name,omitempty"`
	Email      string `yaml:"email,omitempty"`
	SigningKey Secret `yaml:"signingKey,omitempty"`
}

// Registry says how the repositories that match are read.
type Registry struct {
	// Match is a pattern over host/repository; `**` stands for anything.
	Match                string               `yaml:"match" jsonschema:"required"`
	PollEvery            time.Duration        `yaml:"pollEvery,omitempty"`
	MaxRequestsPerSecond int                  `yaml:"maxRequestsPerSecond,omitempty"`
	PlainHTTP            bool                 `yaml:"plainHTTP,omitempty" jsonschema_description:"speak HTTP without TLS"`
	Credentials          *RegistryCredentials `yaml:"credentials,omitempty"`
}

// RegistryCredentials open a registry.
type RegistryCredentials struct {
	Username Secret `yaml:"username,omitempty"`
	Password Secret `yaml:"password,omitempty"`
	Token    Secret `yaml:"token,omitempty"`
	// DockerConfig is the path of a docker configuration file.
	DockerConfig string `yaml:"dockerConfig,omitempty"`
}

// Trust is whose evidence counts.
type Trust struct {
	Sigstore Sigstore `yaml:"sigstore,omitempty"`
	Roots    []Root   `yaml:"roots,omitempty" jsonschema_description:"further trusted roots; signers refer to them with root"`
	Keys     []Key    `yaml:"keys,omitempty"`
	Signers  []Signer `yaml:"signers,omitempty" jsonschema_description:"who else may sign evidence; rules refer to them with by"`
	// OlderForms says what becomes of cosign's forms before bundles.
	OlderForms string  `yaml:"olderForms,omitempty" jsonschema:"enum=accept,enum=refuse" jsonschema_description:"evidence under the tags .sig and .att, as cosign wrote it before bundles: accept (the default), or refuse, which saves reading two tags for each digest"`
	Revoked    Revoked `yaml:"revoked,omitempty"`
}

// Sigstore is the root of keyless signatures where no other is named.
type Sigstore struct {
	// TrustedRootFile holds a trusted root, or several, one on each line.
	TrustedRootFile string `yaml:"trustedRootFile,omitempty"`
	// Witnesses must have seen a signature; all that the root names if empty.
	Witnesses []string `yaml:"witnesses,omitempty" jsonschema_description:"who must have seen a signature: receipt, log, timestamp; by default all that the root names"`
}

// Root is a trusted root with a name: GitHub's for private repositories, or one
// of your own.
type Root struct {
	Name      string   `yaml:"name" jsonschema:"required"`
	File      string   `yaml:"file" jsonschema:"required"`
	Witnesses []string `yaml:"witnesses,omitempty"`
}

// Key is a public key with a name.
type Key struct {
	Name string `yaml:"name" jsonschema:"required"`
	File string `yaml:"file" jsonschema:"required"`
}

// Signer is a keyless identity, or a key, with a name.
type Signer struct {
	Name     string `yaml:"name" jsonschema:"required"`
	Identity string `yaml:"identity,omitempty" jsonschema_description:"the whole subject of the certificate; * stands for anything but / and @, ** for anything"`
	Issuer   string `yaml:"issuer,omitempty"`
	// Root is the name of the root that vouches; the common one if empty.
	Root string `yaml:"root,omitempty"`
	Key  string `yaml:"key,omitempty"`
}

// Revoked is what is trusted no longer.
type Revoked struct {
	Digests    []string `yaml:"digests,omitempty"`
	Identities []string `yaml:"identities,omitempty"`
	Keys       []string `yaml:"keys,omitempty"`
}

// The kinds of signals.
const (
	SignalArgoCD       = "argocd"
	SignalFlux         = "flux"
	SignalKubernetes   = "kubernetes"
	SignalPrometheus   = "prometheus"
	SignalAlertmanager = "alertmanager"
	SignalProbe        = "probe"
	SignalInbox        = "inbox"
)

// Webhooks are the secrets that senders prove they know.
type Webhooks struct {
	GitHub   *Webhook `yaml:"github,omitempty"`
	GitLab   *Webhook `yaml:"gitlab,omitempty"`
	Gitea    *Webhook `yaml:"gitea,omitempty"`
	Registry *Webhook `yaml:"registry,omitempty"`
	// Alertmanager is known by a bearer token of its http_config.
	Alertmanager *Webhook `yaml:"alertmanager,omitempty"`
}

// Webhook is how one kind of sender is known.
type Webhook struct {
	Secret Secret `yaml:"secret,omitempty"`
	Token  Secret `yaml:"token,omitempty"`
}

// ParseDaemon reads the daemon's file. The error is [Problems]: all of them.
func ParseDaemon(name string, data []byte) (*Daemon, error) {
	docs := readFile(File{Name: name, Data: data})
	if len(docs) == 0 {
		d := &document{file: name, line: 1}
		d.report(nil, "begin it with apiVersion and kind: Daemon", "the file is empty")
		return nil, Problems(d.problems)
	}
	d := docs[0]
	if len(docs) > 1 {
		docs[1].report(nil, "keep one, and the rules in their own files", "the daemon's file holds one document")
		d.problems = append(d.problems, docs[1].problems...)
	}
	var out Daemon
	if d.root != nil {
		d.name = ""
		d.decode(d.root, reflect.ValueOf(&out).Elem(), "")
		read := len(d.problems)
		out.check(d)
		// What follows from a section that is broken is no problem of its own.
		d.problems = append(d.problems[:read:read], slices.DeleteFunc(d.problems[read:], func(p Problem) bool { return d.broken[d.section(p.Line)] })...)
	}
	if len(d.problems) > 0 {
		return nil, Problems(d.problems).sorted()
	}
	out.setDefaults()
	return &out, nil
}

// Rules are what the rules of one repository are checked against.
func (d *Daemon) Rules(r Repository) RepositoryRules {
	out := RepositoryRules{Name: r.Name, Governance: r.Governance.Files, Floor: r.Floor, Signals: map[string]string{}}
	if d.Publish != nil {
		out.Verifier = d.Publish.Verifier
	}
	for _, o := range d.Repositories {
		out.Repositories = append(out.Repositories, o.Name)
	}
	for _, s := range d.Signals {
		out.Signals[s.Name] = s.Kind
	}
	for _, k := range d.Trust.Keys {
		out.Keys = append(out.Keys, k.Name)
	}
	for _, s := range d.Trust.Signers {
		out.Signers = append(out.Signers, s.Name)
	}
	return out
}
