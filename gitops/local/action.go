package local

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/waveguide-dev/waveguide/gitops"
)

// do runs one action under the lock and tells whoever waits for changes.
func (r *repository) do(action func() error) error {
	r.mu.Lock()
	err := action()
	r.mu.Unlock()
	if err == nil && r.changed != nil {
		r.changed(r.name)
	}
	return err
}

// record puts an event on disk and then into the state. The caller holds the
// lock.
func (r *repository) record(e event) error {
	e.Seq, e.At = r.state.seq+1, time.Now().UTC()
	if err := r.log.append(e); err != nil {
		return fmt.Errorf("remember %s of %s: %w", e.Kind, e.ID, err)
	}
	r.state.apply(e)
	return nil
}

func (r *repository) proposal(id string) (*thread, error) {
	if t := r.state.threads[id]; t != nil && !t.Issue {
		return t, nil
	}
	return nil, refuse(http.StatusNotFound, "there is no proposal %.20s", id)
}

func (r *repository) issue(id string) (*thread, error) {
	if t := r.state.threads[id]; t != nil && t.Issue {
		return t, nil
	}
	return nil, refuse(http.StatusNotFound, "there is no issue %.20s", id)
}

func (r *repository) thread(id string) (*thread, error) {
	if t := r.state.threads[id]; t != nil {
		return t, nil
	}
	return nil, refuse(http.StatusNotFound, "there is no proposal or issue %.20s", id)
}

// draft is what a new proposal or issue says.
type draft struct {
	Branch string   `json:"branch,omitempty"`
	Base   string   `json:"base,omitempty"`
	Title  string   `json:"title"`
	Body   string   `json:"body"`
	Labels []string `json:"labels,omitempty"`
	// Key makes an issue a report, which its author opens once.
	Key string `json:"key,omitempty"`
}

func (d draft) check() error {
	if err := checkText("title", d.Title, maxTitle, true); err != nil {
		return err
	}
	if strings.TrimSpace(d.Title) == "" {
		return refuse(http.StatusUnprocessableEntity, "the title is empty: say what it is about")
	}
	if len(d.Labels) > maxLabels {
		return refuse(http.StatusUnprocessableEntity, "more than %d labels", maxLabels)
	}
	for _, l := range d.Labels {
		if err := checkLabel(l); err != nil {
			return err
		}
	}
	return checkText("body", d.Body, maxBody, false)
}

// goes checks the branches of a proposal.
func (d draft) goes(protected string) error {
	if d.Base != "" && d.Base != protected {
		return refuse(http.StatusUnprocessableEntity, "proposals go to %s, not to %.50q", protected, d.Base)
	}
	if d.Branch == protected || !validRef(plumbing.NewBranchReferenceName(d.Branch)) {
		return refuse(http.StatusUnprocessableEntity, "branch %.50q cannot be proposed", d.Branch)
	}
	return nil
}

// open opens a proposal, or finds the one that is open on the branch already.
func (r *repository) open(by gitops.Actor, d draft) (string, error) {
	var id string
	return id, r.do(func() error {
		if !may(by, gitops.PermissionWrite) {
			return refuse(http.StatusForbidden, "%s may not open proposals: write permission is needed", by.Name)
		}
		if err := errors.Join(d.check(), d.goes(r.protected)); err != nil {
			return err
		}
		if t := r.state.openOn(d.Branch); t != nil {
			id = t.ID
			return nil
		}
		head, err := r.branch(d.Branch)
		if err != nil {
			return err
		}
		if head.IsZero() {
			return refuse(http.StatusUnprocessableEntity, "branch %s does not exist: push it first", d.Branch)
		}
		id, err = r.begin(event{By: by, Kind: openProposal, Branch: d.Branch, Title: d.Title, Body: d.Body, Head: gitops.Commit(head.String())}, d.Labels)
		return err
	})
}

// openIssue opens an issue. Everybody may, with every label: it can only stop.
func (r *repository) openIssue(by gitops.Actor, d draft) (string, error) {
	var id string
	return id, r.do(func() error {
		if err := d.check(); err != nil {
			return err
		}
		if t := r.state.reportOf(by, d.Key); t != nil {
			id = t.ID
			return nil
		}
		var err error
		id, err = r.begin(event{By: by, Kind: openIssue, Title: d.Title, Body: d.Body}, d.Labels)
		return err
	})
}

func (r *repository) begin(e event, labels []string) (string, error) {
	if r.state.next >= maxThreads {
		return "", refuse(http.StatusInsufficientStorage, "there are %d proposals and issues: start a new repository", maxThreads)
	}
	e.ID = r.state.nextID()
	if err := r.record(e); err != nil {
		return "", err
	}
	for _, l := range slices.Compact(slices.Sorted(slices.Values(labels))) {
		if err := r.record(event{By: e.By, Kind: labelled, ID: e.ID, Label: l}); err != nil {
			return "", err
		}
	}
	return e.ID, nil
}

func (r *repository) edit(by gitops.Actor, id string, d draft) error {
	return r.do(func() error {
		t, err := r.proposal(id)
		if err != nil {
			return err
		}
		if !may(by, gitops.PermissionWrite) {
			return refuse(http.StatusForbidden, "%s may not edit proposal %s: write permission is needed", by.Name, id)
		}
		if err := d.check(); err != nil {
			return err
		}
		if t.Title == d.Title && t.Body == d.Body {
			return nil
		}
		return r.record(event{By: by, Kind: edited, ID: id, Title: d.Title, Body: d.Body})
	})
}

// closeProposal rejects a proposal, with a comment if there is one.
func (r *repository) closeProposal(by gitops.Actor, id, why string) error {
	return r.do(func() error {
		t, err := r.proposal(id)
		if err != nil {
			return err
		}
		if !may(by, gitops.PermissionWrite) && by.Name != t.Author.Name {
			return refuse(http.StatusForbidden, "%s may not close proposal %s: write permission is needed", by.Name, id)
		}
		if t.State == gitops.Merged {
			return refuse(http.StatusConflict, "proposal %s is merged", id)
		}
		if t.State == gitops.Closed {
			return nil
		}
		if err := r.say(by, t, why); err != nil {
			return err
		}
		head, err := r.branch(t.Branch)
		if err != nil {
			return err
		}
		at := gitops.Commit(head.String())
		if head.IsZero() {
			at = t.Head
		}
		return r.record(event{By: by, Kind: ended, ID: id, State: string(gitops.Closed), Head: at})
	})
}

// closeIssue closes an issue. That of a pause by somebody without the right
// to release is recorded and changes nothing; somebody with the right can
// close it again.
func (r *repository) closeIssue(by gitops.Actor, id string) error {
	return r.do(func() error {
		t, err := r.issue(id)
		if err != nil {
			return err
		}
		if !may(by, gitops.PermissionTriage) && by.Name != t.Author.Name {
			return refuse(http.StatusForbidden, "%s may not close issue %s: triage permission is needed", by.Name, id)
		}
		if t.State == gitops.Closed && (!t.standing() || !by.Permission.Releases()) {
			return nil
		}
		if err := r.record(event{By: by, Kind: ended, ID: id, State: string(gitops.Closed)}); err != nil {
			return err
		}
		if t.label(gitops.LabelPause) && !by.Permission.Releases() {
			return r.say(by, t, "Closed without the right to end a pause: it is still in force until somebody with write permission closes this issue.")
		}
		return nil
	})
}
