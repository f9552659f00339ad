package gitops

import (
	"strconv"
	"strings"
	"time"
)

// Commit is the full hexadecimal id of a Git commit.
type Commit string

// Short is the commit as people read it.
func (c Commit) Short() string {
	if len(c) > 10 {
		return string(c[:10])
	}
	return string(c)
}

// Lane is the unit of decision, branch, proposal and lock: one artifact in one
// environment of one repository.
type Lane struct {
	Repository  string `json:"repository" yaml:"repository"`
	Environment string `json:"environment" yaml:"environment"`
	Artifact    string `json:"artifact" yaml:"artifact"`
}

// String is environment/artifact; the repository is left out because lanes of
// one name in two repositories are an error of the rules.
func (l Lane) String() string { return l.Environment + "/" + l.Artifact }

// Branch is the name of the lane's proposal branch.
func (l Lane) Branch() string { return BranchPrefix + l.Environment + "/" + l.Artifact }

// NumberedBranch is the lane's branch if n is 1, and beside branches of that
// name that are not ours, the n-th: an underscore is in no lane's name.
func (l Lane) NumberedBranch(n int) string {
	if n <= 1 {
		return l.Branch()
	}
	return l.Branch() + "_" + strconv.Itoa(n)
}

// BranchPrefix begins every branch of the bot.
const BranchPrefix = "waveguide/"

// LaneOf reads a lane from the name of a branch, numbered or not; the
// repository is left empty. It is false for every other branch.
func LaneOf(branch string) (Lane, bool) {
	rest, ok := strings.CutPrefix(branch, BranchPrefix)
	environment, artifact, two := strings.Cut(rest, "/")
	artifact, _, _ = strings.Cut(artifact, "_")
	if !ok || !two || environment == "" || artifact == "" || strings.Contains(artifact, "/") {
		return Lane{}, false
	}
	return Lane{Environment: environment, Artifact: artifact}, true
}

// Version is a tag and a digest as files and proposals name them.
type Version struct {
	Tag    string `json:"tag,omitempty" yaml:"tag,omitempty"`
	Digest string `json:"digest,omitempty" yaml:"digest,omitempty"`
}

// Presence says what Git names in a lane. The zero value is that nobody knows.
type Presence string

// The ways in which Git can name an artifact in a lane.
const (
	PresenceUnknown Presence = ""
	Absent          Presence = "absent"
	At              Presence = "at"
	Mixed           Presence = "mixed"
)

// Place is one place of a file that names the artifact.
type Place struct {
	File    string  `json:"file" yaml:"file"`
	Line    int     `json:"line" yaml:"line"`
	Path    string  `json:"path" yaml:"path"`
	Version Version `json:"version" yaml:"version"`
}

// Desired is what the head of the protected branch names in a lane.
type Desired struct {
	Presence Presence `json:"presence" yaml:"presence"`
	Version  Version  `json:"version,omitzero" yaml:"version,omitempty"`
	Places   []Place  `json:"places,omitempty" yaml:"places,omitempty"`
	// Commit is where it was read.
	Commit Commit `json:"commit,omitempty" yaml:"commit,omitempty"`
	// Since is our own first sight of this version there.
	Since time.Time `json:"since,omitzero" yaml:"since,omitempty"`
	// Problem says why the presence is unknown, or what mentions an absent
	// artifact and is not understood.
	Problem string `json:"problem,omitempty" yaml:"problem,omitempty"`
	// Left are the digests that were desired here before, newest first, with
	// the time they were left.
	Left []Left `json:"left,omitempty" yaml:"left,omitempty"`
	// Direct is how the version came to Git past a proposal; nil if it came by
	// one, or nobody knows.
	Direct *Direct `json:"direct,omitempty" yaml:"direct,omitempty"`
}

// Direct is a change of what Git names that no proposal made. It is never taken
// back; somebody has to put it on record.
type Direct struct {
	Commit Commit `json:"commit" yaml:"commit"`
	// By is the commit's author, untrusted text; Program says that it is a
	// program known to write there.
	By      string    `json:"by" yaml:"by"`
	Program bool      `json:"program,omitempty" yaml:"program,omitempty"`
	At      time.Time `json:"at" yaml:"at"`
	// Proposal is a person's own one that it came by though the check was not
	// green; empty if it came by none.
	Proposal string `json:"proposal,omitempty" yaml:"proposal,omitempty"`
	// Unread says why nobody knows how the version came there; Pending, that
	// somebody may know soon.
	Unread  string `json:"unread,omitempty" yaml:"unread,omitempty"`
	Pending bool   `json:"pending,omitempty" yaml:"pending,omitempty"`
	// Issue asks to put it on record; Recorded says where it was, empty if
	// nowhere.
	Issue    string `json:"issue,omitempty" yaml:"issue,omitempty"`
	Recorded string `json:"recorded,omitempty" yaml:"recorded,omitempty"`
}

// Left is a version that Git no longer names in a lane.
type Left struct {
	Version Version   `json:"version" yaml:"version"`
	At      time.Time `json:"at" yaml:"at"`
	// Reverted says that what came after it was an older version: a person or
	// a rollback went back on purpose.
	Reverted bool `json:"reverted,omitempty" yaml:"reverted,omitempty"`
	// Found says that this was read from the history of the branch, from before
	// anybody looked.
	Found bool `json:"found,omitempty" yaml:"found,omitempty"`
}
